"""Chunks of chat completions and of legacy completions (see `assemble`)."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from shipper.record.openai.fragments import Fragments, joined_parts, update

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

_NOT_HEAD = frozenset({"choices", "usage", "object", "obfuscation"})
_FIRST = frozenset({"id", "created", "model"})  # later values don't replace the first
_NO_CONTENT = ("tool_calls", "function_call", "refusal", "audio")  # beside these an empty content means none
_REPEATED = frozenset({"text", "message"})  # of a choice that has a delta: what that says, once more


class _ToolCalls:
    """Tool calls of one choice, told apart by index, else by id."""

    __slots__ = ("_calls", "_last", "_moved")

    def __init__(self) -> None:
        self._calls: dict[int, Fragments] = {}
        self._last = -1
        self._moved: dict[int, int] = {}  # index → place of the call that has it now

    def add(self, fragment: Any) -> None:
        if type(fragment) is not dict:
            fragment = {"value": fragment}
        index = self._last = self._index_of(fragment)
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = Fragments()
        for key, value in fragment.items():
            if key != "index":
                call.add(key, value)

    def _index_of(self, fragment: Json) -> int:
        """The place of the call that a fragment belongs to.

        A fragment that names a function under an id of its own begins a call, even where its index is taken or
        missing: some providers number every call 0, or none.
        """
        index, call_id = fragment.get("index"), fragment.get("id")
        inner = fragment.get("function")
        begins = bool(call_id) and type(inner) is dict and bool(inner.get("name"))
        if type(index) is int:
            place = self._moved.get(index, index)
            known = self._calls.get(place)
            if begins and known is not None and known.values.get("id") not in (None, "", call_id):
                place = self._moved[index] = max(self._calls) + 1  # and so are the fragments that follow
            return place
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

    __slots__ = ("_calls", "_logprobs", "_message", "_parts", "_rest", "content", "finish_reason", "is_text")

    def __init__(self) -> None:
        # one buffer: fragments that are kept one by one take milliseconds to free at a long stream's end
        self.content: StringIO | None = None
        self._parts: list[Any] = []  # of a content that is no text
        self._message: Fragments | None = None  # what the deltas say besides content and tool calls
        self._calls: _ToolCalls | None = None
        self._logprobs: Fragments | None = None
        self._rest: Json = {}  # what else stands beside the delta, and is never in fragments
        self.finish_reason: Any = None
        self.is_text = False  # of a legacy completion

    def add_delta(self, delta: Json) -> None:
        for key, value in delta.items():
            if key == "content" and type(value) is str:
                self._add_content(value)
            elif key == "tool_calls" and type(value) is list:
                if self._calls is None:
                    self._calls = _ToolCalls()
                for fragment in value:
                    self._calls.add(fragment)
            elif key == "content" and type(value) is list:
                self._parts += [*self._text_part(), *value]
                self.content = None
            else:
                if self._message is None:
                    self._message = Fragments()
                self._message.add(key, value)

    def add_rest(self, key: str, value: Any) -> None:
        if key == "text":
            self.is_text = True
            if type(value) is str:
                self._add_content(value)
        elif key == "logprobs":
            if self._logprobs is None:
                self._logprobs = Fragments()
            self._logprobs.add(key, value)
        elif type(value) is list and type(known := self._rest.get(key)) is list:
            self._rest[key] = known + value  # vLLM's token ids
        else:
            update(self._rest, key, value)

    def _add_content(self, text: str) -> None:
        if self.content is None:
            self.content = StringIO()
        self.content.write(text)

    def _text_part(self) -> list[Json]:
        text = self.content.getvalue() if self.content is not None else ""
        return [{"type": "text", "text": text}] if text else []

    def result(self, index: int, *, text: bool) -> Json:
        out: Json = {"index": index, "finish_reason": self.finish_reason}
        if text:
            out["text"] = self.content.getvalue() if self.content is not None else ""
        else:
            out["message"] = self._message_so_far()
        if self._logprobs is not None:
            out.update(self._logprobs.result())
        return {**self._rest, **out}

    def _message_so_far(self) -> Json:
        message = self._message.result() if self._message else {}
        message.setdefault("role", "assistant")
        if type(details := message.get("reasoning_details")) is list:
            message["reasoning_details"] = joined_parts(details)
        if self._calls is not None:
            message["tool_calls"] = self._calls.result()
        content = self.content.getvalue() if self.content is not None else ""
        if self._parts:
            message["content"] = joined_parts([*self._parts, *self._text_part()])
        elif content or (self.content is not None and not any(map(message.get, _NO_CONTENT))):
            message["content"] = content
        else:
            message.setdefault("content", None)
        return message


class ChatStream:
    """A stream of `chat.completion.chunk` or `text_completion` objects."""

    __slots__ = ("_choices", "_error", "_head", "_usage")

    def __init__(self) -> None:
        self._head: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None
        self._error: Any = None

    @property
    def kind(self) -> str:
        """Name of the API."""
        return "completions" if self._is_text() else "chat_completions"

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
            if value and key not in _NOT_HEAD and head.get(key) is not value:
                if key == "error":
                    self._error = value
                elif key not in head or key not in _FIRST:
                    update(head, key, value)
        choices = chunk.get("choices")
        if type(choices) is list:
            for position, choice in enumerate(choices):
                if type(choice) is dict:
                    self._add_choice(choice, position)
        usage = chunk.get("usage")
        if usage is not None:
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
            elif key == "finish_reason":
                if value is not None:
                    choice.finish_reason = value
            elif key in _REPEATED and type(chunk.get("delta")) is dict:
                continue
            elif key != "index" and (value is not None or key == "logprobs"):
                choice.add_rest(key, value)

    def writer_of(self, chunk: Json) -> Callable[[str], object] | None:
        """See `Assembler.writer_of`: what is said twice here changes nothing the second time."""
        choices = chunk.get("choices")
        if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
            return None
        choice: Json = choices[0]
        index, delta = choice.get("index"), choice.get("delta")
        if type(index) is not int or type(delta) is not dict or type(delta.get("content")) is not str:
            return None
        if any(value is not None for key, value in choice.items() if key not in ("index", "delta")):
            return None
        more = (
            value
            for key, value in delta.items()
            if key != "content" and (key != "role" or type(value) is not str)
        )
        if any(value is not None for value in more):
            return None
        content = self._choices[index].content
        return None if content is None else content.write

    def _is_text(self) -> bool:
        return any(choice.is_text for choice in self._choices.values())

    def result(self) -> Json:
        """The answer so far."""
        text = self._is_text()
        out = {**self._head, "object": "text_completion" if text else "chat.completion"}
        out["choices"] = [self._choices[index].result(index, text=text) for index in sorted(self._choices)]
        usage = self._usage
        if usage is None and type(groq := self._head.get("x_groq")) is dict:
            usage = groq.get("usage")  # https://console.groq.com/docs/api-reference: in the last chunk
        if usage is not None:
            out["usage"] = usage
        if self._error is not None:
            out["error"] = self._error
        return out
