"""The searchable text of messages: in OpenTelemetry's shape, or as OpenAI's API takes them."""

from __future__ import annotations

from typing import Any

_TEXTS = (None, "text", "input_text", "output_text", "refusal")


def input_text(instructions: Any, messages: Any) -> str:
    """Everything that the model was told, results of tools included; empty when there is none. Never raises."""
    texts: list[str] = []
    for part in _list(instructions):
        _collect(part, texts)
    for message in _list(messages):
        _collect_message(message, texts)
    return "\n".join(text for text in texts if text)


def output_text(messages: Any, selected: Any) -> str:
    """What the selected choice says (the first unless told); empty when it says nothing. Never raises."""
    wanted = selected if isinstance(selected, int) and not isinstance(selected, bool) else 0
    said = _list(messages)
    chosen = [one for one in said if isinstance(one, dict) and _is_index(one.get("index"), wanted)]
    texts: list[str] = []
    for message in (chosen or said)[:1]:
        _collect_message(message, texts)
    return "\n".join(text for text in texts if text)


def _is_index(value: Any, wanted: int) -> bool:
    return value == wanted and not isinstance(value, bool)  # to Python true is 1, to Ruby it is not


def _collect_message(message: Any, texts: list[str]) -> None:
    if not isinstance(message, dict):
        _collect(message, texts)
        return
    for part in _list(message.get("parts")) or _list(message.get("content")):
        _collect(part, texts)
    if isinstance(refusal := message.get("refusal"), str):
        texts.append(refusal)


def _collect(part: Any, texts: list[str]) -> None:
    if isinstance(part, str):
        texts.append(part)
    elif isinstance(part, dict):
        kind = part.get("type")
        names = ("response", "result") if kind == "tool_call_response" else ("content", "text", "refusal")
        if kind in _TEXTS or kind == "tool_call_response":
            found = next((part[name] for name in names if isinstance(part.get(name), str)), "")
            texts.append(found)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
