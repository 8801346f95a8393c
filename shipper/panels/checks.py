"""What a panel must be: fields that exist, of a type that can be aggregated, and a chart that can show it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.panels.filters import fields_of
from shipper.panels.measures import Aggregate, RunningSum, count, fields_in, leaves
from shipper.panels.model import Lengths, Time, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.panels.model import Breakdown, Dashboard, Metric, Panel, Search
    from shipper.panels.sources import Source
    from shipper.record.fields import FieldInfo

_NUMBERS: Final = frozenset({"long", "short", "double", "float"})
_COUNTABLE: Final = frozenset({"keyword", "boolean", *_NUMBERS})
_FIT: Final = {
    "sum": _NUMBERS,
    "average": _NUMBERS,
    "percentile": _NUMBERS,
    "min": _NUMBERS | {"date"},
    "max": _NUMBERS | {"date"},
    "unique": _COUNTABLE,
}


def faults(dashboards: Sequence[Dashboard], searches: Sequence[Search]) -> list[str]:
    """What is wrong with them, one sentence each: empty if nothing is."""
    panels = [panel for dashboard in dashboards for panel in dashboard.panels]
    ids = [one.id for one in (*dashboards, *panels, *searches)]
    found = [f"{name} is the id of two things" for name in sorted({one for one in ids if ids.count(one) > 1})]
    for panel in panels:
        found += [f"{panel.id}: {fault}" for fault in _panel_faults(panel)]
    for search in searches:
        found += [f"{search.id}: {fault}" for fault in _search_faults(search)]
    return found


def types_of(source: Source) -> dict[str, str]:
    """The Elasticsearch type of every searchable field of a source, nested ones by their whole names."""
    found: dict[str, str] = {}
    for model in source.models:
        for info in model.fields():
            found.update(_types(info))
    return found


def _panel_faults(panel: Panel) -> Iterator[str]:
    known = types_of(panel.source)
    metrics = {metric.id for metric in panel.metrics}
    if len(metrics) != len(panel.metrics):
        yield "two metrics have the same id"
    for threshold in panel.thresholds:
        if threshold.metric not in metrics:
            yield f"there is no metric {threshold.metric} for a threshold"
    for name in fields_of(panel.where):
        if name not in known:
            yield f"{name} is no field of {panel.source.id}"
    for metric in panel.metrics:
        yield from _metric_faults(panel, metric, known)
    for breakdown in panel.breakdowns:
        yield from _breakdown_faults(panel, breakdown, known)
    if any(isinstance(one, Time) for one in panel.breakdowns[:-1]):
        yield "time is not the innermost breakdown"
    if (panel.chart == "figure") != (not panel.breakdowns):
        yield "a figure has no breakdown, and everything else has one"
    if panel.chart == "line" and not _is_over_time(panel):
        yield "a line is over time"


def _metric_faults(panel: Panel, metric: Metric, known: dict[str, str]) -> Iterator[str]:
    for name in fields_in(metric.measure):
        if name not in known:
            yield f"{name} is no field of {panel.source.id}"
    for leaf in leaves(metric.measure):
        if leaf.field and known.get(leaf.field) not in _FIT[leaf.function]:
            yield f"{leaf.function} of {leaf.field}, which is {known.get(leaf.field)}"
    if isinstance(metric.measure, RunningSum) and not _is_over_time(panel):
        yield f"{metric.id} runs on, but not over time"


def _breakdown_faults(panel: Panel, breakdown: Breakdown, known: dict[str, str]) -> Iterator[str]:
    if isinstance(breakdown, Time):
        return
    kind = known.get(breakdown.field)
    if isinstance(breakdown, Words):
        if kind != "text" or panel.chart != "words":
            yield f"words of {breakdown.field}, which is {kind}, as a {panel.chart}"
        return
    if isinstance(breakdown, Lengths):
        if (
            kind != "keyword"
            or len(panel.breakdowns) > 1
            or any(one.measure != count() for one in panel.metrics)
        ):
            yield f"lengths of {breakdown.field}, which is {kind}, of which values are counted and nothing else"
        return
    if kind not in _COUNTABLE:
        yield f"terms of {breakdown.field}, which is {kind}"
    if breakdown.order_by and not isinstance(panel.metric(breakdown.order_by).measure, Aggregate):
        yield f"ordered by {breakdown.order_by}, which is computed"


def _search_faults(search: Search) -> Iterator[str]:
    known = types_of(search.source)
    for name in (*search.columns, *fields_of(search.where)):
        if name not in known:
            yield f"{name} is no field of {search.source.id}"
    for name, _ in search.sort:
        if known.get(name) not in _COUNTABLE | {"date"}:
            yield f"sorted by {name}, which is {known.get(name)}"


def _types(info: FieldInfo) -> Iterator[tuple[str, str]]:
    if dict(info.stored.parameters).get("enabled", True):
        yield info.name, info.stored.type
    for child in info.children:
        yield f"{info.name}.{child.name}", child.stored.type


def _is_over_time(panel: Panel) -> bool:
    return bool(panel.breakdowns) and isinstance(panel.breakdowns[-1], Time)
