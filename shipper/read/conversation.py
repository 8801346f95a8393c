"""The messages of a call as text for a terminal: what was said, by whom, and every answer. Pure; never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from rich.text import Text

from shipper.read.figures import text_at, value_at
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INDENT = "  "
_ROLE_STYLES = {
    "system": "magenta",
    "developer": "magenta",
    "user": "cyan",
    "assistant": "green",
    "tool": "yellow",
}
_MEDIA = ("blob", "uri", "file")


def prompt_lines(document: Mapping[str, Any], longest: int | None) -> Iterator[Text]:
    """The system instructions and every message that was sent.

    Args:
        document: the completion.
        longest: characters of one text that are shown; None shows all.
    """
    system = value_at(document, "gen_ai.system_instructions")
    if isinstance(system, list) and system:
        yield from _message({"role": "system", "parts": system}, longest)
    messages = value_at(document, "gen_ai.input.messages")
    if isinstance(messages, list) and messages:
        for message in messages:
            yield from _message(message, longest)
    elif text_at(document, "llm.input.text"):
        yield from _lines(text_at(document, "llm.input.text"), longest)


def answer_lines(document: Mapping[str, Any], longest: int | None) -> Iterator[Text]:
    """Every choice under a line of its own; the one that was used is marked."""
    answers = _answers(document)
    for number, (choice, message) in enumerate(answers):
        index = choice.get("index", number)
        selected = choice.get("selected") is True
        head = Text(f"{'●' if selected else '○'} choice {index}" if len(answers) > 1 else "● answer")
        head.stylize("bold green" if selected else "dim")
        notes = [text_at(choice, "finish_reason"), "selected" if selected and len(answers) > 1 else ""]
        noted = " · ".join(printable(note) for note in notes if note)
        yield head.append(f" · {noted}" if noted else "", "dim")
        yield from _parts(message, longest)


def tool_lines(document: Mapping[str, Any]) -> Iterator[Text]:
    """The tools that the model could call, one a line."""
    tools = value_at(document, "gen_ai.tool.definitions")
    for tool in tools if isinstance(tools, list) else []:
        if not isinstance(tool, dict):
            continue
        inner = tool.get("function")  # the chat API wraps it, the responses API does not
        about = inner if isinstance(inner, dict) else tool
        name = text_at(about, "name") or text_at(tool, "type")
        line = Text(_INDENT).append(printable(name), "yellow")
        description = printable(text_at(about, "description"))[:200]
        yield line.append(f"  {description}", "dim") if description else line


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return orjson.dumps(value).decode()


def _answers(document: Mapping[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    """Pairs of what is known about a choice, and its message; made up from the output's text if there are none."""
    found = value_at(document, "llm.choices")
    choices: list[dict[str, Any]] = [one for one in found or [] if isinstance(one, dict)]
    messages = value_at(document, "gen_ai.output.messages")
    messages = messages if isinstance(messages, list) else []
    if choices:
        by_index = {one.get("index"): one for one in messages if isinstance(one, dict)}
        return [
            (choice, by_index.get(choice.get("index"), _from_choice(choice, document))) for choice in choices
        ]
    if messages:
        return [({"selected": True, "index": number}, one) for number, one in enumerate(messages)]
    text = text_at(document, "llm.output.text")
    return [({"selected": True}, _from_text(text))] if text else []


def _from_choice(choice: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    text = text_at(choice, "text") or text_at(choice, "refusal")
    return _from_text(text or (text_at(document, "llm.output.text") if choice.get("selected") else ""))


def _from_text(text: str) -> dict[str, Any]:
    return {"parts": [{"type": "text", "content": text}] if text else []}


def _message(message: Any, longest: int | None) -> Iterator[Text]:
    role = text_at(message, "role") if isinstance(message, dict) else "unknown"
    name = text_at(message, "name") if isinstance(message, dict) else ""
    yield Text(printable(f"{role} {name}".strip()), "bold " + _ROLE_STYLES.get(role, "white"))
    yield from _parts(message, longest)


def _parts(message: Any, longest: int | None) -> Iterator[Text]:
    parts = message.get("parts") if isinstance(message, dict) else message
    for part in parts if isinstance(parts, list) else [parts]:
        yield from _part(part, longest)


def _part(part: Any, longest: int | None) -> Iterator[Text]:
    if not isinstance(part, dict):
        yield from _lines(as_json(part), longest)
        return
    kind = text_at(part, "type")
    if kind in _MEDIA:
        what = (
            text_at(part, "uri")
            or text_at(part, "file_id")
            or f"{len(text_at(part, 'content')):,} characters"
        )
        yield Text(_INDENT).append(f"[{text_at(part, 'modality') or kind}: {printable(what)[:200]}]", "dim")
    elif kind == "tool_call":
        arguments = part.get("arguments")
        shown = arguments if isinstance(arguments, str) else as_json(arguments)
        yield from _lines(f"→ {text_at(part, 'name')}({shown})", longest, "yellow")
    elif kind == "tool_call_response":
        answer = part.get("response", part.get("result"))
        yield from _lines("← " + (answer if isinstance(answer, str) else as_json(answer)), longest, "yellow")
    elif isinstance(part.get("content"), str):
        if kind not in ("text", ""):
            yield Text(f"{_INDENT}({printable(kind)})", "dim")
        yield from _lines(part["content"], longest, "dim" if kind == "reasoning" else "")
    else:
        yield from _lines(as_json(part), longest)


def _lines(text: str, longest: int | None, style: str = "") -> Iterator[Text]:
    shown = text if longest is None else text[:longest]
    for line in printable(shown, multiline=True).split("\n"):
        yield Text(_INDENT + line, style)
    if len(shown) < len(text):
        yield Text(f"{_INDENT}… {len(text) - len(shown):,} more characters: --full", "dim")
