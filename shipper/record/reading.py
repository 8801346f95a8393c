"""What was understood of one call: filled by the readers of the APIs, written out by `completion`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from shipper.record.coerce import SHORT_MAX, Flags, json_text, keyword, long
from shipper.record.safe import flattened, opaque

Json = dict[str, Any]


class Choice:
    """One of the n answers of a call, read from its message."""

    __slots__ = ("finish_reason", "index", "refusal", "role", "text", "tool_calls")

    def __init__(self, index: int, role: str, finish_reason: str | None) -> None:
        self.index = index
        self.role = role
        self.finish_reason = finish_reason
        self.text = ""
        self.refusal: str | None = None
        self.tool_calls: list[Json] = []


class Reading:
    """The parts of a call in one form, whatever API it was made with."""

    __slots__ = (
        "choices",
        "error",
        "extras",
        "finish_reasons",
        "flags",
        "input_texts",
        "inputs",
        "outputs",
        "pending",
        "system",
        "tool_names",
        "tools",
        "usage",
    )

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self.system: list[Json] = []  # parts of instructions that stand outside the messages
        self.inputs: list[Json] = []  # messages
        self.outputs: list[Json] = []  # messages, one for each choice
        self.tools: list[Any] = []  # definitions
        self.input_texts: list[str] = []
        self.choices: list[Choice] = []
        self.finish_reasons: list[str] = []  # of the choices that say one
        self.tool_names: list[str] = []  # one for each call of a tool
        self.usage: Any = None
        self.extras: Json = {}  # what the response says beyond the fields of the record
        self.error: Any = None  # that the response's body carries
        self.pending = False  # the answer is not there yet (background), or was given up

    def add_answer(self, index: int, message: Json, finish_reason: str | None) -> None:
        """Keep one answer, as message and as choice; its text, refusal and tool calls are read from the parts."""
        choice = Choice(index, message["role"], finish_reason)
        for part in message["parts"]:
            kind = part["type"]
            if kind == "text" and type(text := part.get("content")) is str:
                choice.text += text
            elif kind == "refusal":
                choice.refusal = keyword(part.get("content"), "refusal", self.flags)
            elif kind in ("tool_call", "server_tool_call"):
                self._add_tool_call(choice, part)
            elif type(transcript := part.get("transcript")) is str:
                choice.text += transcript
        self.choices.append(choice)
        message["index"] = index
        if finish_reason is not None:
            message["finish_reason"] = finish_reason
            self.finish_reasons.append(finish_reason)
        self.outputs.append(message)

    def add_tools(self, tools: Any, where: str) -> None:
        """Keep tool definitions; a function's own object is lifted, as OpenTelemetry has it."""
        if tools is None:
            return
        for tool in tools if type(tools) is list else [tools]:
            if type(tool) is dict and type(function := tool.get("function")) is dict:
                lifted = {**tool, **function}
                del lifted["function"]
                self.tools.append(opaque(lifted, where, self.flags))
            else:
                self.tools.append(opaque(tool, where, self.flags))

    def _add_tool_call(self, choice: Choice, part: Json) -> None:
        """The call for the `flattened` field: arguments that are a JSON object are opened, so that they can be queried."""
        name = keyword(part.get("name"), "tool_calls.name", self.flags) or "unknown"
        self.tool_names.append(name)
        payload = part.get("server_tool_call")
        if type(payload) is not dict:
            payload = part
        arguments = payload.get("arguments")
        if type(arguments) is str and arguments[:1] == "{":
            with suppress(ValueError):  # cut off, or the model's mistake: the text shows it
                arguments = orjson.loads(arguments)
        call: Json = {"type": part.get("tool_type", "function") if payload is part else payload.get("type")}
        if type(part.get("id")) is str:
            call["id"] = part["id"]
        call["name"] = name
        if arguments is not None:
            call["arguments"] = arguments if isinstance(arguments, (dict, str)) else json_text(arguments)
        choice.tool_calls.append(flattened(call, "tool_calls.arguments", self.flags))


def choice_index(value: Any, position: int, where: str, flags: Flags) -> int:
    """The index that a choice says it has, else its position in the list."""
    if type(value) is int and 0 <= value <= SHORT_MAX:
        return value
    index = long(value, f"{where}.index", flags, high=SHORT_MAX)
    return min(position, SHORT_MAX) if index is None else index


def reason(value: Any, where: str, flags: Flags) -> str | None:
    """A finish reason."""
    return value if type(value) is str else keyword(value, f"{where}.finish_reason", flags)
