"""Events of a Responses API stream (see `assemble`).

The last event carries the whole response and is taken when it came. Without it (the stream was cut, or the caller
left) the response is put together from what did come.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_SNAPSHOTS = frozenset({"response.created", "response.in_progress", "response.queued"})

# Event → what its fragments belong to: (list within the item, or "" for the item itself; key; index key)
_FRAGMENTS = {
    "response.output_text": ("content", "text", "content_index"),
    "response.refusal": ("content", "refusal", "content_index"),
    "response.reasoning_text": ("content", "text", "content_index"),
    "response.reasoning_summary_text": ("summary", "text", "summary_index"),
    "response.function_call_arguments": ("", "arguments", ""),
    "response.mcp_call_arguments": ("", "arguments", ""),
    "response.custom_tool_call_input": ("", "input", ""),
    "response.code_interpreter_call_code": ("", "code", ""),
}
_PART_TYPES = {
    "response.output_text": "output_text",
    "response.refusal": "refusal",
    "response.reasoning_text": "reasoning_text",
    "response.reasoning_summary_text": "summary_text",
}
_DELTAS = {f"{name}.delta": (name, *place) for name, place in _FRAGMENTS.items()}
_DONE = {f"{name}.done": (name, *place) for name, place in _FRAGMENTS.items()}


class ResponsesStream:
    """A stream of `response.*` events."""

    __slots__ = ("_annotations", "_error", "_final", "_fragments", "_items", "_parts", "_response")

    kind = "responses"

    def __init__(self) -> None:
        self._response: Json = {}
        self._final: Json | None = None
        self._error: Any = None
        self._items: dict[Any, Json] = {}
        self._parts: dict[tuple[Any, str, Any], Json] = {}
        # (output index, list, key, index in the list, event) → fragments
        self._fragments: dict[tuple[Any, str, str, Any, str], list[str]] = {}
        self._annotations: dict[tuple[Any, Any], list[Any]] = {}

    @property
    def completed(self) -> bool:
        """Whether the last event came."""
        return self._final is not None

    def add(self, event: Any) -> bool:
        """Take one event; False when it is none of this kind."""
        if type(event) is not dict or type(kind := event.get("type")) is not str:
            return False
        place = _DELTAS.get(kind)
        if place is not None:
            delta = event.get("delta")
            if type(delta) is str:
                name, where, key, index_key = place
                index = event.get(index_key) if index_key else 0
                slot = (_key(event.get("output_index")), where, key, _key(index), name)
                if (fragments := self._fragments.get(slot)) is None:
                    self._fragments[slot] = [delta]
                else:
                    fragments.append(delta)
            return True
        if kind in _TERMINAL or kind in _SNAPSHOTS:
            if type(response := event.get("response")) is dict:
                self._response = response
                if kind in _TERMINAL:
                    self._final = response
        elif kind in ("error", "response.error"):
            inner = event.get("error")
            self._error = inner if type(inner) is dict else {k: v for k, v in event.items() if k != "type"}
        elif not self._add_piece(kind, event):
            return kind.startswith("response.")  # progress of a server's tool: its item will say
        return True

    def _add_piece(self, kind: str, event: Json) -> bool:
        output_index = _key(event.get("output_index"))
        if kind in ("response.output_item.added", "response.output_item.done"):
            if type(item := event.get("item")) is dict:
                self._items[output_index] = item
        elif kind in ("response.content_part.added", "response.content_part.done"):
            if type(part := event.get("part")) is dict:
                self._parts[output_index, "content", _key(event.get("content_index"))] = part
        elif kind in ("response.reasoning_summary_part.added", "response.reasoning_summary_part.done"):
            if type(part := event.get("part")) is dict:
                self._parts[output_index, "summary", _key(event.get("summary_index"))] = part
        elif kind == "response.output_text.annotation.added":
            slot = (output_index, _key(event.get("content_index")))
            self._annotations.setdefault(slot, []).append(event.get("annotation"))
        elif (place := _DONE.get(kind)) is not None:
            name, where, key, index_key = place
            if type(whole := event.get(key)) is str:
                index = event.get(index_key) if index_key else 0
                self._fragments[output_index, where, key, _key(index), name] = [whole]
        else:
            return False
        return True

    def result(self) -> Json:
        """The response: the last event's, else what came of it."""
        if self._final is not None:
            out = dict(self._final)
            if not out.get("output") and (items := self._output()):
                out["output"] = items
        else:
            out = {**self._response, "output": self._output() or self._response.get("output") or []}
            out.setdefault("object", "response")
        if self._error is not None:
            out["error"] = self._error
            if out.get("status") in (None, "in_progress", "queued"):
                out["status"] = "failed"
        return out

    def _output(self) -> list[Json]:
        """The output items, in order, from whole items, parts and fragments."""
        parts = {slot: dict(part) for slot, part in self._parts.items()}
        items = {index: dict(item) for index, item in self._items.items()}
        for (output_index, where, key, index, name), fragments in self._fragments.items():
            text = "".join(fragments)
            if where:
                part = parts.setdefault((output_index, where, index), {"type": _PART_TYPES[name]})
                part[key] = part[key] if len(str(part.get(key, ""))) > len(text) else text
            else:
                item = items.setdefault(
                    output_index, {"type": name.removeprefix("response.").rpartition("_")[0]}
                )
                item[key] = item[key] if len(str(item.get(key, ""))) > len(text) else text
        for (output_index, index), found in self._annotations.items():
            part = parts.get((output_index, "content", index))
            if part is not None and not part.get("annotations"):
                part["annotations"] = list(found)
        for (output_index, where, _), part in parts.items():
            kind = "reasoning" if where == "summary" or part.get("type") == "reasoning_text" else "message"
            item = items.setdefault(output_index, {"type": kind})
            if not item.get(where):  # a finished item has them all
                item[where] = [
                    parts[slot] for slot in sorted(parts, key=_order) if slot[:2] == (output_index, where)
                ]
        return [items[index] for index in sorted(items, key=_order_one)]


def _key(value: Any) -> Any:
    """An index that can be a dict's key; anything but a number counts as 0."""
    return value if type(value) is int else 0


def _order(slot: tuple[Any, str, Any]) -> tuple[int, str, int]:
    return slot[0], slot[1], slot[2]


def _order_one(index: Any) -> int:
    return index
