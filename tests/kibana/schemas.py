"""JSON schemas of the parts of Kibana's formats that our dashboards use, written from its documentation; no key more."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1}
_NUMBER: Json = {"type": "number"}
_FLAG: Json = {"type": "boolean"}


def _only(required: Json, optional: Json | None = None) -> Json:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(item: Json, least: int = 0, most: int = 100) -> Json:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most}


def _is(*values: Any) -> Json:
    return {"enum": list(values)}


_GRID = {
    "x": {"type": "integer", "minimum": 0, "maximum": 47},
    "y": {"type": "integer", "minimum": 0},
    "w": {"type": "integer", "minimum": 1, "maximum": 48},
    "h": {"type": "integer", "minimum": 1},
}
_RANGE = _only({"from": _NAME, "to": _NAME})
_COLOR = {"type": "string", "pattern": "^#[0-9a-f]{6}$"}

# --- The dashboards API of Kibana 9.5 ---

_KQL = _only({"expression": _TEXT, "language": _is("kql")})
_FORMAT = {
    "anyOf": [
        _only({"type": _is("percent"), "decimals": _NUMBER}),
        _only({"type": _is("number"), "decimals": _NUMBER}, {"suffix": _NAME, "compact": _FLAG}),
        _only({"type": _is("custom"), "pattern": _NAME}),
    ]
}
_STEP = _only({"color": _COLOR}, {"gte": _NUMBER, "lt": _NUMBER})
_DYNAMIC = _only({"type": _is("dynamic"), "range": _is("absolute"), "steps": _list(_STEP, 2)})
_COLOURED = {"color": _DYNAMIC, "apply_color_to": _is("value")}
_SHARED = {"label": _NAME, "format": _FORMAT, "filter": _KQL, "time_shift": _is("previous")}
_SOURCE = _only({"type": _is("data_view_reference"), "ref_id": _NAME})


def _operations(required: Json, optional: Json) -> Json:
    more = {**_SHARED, **optional}
    emptiness = {"empty_as_null": _FLAG}
    return {
        "anyOf": [
            _only({**required, "operation": _is("count"), **emptiness}, more),
            _only({**required, "operation": _is("sum", "unique_count"), "field": _NAME, **emptiness}, more),
            _only({**required, "operation": _is("min", "max", "average"), "field": _NAME}, more),
            _only({**required, "operation": _is("percentile"), "field": _NAME, "percentile": _NUMBER}, more),
            _only(
                {**required, "operation": _is("formula"), "formula": _NAME},
                {"label": _NAME, "format": _FORMAT, **optional},
            ),
        ]
    }


_RANK = {
    "anyOf": [
        _only({"type": _is("alphabetical"), "direction": _is("asc", "desc")}),
        _only(
            {
                "type": _is("metric"),
                "metric_index": {"type": "integer", "minimum": 0},
                "direction": _is("desc"),
            }
        ),
        _only({"type": _is("custom"), "operation": _is("count"), "direction": _is("desc")}),
    ]
}
_BUCKET = {
    "anyOf": [
        _only({"operation": _is("date_histogram"), "field": _is("@timestamp"), "include_empty_rows": _FLAG}),
        _only(
            {
                "operation": _is("terms"),
                "fields": _list(_NAME, 1, 1),
                "label": _NAME,
                "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
                "increase_accuracy": _FLAG,
                "rank_by": _RANK,
            }
        ),
    ]
}
_COMMON = {"title": _NAME, "description": _NAME}
_MORE = {
    "query": _KQL,
    "time_range": _RANGE,
    "drilldowns": _list(
        _only({"type": _is("discover_drilldown"), "label": _NAME, "trigger": _is("on_apply_filter")}), 1
    ),
}
_PRIMARY = _operations({"type": _is("primary")}, _COLOURED)
_SECONDARY = _operations({"type": _is("secondary"), "compare": _only({"to": _is("primary")})}, {})
_THRESHOLD = _only(
    {
        "operation": _is("static_value"),
        "value": _NUMBER,
        "label": _NAME,
        "color": _only({"type": _is("static"), "color": _COLOR}),
    }
)
_LAYERS = {
    "type": "array",
    "prefixItems": [
        _only(
            {
                "type": _is("line", "bar_stacked", "bar_horizontal"),
                "data_source": _SOURCE,
                "x": _BUCKET,
                "y": _list(_operations({}, {}), 1),
            },
            {"breakdown_by": _BUCKET},
        )
    ],
    "items": _only(
        {"type": _is("reference_lines"), "data_source": _SOURCE, "thresholds": _list(_THRESHOLD, 1)}
    ),
    "minItems": 1,
    "maxItems": 2,
}
_AXIS = _only({"x": _only({"title": _only({"visible": _FLAG})})})
_LEGEND = _only({"visibility": _is("visible"), "position": _is("right")})
_VIS = {
    "anyOf": [
        _only(
            {
                "type": _is("metric"),
                **_COMMON,
                "data_source": _SOURCE,
                "metrics": {
                    "type": "array",
                    "prefixItems": [_PRIMARY, _SECONDARY],
                    "minItems": 1,
                    "items": False,
                },
            },
            _MORE,
        ),
        _only(
            {
                "type": _is("data_table"),
                **_COMMON,
                "data_source": _SOURCE,
                "metrics": _list(_operations({}, _COLOURED), 1),
                "rows": _list(_BUCKET, 1),
            },
            _MORE,
        ),
        _only({"type": _is("xy"), **_COMMON, "axis": _AXIS, "legend": _LEGEND, "layers": _LAYERS}, _MORE),
    ]
}


def _api_panel(kind: str, config: Json) -> Json:
    return _only({"id": _NAME, "type": _is(kind), "grid": _only(_GRID), "config": config})


API_DASHBOARD = _only(
    {
        "title": _NAME,
        "description": _NAME,
        "tags": _list(_NAME, 1),
        "time_range": _RANGE,
        "query": _KQL,
        "filters": _list(_NAME, 0, 0),
        "options": _only(
            dict.fromkeys(("use_margins", "sync_colors", "sync_cursor", "sync_tooltips"), _FLAG)
        ),
        "pinned_panels": _list(
            _only(
                {
                    "type": _is("options_list_control"),
                    "width": _is("small", "medium", "large"),
                    "grow": _FLAG,
                    "config": _only({"title": _NAME, "data_view_id": _NAME, "field_name": _NAME}),
                }
            ),
            5,
        ),
        "panels": _list(
            {
                "anyOf": [
                    _api_panel("markdown", _only({"content": _NAME})),
                    _api_panel("vis", _VIS),
                    _api_panel("discover_session", _only({"ref_id": _NAME})),
                ]
            },
            1,
        ),
    }
)

# --- Saved objects, of the versions of Kibana 8.19; texts that hold JSON are decoded first ---

_KUERY = _only({"query": _TEXT, "language": _is("kuery")})
_REFERENCE = _only({"type": _is("index-pattern", "search", "tag"), "id": _NAME, "name": _NAME})
_SEARCH_SOURCE = _only({"query": _KUERY, "filter": _list(_NAME, 0, 0)}, {"indexRefName": _NAME})
_LENS_FORMAT = _only(
    {
        "id": _is("number", "percent", "custom"),
        "params": _only({"decimals": _NUMBER}, {"suffix": _NAME, "compact": _FLAG, "pattern": _NAME}),
    }
)
_COLUMN = {
    "label": _NAME,
    "dataType": _is("number", "string", "boolean", "date"),
    "isBucketed": _FLAG,
    "scale": _is("ratio", "interval", "ordinal"),
}
_CUSTOM = {"customLabel": _FLAG}
_MEASURED = {**_COLUMN, "sourceField": _NAME}
_MEASURED_MORE = {**_CUSTOM, "filter": _KUERY, "timeShift": _is("previous")}
_FORMATTED = {"format": _LENS_FORMAT}
_EMPTY = {"emptyAsNull": _FLAG}
_COUNT = _only({**_MEASURED, "operationType": _is("count"), "params": _only(_EMPTY)})
_TERMS = _only(
    {
        "size": {"type": "integer", "minimum": 1},
        "orderBy": {
            "anyOf": [
                _only({"type": _is("alphabetical")}),
                _only({"type": _is("column"), "columnId": _NAME}),
                _only({"type": _is("custom")}),
            ]
        },
        "orderDirection": _is("asc", "desc"),
        "otherBucket": _FLAG,
        "missingBucket": _FLAG,
        "parentFormat": _only({"id": _is("terms")}),
        "include": _list(_NAME, 0, 0),
        "exclude": _list(_NAME, 0, 0),
        "includeIsRegex": _FLAG,
        "excludeIsRegex": _FLAG,
        "accuracyMode": _FLAG,
    },
    {"orderAgg": _COUNT},
)
_LENS_COLUMN = {
    "anyOf": [
        _only(
            {
                **_MEASURED,
                "operationType": _is("date_histogram"),
                "params": _only({"interval": _is("auto"), "includeEmptyRows": _FLAG, "dropPartials": _FLAG}),
            }
        ),
        _only({**_MEASURED, **_CUSTOM, "operationType": _is("terms"), "params": _TERMS}),
        _only(
            {
                **_MEASURED,
                "operationType": _is("count", "sum", "unique_count"),
                "params": _only(_EMPTY, _FORMATTED),
            },
            _MEASURED_MORE,
        ),
        _only(
            {**_MEASURED, "operationType": _is("min", "max", "average"), "params": _only({}, _FORMATTED)},
            _MEASURED_MORE,
        ),
        _only(
            {
                **_MEASURED,
                "operationType": _is("percentile"),
                "params": _only({"percentile": _NUMBER}, _FORMATTED),
            },
            _MEASURED_MORE,
        ),
        _only(
            {
                **_COLUMN,
                **_CUSTOM,
                "operationType": _is("formula"),
                "params": _only({"formula": _NAME, "isFormulaBroken": _is(False)}, _FORMATTED),
                "references": _list(_NAME, 1, 1),
            }
        ),
        _only(
            {
                **_COLUMN,
                **_CUSTOM,
                "operationType": _is("math"),
                "params": _only({"tinymathAst": {"type": "object"}}),
                "references": _list(_NAME, 1),
            }
        ),
        _only(
            {
                **_COLUMN,
                **_CUSTOM,
                "operationType": _is("cumulative_sum"),
                "params": _only({}, _FORMATTED),
                "references": _list(_NAME, 1, 1),
            }
        ),
        _only(
            {
                **_COLUMN,
                **_CUSTOM,
                "operationType": _is("static_value"),
                "isStaticValue": _is(True),
                "params": _only({"value": _NAME, "format": _LENS_FORMAT}),
                "references": _list(_NAME, 0, 0),
            }
        ),
    ]
}
_LENS_LAYER = _only(
    {
        "columnOrder": _list(_NAME, 1),
        "columns": {"type": "object", "additionalProperties": _LENS_COLUMN},
        "incompleteColumns": _only({}),
        "sampling": _is(1),
        "ignoreGlobalFilters": _is(False),
    }
)
_STOP = {"type": ["number", "null"]}
_PALETTE = _only(
    {
        "type": _is("palette"),
        "name": _is("custom"),
        "params": _only(
            {
                "name": _is("custom"),
                "rangeType": _is("number"),
                "rangeMin": _STOP,
                "rangeMax": _STOP,
                "continuity": _is("all"),
                "steps": {"type": "integer", "minimum": 2},
                "stops": _list(_only({"color": _COLOR, "stop": _STOP}), 2),
                "colorStops": _list(_only({"color": _COLOR, "stop": _STOP}), 2),
            }
        ),
    }
)
_DATA_LAYER = {"layerId": _NAME, "layerType": _is("data")}
_TREND = _only(
    {
        "type": _is("dynamic"),
        "visuals": _is("both"),
        "paletteId": _is("compare_to"),
        "reversed": _FLAG,
        "baselineValue": _is("primary"),
    }
)
_SERIES = _is("line", "bar_stacked", "bar_horizontal")
_VISUALIZATION = {
    "anyOf": [
        _only(
            {**_DATA_LAYER, "metricAccessor": _NAME},
            {"secondaryMetricAccessor": _NAME, "secondaryTrend": _TREND, "palette": _PALETTE},
        ),
        _only(
            {
                **_DATA_LAYER,
                "columns": _list(
                    _only({"columnId": _NAME}, {"colorMode": _is("text"), "palette": _PALETTE}), 1
                ),
            }
        ),
        _only(
            {
                "layers": {
                    "type": "array",
                    "prefixItems": [
                        _only(
                            {
                                **_DATA_LAYER,
                                "seriesType": _SERIES,
                                "xAccessor": _NAME,
                                "accessors": _list(_NAME, 1),
                            },
                            {"splitAccessor": _NAME},
                        )
                    ],
                    "items": _only(
                        {
                            "layerId": _NAME,
                            "layerType": _is("referenceLine"),
                            "accessors": _list(_NAME, 1),
                            "yConfig": _list(
                                _only(
                                    {
                                        "forAccessor": _NAME,
                                        "axisMode": _is("left"),
                                        "color": _COLOR,
                                        "textVisibility": _FLAG,
                                    }
                                ),
                                1,
                            ),
                        }
                    ),
                    "minItems": 1,
                    "maxItems": 2,
                },
                "preferredSeriesType": _SERIES,
                "legend": _only({"isVisible": _FLAG, "position": _is("right")}),
                "valueLabels": _is("hide"),
                "fittingFunction": _is("None"),
                "axisTitlesVisibilitySettings": _only({"x": _FLAG, "yLeft": _FLAG, "yRight": _FLAG}),
            }
        ),
    ]
}
_LENS = _only(
    {
        "title": _NAME,
        "description": _NAME,
        "type": _is("lens"),
        "visualizationType": _is("lnsXY", "lnsMetric", "lnsDatatable"),
        "references": _list(_REFERENCE, 1),
        "state": _only(
            {
                "visualization": _VISUALIZATION,
                "query": _KUERY,
                "filters": _list(_NAME, 0, 0),
                "datasourceStates": _only(
                    {
                        "formBased": _only(
                            {
                                "layers": {
                                    "type": "object",
                                    "additionalProperties": _LENS_LAYER,
                                    "minProperties": 1,
                                }
                            }
                        )
                    }
                ),
                "internalReferences": _list(_NAME, 0, 0),
                "adHocDataViews": _only({}),
            }
        ),
    }
)
_EVENTS = _list(
    _only(
        {
            "eventId": _NAME,
            "triggers": _list(_is("FILTER_TRIGGER"), 1, 1),
            "action": _only(
                {
                    "factoryId": _is("OPEN_IN_DISCOVER_DRILLDOWN"),
                    "name": _NAME,
                    "config": _only({"openInNewTab": _FLAG}),
                }
            ),
        }
    ),
    1,
)
_ENHANCEMENTS = _only({}, {"dynamicActions": _only({"events": _EVENTS})})
_SAVED_VIS = _only(
    {
        "type": _is("markdown"),
        "title": _TEXT,
        "description": _TEXT,
        "params": _only({"fontSize": _NUMBER, "openLinksInNewTab": _FLAG, "markdown": _NAME}),
        "uiState": _only({}),
        "data": _only({"aggs": _list(_NAME, 0, 0), "searchSource": _SEARCH_SOURCE}),
    }
)


def _panel(kind: str, config: Json, more: Json | None = None) -> Json:
    grid = _only({**_GRID, "i": _NAME})
    return _only(
        {"type": _is(kind), "panelIndex": _NAME, "gridData": grid, "embeddableConfig": config, **(more or {})}
    )


_CONTROL = _only(
    {
        "type": _is("optionsListControl"),
        "order": {"type": "integer"},
        "width": _is("small", "medium", "large"),
        "grow": _FLAG,
        "explicitInput": _only({"id": _NAME, "fieldName": _NAME, "title": _NAME, "enhancements": _only({})}),
    }
)
_META = _only({"searchSourceJSON": _SEARCH_SOURCE})
_FIELD_FORMAT = _only({"id": _is("duration", "bytes", "number", "url"), "params": {"type": "object"}})
_ATTRIBUTES: dict[str, tuple[str | None, Json]] = {
    "tag": (None, _only({"name": _NAME, "description": _NAME, "color": _COLOR})),
    "index-pattern": (
        "7.11.0",
        _only(
            {
                "title": _NAME,
                "name": _NAME,
                "timeFieldName": _is("@timestamp"),
                "allowNoIndex": _is(True),
                "fieldFormatMap": {"type": "object", "additionalProperties": _FIELD_FORMAT},
                "fieldAttrs": _only({}),
                "fields": _list(_NAME, 0, 0),
                "runtimeFieldMap": _only({}),
                "sourceFilters": _list(_NAME, 0, 0),
                "typeMeta": _only({}),
            }
        ),
    ),
    "search": (
        "10.5.0",
        _only(
            {
                "title": _NAME,
                "description": _NAME,
                "columns": _list(_NAME, 1, 8),
                "sort": _list(
                    {"type": "array", "prefixItems": [_NAME, _is("asc", "desc")], "minItems": 2}, 1
                ),
                "grid": _only({}),
                "hideChart": _FLAG,
                "isTextBasedQuery": _is(False),
                "timeRestore": _is(False),
                "kibanaSavedObjectMeta": _META,
            }
        ),
    ),
    "dashboard": (
        "10.2.0",
        _only(
            {
                "title": _NAME,
                "description": _NAME,
                "panelsJSON": _list(
                    {
                        "anyOf": [
                            _panel(
                                "visualization",
                                _only(
                                    {
                                        "savedVis": _SAVED_VIS,
                                        "hidePanelTitles": _FLAG,
                                        "enhancements": _only({}),
                                    }
                                ),
                            ),
                            _panel(
                                "lens",
                                _only(
                                    {"attributes": _LENS, "enhancements": _ENHANCEMENTS},
                                    {"timeRange": _RANGE},
                                ),
                            ),
                            _panel("search", _only({}), {"panelRefName": _NAME}),
                        ]
                    },
                    1,
                ),
                "optionsJSON": _only(
                    dict.fromkeys(
                        ("useMargins", "syncColors", "syncCursor", "syncTooltips", "hidePanelTitles"), _FLAG
                    )
                ),
                "controlGroupInput": _only(
                    {
                        "controlStyle": _is("oneLine"),
                        "chainingSystem": _is("HIERARCHICAL"),
                        "showApplySelections": _FLAG,
                        "ignoreParentSettingsJSON": _only(
                            dict.fromkeys(
                                ("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"),
                                _FLAG,
                            )
                        ),
                        "panelsJSON": {
                            "type": "object",
                            "additionalProperties": _CONTROL,
                            "minProperties": 5,
                        },
                    }
                ),
                "timeRestore": _is(True),
                "timeFrom": _NAME,
                "timeTo": _NAME,
                "version": _is(1),
                "kibanaSavedObjectMeta": _META,
            }
        ),
    ),
}
SAVED_OBJECT = {
    "anyOf": [
        _only(
            {
                "id": _NAME,
                "type": _is(kind),
                "attributes": attributes,
                "references": _list(_REFERENCE, 0, 1000),
                "coreMigrationVersion": _is("8.8.0"),
                **({"typeMigrationVersion": _is(version)} if version else {}),
                "managed": _is(False),
            }
        )
        for kind, (version, attributes) in _ATTRIBUTES.items()
    ]
}
