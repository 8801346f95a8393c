"""A list of completions on a terminal or in a pipe.

On a terminal every completion has two lines, so that figures stay in columns and the words have room. In a pipe it
has one line of tab-separated values: id, time, application, version, model, milliseconds, tokens in, tokens out,
cost, words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from shipper.read.figures import (
    MISSING,
    cost_text,
    duration_text,
    model_text,
    text_at,
    time_text,
    tokens_text,
    value_at,
)
from shipper.read.passage import passage_of
from shipper.read.query import MARK, UNMARK
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from shipper.read.query import Term
    from shipper.read.search import Hit

_ID_WIDTH = 13  # a UUIDv7 is then exact to the millisecond
_NAME_WIDTHS = {"app": (8, 24), "model": (8, 24)}
_FIGURES = ("latency", "tokens", "cost")
_GAP = "  "
_FOUND = "bold yellow"


def listing(hits: Sequence[Hit], terms: Sequence[Term], width: int, now: datetime) -> Iterator[Text]:
    """Two lines each, none longer than `width`. Pure."""
    rows = [_row(hit, now) for hit in hits]
    if not rows:
        return
    widths = _widths(rows, width)
    for hit, row in zip(hits, rows, strict=True):
        failed = text_at(hit.document, "event.outcome") == "failure"
        line = Text(no_wrap=True)
        for name, cell in row.items():
            line.append(_fit(name, cell, widths[name]), _style(name, failed))
            line.append(_GAP)
        line.rstrip()
        yield line
        words = Text(_GAP).append_text(styled(passage_of(hit.document, hit.passages, terms)))
        words.truncate(width, overflow="ellipsis")
        yield words


def tab_separated(hit: Hit, terms: Sequence[Term]) -> str:
    """One line for other programs: whole names, plain figures, no colours. Pure."""
    document = hit.document
    words = passage_of(document, hit.passages, terms).replace(MARK, "").replace(UNMARK, "")
    cells = [
        hit.id,
        text_at(document, "@timestamp"),
        text_at(document, "llm.application.name"),
        text_at(document, "service.version"),
        model_text(document),
        *(
            _plain(value_at(document, path))
            for path in (
                "llm.latency_ms",
                "gen_ai.usage.input_tokens",
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.cost.amount",
            )
        ),
        words[:300],
    ]
    return "\t".join(printable(cell) for cell in cells)


def styled(passage: str) -> Text:
    """A passage with what was found in colour, and nothing in it that drives a terminal."""
    text = Text(no_wrap=True)
    for number, piece in enumerate(passage.replace(UNMARK, MARK).split(MARK)):
        clean = printable(piece)
        if piece[:1].isspace() and number:
            clean = " " + clean
        if piece[-1:].isspace() and clean.strip():
            clean += " "
        text.append(clean, _FOUND if number % 2 else "")
    return text


def _row(hit: Hit, now: datetime) -> dict[str, str]:
    document = hit.document
    app = text_at(document, "llm.application.name") or MISSING
    version = text_at(document, "service.version")
    return {
        "id": printable(hit.id),
        "time": time_text(value_at(document, "@timestamp"), now=now),
        "app": printable(f"{app}@{version}" if version else app),
        "model": printable(model_text(document)),
        "latency": duration_text(value_at(document, "llm.latency_ms")),
        "tokens": tokens_text(document),
        "cost": cost_text(document),
    }


def _widths(rows: Sequence[dict[str, str]], width: int) -> dict[str, int]:
    """Columns as wide as their longest cell; names give way first when the line is too narrow."""
    widths = {name: max(cell_len(row[name]) for row in rows) for name in rows[0]}
    ids = [row["id"] for row in rows]
    widths["id"] = min(widths["id"], _distinct(ids))
    for name, (_, most) in _NAME_WIDTHS.items():
        widths[name] = min(widths[name], most)
    over = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width
    while over > 0:
        name = max(_NAME_WIDTHS, key=lambda one: widths[one] - _NAME_WIDTHS[one][0])
        if widths[name] <= _NAME_WIDTHS[name][0]:
            break
        widths[name] -= 1
        over -= 1
    return widths


def _distinct(ids: Sequence[str]) -> int:
    """How many characters tell these ids apart, and a few so that they still do tomorrow."""
    length = _ID_WIDTH
    while length < 36 and len({one[:length] for one in ids}) < len(set(ids)):
        length += 1
    return length


def _fit(name: str, cell: str, width: int) -> str:
    """The cell padded or cut.

    An id is cut without a sign, so that it can be pasted after `shipper show`; of `app@version` the application
    is cut, since what changed is mostly the version.
    """
    over = cell_len(cell) > width
    if over and name == "app":
        app, at, version = cell.rpartition("@")
        room = width - cell_len(at + version) - 1
        if room > 1:
            return f"{set_cell_size(app, room)}…{at}{version}"
    if name in _FIGURES and not over:
        return cell.rjust(width)
    return set_cell_size(cell, width - 1) + "…" if over and name != "id" else set_cell_size(cell, width)


def _style(name: str, failed: bool) -> str:
    if name == "id":
        return "dim"
    return "red" if failed and name == "model" else "bold" if name == "app" else ""


def _plain(value: Any) -> str:
    return "" if value is None else repr(value)
