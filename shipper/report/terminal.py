"""A report in characters: figures, sparklines, bars and tables that fit a width. Pure; never raises."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from shipper.read.terminal import printable
from shipper.report.shape import Bars, Figure, OverTime, Table, shape
from shipper.report.sparks import bar, sparkline
from shipper.report.units import change_text, level, trend, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.panels.run import Result
    from shipper.report.selection import Section
    from shipper.report.shape import Series

_INDENT = "  "
_NAME_MOST = 28
_BAR = 24
_LEAST_NAME = 10
_HEAD = 11
_MOST_ROWS = 10
_STYLES = {"better": "green", "worse": "red", "warn": "yellow", "bad": "red"}
_ARROWS = {"better": "✓", "worse": "✗"}


def lines_of(section: Section, width: int) -> Iterator[Text]:
    """A section, line by line.

    Args:
        section: what was found.
        width: characters in a line, at least 40.
    """
    yield Text(section.dashboard.title.removeprefix("LLM ").capitalize(), "bold underline")
    if section.is_empty:
        yield Text(f"{_INDENT}Nothing: no document of this period fits.", "dim")
        return
    for is_figure, results in groupby(section.results, key=lambda one: one.panel.chart == "figure"):
        if is_figure:
            yield from _figures(list(results), width)
        else:
            for result in results:
                yield Text("")
                yield from _panel(result, width)


def _figures(results: Sequence[Result], width: int) -> Iterator[Text]:
    name_width = max(cell_len(one.panel.title) for one in results)
    for result in results:
        found = shape(result)
        if not isinstance(found, Figure):
            continue
        shown = value_text(found.value, found.metric.unit)
        line = Text(f"{_INDENT}{result.panel.title.ljust(name_width)}  ")
        crossed = level(result.panel.thresholds, found.metric.id, found.value)
        line.append(shown.rjust(16 if found.metric.unit == "time" else 10), _STYLES.get(crossed, "bold"))
        line.append(_changed(found))
        if found.value is None and result.is_empty:
            line.append(_INDENT + _cut(result.panel.empty, width - cell_len(line.plain) - 2), "dim")
        yield line


def _changed(found: Figure) -> Text:
    said = change_text(found.metric.unit, found.value, found.previous)
    if not said:
        return Text("")
    moved = trend(found.metric, found.value, found.previous)
    before = value_text(found.previous, found.metric.unit)
    mark = _ARROWS.get(moved, " ")
    return Text(f"  {said:>13} {mark} ", _STYLES.get(moved, "")).append(f"before {before}", "dim")


def _panel(result: Result, width: int) -> Iterator[Text]:
    panel = result.panel
    yield from _wrapped(f"{panel.title}: {panel.question}", "", width, "bold")
    found = shape(result)
    match found:
        case OverTime():
            yield from _over_time(found, width)
        case Bars():
            yield from _bars(found, width)
        case Table():
            yield from _table(result, found, width)
        case _:
            yield from _wrapped(panel.empty, _INDENT, width, "dim")
            return
    if panel.note:
        yield from _wrapped(panel.note, _INDENT, width, "dim")


def _over_time(found: OverTime, width: int) -> Iterator[Text]:
    """A sparkline each, all on one scale where they show one metric, and the largest and latest value."""
    known = [value for one in found.series for value in one.values if value is not None]
    top = max(known, default=0.0) if len({one.metric.id for one in found.series}) == 1 else None
    names = [printable(one.name) for one in found.series]
    name_width = min(_NAME_MOST, max(map(cell_len, names)))
    tails = [_tail(one) for one in found.series]
    room = max(8, width - name_width - max(map(cell_len, tails)) - 2 * len(_INDENT))
    for name, one, tail in zip(names, found.series, tails, strict=True):
        drawn = sparkline(one.values, room, top)
        yield Text(f"{_INDENT}{_fit(name, name_width)}  ").append(drawn, "cyan").append(tail, "dim")
    if found.times:
        span = f"{found.times[0]:%m-%d %H:%M} to {found.times[-1]:%m-%d %H:%M} UTC"
        yield Text(f"{_INDENT}{' ' * name_width}  {span}", "dim")


def _tail(one: Series) -> str:
    values = [value for value in one.values if value is not None]
    most, last = max(values, default=None), values[-1] if values else None
    return f"  most {value_text(most, one.metric.unit)}, last {value_text(last, one.metric.unit)}"


def _bars(found: Bars, width: int) -> Iterator[Text]:
    labels = [printable(one) for one in found.labels]
    several = len(found.series) > 1
    inner = max((cell_len(printable(one.name)) for one in found.series), default=0) if several else 0
    inner = min(inner, 16)
    name_width = min(_NAME_MOST, max(map(cell_len, labels)))
    room = max(8, min(_BAR, width - name_width - inner - 20))
    highest = max((value for one in found.series for value in one.values if value is not None), default=0.0)
    for place, label in enumerate(labels):
        shown = label
        for one in found.series:
            value = one.values[place]
            if several and not value:
                continue
            line = Text(f"{_INDENT}{_fit(shown, name_width)}  ")
            if several:
                line.append(_fit(printable(one.name), inner) + "  ", "dim")
            line.append(bar(value, highest, room), "cyan").append(f"  {value_text(value, one.metric.unit)}")
            yield line
            shown = ""


def _wrapped(text: str, indent: str, width: int, style: str) -> Iterator[Text]:
    for line in wrap(text, width - len(indent)):
        yield Text(indent + line, style)


def _table(result: Result, found: Table, width: int) -> Iterator[Text]:
    """The table, its metrics below each other in blocks where they don't fit beside each other."""
    left = len(found.rows) - _MOST_ROWS
    if left > 0:
        found = replace(found, rows=found.rows[:_MOST_ROWS])
    cells = [
        [value_text(value, metric.unit) for metric, value in zip(found.metrics, values, strict=True)]
        for _, values in found.rows
    ]
    heads = [wrap(metric.label, _HEAD) or [""] for metric in found.metrics]
    widths = [
        max(*(cell_len(line) for line in head), *(cell_len(row[place]) for row in cells))
        for place, head in enumerate(heads)
    ]
    names = [[printable(one) for one in row] for row, _ in found.rows]
    name_widths = [
        min(_NAME_MOST, max(cell_len(label), *(cell_len(row[place]) for row in names)))
        for place, label in enumerate(found.names)
    ]
    taken = len(_INDENT) + sum(name_widths) + 2 * len(name_widths)
    while taken + max(widths, default=0) > width and max(name_widths) > _LEAST_NAME:
        name_widths[name_widths.index(max(name_widths))] -= 1
        taken -= 1
    for number, block in enumerate(_blocks(widths, width - taken)):
        if number:
            yield Text("")
        height = max(len(heads[place]) for place in block)
        for line in range(height):
            head = [
                _fit(label if line == height - 1 else "", size)
                for label, size in zip(found.names, name_widths, strict=True)
            ]
            head += [_line_of(heads[place], line - height).rjust(widths[place]) for place in block]
            yield Text(_INDENT + "  ".join(head), "dim")
        for row, (_, values), shown in zip(names, found.rows, cells, strict=True):
            line = Text(
                _INDENT + "  ".join(_fit(one, size) for one, size in zip(row, name_widths, strict=True))
            )
            for place in block:
                crossed = level(result.panel.thresholds, found.metrics[place].id, values[place])
                line.append("  ").append(shown[place].rjust(widths[place]), _STYLES.get(crossed, ""))
            yield line
    if left > 0:
        yield Text(f"{_INDENT}and {left} more: --json shows them", "dim")


def _line_of(head: list[str], place: int) -> str:
    """A line of a label that stands at the bottom; `place` counts from there, −1 the last."""
    return head[place] if -place <= len(head) else ""


def _blocks(widths: list[int], room: int) -> Iterator[list[int]]:
    """Columns that fit beside each other."""
    block: list[int] = []
    used = 0
    for place, size in enumerate(widths):
        if block and used + size + 2 > room:
            yield block
            block, used = [], 0
        block.append(place)
        used += size + 2
    if block:
        yield block


def _fit(text: str, width: int) -> str:
    """The text padded or cut, with a sign that it was."""
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "…"
    return set_cell_size(text, width)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else _fit(text, max(1, width))
