"""A panel as the state of a Lens chart, by value, in the form that Kibana has read since 8.19."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.panels.filters import kql
from shipper.panels.kibana import look
from shipper.panels.kibana.api import rank_metric
from shipper.panels.kibana.formula import RECORDS, Columns, aggregate, text
from shipper.panels.measures import Aggregate, RunningSum
from shipper.panels.model import TIME_FIELD, Terms, Time

if TYPE_CHECKING:
    from shipper.panels.model import Breakdown, Metric, Panel

_LAYER: Final = "layer"
_LINES: Final = "lines"
_TYPES: Final = {"figure": "lnsMetric", "table": "lnsDatatable"}
_MATCHES: Final = {"keyword": "string", "boolean": "boolean"}


def attributes(panel: Panel) -> dict[str, Any]:
    """The chart: what it is called, which data views it refers to, and its state."""
    columns = _columns(panel)
    layers = {_LAYER: _layer(columns)}
    if _has_lines(panel):
        layers[_LINES] = _layer(_line_columns(panel))
    references = [
        {"type": "index-pattern", "id": panel.source.id, "name": f"indexpattern-datasource-layer-{name}"}
        for name in layers
    ]
    visualization = {"figure": _metric, "table": _table}.get(panel.chart, _xy)(panel)
    return {
        "title": panel.title,
        "description": look.description(panel),
        "type": "lens",
        "visualizationType": _TYPES.get(panel.chart, "lnsXY"),
        "references": references,
        "state": {
            "visualization": visualization,
            "query": {"query": kql(panel.where), "language": "kuery"},
            "filters": [],
            "datasourceStates": {"formBased": {"layers": layers}},
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }


def _layer(columns: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "columnOrder": list(columns),
        "columns": columns,
        "incompleteColumns": {},
        "sampling": 1,
        "ignoreGlobalFilters": False,
    }


def _columns(panel: Panel) -> dict[str, dict[str, Any]]:
    """Buckets from the outermost, then metrics, each with the columns that its formula is made of."""
    columns = {_bucket_id(number): _bucket(panel, one) for number, one in enumerate(panel.breakdowns)}
    for metric in panel.metrics:
        columns.update(_metric_columns(metric, metric.id, metric.label))
        if _compares(panel):
            columns.update(_metric_columns(metric, f"{metric.id}_before", "Before", "previous"))
    return columns


def _metric_columns(metric: Metric, name: str, label: str, shift: str = "") -> dict[str, dict[str, Any]]:
    measure = metric.measure
    written = look.lens_format(metric.unit)
    shown = {"format": written} if written else {}
    if isinstance(measure, Aggregate):
        column: dict[str, Any] = {"label": label, "customLabel": True, **aggregate(measure, shift)}
        if metric.unit == "time":
            column["dataType"] = "date"
        column["params"] = {**column["params"], **shown}
        return {name: column}
    own: dict[str, Any] = {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "isBucketed": False,
        "scale": "ratio",
    }
    if isinstance(measure, RunningSum):
        part = {**aggregate(measure.of, shift), "label": f"Part of {label}", "customLabel": True}
        return {
            name: {**own, "operationType": "cumulative_sum", "references": [f"{name}X0"], "params": shown},
            f"{name}X0": part,
        }
    formula = text(measure, shift)
    parts = Columns(name, formula, shift)
    last = parts.build(measure)
    params = {"formula": formula, "isFormulaBroken": False, **shown}
    return {name: {**own, "operationType": "formula", "params": params, "references": [last]}, **parts.made}


def _bucket(panel: Panel, breakdown: Breakdown) -> dict[str, Any]:
    if isinstance(breakdown, Time):
        return {
            "label": TIME_FIELD,
            "dataType": "date",
            "operationType": "date_histogram",
            "sourceField": TIME_FIELD,
            "isBucketed": True,
            "scale": "interval",
            "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
        }
    assert isinstance(breakdown, Terms)
    order: dict[str, Any] = {"orderBy": {"type": "alphabetical"}, "orderDirection": "asc"}
    if not breakdown.by_value:
        number = rank_metric(panel, breakdown)
        order = {"orderBy": {"type": "custom"}, "orderDirection": "desc", "orderAgg": _count()}
        if number is not None:
            order = {
                "orderBy": {"type": "column", "columnId": panel.metrics[number].id},
                "orderDirection": "desc",
            }
    return {
        "label": breakdown.label,
        "customLabel": True,
        "dataType": _data_type(panel, breakdown.field),
        "operationType": "terms",
        "scale": "ordinal",
        "sourceField": breakdown.field,
        "isBucketed": True,
        "params": {
            "size": breakdown.size,
            **order,
            "otherBucket": False,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": False,
            "excludeIsRegex": False,
            "accuracyMode": True,
        },
    }


def _count() -> dict[str, Any]:
    return {
        "label": "Count of records",
        "dataType": "number",
        "operationType": "count",
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": RECORDS,
        "params": {"emptyAsNull": False},
    }


def _data_type(panel: Panel, field: str) -> str:
    for model in panel.source.models:
        for info in model.fields():
            if info.name == field:
                return _MATCHES.get(info.stored.type, "number")
    raise KeyError(field)


def _metric(panel: Panel) -> dict[str, Any]:
    [metric] = panel.metrics
    state: dict[str, Any] = {"layerId": _LAYER, "layerType": "data", "metricAccessor": metric.id}
    if _compares(panel):
        state["secondaryMetricAccessor"] = f"{metric.id}_before"
        state["secondaryTrend"] = {
            "type": "dynamic",
            "visuals": "both",
            "paletteId": "compare_to",
            "reversed": metric.better == "lower",
            "baselineValue": "primary",
        }
    palette = _palette(panel, metric.id)
    return {**state, "palette": palette} if palette else state


def _table(panel: Panel) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"columnId": _bucket_id(number)} for number in range(len(panel.breakdowns))
    ]
    for metric in panel.metrics:
        column: dict[str, Any] = {"columnId": metric.id}
        if palette := _palette(panel, metric.id):
            column |= {"colorMode": "text", "palette": palette}
        columns.append(column)
    return {"layerId": _LAYER, "layerType": "data", "columns": columns}


def _xy(panel: Panel) -> dict[str, Any]:
    over_time = isinstance(panel.breakdowns[-1], Time)
    split = len(panel.breakdowns) > 1
    kind = "line" if panel.chart == "line" else ("bar_stacked" if over_time or split else "bar_horizontal")
    layer: dict[str, Any] = {
        "layerId": _LAYER,
        "layerType": "data",
        "seriesType": kind,
        "xAccessor": _bucket_id(len(panel.breakdowns) - 1),
        "accessors": [metric.id for metric in panel.metrics],
    }
    if split:
        layer["splitAccessor"] = _bucket_id(0)
    layers = [layer]
    if _has_lines(panel):
        names = [_line_id(number) for number in range(len(panel.thresholds))]
        layers.append(
            {
                "layerId": _LINES,
                "layerType": "referenceLine",
                "accessors": names,
                "yConfig": [
                    {
                        "forAccessor": name,
                        "axisMode": "left",
                        "color": look.BAD if one.level == "bad" else look.WARN,
                        "textVisibility": True,
                    }
                    for name, one in zip(names, panel.thresholds, strict=True)
                ],
            }
        )
    return {
        "layers": layers,
        "preferredSeriesType": kind,
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": True, "yRight": True},
    }


def _line_columns(panel: Panel) -> dict[str, dict[str, Any]]:
    return {
        _line_id(number): {
            "label": one.label or f"{panel.metric(one.metric).label}: {one.level}",
            "customLabel": True,
            "dataType": "number",
            "operationType": "static_value",
            "isStaticValue": True,
            "isBucketed": False,
            "scale": "ratio",
            "params": {"value": str(one.value), "format": look.lens_format(panel.metric(one.metric).unit)},
            "references": [],
        }
        for number, one in enumerate(panel.thresholds)
    }


def _palette(panel: Panel, metric: str) -> dict[str, Any] | None:
    steps = look.steps(panel, metric)
    if not steps:
        return None
    return {
        "type": "palette",
        "name": "custom",
        "params": {
            "name": "custom",
            "rangeType": "number",
            "rangeMin": None,
            "rangeMax": None,
            "continuity": "all",
            "steps": len(steps),
            "stops": [{"color": colour, "stop": high} for _, high, colour in steps],
            "colorStops": [{"color": colour, "stop": low} for low, _, colour in steps],
        },
    }


def _compares(panel: Panel) -> bool:
    return panel.chart == "figure" and panel.metrics[0].unit != "time"


def _has_lines(panel: Panel) -> bool:
    return panel.chart == "line" and bool(panel.thresholds)


def _bucket_id(number: int) -> str:
    return f"by_{number}"


def _line_id(number: int) -> str:
    return f"line_{number}"
