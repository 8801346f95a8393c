"""Joining at sizes for which one page, one clause or one round is too small: with the limits lowered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import ApiError

import shipper
from shipper.feedback import find, joiner, requests, rounds
from shipper.feedback.apply import NO_UNICODE
from shipper.feedback.joiner import Joiner
from shipper.feedback.requests import Requests
from shipper.store.client import connect
from tests.plugins.feedback import REQUEST, RESPONSE, without_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.feedback.requests import Hit
    from tests.plugins.feedback import Road

_JSON = {"accept": "application/json", "content-type": "application/json"}


class Searches:
    """What is asked of the store for completions: how many indices and keys, and how many hits that has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[int, int, int]] = []
        really = Requests.hits

        def hits(
            one: Requests, indices: Sequence[str], query: dict[str, Any], size: int, **options: bool
        ) -> list[Hit]:
            found = really(one, indices, query, size, **options)
            keys = 0
            if "bool" in query:
                [clause] = query["bool"]["filter"]
                clauses = clause["bool"]["should"] if "bool" in clause else [clause]
                keys = sum(len(one["terms"]["llm.join.key"]) for one in clauses)
            self.asked.append((len(indices), keys, len(found)))
            return found

        monkeypatch.setattr(Requests, "hits", hits)


def _fill(road: Road, indices: int, completions: int) -> None:
    for index in range(indices):
        app = road.app("many", version=f"{index:02d}")
        for number in range(completions):
            name = f"c{index}-{number}"
            app.log_completion(REQUEST, {**RESPONSE, "id": f"r{name}"}, event_id=name)


def _judge(road: Road, indices: int, completions: int) -> int:
    for index in range(indices):
        for number in range(completions):
            shipper.send_feedback(f"c{index}-{number}", rating=1, application="many")
    return indices * completions


def test_few_events_take_one_search(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over all indices at once, which need not be known by name."""
    _fill(road, 3, 2)
    _judge(road, 3, 2)
    searches = Searches(monkeypatch)
    assert road.join().joined == 6
    assert [(keys, hits) for _, keys, hits in searches.asked] == [(6, 6)]


def test_many_events_are_looked_up_index_by_index(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many indices at once as a page has room for, going by their documents: each is searched once."""
    monkeypatch.setattr(find, "PAGE_MAX", 20)
    _fill(road, 6, 4)
    events = _judge(road, 6, 4)
    searches = Searches(monkeypatch)
    report = road.join()
    assert (report.joined, report.completions, report.conflicts) == (events, events, 0)
    assert searches.asked == [(4, events, 16), (2, events, 8)]


def test_small_indices_are_asked_for_all_of_their_keys(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a shard would have to look for far more keys than it has documents."""
    monkeypatch.setattr(find, "PAGE_MAX", 20)
    monkeypatch.setattr(find, "_KEYS_PER_DOCUMENT", 5)
    _fill(road, 5, 4)
    for number in range(6):  # an index that is not small
        road.app("large").log_completion(
            REQUEST, {**RESPONSE, "id": f"large{number}"}, event_id=f"large{number}"
        )
    events = _judge(road, 5, 4)
    for number in range(6):
        shipper.send_feedback(f"large{number}", rating=1, application="large")
    searches = Searches(monkeypatch)
    assert road.join().joined == events + 6
    assert searches.asked == [(4, 0, 16), (1, 0, 4), (1, events + 6, 6)]


def test_indices_that_have_more_than_their_share_are_counted(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page overflows: the hits of each index are counted then, and an index alone is asked for a share of the keys."""
    monkeypatch.setattr(find, "PAGE_MAX", 20)
    _fill(road, 6, 24)
    events = _judge(road, 2, 24)
    searches = Searches(monkeypatch)
    report = road.join()
    assert (report.joined, report.completions) == (events, events)
    assert searches.asked == [
        (2, events, 20),  # a third of the documents, all of the hits
        (1, events // 2, 12),
        (1, events // 2, 12),
        (1, events // 2, 12),
        (1, events // 2, 12),
        (2, events, 0),
        (2, events, 0),
    ]


def test_more_keys_than_a_clause_takes_are_one_search(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elasticsearch takes 65,536 terms in one."""
    monkeypatch.setattr(find, "_KEYS_MAX", 3)
    _fill(road, 2, 4)
    _judge(road, 2, 4)
    searches = Searches(monkeypatch)
    assert road.join().joined == 8
    assert [(keys, hits) for _, keys, hits in searches.asked] == [(8, 8)]


def test_events_on_too_many_completions_are_taken_in_halves(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round knows all its completions' places: those of a thousand events on a thousand each would be a million."""
    monkeypatch.setattr(find, "_MOST", 12)
    for number in range(4):
        road.app().log(inputs=list(range(5)), join_keys=[f"k{number}"] * 5)
        shipper.send_feedback(f"k{number}", rating=1, application="join")
    report = road.join()
    assert (report.events, report.joined, report.completions) == (4, 4, 20)


def test_an_event_is_on_completions_of_several_parts(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is marked once with all of them; one that two of its keys lead to counts once."""
    monkeypatch.setattr(joiner, "_PART", 1)
    for version, own in (("1", "a"), ("2", "a"), ("3", "b")):
        road.app(version=version).log_completion(
            REQUEST, {**RESPONSE, "id": f"r{version}"}, join_keys=[own], event_id=f"e{version}"
        )
    road.arrive()
    event = {
        "@timestamp": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}Z",
        "event": {"id": "x", "dataset": "llm.feedback"},
        "llm": {"join": {"key": ["a", "b", "e3", "r3"]}, "application": {"name": "join"}},
        "gen_ai": {"evaluation": {"score": {"value": 0.9}}},
    }
    road.store.index(index="llm-feedback-foreign@2026.11", id="x", document=event)
    report = road.join()
    assert (report.events, report.joined, report.completions) == (1, 1, 3)
    found = road.store.get(index="llm-feedback-foreign@2026.11", id="x")["_source"]["llm"]
    assert found["join"]["matched_count"] == 3
    assert found["target"]["version"] == "3"  # the latest
    assert all(road.feedback(f"e{version}")["count"] == 1 for version in "123")


def test_a_store_without_memory_for_documents_is_asked_for_fewer(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its circuit breaker refuses to read many; the joiner reads them in parts."""
    _fill(road, 1, 7)
    _judge(road, 1, 7)
    road.arrive()
    monkeypatch.setattr(requests, "_PATIENCE_S", ())
    really, asked = road.store.mget, list[int]()

    def refuse_many(**options: Any) -> Any:
        asked.append(len(options["docs"]))
        if len(options["docs"]) > 3:
            raise without_memory()
        return really(**options)

    monkeypatch.setattr(road.store, "mget", refuse_many)
    assert Joiner(road.store, road.settings.replace(connections=1)).run().joined == 7
    assert asked[0] == 7
    assert sum(one for one in asked if one <= 3) == 7


def test_a_completion_that_can_not_be_read_is_not_taken_for_gone(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its shard has no memory: it is asked again; its shard is away: the run ends, and the event is as before."""
    _fill(road, 1, 3)
    _judge(road, 1, 3)
    road.arrive()
    really, faults = road.store.mget, ["circuit_breaking_exception", "no_shard_available_action_exception"]

    def fail(**options: Any) -> Any:
        answer = really(**options)
        if faults:
            answer["docs"][-1] = {**options["docs"][-1], "error": {"type": faults.pop(0)}}
        return answer

    monkeypatch.setattr(road.store, "mget", fail)
    one = Joiner(road.store, road.settings.replace(connections=1))
    with pytest.raises(ApiError):
        one.run()
    assert faults == []
    assert road.join().joined == 3


def test_a_run_that_is_stopped_within_a_round_marks_none_of_it(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on the completions by then stays, and the next run finds it there."""
    monkeypatch.setattr(joiner, "_PART", 2)
    monkeypatch.setattr(rounds, "_FIRST_PAGE", 100)
    _fill(road, 1, 8)
    _judge(road, 1, 8)
    road.arrive()
    asked = iter([False, False, True])
    one = Joiner(road.store, road.settings.replace(connections=1))
    report = one.run(stopped=lambda: next(asked, True))
    assert report.events == report.joined == 0
    assert 2 <= report.completions < 8
    rest = road.join()
    assert (rest.joined, rest.completions) == (8, 8 - report.completions)


def test_a_foreign_event_without_any_field_of_ours_is_given_up(road: Road) -> None:
    """It stands in the way of nothing."""
    event = {"@timestamp": "2026-11-21T10:00:00Z", "message": "hello"}
    road.store.index(index="llm-feedback-foreign@2026.11", id="x", document=event)
    assert road.join().expired == 1
    assert road.join().events == 0


def test_an_amendment_of_what_is_no_unicode_is_told(road: Road) -> None:
    """It needs the whole of the completion, which can't be read here; others are amended."""
    index = "llm-completions-join@1.0-2026.11"
    body = rb'{"@timestamp": "2026-11-21T10:00:00Z", "event": {"id": "half"}, "llm": {"join": {"key": ["half"]}}, "x": "\ud83d"}'
    road.store.perform_request("PUT", f"/{index}/_doc/half?refresh=true", headers=_JSON, body=body)
    road.app().log_completion(REQUEST, RESPONSE, event_id="good", started_at="2026-11-21T10:00:00Z")
    for name in ("half", "good"):
        shipper.amend(name, output="Green.", created_at="2026-11-21T11:00:00Z", application="join")
    road.arrive()
    with connect(road.settings) as client:
        report = Joiner(client, road.settings).run()
    assert (report.joined, dict(report.failed)) == (1, {NO_UNICODE: 1})
    road.store.indices.refresh(index="llm-*")
    assert road.completion("good")["llm"]["output"]["text"] == "Green."
