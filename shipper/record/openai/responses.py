"""The Responses API: input items and output items. All output of a response is one answer, in several parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, keyword
from shipper.record.messages import message_of, text_message
from shipper.record.parts import collect_texts, keep_rest, part_of, parts_of, tool_result_part
from shipper.record.safe import opaque

if TYPE_CHECKING:
    from shipper.record.reading import Json, Reading

REQUEST_KEYS = frozenset({"input", "instructions", "tools"})
RESPONSE_KEYS = frozenset({"output", "output_text", "status", "instructions", "tools"})

_PENDING = frozenset({"queued", "in_progress", "cancelled"})
_SPEAKERS = frozenset(
    {"user", "assistant"}
)  # whose messages a stored prompt may have beside its instructions
_CALL_KEYS = ("type", "id", "call_id", "name", "arguments", "input", "action")


def read_request(request: Json, reading: Reading) -> None:
    """Instructions, input items and tools of a request. Never raises."""
    _read_instructions(request.get("instructions"), "request.instructions", reading)
    items = request.get("input")
    if type(items) is str:
        reading.input_texts.append(items)
        reading.inputs.append(text_message("user", items))
    elif items is not None:
        if type(items) is not list:
            reading.flags.append("request.input: neither text nor a list")
            items = [items]
        for position, item in enumerate(items):
            where = f"request.input[{position}]"
            reading.inputs.append(_input_message(item, where, reading.input_texts, reading.flags))
    reading.add_tools(request.get("tools"), "request.tools")


def read_response(response: Json, reading: Reading) -> frozenset[str]:
    """All output items as one answer; returns the keys that were read. Never raises.

    The answer's finish reason is in the words of the chat API: `stop`, `tool_calls`, `length`, `error`, or what
    `incomplete_details.reason` says.
    """
    flags = reading.flags
    if not reading.system:  # a response echoes its request, which the caller may not have
        _read_instructions(response.get("instructions"), "response.instructions", reading)
    if not reading.tools:
        reading.add_tools(response.get("tools"), "response.tools")
    status = keyword(response.get("status"), "response.status", flags)
    if status is not None and status != "completed":
        reading.extras["status"] = status
    reading.pending = status in _PENDING
    parts: list[Json] = []
    role = "assistant"
    items = response.get("output")
    if items is not None and type(items) is not list:
        flags.append("response.output: not a list")
        items = [items]
    for position, item in enumerate(items or ()):
        where = f"response.output[{position}]"
        if type(item) is dict and item.get("type") == "message":
            role = keyword(item.get("role"), where, flags) or role
            parts.extend(_message_parts(item, where, flags))
        else:
            parts.append(_item_part(item, where, [], flags))
    if not parts and type(text := response.get("output_text")) is str and text:
        parts.append({"type": "text", "content": text})
    if parts or status is not None:
        message: Json = {"role": role, "parts": parts}
        finish_reason = _finish_reason(status, response.get("incomplete_details"), parts)
        if parts or finish_reason is not None:
            reading.add_answer(0, message, finish_reason)
    return RESPONSE_KEYS


def _read_instructions(instructions: Any, where: str, reading: Reading) -> None:
    if type(instructions) is str:
        reading.input_texts.append(instructions)
        reading.system.append({"type": "text", "content": instructions})
    elif type(instructions) is list:  # items, when a stored prompt was used
        told: list[Json] = []
        for item in instructions:
            if type(item) is dict and item.get("role") in _SPEAKERS:
                told.append(_input_message(item, where, reading.input_texts, reading.flags))
                continue
            content = item.get("content") if type(item) is dict and "content" in item else item
            reading.system.extend(parts_of(content, where, reading.input_texts, reading.flags))
        reading.inputs = [*told, *reading.inputs]
    elif instructions is not None:
        reading.flags.append(f"{where}: neither text nor a list")
        reading.system.extend(parts_of(instructions, where, reading.input_texts, reading.flags))


def _finish_reason(status: str | None, details: Any, parts: list[Json]) -> str | None:
    if status == "completed":
        return "tool_calls" if any(part["type"] == "tool_call" for part in parts) else "stop"
    if status == "incomplete":
        why = details.get("reason") if type(details) is dict else None
        if why == "max_output_tokens":
            return "length"
        return why if type(why) is str else "incomplete"
    return {"failed": "error", "cancelled": "cancelled"}.get(status or "")


def _input_message(item: Any, where: str, texts: list[str], flags: Flags) -> Json:
    kind = item.get("type") if type(item) is dict else None
    if kind is None or kind == "message":
        if kind is not None:
            item = {key: value for key, value in item.items() if key != "type"}
        return message_of(item, where, texts, flags, "user")
    if type(kind) is str and kind.endswith("_output"):
        part = tool_result_part(item.get("call_id"), item.get("output"), where, texts, flags)
        keep_rest(part, item, ("type", "call_id", "output"), where, flags)
        if kind != "function_call_output":
            part["tool_type"] = kind.removesuffix("_output")
        return {"role": "tool", "parts": [part]}
    return {"role": "assistant", "parts": [_item_part(item, where, texts, flags)]}


def _message_parts(item: Json, where: str, flags: Flags) -> list[Json]:
    """The parts of an output message, each with the message's id."""
    content = item.get("content")
    parts = [] if content is None else parts_of(content, f"{where}.content", [], flags)
    item_id = item.get("id")
    if type(item_id) is str:
        for part in parts:
            part["item_id"] = item_id
    if parts and (len(item) > 5 or item.get("status") not in (None, "completed")):
        rest = {key: value for key, value in item.items() if key not in ("type", "id", "role", "content")}
        if rest.get("status") == "completed":
            del rest["status"]
        keep_rest(parts[0], rest, (), where, flags)
    return parts


def _item_part(item: Any, where: str, texts: list[str], flags: Flags) -> Json:
    """An item that is no message: reasoning, a tool call, a call of the provider's own tools, or something else."""
    kind = item.get("type") if type(item) is dict else None
    if type(kind) is not str:
        return part_of(item, where, texts, flags)
    if kind == "reasoning":
        return _reasoning_part(item, where, flags)
    if kind.endswith("_call") or kind == "mcp_approval_request":
        name = keyword(item.get("name"), f"{where}.name", flags) or kind.removesuffix("_call")
        if item.get("call_id") is not None:
            return _tool_call_part(item, kind, name, where, flags)
        out: Json = {"type": "server_tool_call", "name": name}
        if item.get("id") is not None:
            out["id"] = opaque(item["id"], where, flags)
        payload = {
            key: value for key, value in item.items() if key not in ("id", "name") and value is not None
        }
        out["server_tool_call"] = opaque(payload, where, flags)
        return out
    return part_of(item, where, texts, flags)


def _tool_call_part(item: Json, kind: str, name: str, where: str, flags: Flags) -> Json:
    out: Json = {"type": "tool_call", "id": opaque(item["call_id"], where, flags), "name": name}
    arguments = next(
        (item[key] for key in ("arguments", "input", "action") if item.get(key) is not None), None
    )
    if arguments is not None:
        out["arguments"] = opaque(arguments, f"{where}.arguments", flags)
    if kind != "function_call":
        out["tool_type"] = kind.removesuffix("_tool_call").removesuffix("_call")
    if item.get("id") is not None:
        out["item_id"] = opaque(item["id"], where, flags)
    used = (*_CALL_KEYS, "status") if item.get("status") == "completed" else _CALL_KEYS
    keep_rest(out, item, used, where, flags)
    return out


def _reasoning_part(item: Json, where: str, flags: Flags) -> Json:
    """The reasoning that may be read: the text itself, else its summary."""
    texts: list[str] = []
    content = item.get("content")
    key = "content" if content else "summary"
    collect_texts(item.get(key), texts)
    out: Json = {"type": "reasoning", "content": "\n".join(texts)}
    used = ("type", "id", key, "status") if item.get("status") == "completed" else ("type", "id", key)
    if item.get("id") is not None:
        out["item_id"] = opaque(item["id"], where, flags)
    keep_rest(out, item, used, where, flags)
    return out
