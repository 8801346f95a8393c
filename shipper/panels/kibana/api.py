"""Dashboards as the body of `PUT /api/dashboards/{id}`, generally available since Kibana 9.5."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shipper.panels.filters import kql
from shipper.panels.kibana import look
from shipper.panels.kibana.formula import OPERATIONS, text
from shipper.panels.kibana.layout import COLUMNS, NAVIGATION_HEIGHT, places, shown
from shipper.panels.measures import Aggregate, count
from shipper.panels.model import TIME_FIELD, Terms, Time
from shipper.panels.sources import COMPLETIONS

if TYPE_CHECKING:
    from shipper.panels.model import Breakdown, Dashboard, Metric, Panel


def dashboard_body(dashboard: Dashboard) -> dict[str, Any]:
    """The whole dashboard; its saved searches have to be there already."""
    place = places(dashboard)
    grid = {"x": 0, "y": 0, "w": COLUMNS, "h": NAVIGATION_HEIGHT}
    panels: list[dict[str, Any]] = [
        {
            "id": f"{dashboard.id}-navigation",
            "type": "markdown",
            "grid": grid,
            "config": {"content": look.navigation(dashboard)},
        }
    ]
    panels += [
        {"id": panel.id, "type": "vis", "grid": asdict(place[panel.id]), "config": config(panel)}
        for panel in shown(dashboard)
    ]
    panels += [
        {
            "id": f"{dashboard.id}-{search.id}",
            "type": "discover_session",
            "grid": asdict(place[search.id]),
            "config": {"ref_id": search.id},
        }
        for search in dashboard.searches
    ]
    return {
        "title": dashboard.title,
        "description": look.about(dashboard),
        "tags": [look.TAG],
        "time_range": {"from": look.FROM, "to": look.TO},
        "query": {"expression": "", "language": "kql"},
        "filters": [],
        "options": {"use_margins": True, "sync_colors": True, "sync_cursor": True, "sync_tooltips": False},
        "pinned_panels": [
            {
                "type": "options_list_control",
                "width": "medium",
                "grow": True,
                "config": {"title": title, "data_view_id": COMPLETIONS.id, "field_name": field},
            }
            for _, title, field in look.controls(dashboard)
        ],
        "panels": panels,
    }


def config(panel: Panel) -> dict[str, Any]:
    """One panel's chart."""
    made: dict[str, Any] = {"title": panel.title, "description": look.description(panel)}
    if panel.where is not None:
        made["query"] = {"expression": kql(panel.where), "language": "kql"}
    if panel.of_month:
        made["time_range"] = look.MONTH
    if panel.documents:
        made["drilldowns"] = [
            {"type": "discover_drilldown", "label": look.DRILLDOWN, "trigger": "on_apply_filter"}
        ]
    source = {"type": "data_view_reference", "ref_id": panel.source.id}
    match panel.chart:
        case "figure":
            return {"type": "metric", **made, "data_source": source, "metrics": _figure(panel)}
        case "table":
            return {
                "type": "data_table",
                **made,
                "data_source": source,
                "metrics": [_table_metric(panel, metric) for metric in panel.metrics],
                "rows": [_bucket(panel, one) for one in panel.breakdowns],
            }
        case _:
            return {"type": "xy", **made, **_axes(), "layers": _layers(panel, source)}


def _figure(panel: Panel) -> list[dict[str, Any]]:
    [metric] = panel.metrics
    primary = {"type": "primary", **_measured(metric), **_coloured(panel, metric)}
    if metric.unit == "time":
        return [primary]
    before = {**_measured(metric, "previous"), "label": "Before"}
    return [primary, {"type": "secondary", **before, "compare": {"to": "primary"}}]


def _table_metric(panel: Panel, metric: Metric) -> dict[str, Any]:
    return {**_measured(metric), **_coloured(panel, metric)}


def _coloured(panel: Panel, metric: Metric) -> dict[str, Any]:
    steps = look.steps(panel, metric.id)
    if not steps:
        return {}
    coloured: list[dict[str, Any]] = []
    for low, high, colour in steps:
        bounds = {name: bound for name, bound in (("gte", low), ("lt", high)) if bound is not None}
        coloured.append({**bounds, "color": colour})
    return {"color": {"type": "dynamic", "range": "absolute", "steps": coloured}, "apply_color_to": "value"}


def _layers(panel: Panel, source: dict[str, Any]) -> list[dict[str, Any]]:
    *split, across = panel.breakdowns
    over_time = isinstance(across, Time)
    kind = "line" if panel.chart == "line" else ("bar_stacked" if over_time or split else "bar_horizontal")
    layer: dict[str, Any] = {"type": kind, "data_source": source, "x": _bucket(panel, across)}
    if split:
        layer["breakdown_by"] = _bucket(panel, split[0])
    layer["y"] = [_measured(metric) for metric in panel.metrics]
    if panel.chart != "line" or not panel.thresholds:
        return [layer]
    lines = [
        {
            "operation": "static_value",
            "value": one.value,
            "label": one.label or f"{panel.metric(one.metric).label}: {one.level}",
            "color": {"type": "static", "color": look.BAD if one.level == "bad" else look.WARN},
        }
        for one in panel.thresholds
    ]
    return [layer, {"type": "reference_lines", "data_source": source, "thresholds": lines}]


def _axes() -> dict[str, Any]:
    return {
        "axis": {"x": {"title": {"visible": False}}},
        "legend": {"visibility": "visible", "position": "right"},
    }


def _bucket(panel: Panel, breakdown: Breakdown) -> dict[str, Any]:
    if isinstance(breakdown, Time):
        return {"operation": "date_histogram", "field": TIME_FIELD, "include_empty_rows": True}
    assert isinstance(breakdown, Terms)
    return {
        "operation": "terms",
        "fields": [breakdown.field],
        "label": breakdown.label,
        "limit": breakdown.size,
        "increase_accuracy": True,
        "rank_by": _rank(panel, breakdown),
    }


def _rank(panel: Panel, terms: Terms) -> dict[str, Any]:
    if terms.by_value:
        return {"type": "alphabetical", "direction": "asc"}
    number = rank_metric(panel, terms)
    if number is not None:
        return {"type": "metric", "metric_index": number, "direction": "desc"}
    return {"type": "custom", "operation": "count", "direction": "desc"}


def rank_metric(panel: Panel, terms: Terms) -> int | None:
    """The number of the metric that orders the terms, or None if no metric is the count that does."""
    for number, metric in enumerate(panel.metrics):
        if metric.id == terms.order_by if terms.order_by else metric.measure == count():
            return number
    return None


def _measured(metric: Metric, shift: str = "") -> dict[str, Any]:
    """A metric as an operation; what is more than one aggregate is a formula."""
    measure = metric.measure
    made: dict[str, Any]
    if isinstance(measure, Aggregate):
        made = {"operation": OPERATIONS[measure.function]}
        if measure.field:
            made["field"] = measure.field
        if measure.function == "percentile":
            made["percentile"] = measure.percentile
        if measure.function in ("count", "sum", "unique"):
            made["empty_as_null"] = measure.function == "sum"
        if measure.where is not None:
            made["filter"] = {"expression": kql(measure.where), "language": "kql"}
        if shift:
            made["time_shift"] = shift
    else:
        made = {"operation": "formula", "formula": text(measure, shift)}
    made["label"] = metric.label
    written = look.api_format(metric.unit)
    return {**made, "format": written} if written else made
