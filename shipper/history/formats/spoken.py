"""Messages in parts, as OpenTelemetry's GenAI conventions and Google's API have them, in OpenAI's form.

https://opentelemetry.io/docs/specs/semconv/gen-ai/ (`{"role", "parts": [{"type": "text", "content"}, …]}`) and
https://ai.google.dev/api/caching#Content (`{"role", "parts": [{"text"}, {"functionCall"}, …]}`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from shipper.history.event import Json

_ROLES = {"model": "assistant"}
_CALLS = ("functionCall", "function_call")
_RESULTS = ("functionResponse", "function_response")


def is_in_parts(message: Json) -> bool:
    """Whether a message is in parts, none of which is its content. Never raises."""
    return isinstance(message.get("parts"), list) and message.get("content") is None


def whole_messages(message: Json) -> list[Json]:
    """The messages that one is: results of tools are messages of their own. Never raises."""
    rest = {name: one for name, one in message.items() if name not in ("role", "parts", "content")}
    role = str(message.get("role", "user"))
    said: Json = {"role": _ROLES.get(role, role), **rest}
    content: list[Any] = []
    calls: list[Json] = []
    results: list[Json] = []
    for part in message["parts"]:
        if not isinstance(part, dict):
            content.append({"type": "text", "text": str(part)})
        elif (call := _first(part, _CALLS, "tool_call")) is not None:
            calls.append(tool_call(call))
        elif (result := _first(part, _RESULTS, "tool_call_response")) is not None:
            told = result.get("response", result.get("result"))
            text = told if isinstance(told, str) else orjson.dumps(told).decode()
            results.append({"role": "tool", "tool_call_id": result.get("id"), "content": text})
        elif part.get("type") in ("reasoning", "thinking") or part.get("thought") is True:
            thought = part.get("content", part.get("text"))
            said["reasoning_content"] = said.get("reasoning_content", "") + str(thought or "")
        elif (
            isinstance(text := part.get("text", part.get("content")), str)
            and part.get("type", "text") == "text"
        ):
            content.append({"type": "text", "text": text})
        else:
            content.append(part)
    if calls:
        said["tool_calls"] = calls
    if not content and results and not calls:
        return results
    only_text = all(part.get("type") == "text" for part in content)
    said["content"] = "\n".join(part["text"] for part in content) if only_text else content
    return [*results, said]


def _first(part: Json, names: tuple[str, ...], kind: str) -> Json | None:
    """A part of this kind, or what it holds under one of these names."""
    if part.get("type") == kind:
        return part
    return next((part[name] for name in names if isinstance(part.get(name), dict)), None)


def tool_call(call: Json) -> Json:
    """A call of a tool; its arguments as the text that they are on the wire. Never raises."""
    arguments = call.get("arguments", call.get("args"))
    if not isinstance(arguments, str):
        arguments = orjson.dumps(arguments or {}).decode()
    function = {"name": call.get("name"), "arguments": arguments}
    return {"id": call.get("id"), "type": "function", "function": function}
