"""Messages in OpenTelemetry's GenAI shape: a role and a list of parts.

Lossless: what has no place there is kept as a further property of the message, and arguments of tool calls stay the
text that the model wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, json_text, keyword
from shipper.record.parts import audio_part, collect_texts, keep_rest, part_of, parts_of, tool_result_part
from shipper.record.safe import opaque

if TYPE_CHECKING:
    from shipper.record.reading import Json

_TOOL_ROLES = frozenset({"tool", "function"})
_REASONING_KEYS = ("reasoning_content", "reasoning")
_MESSAGE_KEYS = frozenset(
    {"role", "content", "tool_calls", "function_call", "refusal", "audio", "images", *_REASONING_KEYS}
)
_TOOL_MESSAGE_KEYS = _MESSAGE_KEYS | {"tool_call_id"}


def text_message(role: str, text: str) -> Json:
    """A message of plain text."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def message_of(message: Any, where: str, texts: list[str], flags: Flags, role: str = "unknown") -> Json:
    """A chat message as role and parts. Never raises.

    Args:
        message: as the chat API has it; anything else is kept and flagged.
        where: path of it, for the flags.
        texts: collects content, refusals, transcripts and results of tools, not reasoning.
        flags: collects what had to be changed.
        role: the role when the message says none.
    """
    if type(message) is not dict:
        return _unreadable(message, where, texts, flags, role)
    content, given = message.get("content"), message.get("role")
    if type(given) is str:
        role = given
    elif given is not None:
        flags.append(f"{where}.role: not a string")
        role = json_text(given)
    if type(content) is str and given is not None and role not in _TOOL_ROLES and _is_text(message, content):
        texts.append(content)
        return {"role": role, "parts": [{"type": "text", "content": content}]}

    parts = [
        _reasoning_part(reasoning, key, where, flags)
        for key in _reasoning_keys(message)
        if (reasoning := message.get(key)) is not None and reasoning != ""
    ]
    used = _MESSAGE_KEYS
    if role in _TOOL_ROLES:
        used = _TOOL_MESSAGE_KEYS
        parts.append(tool_result_part(message.get("tool_call_id"), content, f"{where}.content", texts, flags))
    elif type(content) is str:
        if content:
            texts.append(content)
            parts.append({"type": "text", "content": content})
    elif content is not None:
        parts.extend(parts_of(content, f"{where}.content", texts, flags))
    _add_others(message, where, parts, texts, flags)
    out: Json = {"role": role, "parts": parts}
    keep_rest(out, message, used, where, flags)
    return out


def _is_text(message: Json, content: str) -> bool:
    """Whether nothing but a text is said; other keys may stand there and be empty."""
    if len(message) == 2:
        return True
    for key, value in message.items():
        if value is not None and key != "content" and key != "role" and (value != [] or key in _MESSAGE_KEYS):
            return False
    return content != ""


def _add_others(message: Json, where: str, parts: list[Json], texts: list[str], flags: Flags) -> None:
    """What stands beside the content: refusal, audio and calls of tools."""
    if (refusal := message.get("refusal")) is not None:
        refusal = keyword(refusal, f"{where}.refusal", flags) or ""
        texts.append(refusal)
        parts.append({"type": "refusal", "content": refusal})
    if (audio := message.get("audio")) is not None:
        parts.append(audio_part(audio, f"{where}.audio", texts, flags))
    if (
        images := message.get("images")
    ) is not None:  # https://openrouter.ai/docs/features/multimodal/image-generation
        parts.extend(_pictures(images, f"{where}.images", flags))
    if (calls := message.get("tool_calls")) is not None:
        calls = calls if type(calls) is list else [calls]
        parts.extend([_tool_call_part(call, f"{where}.tool_calls", flags) for call in calls])
    if (call := message.get("function_call")) is not None:
        call = {"type": "function_call", "function": call}
        parts.append(_tool_call_part(call, f"{where}.function_call", flags))


def _tool_call_part(call: Any, where: str, flags: Flags) -> Json:
    """A tool call of the chat API: function, custom, or the legacy `function_call`."""
    if type(call) is not dict:
        flags.append(f"{where}: not a tool call")
        return {"type": "tool_call", "name": "unknown", "arguments": opaque(call, where, flags)}
    kind = call.get("type")
    key = "custom" if kind == "custom" else "function"
    inner = call.get(key)
    outer_keys: tuple[str, ...] = ("id", "type", key)
    if type(inner) is not dict:
        inner, outer_keys = call, ("id", "type", "name", "arguments", "input")
    arguments = inner.get("arguments")
    if arguments is None:
        arguments = inner.get("input")
    out: Json = {"type": "tool_call"}
    if (call_id := call.get("id")) is not None:
        out["id"] = opaque(call_id, where, flags)
    out["name"] = keyword(inner.get("name"), f"{where}.name", flags) or ""
    if arguments is not None:
        out["arguments"] = opaque(arguments, f"{where}.arguments", flags)
    if kind is not None and kind != "function":
        out["tool_type"] = keyword(kind, f"{where}.type", flags)
    if inner is not call and len(inner) > 2:
        keep_rest(out, inner, ("name", "arguments", "input"), where, flags)
    if len(call) > 3:
        keep_rest(out, call, outer_keys, where, flags)
    return out


def _pictures(images: Any, where: str, flags: Flags) -> list[Json]:
    """Images beside the content: parts of the chat API, or Ollama's base64."""
    return [
        {"type": "blob", "modality": "image", "content": image}
        if type(image) is str
        else part_of(image, where, [], flags)
        for image in (images if type(images) is list else [images])
    ]


def _unreadable(message: Any, where: str, texts: list[str], flags: Flags, role: str) -> Json:
    if type(message) is str:
        texts.append(message)
        flags.append(f"{where}: text instead of a message")
        return text_message(role, message)
    flags.append(f"{where}: not a message")
    collect_texts(message, texts)
    return {"role": role, "parts": [{"type": "unknown", "content": opaque(message, where, flags)}]}


def _reasoning_keys(message: Json) -> tuple[str, ...]:
    """Where the reasoning stands; vLLM says the same under both names."""
    content, other = map(message.get, _REASONING_KEYS)
    return _REASONING_KEYS if content != other else _REASONING_KEYS[:1]


def _reasoning_part(reasoning: Any, key: str, where: str, flags: Flags) -> Json:
    if type(reasoning) is str:
        return {"type": "reasoning", "content": reasoning}
    return {"type": "reasoning", "content": "", key: opaque(reasoning, f"{where}.{key}", flags)}
