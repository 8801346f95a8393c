"""The first documents of saved searches, in characters. Pure; never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from shipper.panels.model import TIME_FIELD
from shipper.read.figures import time_text, value_at
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipper.panels.model import Search
    from shipper.panels.run import Found

_LINES = 3
"""Lines of a long text that are shown."""
_INDENT = "  "
_CONSOLE = Console()  # what measures a line wants one; nothing is written to it


def document_lines(search: Search, found: Found, width: int) -> Iterator[Text]:
    """A search's documents: a line for each, with its texts below it.

    Args:
        search: what was looked for.
        found: its first documents, and how many there are.
        width: characters in a line.
    """
    yield Text(set_cell_size(f"{search.title}: {search.question}", width).rstrip(), "bold")
    if not found.documents:
        yield Text(set_cell_size(_INDENT + search.empty, width).rstrip(), "dim")
        return
    for document in found.documents:
        short, long = _parts(search, document)
        when = time_text(value_at(document, TIME_FIELD))[:19]
        yield from _folded(" · ".join([when, *short]), _INDENT, width, "")
        for name, text in long:
            yield from _folded(f"{name}: {text}", 2 * _INDENT, width, "dim")
    left = found.total - len(found.documents)
    if left > 0:
        yield Text(f"{_INDENT}and {left:,} more", "dim")


def _parts(search: Search, document: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    """Values that stand in the first line, and texts with their names."""
    short: list[str] = []
    long: list[tuple[str, str]] = []
    for field in search.columns:
        value = value_at(document, field)
        if value is None:
            continue
        name = field.rpartition(".")[2] if not field.endswith(".text") else field.split(".")[1]
        shown = printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))
        if isinstance(value, str) and _is_text(field):
            long.append((name.replace("_", " "), shown))
        else:
            short.append(shown if isinstance(value, str) else f"{name.replace('_', ' ')} {shown}")
    return short, long


def _is_text(field: str) -> bool:
    return field.endswith((".text", ".message", ".better_response"))


def _folded(text: str, indent: str, width: int, style: str) -> Iterator[Text]:
    """A text over a few lines, broken at blanks where it has some."""
    room = width - cell_len(indent)
    lines = Text(text[: 2 * _LINES * width]).wrap(_CONSOLE, room)  # a prompt may have a megabyte
    for number, line in enumerate(lines[:_LINES]):
        shown = line.plain.rstrip()
        if number == _LINES - 1 and len(lines) > _LINES:
            shown = f"{shown if cell_len(shown) < room else set_cell_size(shown, room - 1)}…"
        yield Text(indent + shown, style)
