"""What panels ask, and what answers mean, without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import StoreError
from shipper.panels.catalogue import PANELS, SEARCHES
from shipper.panels.filters import (
    All,
    AnyOf,
    AtLeast,
    Below,
    Exists,
    Is,
    Not,
    Within,
    kql,
    query,
)
from shipper.panels.model import Window
from shipper.panels.request import aggregation, interval, rows
from shipper.panels.run import documents, run_panels
from shipper.panels.sources import Filters
from shipper.panels.together import questions
from shipper.settings import Settings
from shipper.store.client import connect
from tests.kibana.formulas import parse
from tests.kibana.kql import fields, to_query
from tests.loopback import Loopback, ok

START = datetime(2026, 3, 10, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))
NOBODY = Filters()


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(minutes=30), {"fixed_interval": "5m"}),
        (timedelta(days=1), {"calendar_interval": "hour"}),
        (timedelta(days=30), {"calendar_interval": "day"}),
        (timedelta(days=365), {"calendar_interval": "week"}),
        (timedelta(days=3650), {"calendar_interval": "month"}),
    ],
)
def test_a_bucket_of_time_suits_the_window(length: timedelta, expected: dict[str, str]) -> None:
    """Never more than some hundred buckets, never a single one."""
    assert interval(Window(START, START + length)) == expected


def test_windows() -> None:
    """The period before ends where this one starts; the month is the one in which the window ends."""
    assert WEEK.before() == Window(START - timedelta(days=7), START)
    assert WEEK.month() == Window(datetime(2026, 3, 1, tzinfo=UTC), WEEK.end)
    midnight = Window(START, datetime(2026, 4, 1, tzinfo=UTC))
    assert midnight.month().start == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_percentile_of_a_field_is_asked_for_once() -> None:
    """p50, p95 and p99 are one aggregation; so are a sum and a count of the same calls."""
    aggs = aggregation(PANELS["overview-latency-over-time"], WEEK, NOBODY)["aggs"]["b"]["aggs"]
    assert [one["percentiles"]["percents"] for one in aggs.values()] == [[50, 95, 99]]
    cost = aggregation(PANELS["overview-cost-per-1000"], WEEK, NOBODY)["aggs"]
    [of_priced] = cost.values()
    assert of_priced["filter"] == {"term": {"gen_ai.usage.cost.currency": "USD"}}
    assert len(of_priced["aggs"]) == 1


def test_controls_are_the_sources_own_fields() -> None:
    """A version is the call's for calls and the judged call's for feedback; what a source doesn't know is left out."""
    filters = Filters(version="2", model="m")
    of_calls = aggregation(PANELS["overview-calls"], WEEK, filters)["query"]["bool"]["filter"][1:]
    assert of_calls[0] == {"term": {"service.version": "2"}}
    assert {next(iter(one["term"])) for one in of_calls[1]["bool"]["should"]} == {
        "gen_ai.request.model",
        "gen_ai.response.model",
    }
    of_feedback = aggregation(PANELS["delivery-unjoined"], WEEK, filters)["query"]["bool"]["filter"][1:]
    assert of_feedback == [{"term": {"llm.target.version": "2"}}, {"term": {"llm.target.model": "m"}}]
    assert len(aggregation(PANELS["delivery-dropped"], WEEK, filters)["query"]["bool"]["filter"]) == 1


def test_terms_in_the_order_of_a_computed_metric_are_refused() -> None:
    """Elasticsearch has no such order; the catalogue's checks tell earlier."""
    from dataclasses import replace

    from shipper.panels.model import Terms

    wrong = replace(PANELS["cost-by-user"], breakdowns=(Terms("user.id", "User", 5, "cost_per_1000"),))
    with pytest.raises(TypeError, match="cost_per_1000"):
        aggregation(wrong, WEEK, NOBODY)
    with pytest.raises(KeyError, match="has no metric other"):
        PANELS["cost-by-user"].metric("other")


def test_what_is_not_known_is_not_zero() -> None:
    """A share of nothing, a sum of nothing and a mean of nothing have no value; a count has."""
    answer = {
        "hits": {"total": {"value": 0}},
        "_shards": {"total": 1},
        "aggregations": {"f0": {"doc_count": 0}},
    }
    [row] = rows(PANELS["overview-error-share"], answer)
    assert (row.values, row.documents) == ({"error_share": None}, 0)
    empty: dict[str, Any] = {"hits": {"total": {"value": 0}}, "_shards": {"total": 1}}
    [row] = rows(PANELS["overview-calls"], empty)
    assert row.values == {"calls": 0}


def test_without_any_index_there_are_no_rows() -> None:
    """Before the first event there is nothing to count, not even zero."""
    answer = {"hits": {"total": {"value": 0}}, "_shards": {"total": 0}}
    assert [rows(panel, answer) for panel in PANELS.values()] == [[]] * len(PANELS)


def test_a_running_sum_begins_anew_for_each_term() -> None:
    """It runs over time, and within one series."""
    from dataclasses import replace

    from shipper.panels.common import BY_MODEL, BY_TIME

    panel = replace(PANELS["cost-month"], breakdowns=(BY_MODEL, BY_TIME))

    def day(number: int, cost: float | None) -> dict[str, Any]:
        found = {"count": 0 if cost is None else 1, "sum": cost or 0.0}
        return {"key": number * 86_400_000, "doc_count": 1, "f0": {"a0": found}}

    answer = {
        "hits": {"total": {"value": 5}},
        "aggregations": {
            "b": {
                "buckets": [
                    {"key": "m", "doc_count": 3, "b": {"buckets": [day(0, 1.0), day(1, None), day(2, 2.0)]}},
                    {"key": "n", "doc_count": 2, "b": {"buckets": [day(0, 5.0), day(1, 5.0)]}},
                ]
            }
        },
    }
    assert [row.values["spent"] for row in rows(panel, answer)] == [1.0, 1.0, 3.0, 5.0, 10.0]


def test_conversations_are_counted_by_their_length() -> None:
    """Every one in one bucket, up to the bucket of the longest; without any there is no row."""
    panel = PANELS["conversations-lengths"]
    asked = aggregation(panel, WEEK, NOBODY)["aggs"]["b"]
    assert asked == {"terms": {"field": "gen_ai.conversation.id", "size": 10_000, "order": {"_key": "asc"}}}

    def found(*lengths: int) -> dict[Any, float | None]:
        buckets = [{"key": f"c{number}", "doc_count": length} for number, length in enumerate(lengths)]
        answer = {"hits": {"total": {"value": sum(lengths)}}, "aggregations": {"b": {"buckets": buckets}}}
        return {row.keys[0]: row.values["conversations"] for row in rows(panel, answer)}

    assert found() == {}
    assert found(1, 3, 1) == {"1": 2, "2": 0, "3": 1}
    assert list(found(6, 7, 10, 101, 5000).items())[5:] == [
        ("6", 1),
        ("7 to 10", 2),
        ("11 to 20", 0),
        ("21 to 50", 0),
        ("51 to 100", 0),
        ("over 100", 2),
    ]


def test_questions_go_in_one_request_and_a_refusal_names_the_panel() -> None:
    """All panels of a page are one `_msearch`; each figure is asked twice."""
    good = {"hits": {"total": {"value": 0}}, "_shards": {"total": 0}}
    bad = {"error": {"type": "x", "reason": "no such field"}, "status": 400}
    panels = [PANELS["overview-calls"], PANELS["overview-versions"]]
    with Loopback(ok({"responses": [good, good, good]}), ok({"responses": [good, good, bad]})) as server:
        client = connect(Settings(), server.url)
        found = run_panels(client, panels, WEEK)
        assert list(found) == ["overview-calls", "overview-versions"]
        assert all(result.is_empty for result in found.values())
        [request] = server.requests
        assert [line["index"] for line in request.lines[::2]] == ["llm-completions-*"] * 3
        with pytest.raises(StoreError, match=r"can't answer panel overview-versions: .*no such field"):
            run_panels(client, panels, WEEK)
        client.close()
    assert run_panels(client, [], WEEK) == {}


def test_what_can_be_asked_once_is_asked_once() -> None:
    """Panels of the same documents in the same buckets share a question, and those in another order do not."""
    asked = questions(PANELS.values())
    assert sorted(panel.id for one in asked for panel in one.panels) == sorted(PANELS)
    assert len(asked) <= len(PANELS) / 2
    together = {panel.id: one for one in asked for panel in one.panels}
    assert together["overview-calls"] is together["cost-total"] is not together["conversations-count"]
    assert together["cost-over-time"] is not together["overview-cost-over-time"]
    for one in asked:
        [source] = {panel.source.id for panel in one.panels}
        assert source == one.panel.source.id
        assert {metric.measure for metric in one.panel.metrics} == set(one.ids)
        assert {metric.id for metric in one.panel.metrics} == set(one.ids.values())


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1),
    st.booleans(),
    st.integers(0, 10**6),
)
LEAVES = st.one_of(
    st.builds(Exists, st.just("user.id")),
    VALUES.map(lambda value: Is("a.b", (value,))),
    st.lists(VALUES, min_size=2, max_size=3).map(lambda values: Is("a.b", tuple(values))),
    st.builds(AtLeast, st.just("n"), st.one_of(st.integers(0, 9), st.just("now-1h"))),
    st.builds(Below, st.just("n"), st.floats(0, 9).map(lambda number: round(number, 3))),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
    ),
    max_leaves=6,
)


def plainly(found: Any) -> Any:
    """A query without what only says how it was written."""
    if isinstance(found, list):
        return [plainly(one) for one in found]
    if not isinstance(found, dict):
        return found
    if set(found) <= {"match", "match_phrase", "term"} and len(found) == 1:
        return {"is": next(iter(found.values()))}
    if "terms" in found:
        [(field, values)] = found["terms"].items()
        return {"bool": {"should": [{"is": {field: one}} for one in values], "minimum_should_match": 1}}
    return {key: plainly(value) for key, value in found.items()}


@given(FILTERS)
def test_a_filter_means_the_same_in_both_languages(one: Any) -> None:
    """KQL read back by other code is Elasticsearch's query, whatever the values and however nested."""
    assert plainly(to_query(kql(one))) == plainly(query(one))


def test_a_nested_filter_means_the_same_in_both_languages() -> None:
    """Kibana writes a nested field once, Elasticsearch with its whole name."""
    one = Within("llm.choices", All((Exists("refusal"), Is("index", (0,)))))
    assert plainly(to_query(kql(one))) == plainly(query(one))
    assert fields(kql(one)) == {"llm.choices.refusal", "llm.choices.index"}
    assert kql(None) == ""


@pytest.mark.parametrize(
    "text", ["a:", "a: (b", "a b", ": x", "a: b and", "not", "a: { b: * ", "a: and", 'a: "b']
)
def test_what_is_no_kql_is_refused(text: str) -> None:
    """The reader of the tests is strict, else it could not tell a broken query."""
    with pytest.raises(ValueError, match=r"."):
        to_query(text)


@pytest.mark.parametrize(
    "text", ["", "count(", "sum()", "count() +", "percentile(a)", "count(a)", "f(x)", "1 2", "count(kql='a)"]
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    """So is the reader of formulas."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_documents_of_a_saved_search() -> None:
    """The first ones in its order, and how many there are."""
    hits = {"total": {"value": 7}, "hits": [{"_source": {"a": 1}}]}
    with Loopback(ok({"hits": hits, "_shards": {}, "took": 1, "timed_out": False})) as server:
        with connect(Settings(), server.url) as client:
            found = documents(client, SEARCHES[1], WEEK, size=1)
        [request] = server.requests
    assert (found.documents, found.total) == ([{"a": 1}], 7)
    assert request.json["sort"] == [{"@timestamp": {"order": "desc"}}]
    assert {"term": {"event.outcome": "failure"}} in request.json["query"]["bool"]["filter"]


def test_before_the_calendar_there_is_nothing() -> None:
    """A span that is longer than all time before it is compared with an empty one."""
    start = datetime(110, 1, 1, tzinfo=UTC)
    assert Window(start, START).before() == Window(start, start)
