"""Two versions beside each other, in characters and as rows. Pure; never raises."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from shipper.read.terminal import printable
from shipper.report.units import difference_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.report.comparison import Difference, Side, VersionPair

_MARKS = {"clear": "● ", "none": "○ ", "too few": "… "}
_LEGEND = "● clear  ○ may be chance  … too few calls; differences of shares in points"
_LEAST_NAME, _VERSION = 10, 14


def pair_lines(pair: VersionPair, width: int) -> Iterator[Text]:
    """The comparison line by line, its sentence last.

    Args:
        pair: what was found.
        width: characters in a line.
    """
    first, second = (printable(one) for one in pair.versions)
    yield from (Text(line, "bold underline") for line in wrap(f"{second} against {first}", width))
    for version, calls, (begin, end) in zip((first, second), pair.calls, pair.seen, strict=True):
        seen = f", seen {value_text(begin, 'time')} to {value_text(end, 'time')}" if calls else ""
        yield from (
            Text(line, "dim")
            for line in wrap(
                f"{version}: {calls:,} calls{seen}", width, initial_indent="  ", subsequent_indent="    "
            )
        )
    if pair.differences:
        yield Text("")
        yield from _table(pair, width)
    yield Text("")
    yield from map(Text, wrap(printable(pair.sentence), width))


def pair_rows(pair: VersionPair) -> Iterator[dict[str, Any]]:
    """A row for each difference, and one with the sentence."""
    for one in pair.differences:
        yield {
            "metric": one.id,
            "label": one.label,
            "unit": one.unit,
            "prompt": one.prompt or None,
            "first": {"version": pair.versions[0], "value": one.first.value, "count": one.first.count},
            "second": {"version": pair.versions[1], "value": one.second.value, "count": one.second.count},
            "difference": one.difference,
            "low": one.low,
            "high": one.high,
            "verdict": one.verdict,
        }
    yield {"versions": list(pair.versions), "calls": list(pair.calls), "sentence": pair.sentence}


def cells_of(pair: VersionPair) -> list[list[str]]:
    """Head and rows: name, both figures with their numbers of calls, difference, interval."""
    rows = [["", *(_short(one) for one in pair.versions), "difference", "95 % interval"]]
    rows += [
        [
            f"  {printable(one.prompt)}" if one.prompt else one.label,
            _side(one, one.first),
            _side(one, one.second),
            difference_text(one.unit, one.difference).removesuffix(" points"),
            _interval(one),
        ]
        for one in pair.differences
    ]
    return rows


def _short(version: str) -> str:
    shown = printable(version)
    return shown if cell_len(shown) <= _VERSION else set_cell_size(shown, _VERSION - 1) + "…"


def _interval(one: Difference) -> str:
    """Both ends; their unit once where they have the same."""
    low, high = difference_text(one.unit, one.low), difference_text(one.unit, one.high)
    number, _, unit = low.partition(" ")
    if unit and high.endswith(f" {unit}"):
        low = number
    return f"{low} to {high}".removesuffix(" points")


def _side(one: Difference, side: Side) -> str:
    shown = value_text(side.value, one.unit)
    return f"{shown} of {side.count:,}" if one.unit == "share" else shown


def _table(pair: VersionPair, width: int) -> Iterator[Text]:
    """The rows, marked by what the interval says; names are cut where the line is too long."""
    head, *rows = cells_of(pair)
    widths = [max(cell_len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    over = sum(widths) + 2 * len(widths) - width
    widths[0] = max(_LEAST_NAME, widths[0] - max(0, over))
    yield Text(_line("  ", head, widths), "dim")
    for one, row in zip(pair.differences, rows, strict=True):
        yield Text(_line(_MARKS[one.verdict], row, widths), "bold" if one.verdict == "clear" else "")
    yield Text("")
    yield Text(_LEGEND, "dim")


def _line(mark: str, row: list[str], widths: list[int]) -> str:
    name = row[0] if cell_len(row[0]) <= widths[0] else set_cell_size(row[0], widths[0] - 1) + "…"
    cells = [
        set_cell_size(name, widths[0]),
        *(f"{cell:>{size}}" for cell, size in zip(row[1:], widths[1:], strict=True)),
    ]
    return mark + "  ".join(cells)
