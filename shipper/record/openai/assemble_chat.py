"""Chunks of chat completions and of legacy completions (see `assemble`)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_NOT_HEAD = frozenset({"choices", "usage", "object", "obfuscation"})
_ONCE = frozenset({"id", "name", "role", "type", "format"})  # said once, or repeated, but never in fragments


class _Fragments:
    """An object that arrives in fragments: texts are joined, lists extended, objects merged, the rest replaced."""

    __slots__ = ("lists", "texts", "values")

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.lists: dict[str, list[Any]] = {}
        self.values: dict[str, Any] = {}

    def add(self, key: str, value: Any) -> None:
        kind = type(value)
        if kind is str and key not in _ONCE:
            if (texts := self.texts.get(key)) is None:
                self.texts[key] = [value]
            else:
                texts.append(value)
        elif kind is list:
            self.lists.setdefault(key, []).extend(value)
        elif kind is dict:
            inner = self.values.get(key)
            if type(inner) is not _Fragments:
                inner = self.values[key] = _Fragments()
            for name, item in value.items():
                inner.add(name, item)
        elif value is None or (kind is str and self.values.get(key)):
            self.values.setdefault(key, None)
        else:
            self.values[key] = value

    def result(self) -> Json:
        out: Json = {
            key: value.result() if type(value) is _Fragments else value for key, value in self.values.items()
        }
        for key, items in self.lists.items():
            out[key] = list(items)
        for key, texts in self.texts.items():
            out[key] = "".join(texts)
        return out


class _ToolCalls:
    """Tool calls of one choice, told apart by index, else by id."""

    __slots__ = ("_calls", "_last")

    def __init__(self) -> None:
        self._calls: dict[int, _Fragments] = {}
        self._last = -1

    def add(self, fragment: Any) -> None:
        if type(fragment) is not dict:
            fragment = {"value": fragment}
        index = self._index_of(fragment)
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Fragments()
        self._last = index
        for key, value in fragment.items():
            if key != "index":
                call.add(key, value)

    def _index_of(self, fragment: Json) -> int:
        """The place of the call that a fragment belongs to.

        A fragment that names a function under an id of its own begins a call, even where its index is taken or
        missing: some providers number every call 0, or none.
        """
        index, call_id = fragment.get("index"), fragment.get("id")
        known = self._calls.get(index) if type(index) is int else None
        if type(index) is int and (known is None or not call_id):
            return index
        inner = fragment.get("function")
        begins = bool(call_id) and type(inner) is dict and bool(inner.get("name"))
        if known is not None:
            other = known.values.get("id")
            return max(self._calls) + 1 if begins and other and other != call_id else index  # type: ignore[return-value]
        if call_id:
            for place, call in self._calls.items():
                if call.values.get("id") == call_id:
                    return place
        if begins or not self._calls:
            return max(self._calls, default=-1) + 1
        return self._last

    def result(self) -> list[Json]:
        return [self._calls[index].result() for index in sorted(self._calls)]


class _Choice:
    """One of the interleaved choices."""

    __slots__ = ("calls", "content", "finish_reason", "logprobs", "message", "rest", "seen")

    def __init__(self) -> None:
        self.content: list[str] = []
        self.seen: set[str] = set()  # keys that came, if only as null
        self.message: _Fragments | None = None  # what the deltas say besides content and tool calls
        self.calls: _ToolCalls | None = None
        self.finish_reason: Any = None
        self.logprobs: _Fragments | None = None
        self.rest = _Fragments()

    def add_delta(self, delta: Json) -> None:
        for key, value in delta.items():
            if key == "content" and type(value) is str:
                self.content.append(value)
            elif key == "tool_calls" and type(value) is list:
                if self.calls is None:
                    self.calls = _ToolCalls()
                for fragment in value:
                    self.calls.add(fragment)
            else:
                if self.message is None:
                    self.message = _Fragments()
                self.message.add(key, value)


class ChatStream:
    """A stream of `chat.completion.chunk` or `text_completion` objects."""

    __slots__ = ("_choices", "_error", "_head", "_text", "_usage")

    def __init__(self) -> None:
        self._head: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None
        self._error: Any = None
        self._text: bool | None = None  # legacy completions

    @property
    def kind(self) -> str:
        """Name of the API."""
        return "completions" if self._text else "chat_completions"

    @property
    def completed(self) -> bool:
        """Whether every choice said why it ended."""
        choices = self._choices.values()
        return self._error is None and bool(choices) and all(choice.finish_reason for choice in choices)

    def add(self, chunk: Any) -> bool:
        """Take one chunk; False when it is none of this kind."""
        if type(chunk) is not dict:
            return False
        head = self._head
        for key, value in chunk.items():
            if key in _NOT_HEAD or not value or head.get(key) == value:
                continue
            if key == "error":
                self._error = value
            elif key not in head or key not in ("id", "created", "model"):
                head[key] = value
        choices = chunk.get("choices")
        if type(choices) is list:
            for position, choice in enumerate(choices):
                if type(choice) is dict:
                    self._add_choice(choice, position)
        if (usage := chunk.get("usage")) is not None:
            self._usage = usage
        return True

    def _add_choice(self, chunk: Json, position: int) -> None:
        index = chunk.get("index")
        if type(index) is not int:
            index = position
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        for key, value in chunk.items():
            if key == "delta":
                if type(value) is dict:
                    choice.add_delta(value)
            elif key == "text":
                self._text = True
                if type(value) is str:
                    choice.content.append(value)
            elif key == "finish_reason":
                if value is not None:
                    choice.finish_reason = value
            elif key == "index":
                pass
            elif key == "logprobs":
                choice.seen.add(key)
                if type(value) is dict:
                    if choice.logprobs is None:
                        choice.logprobs = _Fragments()
                    for name, item in value.items():
                        choice.logprobs.add(name, item)
            elif value is not None:
                choice.rest.add(key, value)

    def result(self) -> Json:
        """The answer so far."""
        out = {**self._head, "object": "text_completion" if self._text else "chat.completion"}
        shape = _text_choice if self._text else _chat_choice
        out["choices"] = [shape(index, self._choices[index]) for index in sorted(self._choices)]
        if self._usage is not None:
            out["usage"] = self._usage
        if self._error is not None:
            out["error"] = self._error
        return out


def _chat_choice(index: int, choice: _Choice) -> Json:
    message = choice.message.result() if choice.message else {}
    message.setdefault("role", "assistant")
    if choice.calls is not None:
        message["tool_calls"] = choice.calls.result()
    content = "".join(choice.content)
    others = ("tool_calls", "function_call", "refusal", "audio")
    if "content" not in message:  # kept as it came when it is no text
        message["content"] = (
            content if content or (choice.content and not any(map(message.get, others))) else None
        )
    elif content:
        message["content"] = content
    return _finished(index, choice, {"message": message})


def _text_choice(index: int, choice: _Choice) -> Json:
    return _finished(index, choice, {"text": "".join(choice.content)})


def _finished(index: int, choice: _Choice, body: Json) -> Json:
    out: Json = {"index": index, **body, "finish_reason": choice.finish_reason}
    if "logprobs" in choice.seen:
        out["logprobs"] = choice.logprobs.result() if choice.logprobs else None
    for key, value in choice.rest.result().items():
        out.setdefault(key, value)
    return out
