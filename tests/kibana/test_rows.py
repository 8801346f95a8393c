"""Every panel on a month of calls in the real Elasticsearch: by the catalogue, by Kibana's files, and in plain Python."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from shipper import process
from shipper.capture.application import Application
from shipper.capture.feedback import send_judgement
from shipper.demo.month.road import log_month
from shipper.panels.catalogue import DASHBOARDS, PANELS, SEARCHES
from shipper.panels.kibana.files import files
from shipper.panels.model import Window
from shipper.panels.request import interval
from shipper.panels.run import documents, run, run_panels
from shipper.panels.sources import SOURCES, Filters
from shipper.settings import Settings
from shipper.store.setup import setup
from tests.kibana import plain
from tests.kibana.charts import Chart, from_api, from_lens
from tests.kibana.checks import decoded
from tests.kibana.formulas import Leaf

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.panels.model import Panel

pytestmark = pytest.mark.xdist_group("panels")  # one store, filled once
Json = dict[str, Any]
COUNTED = [panel for panel in PANELS.values() if panel.chart != "words"]
SHOWN = [panel for panel in COUNTED if panel.in_kibana]
EVERYTHING = Filters()
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
END = NOON - timedelta(days=(NOON.weekday() + 1) % 7 + 1)
"""A Saturday: at the same time of the week, the same seed makes the same month."""
SEED = 27


class Month(NamedTuple):
    """A store with a month in it."""

    client: Elasticsearch
    window: Window
    """Its second half, and what has come since; the first is the period before."""
    stored: dict[str, list[Json]]
    """Every document by the id of the source."""


@pytest.fixture(scope="module")
def month(es: Elasticsearch, node: NodeInfo, tmp_path_factory: pytest.TempPathFactory) -> Month:
    """Calls, feedback late and early, dead letters and heartbeats, logged as any application's are."""
    for name in sorted(es.indices.get(index="llm-*", features="aliases", expand_wildcards="all")):
        es.indices.delete(index=name)
    setup(es)
    settings = Settings(
        home=tmp_path_factory.mktemp("month"), elasticsearch_url=(node.url,), flush_interval_s=0.05
    )
    app = Application("demo-month", version="2.0.0", settings=settings)
    send_judgement("nobody's", {"name": "helpful", "value": False}, application=app)
    log_month(es, settings, seed=SEED, days=24, calls=400, end=END.timestamp())
    process.close_all()
    es.indices.refresh(index="llm-*")
    now = datetime.now(UTC) + timedelta(minutes=1)
    come_earlier(es, now - timedelta(days=2))
    stored = {
        source.id: [
            hit["_source"]
            for hit in es.search(index=source.pattern, size=10_000, ignore_unavailable=True)["hits"]["hits"]
        ]
        for source in SOURCES
    }
    assert all(stored.values())
    return Month(es, Window(END - timedelta(days=12), now), stored)


def test_rows_are_what_plain_python_counts(month: Month) -> None:
    """Every figure of every panel, now and before, equals one made from the raw documents; percentiles nearly."""
    results = run_panels(month.client, COUNTED, month.window)
    for panel in COUNTED:
        result = results[panel.id]
        compare(
            panel, result.rows, plain.rows(panel, month.stored[panel.source.id], result.window, EVERYTHING)
        )
        if panel.chart == "figure":
            before = plain.rows(panel, month.stored[panel.source.id], month.window.before(), EVERYTHING)
            compare(panel, result.previous, before)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(application="demo-month", environment="production"),
        Filters(version="2.0.0"),
        Filters(model="gpt-4.1", prompt="refund-policy"),
    ],
    ids=["application and environment", "version", "model and prompt"],
)
def test_controls_narrow_what_knows_them(month: Month, filters: Filters) -> None:
    """With the controls set, the rows are those of the documents that fit; figures of every source."""
    panels = [panel for panel in SHOWN if panel.chart in ("figure", "table")]
    assert {panel.source.id for panel in panels} == {source.id for source in SOURCES}
    results = run_panels(month.client, panels, month.window, filters)
    for panel in panels:
        result = results[panel.id]
        compare(panel, result.rows, plain.rows(panel, month.stored[panel.source.id], result.window, filters))


def test_the_month_tells_something_of_everything(month: Month) -> None:
    """The comparison above is worth something: hardly a panel is empty on it."""
    results = run_panels(month.client, COUNTED, month.window)
    silent = {name for name, result in results.items() if result.is_empty}
    assert silent <= {"delivery-paused"}


def charts(form: str) -> dict[str, Chart]:
    """Every chart of Kibana's files, read back."""
    found: dict[str, Chart] = {}
    made = files()
    if form == "api":
        for dashboard in DASHBOARDS:
            for panel in json.loads(made[f"dashboards/{dashboard.id}.json"])["panels"]:
                if panel["type"] == "vis":
                    found[panel["id"]] = from_api(panel["id"], panel["config"])
        return found
    for line in made["llm-dashboards.ndjson"].splitlines():
        one = decoded(json.loads(line))
        for panel in one["attributes"].get("panelsJSON", ()):
            if panel["type"] == "lens":
                config = panel["embeddableConfig"]
                chart = from_lens(panel["panelIndex"], config["attributes"], config.get("timeRange"))
                found[panel["panelIndex"]] = chart
    return found


@pytest.mark.parametrize("form", ["api", "import"])
def test_kibanas_files_mean_the_same_rows(month: Month, form: str) -> None:
    """What the files say, read by other code and asked of Elasticsearch, gives the catalogue's rows."""
    read = charts(form)
    assert set(read) == {panel.id for panel in SHOWN}
    results = run_panels(month.client, SHOWN, month.window)
    patterns = {source.id: source.pattern for source in SOURCES}
    asked: list[tuple[Panel, Chart, str]] = []
    searches: list[Json] = []
    for panel in SHOWN:
        chart = read[panel.id]
        shifts = {leaf.shift for leaf in chart.leaves()}
        assert shifts == (
            {"", "previous"} if results[panel.id].previous and panel.metrics[0].unit != "time" else {""}
        )
        for shift in sorted(shifts):
            window = month.window.before() if shift else month.window
            if chart.time_range is not None:
                assert chart.time_range == {"from": "now/M", "to": "now"}
                window = window.month()
            part = chart.of(shift)
            searches += [
                {"index": patterns[chart.view]},
                part.body(window.start, window.end, interval(window)),
            ]
            asked.append((panel, part, shift))
    answers = month.client.msearch(searches=searches)["responses"]
    for (panel, chart, shift), answer in zip(asked, answers, strict=True):
        assert "error" not in answer, (panel.id, answer)
        result = results[panel.id]
        expected = [
            (tuple(as_key(key) for key in row.keys), [row.values[metric.id] for metric in panel.metrics])
            for row in (result.previous if shift else result.rows)
        ]
        found = chart.rows(answer)
        assert [keys for keys, _ in found] == [keys for keys, _ in expected], panel.id
        for (_, values), (_, wanted) in zip(found, expected, strict=True):
            for value, one, (_, tree) in zip(values, wanted, chart.metrics, strict=True):
                if isinstance(tree, Leaf) and tree.empty_as_null:
                    one = one or None
                assert (value is None) == (one is None), panel.id
                assert one is None or value == pytest.approx(one, rel=1e-9, abs=1e-12), panel.id


def test_words_are_those_of_bad_answers(month: Month) -> None:
    """Each word is in answers that people did not like, and in no fewer of them than are counted."""
    panel = PANELS["quality-words"]
    result = run(month.client, panel, month.window)
    assert result.rows
    bad = [
        " ".join(plain.values_at(one, "llm.output.text")).lower()
        for one in plain.inside(month.stored[panel.source.id], month.window)
        if plain.fits(panel.where, one)
    ]
    for row in result.rows:
        assert 0 < row.documents <= sum(str(row.keys[0]) in text for text in bad)


def test_saved_searches_find_their_documents(month: Month) -> None:
    """As many as there are, in their order; and each has what the columns show."""
    for search in SEARCHES:
        found = documents(month.client, search, month.window, size=50)
        expected = [
            one
            for one in plain.inside(month.stored[search.source.id], month.window)
            if plain.fits(search.where, one)
        ]
        assert found.total == len(expected) > 0, search.id
        assert all(plain.fits(search.where, one) for one in found.documents)
        [(field, order)] = search.sort
        shown = [value for one in found.documents for value in plain.values_at(one, field)]
        ranked = [plain.milliseconds(one) if isinstance(one, str) else one for one in shown]
        assert ranked == sorted(ranked, reverse=order == "desc")


def come_earlier(client: Elasticsearch, moment: datetime) -> None:
    """Let all feedback have come at this moment: what came just now is no orphan yet."""
    found = client.search(index="llm-feedback-*", size=10_000, source=False)["hits"]["hits"]
    lines: list[Json] = []
    for hit in found:
        lines.append({"update": {"_index": hit["_index"], "_id": hit["_id"]}})
        lines.append({"doc": {"event": {"ingested": moment.isoformat()}}})
    assert not client.bulk(operations=lines, refresh=True)["errors"]


def as_key(key: Any) -> Any:
    return round(key.timestamp() * 1000) if isinstance(key, datetime) else key


def compare(panel: Panel, rows: list[Any], expected: list[tuple[tuple[Any, ...], Json]]) -> None:
    assert [tuple(as_key(key) for key in row.keys) for row in rows] == [keys for keys, _ in expected], (
        panel.id
    )
    for row, (keys, figures) in zip(rows, expected, strict=True):
        for name, wanted in figures.items():
            found, where = row.values[name], (panel.id, name, keys, row.values[name], wanted)
            if isinstance(wanted, tuple):
                low, high = wanted
                assert low - abs(low) * 1e-6 <= found <= high + abs(high) * 1e-6, where
            else:
                assert (found is None) == (wanted is None), where
                assert wanted is None or found == pytest.approx(wanted, rel=1e-6, abs=1e-9), where
