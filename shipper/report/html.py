"""A report as one HTML page without scripts: figures, charts, tables. Everything that was stored is escaped."""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from shipper._version import __version__
from shipper.panels.versions import VERSIONS
from shipper.read.terminal import printable
from shipper.report.charts import chart, legend
from shipper.report.pair import cells_of
from shipper.report.shape import Bars, Figure, OverTime, Table, shape
from shipper.report.units import change_text, level, trend, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from shipper.panels.model import Metric, Panel
    from shipper.panels.run import Result
    from shipper.report.comparison import VersionPair
    from shipper.report.selection import Section, Selection

_WORDS = {"better": "✓ better", "worse": "✗ worse", "changed": "", "same": ""}
_LEVELS = {"warn": "needs a look", "bad": "bad"}
_VERDICTS = {"clear": "● clear", "none": "○ may be chance", "too few": "… too few calls"}
_WIDE, _MANY_COLUMNS = 48, 6
_NAME = ' class="name"'
_CODE = re.compile(r"`([^`]+)`")


def page(
    sections: Sequence[Section], selection: Selection, made_at: datetime, pair: VersionPair | None = None
) -> str:
    """The whole page.

    Args:
        sections: what to show, in order.
        selection: what it is about.
        made_at: when, with a zone.
        pair: two versions to compare below the versions.

    Raises:
        UsageError: the charting library is not installed.
    """
    return "\n".join(_page(sections, selection, made_at, pair)) + "\n"


def _page(
    sections: Sequence[Section], selection: Selection, made_at: datetime, pair: VersionPair | None
) -> Iterator[str]:
    title = f"LLM report · {selection.filters.application}" if selection.filters.application else "LLM report"
    style = files("shipper.report").joinpath("page.css").read_text("utf-8")
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
    yield f"<title>{_text(title)}</title>"
    yield f"<style>\n{style}</style></head><body>"
    yield '<a class="skip" href="#content">Skip to the figures</a>'
    yield f"<header><h1>{_text(title)}</h1><p>{_text(selection.title)}. Figures in brackets are of the period "
    yield "of the same length before.</p></header>"
    yield '<nav aria-label="Reports"><ul>'
    for one in sections:
        yield f'<li><a href="#{escape(one.dashboard.id)}">{_text(_short(one))}</a></li>'
    yield '</ul></nav><main id="content">'
    for one in sections:
        yield from _section(one, pair if one.dashboard is VERSIONS else None)
    yield "</main><footer><p>Times of charts are UTC, a bar begins where its time does. Made "
    yield f"{made_at.astimezone():%Y-%m-%d %H:%M} by llm-shipper {escape(__version__)}.</p></footer>"
    yield "</body></html>"


def _short(section: Section) -> str:
    return section.dashboard.title.removeprefix("LLM ").capitalize()


def _section(section: Section, pair: VersionPair | None) -> Iterator[str]:
    dashboard = section.dashboard
    yield f'<section id="{escape(dashboard.id)}" aria-labelledby="{escape(dashboard.id)}-title">'
    yield f'<h2 id="{escape(dashboard.id)}-title">{_text(_short(section))}</h2><p>{_text(dashboard.description)}</p>'
    if section.is_empty:
        yield '<p class="empty">Nothing: no document of this period fits.</p></section>'
        return
    figures = [one for one in section.results if one.panel.chart == "figure"]
    if figures:
        yield '<dl class="figures">'
        for result in figures:
            yield _figure(result)
        yield "</dl>"
    yield '<div class="panels">'
    if pair is not None:
        yield from _pair(pair)
    for result in section.results:
        if result.panel.chart != "figure":
            yield from _panel(result)
    yield "</div></section>"


def _figure(result: Result) -> str:
    panel, found = result.panel, shape(result)
    if not isinstance(found, Figure):
        return ""
    unit = found.metric.unit
    crossed = level(panel.thresholds, found.metric.id, found.value)
    said = change_text(unit, found.value, found.previous)
    moved = trend(found.metric, found.value, found.previous)
    parts = [f'<dd class="value {crossed}">{_text(value_text(found.value, unit))}{_level_word(crossed)}</dd>']
    if said:
        word = f" <small>{_WORDS.get(moved, '')}</small>" if _WORDS.get(moved) else ""
        parts.append(f'<dd class="change {moved}">{_text(said)}{word}</dd>')
        parts.append(f'<dd class="before">({_text(value_text(found.previous, unit))})</dd>')
    if found.value is None and result.is_empty:
        parts.append(f'<dd class="before">{_text(panel.empty)}</dd>')
    if panel.note:
        parts.append(f'<dd class="before">{_said(panel.note)}</dd>')
    return f"<div><dt>{_text(panel.title)}</dt>{''.join(parts)}</div>"


def _panel(result: Result) -> Iterator[str]:
    panel, found = result.panel, shape(result)
    columns = len(found.names) + len(found.metrics) if isinstance(found, Table) else 0
    wide = ' class="wide"' if panel.width == _WIDE or columns >= _MANY_COLUMNS else ""
    yield f"<figure{wide}><figcaption><h3>{_text(panel.title)}</h3>"
    yield f'<p class="question">{_text(panel.question)}</p></figcaption>'
    match found:
        case OverTime():
            yield from _picture(panel, found)
            yield from _numbers(_time_table(result, found))
        case Bars():
            yield from _picture(panel, found)
            yield from _numbers(_bar_table(result, found))
        case Table():
            yield from _table(result, found)
        case _:
            yield f'<p class="empty">{_text(panel.empty)}</p>'
    if panel.note:
        yield f'<p class="note">{_said(panel.note)}</p>'
    yield "</figure>"


def _picture(panel: Panel, found: OverTime | Bars) -> Iterator[str]:
    named = legend(found)
    if named:
        items = (f'<li><span style="background:{colour}"></span>{_text(name)}</li>' for name, colour in named)
        yield f'<ul class="legend">{"".join(items)}</ul>'
    yield chart(panel, found)


def _pair(pair: VersionPair) -> Iterator[str]:
    """The two latest versions against each other."""
    first, second = (_text(one) for one in pair.versions)
    yield f'<figure class="wide"><figcaption><h3>{second} against {first}</h3></figcaption>'
    yield f'<p class="sentence">{_text(pair.sentence)}</p>'
    head, *rows = cells_of(pair)
    found = [
        ([row[0].strip(), _VERDICTS[one.verdict]], [_cell(cell) for cell in row[1:]])
        for one, row in zip(pair.differences, rows, strict=True)
    ]
    yield from _rows(f"{second} against {first}", ["Of", "Is it clear?", *head[1:]], 2, found)
    yield '<p class="note">Differences of shares are in points. Rows of a prompt are its verdicts.</p>'
    yield "</figure>"


def _numbers(table: Iterator[str]) -> Iterator[str]:
    yield "<details><summary>Numbers</summary>"
    yield from table
    yield "</details>"


def _time_table(result: Result, found: OverTime) -> Iterator[str]:
    head = ["Time (UTC)", *(one.name or one.metric.label for one in found.series)]
    rows = [
        (
            [f"{moment:%Y-%m-%d %H:%M}"],
            [_cell(value_text(one.values[place], one.metric.unit)) for one in found.series],
        )
        for place, moment in enumerate(found.times)
    ]
    yield from _rows(_text(result.panel.title), head, 1, rows)


def _bar_table(result: Result, found: Bars) -> Iterator[str]:
    label = getattr(result.panel.breakdowns[0], "label", "")
    head = [label, *(one.name or one.metric.label for one in found.series)]
    rows = [
        ([name], [_cell(value_text(one.values[place], one.metric.unit)) for one in found.series])
        for place, name in enumerate(found.labels)
    ]
    yield from _rows(_text(result.panel.title), head, 1, rows)


def _table(result: Result, found: Table) -> Iterator[str]:
    def cell(metric: Metric, value: float | None) -> str:
        return _cell(value_text(value, metric.unit), level(result.panel.thresholds, metric.id, value))

    rows = [
        (names, [cell(metric, value) for metric, value in zip(found.metrics, values, strict=True)])
        for names, values in found.rows
    ]
    head = [*found.names, *(one.label for one in found.metrics)]
    yield from _rows(_text(result.panel.title), head, len(found.names), rows)


def _rows(
    title: str, head: list[str], names: int, rows: Sequence[tuple[list[str], list[str]]]
) -> Iterator[str]:
    """A table that scrolls by itself, so that the page does not; the keyboard can scroll it too."""
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{title}: numbers">'
    yield f"<table><caption>{title}</caption><thead><tr>"
    for place, label in enumerate(head):
        yield f'<th scope="col"{_NAME if place < names else ""}>{_text(label)}</th>'
    yield "</tr></thead><tbody>"
    for keys, cells in rows:
        yield "<tr>" + "".join(f'<th scope="row"{_NAME}>{_text(key)}</th>' for key in keys)
        yield "".join(cells) + "</tr>"
    yield "</tbody></table></div>"


def _cell(shown: str, crossed: str = "") -> str:
    styled = f' class="{crossed}"' if crossed else ""
    return f"<td{styled}>{_text(shown)}{_level_word(crossed)}</td>"


def _level_word(crossed: str) -> str:
    """A sign beside the colour, with its meaning for those who hear it."""
    return f' <span role="img" aria-label="{_LEVELS[crossed]}">⚠</span>' if crossed else ""


def _said(note: str) -> str:
    """A note of ours, with what is to be typed as code."""
    return _CODE.sub(r"<code>\1</code>", _text(note))


def _text(text: str) -> str:
    return escape(printable(text))
