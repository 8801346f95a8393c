"""A panel's rows in the shape in which they are drawn, whatever draws them. Pure; never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shipper.panels.model import Terms, Time, Words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.panels.model import Metric, Panel
    from shipper.panels.request import Key, Row
    from shipper.panels.run import Result

_NUMBER = re.compile(r"([0-9]+)")
_COMPARABLE = 0.01
"""Documents of the period before, as a part of this one's, below which it is no period to compare with."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number against the period before."""

    metric: Metric
    value: float | None
    previous: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one colour of bars."""

    name: str
    metric: Metric
    values: list[float | None]


@dataclass(frozen=True, slots=True)
class OverTime:
    """Series over the same moments."""

    times: list[datetime]
    series: list[Series]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars side by side; with several series each is divided."""

    labels: list[str]
    series: list[Series]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a name or several, and the metrics."""

    names: list[str]
    metrics: list[Metric]
    rows: list[tuple[list[str], list[float | None]]]


Shape = Figure | OverTime | Bars | Table


def shape(result: Result) -> Shape | None:
    """The shape of what a panel found; None when it found nothing."""
    panel = result.panel
    if panel.chart == "figure":
        metric = panel.metrics[0]
        previous = None if _hardly_began(result) else _first(result.previous, metric)
        return Figure(metric, _first(result.rows, metric), previous)
    if result.is_empty:
        return None
    if panel.breakdowns and isinstance(panel.breakdowns[-1], Time):
        return _over_time(panel, result.rows)
    if panel.chart == "bar":
        return _bars(panel, result.rows)
    return _table(panel, result.rows)


def _hardly_began(result: Result) -> bool:
    """Whether the period before has so little in it that nothing can be compared with it."""
    now, before = (sum(row.documents for row in rows) for rows in (result.rows, result.previous))
    return before < _COMPARABLE * now


def _first(rows: list[Row], metric: Metric) -> float | None:
    return rows[0].values[metric.id] if rows and rows[0].documents else None


def _over_time(panel: Panel, rows: list[Row]) -> OverTime:
    times = sorted({row.keys[-1] for row in rows if isinstance(row.keys[-1], datetime)})
    places = {moment: place for place, moment in enumerate(times)}
    series: dict[tuple[str, str], Series] = {}
    for row in sorted(rows, key=lambda row: _ranked(row.keys[:-1])):
        group = " · ".join(_said(key) for key in row.keys[:-1])
        for metric in panel.metrics:
            one = series.get((group, metric.id))
            if one is None:
                name = group if len(panel.metrics) == 1 and group else f"{group} {metric.label}".strip()
                one = series[group, metric.id] = Series(name, metric, [None] * len(times))
            moment = row.keys[-1]
            if isinstance(moment, datetime):
                one.values[places[moment]] = row.values[metric.id]
    return OverTime(times, list(series.values()))


def _bars(panel: Panel, rows: list[Row]) -> Bars:
    if len(panel.breakdowns) == 1:
        labels = [_said(row.keys[0]) for row in rows]
        return Bars(
            labels, [Series(one.label, one, [row.values[one.id] for row in rows]) for one in panel.metrics]
        )
    labels = list(dict.fromkeys(_said(row.keys[0]) for row in rows))
    groups = list(
        dict.fromkeys(_said(row.keys[1]) for row in sorted(rows, key=lambda row: _ranked(row.keys[1:])))
    )
    metric = panel.metrics[0]
    values = {(_said(row.keys[0]), _said(row.keys[1])): row.values[metric.id] for row in rows}
    return Bars(
        labels, [Series(group, metric, [values.get((label, group)) for label in labels]) for group in groups]
    )


def _table(panel: Panel, rows: list[Row]) -> Table:
    names = [one.label for one in panel.breakdowns if isinstance(one, Terms | Words)]
    metrics = list(panel.metrics)
    return Table(
        names,
        metrics,
        [([_said(key) for key in row.keys], [row.values[one.id] for one in metrics]) for row in rows],
    )


def _ranked(keys: Iterable[Key]) -> list[tuple[int, int, str]]:
    """The order of names, so that a version or a model has the same colour wherever it is shown; 1.9 before 1.10."""
    parts = _NUMBER.split(" ".join(str(key) for key in keys))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _said(key: Key) -> str:
    """A bucket's name; an empty one has to be seen, too."""
    return str(key) if str(key).strip() else "(empty)"
