"""Stored messages (OpenTelemetry's shape) as OpenAI's APIs take them: the way back of `shipper.record.messages`. Pure.

https://platform.openai.com/docs/api-reference/chat/create and …/responses/create. Reasoning is left out: no API takes
it back as text.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

Json = dict[str, Any]

_MESSAGE_KEYS = frozenset({"role", "parts", "index", "finish_reason"})
_ENCODED = re.compile("%(5B|5D|00)")
_TEXT_KEYS = frozenset({"type", "content", "item_id"})


class Unrepresentable(ValueError):
    """Something was stored that the API has no place for."""


def chat_messages(messages: list[Any], system: Any = None) -> list[Json]:
    """Messages of the chat API; instructions first.

    Raises:
        Unrepresentable: a message is none, or a part of a kind that the API does not take.
    """
    out: list[Json] = []
    if isinstance(system, list) and system:
        out.append({"role": "system", "content": _content(system)})
    for message in messages:
        out.extend(chat_message(message))
    return out


def chat_message(message: Any) -> list[Json]:
    """One message; several if it holds the results of several tools.

    Raises:
        Unrepresentable: as `chat_messages`.
    """
    role, parts = _taken_apart(message)
    rest = {key: value for key, value in message.items() if key not in _MESSAGE_KEYS}
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    if results:
        return [_tool_message(role, part, rest) for part in results]
    out: Json = {"role": role, **rest}
    said = [part for part in parts if part.get("type") not in ("tool_call", "refusal", "reasoning")]
    calls = [part for part in parts if part.get("type") == "tool_call"]
    refusals = [str(part.get("content", "")) for part in parts if part.get("type") == "refusal"]
    out["content"] = _content(said) if said else None
    if refusals:
        out["refusal"] = "\n".join(refusals)
    if legacy := next((part for part in calls if part.get("tool_type") == "function_call"), None):
        out["function_call"] = {
            "name": legacy.get("name", ""),
            "arguments": _as_text(legacy.get("arguments")),
        }
    elif calls:
        out["tool_calls"] = [_tool_call(part) for part in calls]
    return [out]


def response_items(messages: list[Any]) -> list[Json]:
    """Input items of the Responses API.

    Raises:
        Unrepresentable: as `chat_messages`.
    """
    items: list[Json] = []
    for message in messages:
        role, parts = _taken_apart(message)
        said: list[Json] = []
        for part in parts:
            kind = part.get("type")
            if kind == "tool_call":
                items.append(_call_item(part))
            elif kind == "tool_call_response":
                output = part.get("response")
                items.append(
                    {
                        "type": "function_call_output",
                        "call_id": part.get("id"),
                        "output": _as_text(output) if not isinstance(output, list) else output,
                    }
                )
            elif kind == "server_tool_call" and isinstance(part.get("server_tool_call"), dict):
                items.append({**part["server_tool_call"], **({"id": part["id"]} if "id" in part else {})})
            elif kind == "refusal":
                said.append({"type": "refusal", "refusal": part.get("content", "")})
            elif kind != "reasoning":
                said.append(_item_part(part, role))
        if said:
            only = said[0] if len(said) == 1 and set(said[0]) == {"type", "text"} else None
            items.append({"role": role, "content": said if only is None else only["text"]})
    return items


def chat_tools(definitions: Any) -> list[Json]:
    """Tools as the chat API takes them; those of the provider's own, which it has not, are left out."""
    out: list[Json] = []
    for tool in definitions if isinstance(definitions, list) else []:
        if isinstance(tool, dict) and tool.get("type", "function") == "function":
            function = {key: value for key, value in tool.items() if key != "type"}
            out.append({"type": "function", "function": function})
        elif isinstance(tool, dict) and tool.get("type") == "custom":
            out.append(tool if "custom" in tool else {"type": "custom", "custom": _without(tool, "type")})
    return out


def with_own_keys(value: Any, sanitised: Any) -> Any:
    """The value with the keys that it was sent with: brackets and NUL in them are percent-encoded in the store.

    Args:
        value: JSON that was stored.
        sanitised: the document's `llm.sanitised`; unless it tells of such keys they are as they were sent.
    """
    if not isinstance(sanitised, list) or not any("percent-encoded" in str(flag) for flag in sanitised):
        return value
    return _decoded(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {_ENCODED.sub(_character, key): _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _taken_apart(message: Any) -> tuple[str, list[Json]]:
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        raise Unrepresentable("a message without parts")
    parts: list[Any] = message["parts"]
    if not all(isinstance(part, dict) for part in parts):
        raise Unrepresentable("a part that is no object")
    return str(message.get("role", "user")), parts


def _content(parts: list[Json]) -> str | list[Json]:
    if len(parts) == 1 and parts[0].get("type") == "text" and set(parts[0]) <= _TEXT_KEYS:
        return str(parts[0].get("content", ""))
    return [_chat_part(part) for part in parts]


def _chat_part(part: Json) -> Json:
    kind = part.get("type")
    if kind == "text":
        rest = {key: value for key, value in part.items() if key not in _TEXT_KEYS}
        return {"type": "text", "text": part.get("content", ""), **rest}
    if kind not in ("blob", "uri", "file"):
        raise Unrepresentable(f"a part of type {kind}")
    rest = _without(part, "type", "modality", "mime_type", "content", "uri", "file_id")
    modality = part.get("modality")
    if modality == "image" and kind != "file":
        detail = {"detail": rest["detail"]} if "detail" in rest else {}
        return {"type": "image_url", "image_url": {"url": _address(part), **detail}}
    if modality == "audio" and kind == "blob":
        form = str(part.get("mime_type", "audio/wav")).removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": part.get("content", ""), "format": form}}
    if kind == "file":
        return {"type": "file", "file": {"file_id": part.get("file_id"), **rest}}
    if modality == "document" and kind == "blob":
        return {"type": "file", "file": {"file_data": _address(part), **rest}}
    raise Unrepresentable(f"{modality} by {kind}")


def _item_part(part: Json, role: str) -> Json:
    kind = part.get("type")
    if kind == "text":
        return {
            "type": "output_text" if role == "assistant" else "input_text",
            "text": part.get("content", ""),
        }
    rest = _without(part, "type", "modality", "mime_type", "content", "uri", "file_id")
    modality = part.get("modality")
    if modality == "image":
        place = {"file_id": part.get("file_id")} if kind == "file" else {"image_url": _address(part)}
        return {"type": "input_image", **place, **rest}
    if modality == "document":
        named = {"file": "file_id", "uri": "file_url"}.get(str(kind), "file_data")
        return {
            "type": "input_file",
            named: part.get("file_id") if kind == "file" else _address(part),
            **rest,
        }
    raise Unrepresentable(f"a part of type {kind}")


def _address(part: Json) -> str:
    if part.get("type") == "uri":
        return str(part.get("uri", ""))
    return f"data:{part.get('mime_type', 'application/octet-stream')};base64,{part.get('content', '')}"


def _tool_message(role: str, part: Json, rest: Json) -> Json:
    response = part.get("response")
    content = response if isinstance(response, (str, list)) else _as_text(response)
    if role == "function":
        return {"role": role, "content": content, **rest}
    return {"role": "tool", "tool_call_id": part.get("id"), "content": content, **rest}


def _tool_call(part: Json) -> Json:
    arguments = _as_text(part.get("arguments"))
    if part.get("tool_type") == "custom":
        inner: Json = {"type": "custom", "custom": {"name": part.get("name", ""), "input": arguments}}
    else:
        inner = {"type": "function", "function": {"name": part.get("name", ""), "arguments": arguments}}
    return {"id": part.get("id"), **inner}


def _call_item(part: Json) -> Json:
    kind = part.get("tool_type", "function")
    named = "arguments" if kind == "function" else "input"
    return {
        "type": f"{kind}_call" if kind == "function" else f"{kind}_tool_call",
        "call_id": part.get("id"),
        "name": part.get("name", ""),
        named: _as_text(part.get("arguments")),
    }


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _without(source: Json, *names: str) -> Json:
    return {key: value for key, value in source.items() if key not in names}
