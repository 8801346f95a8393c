"""The files for Kibana: whole, consistent, and checked by checks that notice when one is broken."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipper.panels.catalogue import DASHBOARDS, SEARCHES
from shipper.panels.kibana.files import files
from tests.kibana.charts import from_api, from_lens
from tests.kibana.checks import api_problems, decoded, object_problems

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[2] / "kibana"


def read_objects(name: str) -> list[Json]:
    return [decoded(json.loads(line)) for line in (FOLDER / name).read_text("utf-8").splitlines()]


OBJECTS = read_objects("llm-dashboards.ndjson")
BODIES = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "dashboards").iterdir())
}


def test_what_is_imported_is_consistent() -> None:
    """Every reference, accessor, field, formula, query and place of the saved objects is right."""
    assert object_problems(OBJECTS) == []


@pytest.mark.parametrize("name", BODIES)
def test_what_the_api_gets_is_consistent(name: str) -> None:
    """Every operation, field, formula, query and place of a dashboard's body is right."""
    assert api_problems(name, BODIES[name], OBJECTS) == []


def test_a_budget_is_a_line_in_both_forms() -> None:
    """With one, everything is as consistent as without; without one, there is no line at all."""
    made = files(budget=1500.0)
    objects = [decoded(json.loads(line)) for line in made["llm-dashboards.ndjson"].splitlines()]
    body = json.loads(made["dashboards/llm-cost.json"])
    assert object_problems(objects) == []
    assert api_problems("llm-cost", body, objects) == []
    layers = api_panel(body, "cost-month")["config"]["layers"]
    assert [one["type"] for one in layers] == ["line", "reference_lines"]
    [line] = layers[1]["thresholds"]
    assert (line["value"], line["label"]) == (1500.0, "Budget")
    columns = lens_of(objects, "cost-month")["state"]["datasourceStates"]["formBased"]["layers"]["lines"][
        "columns"
    ]
    assert [(one["label"], one["params"]["value"]) for one in columns.values()] == [("Budget", "1500.0")]
    without = api_panel(BODIES["llm-cost"], "cost-month")["config"]["layers"]
    assert [one["type"] for one in without] == ["line"]


def test_the_library_is_part_of_everything() -> None:
    """What the API's dashboards refer to is, word for word, what the import by hand has, without the data views."""
    library = read_objects("llm-library.ndjson")
    assert library == [one for one in OBJECTS if one["type"] in ("tag", "search")]
    assert len(library) == 1 + len(SEARCHES)


def test_both_forms_show_the_same_charts() -> None:
    """A dashboard that was imported asks the same questions as one that was put by the API, in the same places."""
    compared = 0
    for one in OBJECTS:
        if one["type"] != "dashboard":
            continue
        of_api = {panel["id"]: panel for panel in BODIES[one["id"]]["panels"]}
        panels = one["attributes"]["panelsJSON"]
        assert [panel["panelIndex"] for panel in panels] == list(of_api)
        for panel in panels:
            other = of_api[panel["panelIndex"]]
            assert {key: panel["gridData"][key] for key in "xywh"} == other["grid"]
            if panel["type"] != "lens":
                continue
            config = panel["embeddableConfig"]
            lens = from_lens(panel["panelIndex"], config["attributes"], config.get("timeRange"))
            api = from_api(other["id"], other["config"])
            assert (lens.view, lens.kql, lens.lines, lens.time_range) == (
                api.view,
                api.kql,
                api.lines,
                api.time_range,
            )
            assert [bucket.field for bucket in lens.buckets] == [bucket.field for bucket in api.buckets]
            assert [name for name, _ in lens.metrics] == [name for name, _ in api.metrics]
            compared += 1
    assert compared == sum(panel.in_kibana for dashboard in DASHBOARDS for panel in dashboard.panels)


def test_every_panel_explains_itself() -> None:
    """Title and description are there: the question, and what an empty panel means."""
    for dashboard in DASHBOARDS:
        panels = {panel["id"]: panel for panel in BODIES[dashboard.id]["panels"]}
        for panel in dashboard.panels:
            if panel.in_kibana:
                described = panels[panel.id]["config"]["description"]
                assert panel.question in described
                assert f"Empty: {panel.empty}" in described
                assert panels[panel.id]["config"]["title"] == panel.title


def test_links_lead_to_dashboards_and_documents() -> None:
    """The navigation names dashboards that are there; ids in documents lead to the calls that share them."""
    ids = {one["id"] for one in OBJECTS if one["type"] == "dashboard"}
    for name, body in BODIES.items():
        content = body["panels"][0]["config"]["content"]
        assert set(re.findall(r"\(#/view/([\w-]+)\)", content)) == ids - {name}
    [calls] = [one for one in OBJECTS if one["id"] == "llm-completions"]
    formats = calls["attributes"]["fieldFormatMap"]
    for field in ("gen_ai.conversation.id", "trace.id"):
        template = formats[field]["params"]["urlTemplate"]
        assert template.startswith("discover#/?")
        assert f"query:'{field}:\"{{{{value}}}}\"'" in template
    assert formats["event.duration"]["params"]["inputFormat"] == "nanoseconds"


def find(objects: list[Json], name: str) -> Json:
    [found] = [one for one in objects if one["id"] == name]
    return found


def panel_of(objects: list[Json], name: str) -> Json:
    for one in objects:
        for panel in one["attributes"].get("panelsJSON", ()):
            if panel["panelIndex"] == name:
                return panel
    raise KeyError(name)


def lens_of(objects: list[Json], name: str) -> Json:
    return panel_of(objects, name)["embeddableConfig"]["attributes"]


def layer_of(objects: list[Json], name: str) -> Json:
    return lens_of(objects, name)["state"]["datasourceStates"]["formBased"]["layers"]["layer"]


def shown_of(objects: list[Json], name: str) -> Json:
    return lens_of(objects, name)["state"]["visualization"]


def columns_of(objects: list[Json], name: str) -> Json:
    return layer_of(objects, name)["columns"]


def put(target: Json | list[Any], *path: Any) -> None:
    """Set the value at a path, whose last element it is."""
    *steps, last, value = path
    for step in steps:
        target = target[step]
    assert target[last] != value
    target[last] = value


OBJECT_MUTATIONS: dict[str, Callable[[list[Json]], object]] = {
    "a data view is missing": lambda o: o.remove(find(o, "llm-feedback")),
    "a search is missing": lambda o: o.remove(find(o, "llm-errors")),
    "the tag is missing": lambda o: o.remove(find(o, "llm-shipper")),
    "an id is used twice": lambda o: o.append(copy.deepcopy(find(o, "llm-errors"))),
    "a type version of the future": lambda o: put(find(o, "llm-cost"), "typeMigrationVersion", "99.0.0"),
    "no type version": lambda o: find(o, "llm-cost").pop("typeMigrationVersion"),
    "an unknown key": lambda o: put({"x": o[0]}, "x", "attributes", {**o[0]["attributes"], "extra": 1}),
    "a chart's data view is another's": lambda o: put(
        lens_of(o, "cost-total"), "references", 0, "id", "llm-feedback"
    ),
    "a reference of the dashboard is missing": lambda o: find(o, "llm-cost")["references"].pop(),
    "a reference too many": lambda o: find(o, "llm-cost")["references"].append(
        {"type": "search", "id": "llm-errors", "name": "x:panel_x"}
    ),
    "a layer's reference has another name": lambda o: put(
        lens_of(o, "cost-total"), "references", 0, "name", "indexpattern-datasource-layer-other"
    ),
    "a column is not in the order": lambda o: layer_of(o, "cost-by-user")["columnOrder"].pop(),
    "a column is in the order twice": lambda o: layer_of(o, "cost-by-user")["columnOrder"].append("cost"),
    "the order has a metric first": lambda o: layer_of(o, "cost-by-user")["columnOrder"].reverse(),
    "nothing shows a metric": lambda o: shown_of(o, "cost-by-user")["columns"].pop(),
    "a metric is shown that isn't there": lambda o: put(shown_of(o, "cost-total"), "metricAccessor", "costs"),
    "an accessor that isn't there": lambda o: put(
        shown_of(o, "overview-latency-over-time"), "layers", 0, "accessors", 0, "p51"
    ),
    "x and split are exchanged": lambda o: shown_of(o, "versions-calls")["layers"][0].update(
        xAccessor="by_0", splitAccessor="by_1"
    ),
    "a layer that isn't there": lambda o: put(shown_of(o, "cost-total"), "layerId", "other"),
    "terms in the order of a column that isn't there": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "params", "orderBy", "columnId", "costs"
    ),
    "terms in the order of a formula": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "params", "orderBy", "columnId", "cost_per_1000"
    ),
    "a field that isn't there": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "sourceField", "user.name"
    ),
    "terms of a text": lambda o: put(columns_of(o, "cost-by-user"), "by_0", "sourceField", "llm.input.text"),
    "terms of a flattened field": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "sourceField", "labels"
    ),
    "terms of a nested field": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "sourceField", "llm.choices"
    ),
    "a percentile of a keyword": lambda o: put(
        columns_of(o, "overview-p95"), "p95", "sourceField", "gen_ai.request.model"
    ),
    "a sum of records": lambda o: put(columns_of(o, "cost-total"), "cost", "sourceField", "___records___"),
    "a formula that is no formula": lambda o: put(
        columns_of(o, "overview-error-share"), "error_share", "params", "formula", "count( / count()"
    ),
    "a formula of an unknown function": lambda o: put(
        columns_of(o, "overview-error-share"), "error_share", "params", "formula", "cuont() / count()"
    ),
    "a formula other than its columns": lambda o: put(
        columns_of(o, "overview-error-share"), "error_share", "params", "formula", "count() / count()"
    ),
    "a formula with a field that isn't there": lambda o: [
        put(columns_of(o, "cost-cached-share")["cachedX0"], "sourceField", "gen_ai.usage.cached"),
        put(
            columns_of(o, "cost-cached-share")["cached"],
            "params",
            "formula",
            "sum(gen_ai.usage.cached) / sum(gen_ai.usage.input_tokens)",
        ),
    ],
    "a formula's column is missing": lambda o: columns_of(o, "overview-error-share").pop("error_shareX0"),
    "a KQL filter that is no KQL": lambda o: put(
        columns_of(o, "cost-total"), "cost", "filter", "query", 'currency: "USD" and'
    ),
    "a KQL filter of a field that isn't there": lambda o: put(
        columns_of(o, "cost-total"), "cost", "filter", "query", 'currency: "USD"'
    ),
    "a chart's query of a field that isn't there": lambda o: put(
        lens_of(o, "trouble-status"), "state", "query", "query", 'event.outcomes: "failure"'
    ),
    "a panel over another": lambda o: put(panel_of(o, "cost-total"), "gridData", "x", 6),
    "a panel over the edge": lambda o: put(panel_of(o, "cost-unpriced-share"), "gridData", "x", 40),
    "a panel as wide as nothing": lambda o: put(panel_of(o, "cost-total"), "gridData", "w", 0),
    "a panel is placed as another": lambda o: put(panel_of(o, "cost-total"), "gridData", "i", "other"),
    "two panels of one id": lambda o: panel_of(o, "cost-total").update(panelIndex="cost-month"),
    "a limit line without its accessor": lambda o: shown_of(o, "overview-errors-over-time")["layers"][1][
        "accessors"
    ].pop(),
    "a control of a number": lambda o: put(
        find(o, "llm-cost"),
        "attributes",
        "controlGroupInput",
        "panelsJSON",
        "model",
        "explicitInput",
        "fieldName",
        "llm.latency_ms",
    ),
    "a control of a field that isn't there": lambda o: put(
        find(o, "llm-cost"),
        "attributes",
        "controlGroupInput",
        "panelsJSON",
        "model",
        "explicitInput",
        "fieldName",
        "model",
    ),
    "a search's column that isn't there": lambda o: put(
        find(o, "llm-errors"), "attributes", "columns", 0, "app"
    ),
    "a search sorted by a text": lambda o: put(
        find(o, "llm-errors"), "attributes", "sort", 0, ["llm.input.text", "asc"]
    ),
    "a search without its data view": lambda o: put(
        find(o, "llm-errors"), "attributes", "kibanaSavedObjectMeta", "searchSourceJSON", "indexRefName", "x"
    ),
    "a search's query that is no KQL": lambda o: put(
        find(o, "llm-errors"),
        "attributes",
        "kibanaSavedObjectMeta",
        "searchSourceJSON",
        "query",
        "query",
        'event.outcome: ("failure"',
    ),
    "a format of a field that isn't there": lambda o: find(o, "llm-completions")["attributes"][
        "fieldFormatMap"
    ].update(bytes={"id": "bytes", "params": {}}),
    "documents without a value in a bucket": lambda o: put(
        columns_of(o, "cost-by-user"), "by_0", "params", "missingBucket", True
    ),
}


@pytest.mark.parametrize("name", OBJECT_MUTATIONS)
def test_broken_saved_objects_are_noticed(name: str) -> None:
    """Each of these faults, in a copy, is named by the checks."""
    broken = copy.deepcopy(OBJECTS)
    OBJECT_MUTATIONS[name](broken)
    assert object_problems(broken) != []


def api_panel(body: Json, name: str) -> Json:
    [found] = [panel for panel in body["panels"] if panel["id"] == name]
    return found


API_MUTATIONS: dict[str, tuple[str, Callable[[Json], object]]] = {
    "an unknown key": ("llm-cost", lambda b: b.update(colour="red")),
    "an unknown key of a chart": ("llm-cost", lambda b: api_panel(b, "cost-total")["config"].update(size=5)),
    "an operation of another name": (
        "llm-overview",
        lambda b: put(api_panel(b, "overview-users"), "config", "metrics", 0, "operation", "cardinality"),
    ),
    "emptiness of an average": (
        "llm-versions",
        lambda b: put(api_panel(b, "versions-tokens"), "config", "metrics", 0, {"empty_as_null": True}),
    ),
    "a data view that isn't there": (
        "llm-cost",
        lambda b: put(api_panel(b, "cost-total"), "config", "data_source", "ref_id", "llm"),
    ),
    "a limit's data view that isn't there": (
        "llm-overview",
        lambda b: put(
            api_panel(b, "overview-latency-over-time"), "config", "layers", 1, "data_source", "ref_id", "llm"
        ),
    ),
    "a search that isn't there": (
        "llm-trouble",
        lambda b: put(api_panel(b, "llm-trouble-llm-errors"), "config", "ref_id", "errors"),
    ),
    "a tag that isn't there": ("llm-cost", lambda b: b["tags"].append("other")),
    "a field that isn't there": (
        "llm-cost",
        lambda b: put(api_panel(b, "cost-by-user"), "config", "rows", 0, "fields", ["user"]),
    ),
    "terms of a text": (
        "llm-cost",
        lambda b: put(api_panel(b, "cost-by-user"), "config", "rows", 0, "fields", ["message"]),
    ),
    "terms in the order of a formula": (
        "llm-cost",
        lambda b: put(api_panel(b, "cost-by-user"), "config", "rows", 0, "rank_by", "metric_index", 2),
    ),
    "terms in the order of a metric that isn't there": (
        "llm-cost",
        lambda b: put(api_panel(b, "cost-by-user"), "config", "rows", 0, "rank_by", "metric_index", 7),
    ),
    "a formula that is no formula": (
        "llm-overview",
        lambda b: put(api_panel(b, "overview-error-share"), "config", "metrics", 0, "formula", "count() /"),
    ),
    "a formula's query that is no KQL": (
        "llm-overview",
        lambda b: put(
            api_panel(b, "overview-error-share"),
            "config",
            "metrics",
            0,
            "formula",
            "count(kql='a b') / count()",
        ),
    ),
    "a formula's query of a field that isn't there": (
        "llm-overview",
        lambda b: put(
            api_panel(b, "overview-error-share"),
            "config",
            "metrics",
            0,
            "formula",
            "count(kql='a: *') / count()",
        ),
    ),
    "a query in another language": (
        "llm-trouble",
        lambda b: put(api_panel(b, "trouble-status"), "config", "query", "language", "lucene"),
    ),
    "a panel over another": ("llm-cost", lambda b: put(api_panel(b, "cost-total"), "grid", "h", 9)),
    "a panel over the edge": ("llm-cost", lambda b: put(api_panel(b, "cost-month"), "grid", "w", 48)),
    "two panels of one id": ("llm-cost", lambda b: api_panel(b, "cost-total").update(id="cost-month")),
    "a control of a text": (
        "llm-cost",
        lambda b: put(b["pinned_panels"][0], "config", "field_name", "message"),
    ),
    "a control's data view that isn't there": (
        "llm-cost",
        lambda b: put(b["pinned_panels"][0], "config", "data_view_id", "llm"),
    ),
    "a secondary metric first": (
        "llm-overview",
        lambda b: api_panel(b, "overview-calls")["config"]["metrics"].reverse(),
    ),
    "a colour without bounds": (
        "llm-overview",
        lambda b: put(
            api_panel(b, "overview-error-share"),
            "config",
            "metrics",
            0,
            "color",
            "steps",
            [{"color": "#000000"}],
        ),
    ),
}


@pytest.mark.parametrize("name", API_MUTATIONS)
def test_broken_dashboards_are_noticed(name: str) -> None:
    """Each of these faults, in a copy, is named by the checks."""
    dashboard, mutate = API_MUTATIONS[name]
    broken = copy.deepcopy(BODIES[dashboard])
    mutate(broken)
    assert api_problems(dashboard, broken, OBJECTS) != []


def test_more_than_a_hundred_panels_are_noticed() -> None:
    """The API takes no more."""
    broken = copy.deepcopy(BODIES["llm-cost"])
    last = broken["panels"][-1]
    for number in range(100):
        grid = {**last["grid"], "y": last["grid"]["y"] + 20 * (number + 1)}
        broken["panels"].append({**copy.deepcopy(last), "id": f"more-{number}", "grid": grid})
    assert api_problems("llm-cost", broken, OBJECTS) != []
