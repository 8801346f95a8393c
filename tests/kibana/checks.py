"""What can be wrong with dashboards that Kibana would take without a word, and then show as an empty or broken panel."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from tests.kibana import kql, schemas
from tests.kibana.charts import Chart, from_api, from_lens

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
_VALIDATORS = {
    "object": jsonschema.Draft202012Validator(schemas.SAVED_OBJECT),
    "dashboard": jsonschema.Draft202012Validator(schemas.API_DASHBOARD),
}
_NUMBERS = {"long", "short", "double", "float"}
_TERMS = {"keyword", "boolean", *_NUMBERS}
_FIT = {
    "time": {"date"},
    "terms": _TERMS,
    "sum": _NUMBERS,
    "average": _NUMBERS,
    "percentile": _NUMBERS,
    "min": {*_NUMBERS, "date"},
    "max": {*_NUMBERS, "date"},
    "unique_count": _TERMS,
    "filter": {*_TERMS, "date", "text"},
}


def mapped(pattern: str) -> dict[str, str]:
    """The fields of the indices of a pattern, from the very templates: nested ones are named `nested`."""
    found: dict[str, str] = {}
    for one in pattern.split(","):
        family = one.removesuffix("-*")
        path = REPOSITORY / "index-templates" / "component" / f"{family}@mappings.json"
        body = json.loads(path.read_text("utf-8"))
        found.update(_leaves(body["template"]["mappings"]["properties"], ""))
    return found


def _leaves(properties: Json, prefix: str) -> Iterator[tuple[str, str]]:
    for name, body in properties.items():
        if "type" not in body:
            yield from _leaves(body["properties"], f"{prefix}{name}.")
        elif body.get("enabled", True):
            yield prefix + name, body["type"]
            if body["type"] == "nested":
                yield from _leaves(body["properties"], f"{prefix}{name}.")


def decoded(one: Json) -> Json:
    """A saved object with its texts of JSON as what they say."""
    attributes = {
        name: json.loads(value)
        if name.endswith("JSON")
        or name in ("fieldFormatMap", "fieldAttrs", "fields", "runtimeFieldMap", "sourceFilters", "typeMeta")
        else value
        for name, value in one["attributes"].items()
    }
    for name, inner in list(attributes.items()):
        if isinstance(inner, dict) and name in ("kibanaSavedObjectMeta", "controlGroupInput"):
            attributes[name] = {
                key: json.loads(value) if key.endswith("JSON") else value for key, value in inner.items()
            }
    return {**one, "attributes": attributes}


def views_of(objects: list[Json]) -> dict[str, dict[str, str]]:
    """The mapped fields of each data view."""
    return {
        one["id"]: mapped(one["attributes"]["title"]) for one in objects if one["type"] == "index-pattern"
    }


def object_problems(objects: list[Json]) -> list[str]:
    """What is wrong with saved objects that are imported together; decoded ones."""
    found: list[str] = []
    for one in objects:
        found += _schema_problems("object", one, f"{one['type']} {one['id']}")
    if found:
        return found
    shipped = {(one["type"], one["id"]) for one in objects}
    found += [f"{key} is there twice" for key in _repeated((one["type"], one["id"]) for one in objects)]
    found += [
        f"{one['id']} refers to {reference['type']} {reference['id']}, which isn't shipped"
        for one in objects
        for reference in one["references"]
        if (reference["type"], reference["id"]) not in shipped
    ]
    if found:
        return found
    views = views_of(objects)
    for one in objects:
        if one["type"] == "index-pattern":
            unknown = set(one["attributes"]["fieldFormatMap"]) - set(views[one["id"]])
            found += [f"{one['id']} formats {name}, which is no field" for name in sorted(unknown)]
        elif one["type"] == "search":
            found += _search_problems(one, views)
        elif one["type"] == "dashboard":
            found += _dashboard_problems(one, views)
    return found


def api_problems(name: str, body: Json, objects: list[Json]) -> list[str]:
    """What is wrong with a body for the dashboards API, given the saved objects that are there."""
    found = _schema_problems("dashboard", body, name)
    if found:
        return found
    views = views_of(objects)
    ids = {(one["type"], one["id"]) for one in objects}
    found += _grid_problems(name, [(panel["id"], panel["grid"]) for panel in body["panels"]])
    found += [f"tag {tag} isn't shipped" for tag in body["tags"] if ("tag", tag) not in ids]
    for control in body["pinned_panels"]:
        found += _control_problems(control["config"]["data_view_id"], control["config"]["field_name"], views)
    for panel in body["panels"]:
        if panel["type"] == "discover_session" and ("search", panel["config"]["ref_id"]) not in ids:
            found.append(f"{panel['id']}: there is no search {panel['config']['ref_id']}")
        if panel["type"] == "vis":
            found += _chart_problems(
                panel["id"], functools.partial(from_api, panel["id"], panel["config"]), views
            )
            for layer in panel["config"].get("layers", [])[1:]:
                if layer["data_source"]["ref_id"] not in views:
                    found.append(f"{panel['id']}: there is no data view {layer['data_source']['ref_id']}")
    return found


def _schema_problems(kind: str, body: Json, name: str) -> list[str]:
    return list(_validated(kind, json.dumps(body), name))


@functools.cache
def _validated(kind: str, text: str, name: str) -> tuple[str, ...]:
    """Of each text once: of many objects a test breaks a single one."""
    errors = _VALIDATORS[kind].iter_errors(json.loads(text))
    return tuple(f"{name}: {error.json_path}: {error.message:.200}" for error in errors)


def _search_problems(search: Json, views: dict[str, dict[str, str]]) -> list[str]:
    attributes = search["attributes"]
    source = attributes["kibanaSavedObjectMeta"]["searchSourceJSON"]
    named = {one["name"]: one["id"] for one in search["references"]}
    if source.get("indexRefName") not in named:
        return [f"{search['id']} refers to no data view"]
    fields = views[named[source["indexRefName"]]]
    found = [f"{search['id']}: no field {name}" for name in attributes["columns"] if name not in fields]
    found += [
        f"{search['id']}: can't sort by {name}"
        for name, _ in attributes["sort"]
        if fields.get(name) not in _TERMS | {"date"}
    ]
    try:
        unknown = kql.fields(source["query"]["query"]) - set(fields)
    except kql.KqlError as error:
        return [*found, f"{search['id']}: {error}"]
    return found + [f"{search['id']}: no field {name}" for name in sorted(unknown)]


def _dashboard_problems(dashboard: Json, views: dict[str, dict[str, str]]) -> list[str]:
    attributes, name = dashboard["attributes"], dashboard["id"]
    references = {one["name"]: (one["type"], one["id"]) for one in dashboard["references"]}
    panels = attributes["panelsJSON"]
    found = _grid_problems(name, [(one["panelIndex"], one["gridData"]) for one in panels])
    found += [
        f"{one['panelIndex']} is placed as another"
        for one in panels
        if one["gridData"]["i"] != one["panelIndex"]
    ]
    wanted: dict[str, tuple[str, str]] = {
        one["name"]: (one["type"], one["id"]) for one in dashboard["references"] if one["type"] == "tag"
    }
    for panel in panels:
        index, config = panel["panelIndex"], panel["embeddableConfig"]
        if panel["type"] == "lens":
            for one in config["attributes"]["references"]:
                wanted[f"{index}:{one['name']}"] = (one["type"], one["id"])
            found += _layer_problems(index, config["attributes"])
            found += _chart_problems(
                index, lambda i=index, c=config: from_lens(i, c["attributes"], c.get("timeRange")), views
            )
        elif panel["type"] == "search":
            key = f"{index}:{panel['panelRefName']}"
            wanted[key] = references.get(key, ("search", "?"))
    for control, body in attributes["controlGroupInput"]["panelsJSON"].items():
        key = f"controlGroup_{control}:optionsListDataView"
        wanted[key] = references.get(key, ("index-pattern", "?"))
        found += _control_problems(wanted[key][1], body["explicitInput"]["fieldName"], views)
        if body["explicitInput"]["id"] != control:
            found.append(f"{name}: control {control} has another id inside")
    if references != wanted or len(references) != len(dashboard["references"]):
        found.append(f"{name}: its references are not those of its panels")
    return found


def _layer_problems(name: str, attributes: Json) -> list[str]:
    """Layers, columns and what shows them, each of which Kibana looks up by name."""
    found: list[str] = []
    shown = attributes["state"]["visualization"]
    layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
    ids = [one["layerId"] for one in shown.get("layers", [shown])]
    if sorted(ids) != sorted(layers):
        found.append(f"{name}: shown are layers {ids}, there are {sorted(layers)}")
    if {one["name"] for one in attributes["references"]} != {
        f"indexpattern-datasource-layer-{one}" for one in layers
    }:
        found.append(f"{name}: a layer without its data view")
    for layer_id, layer in layers.items():
        columns = layer["columns"]
        if layer["columnOrder"] != list(dict.fromkeys(layer["columnOrder"])) or set(
            layer["columnOrder"]
        ) != set(columns):
            found.append(f"{name}: the order {layer['columnOrder']} is not that of {sorted(columns)}")
        bucketed = [columns[one]["isBucketed"] for one in layer["columnOrder"] if one in columns]
        if bucketed != sorted(bucketed, reverse=True):
            found.append(f"{name}: a metric stands before a bucket")
        for column in columns.values():
            missing = set(column.get("references", ())) - set(columns)
            by = column["params"].get("orderBy", {})
            missing |= {by["columnId"]} - set(columns) if by.get("type") == "column" else set()
            found += [f"{name}: no column {one}" for one in sorted(missing)]
            if by.get("type") == "column" and columns.get(by["columnId"], {}).get("operationType") in (
                "formula",
                "math",
            ):
                found.append(f"{name}: terms can't be in the order of a formula")
        used = _accessors(shown, layer_id)
        found += [f"{name}: no column {one} to show" for one in used if one not in columns]
        parts = {one for column in columns.values() for one in column.get("references", ())}
        drawn = {
            y["forAccessor"]
            for one in shown.get("layers", ())
            for y in one.get("yConfig", ())
            if one["layerId"] == layer_id
        }
        if drawn and drawn != set(used):
            found.append(f"{name}: lines are drawn for {sorted(drawn)}, there are {sorted(used)}")
        idle = set(columns) - set(used) - parts
        found += [f"{name}: nothing shows column {one}" for one in sorted(idle)]
    return found


def _accessors(shown: Json, layer_id: str) -> list[str]:
    if "layers" not in shown:
        found = [shown.get("metricAccessor"), shown.get("secondaryMetricAccessor")]
        return [one for one in found if one] + [one["columnId"] for one in shown.get("columns", [])]
    found = []
    for one in shown["layers"]:
        if one["layerId"] == layer_id:
            found += [*one["accessors"], *([one["xAccessor"]] if "xAccessor" in one else [])]
            found += [one["splitAccessor"]] if "splitAccessor" in one else []
    return found


def _chart_problems(name: str, read: Any, views: dict[str, dict[str, str]]) -> list[str]:
    try:
        chart: Chart = read()
        used = chart.fields()
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return [f"{name}: {type(error).__name__}: {error}"]
    if chart.view not in views:
        return [f"{name}: there is no data view {chart.view}"]
    fields = views[chart.view]
    return [
        f"{name}: {use} of {field}, which is {fields.get(field, 'no field')}"
        for use, names in used.items()
        for field in sorted(names)
        if fields.get(field) not in _FIT[use]
    ]


def _control_problems(view: str, field: str, views: dict[str, dict[str, str]]) -> list[str]:
    if view not in views:
        return [f"a control looks at {view}, which is no data view"]
    kind = views[view].get(field)
    return [] if kind in ("keyword", "boolean") else [f"a control for {field}, which is {kind}"]


def _grid_problems(name: str, places: list[tuple[str, Json]]) -> list[str]:
    found = [f"{name}: panel {one} is there twice" for one in _repeated(panel for panel, _ in places)]
    if len(places) > 100:
        found.append(f"{name} has {len(places)} panels")
    taken: dict[tuple[int, int], str] = {}
    for panel, grid in places:
        if grid["x"] + grid["w"] > 48:
            found.append(f"{name}: {panel} reaches over the right edge")
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                other = taken.setdefault((x, y), panel)
                if other != panel:
                    return [*found, f"{name}: {panel} lies on {other}"]
    return found


def _repeated(values: Any) -> list[Any]:
    return [value for value, number in Counter(values).items() if number > 1]
