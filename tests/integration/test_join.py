"""Feedback on its completion, in a real Elasticsearch: early, late, twice, by any key, by several joiners."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from elasticsearch import ApiError

import shipper
from shipper.feedback import find, requests, rounds
from shipper.feedback.joiner import Joiner
from shipper.feedback.merge import entry_of, merge
from shipper.feedback.requests import Requests
from shipper.store.client import connect
from tests.plugins.feedback import REQUEST, RESPONSE, without_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.feedback.documents import Place, Stored
    from shipper.feedback.requests import Hit
    from tests.plugins.feedback import Road


def test_a_verdict_lands_on_its_completion(road: Road) -> None:
    """The completion has the figures, the event says where it went, and by which version and model."""
    call = road.app().log_completion(
        REQUEST,
        RESPONSE,
        prompt_name="sky",
        prompt_version="3",
        started_at=1_763_700_000,
        ended_at=1_763_700_002,
    )
    sent = shipper.send_feedback(
        call.event_id,
        name="helpful",
        value=True,
        choice_index=1,
        comment="yes",
        author="u7",
        better_response="Azure.",
        created_at=1_763_700_062,
        application="join",
    )
    report = road.join()
    assert (report.events, report.joined, report.completions) == (1, 1, 1)
    group = road.feedback(call.event_id)
    assert group.pop("entries") == [
        {
            "id": sent,
            "at": "2025-11-21T04:41:02.000000Z",
            "author": "u7",
            "kind": "human",
            "name": "helpful",
            "choice": 1,
            "score": 1.0,
            "better_response": "Azure.",
        }
    ]
    assert group == {
        "entries_truncated": False,
        "count": 1,
        "score_avg": 1.0,
        "last_score": 1.0,
        "last_label": None,
        "positive": True,
        "has_better_response": True,
        "better_response": "Azure.",
        "first_at": "2025-11-21T04:41:02.000000Z",
        "last_at": "2025-11-21T04:41:02.000000Z",
        "lag_ms": 60_000,
        "by_human": 1,
        "by_evaluator": 0,
    }
    event = road.event(sent)["llm"]
    assert event["join"].items() >= {"status": "joined", "matched_count": 1, "attempts": 1}.items()
    assert "next_attempt_at" not in event["join"]
    assert event["join"]["lag_ms"] < 86_400_000  # since it came: the verdict itself is a year old
    assert event["target"] == {
        "timestamp": "2025-11-21T04:40:00.000000Z",
        "version": "1.0",
        "prompt_name": "sky",
        "prompt_version": "3",
        "model": "gpt-4o-mini-2024-07-18",
    }
    assert road.join().events == 0


@pytest.mark.parametrize("which", ["event id", "response id", "own", "dict"])
def test_every_kind_of_key_leads_to_the_completion(road: Road, which: str) -> None:
    """Event id, provider's response id, the caller's own key, and the hash of a dict."""
    own = shipper.JoinKey.from_dict({"loan": 7}) if which == "dict" else "order-5"
    call = road.app().log_completion(REQUEST, RESPONSE, join_keys=[own], event_id="e1")
    key = {"event id": "e1", "response id": "chatcmpl-1", "own": "order-5", "dict": own}[which]
    shipper.send_feedback(key, rating=0.2, application="join")
    assert road.join().joined == 1
    assert road.feedback(call.event_id)["score_avg"] == 0.2


def test_an_own_key_counts_within_its_application_only(road: Road) -> None:
    """Two applications may both have an order 5; ids of events and responses match everywhere."""
    road.app("shop").log_completion(
        REQUEST, {**RESPONSE, "id": "r-shop"}, join_keys=["order-5"], event_id="a"
    )
    road.app("bank").log_completion(
        REQUEST, {**RESPONSE, "id": "r-bank"}, join_keys=["order-5"], event_id="b"
    )
    shipper.send_feedback("order-5", rating=1, application="shop")
    shipper.send_feedback("r-bank", rating=0, application="shop")
    shipper.send_feedback("order-5", rating=0.5, application="elsewhere")
    report = road.join()
    assert (report.joined, report.waiting) == (2, 1)
    assert road.feedback("a")["score_avg"] == 1
    assert road.feedback("b")["score_avg"] == 0


def test_feedback_with_the_call_and_in_one_log(road: Road) -> None:
    """log_completion(feedback=…), and inputs, outputs and feedbacks in one call."""
    call = road.app().log_completion(REQUEST, RESPONSE, feedback={"thumbs_up": True, "why": ["clear"]})
    _, keys = road.app().log(
        inputs=[{"q": 1}, {"q": 2}], outputs=[{"a": 1}, {"a": 2}], feedbacks=[{"ok": False}, {"ok": True}]
    )
    assert road.join().joined == 3
    assert road.feedback(call.event_id)["positive"] is True
    assert [road.feedback(key)["positive"] for key in keys] == [False, True]
    [event] = road.store.search(index="llm-feedback-*", query={"term": {"llm.feedback.values.why": "clear"}})[
        "hits"
    ]["hits"]
    assert event["_source"]["gen_ai"]["evaluation"]["name"] == "thumbs_up"


def test_feedback_waits_for_its_completion(road: Road) -> None:
    """It is looked for at growing intervals, not at each run, and joined once the completion is there."""
    sent = shipper.send_feedback("late", value=True, application="join")
    assert road.join().waiting == 1
    waiting = road.event(sent)["llm"]["join"]
    assert waiting.items() >= {"status": "pending", "matched_count": 0, "attempts": 1}.items()
    assert road.join(later_s=-5).events == 0
    assert road.join(later_s=60).waiting == 1
    assert road.event(sent)["llm"]["join"]["next_attempt_at"] > waiting["next_attempt_at"]
    road.app().log_completion(REQUEST, RESPONSE, event_id="late")
    assert road.join(later_s=61).events == 0
    assert road.join(later_s=200).joined == 1
    assert road.feedback("late")["positive"] is True
    assert road.event(sent)["llm"]["join"].items() >= {"status": "joined", "attempts": 3}.items()


def test_feedback_without_a_completion_expires_and_can_be_joined_still(road: Road) -> None:
    """After 90 days, or the retention, it is kept, and rejoin finds a completion that came after all."""
    shipper.send_feedback("never", value=True, event_id="f1", application="join")
    shipper.send_feedback("someday", value=True, event_id="f2", application="join")
    assert road.join().waiting == 2
    assert road.join(later_s=6 * 86400).waiting == 2
    assert road.join(later_s=8 * 86400, retention_days=7).expired == 2
    assert road.event("f1")["llm"]["join"]["status"] == "expired"
    assert road.join(later_s=20 * 86400).events == 0
    road.app().log_completion(REQUEST, RESPONSE, event_id="someday", started_at="2020-02-01T00:00:00Z")
    road.arrive()
    one = Joiner(road.store, road.settings)
    assert [event.keys for event in one.findable()] == [["someday"]]
    report = one.rejoin()
    assert (report.events, report.joined) == (2, 1)
    road.store.indices.refresh(index="llm-*")
    assert road.event("f2")["llm"]["join"]["status"] == "joined"
    assert road.event("f1")["llm"]["join"]["status"] == "expired"
    assert road.feedback("someday")["positive"] is True


def test_a_later_verdict_replaces_and_a_withdrawal_takes_back(road: Road) -> None:
    """By author, name and choice; sent in any order; the same event id twice is one event."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.configure(road.settings.replace(application="join"))
    send = shipper.send_feedback
    send(call.event_id, name="helpful", value=True, author="u", created_at="2026-11-21T10:00:05Z")
    send(call.event_id, name="helpful", value=False, author="u", created_at="2026-11-21T10:00:01Z")
    send(call.event_id, name="tone", value=0.25, author="u", event_id="t", created_at="2026-11-21T10:00:02Z")
    send(call.event_id, name="tone", value=0.25, author="u", event_id="t", created_at="2026-11-21T10:00:02Z")
    road.join()
    group = road.feedback(call.event_id)
    assert (group["count"], group["score_avg"], group["last_score"]) == (2, 0.625, 1.0)
    send(call.event_id, name="helpful", value=None, author="u", created_at="2026-11-21T10:00:09Z")
    road.join()
    group = road.feedback(call.event_id)
    assert (group["count"], group["score_avg"], len(group["entries"])) == (1, 0.25, 2)
    send(call.event_id, name="tone", value=None, author="u", created_at="2026-11-21T10:00:09Z")
    road.join()
    group = road.feedback(call.event_id)
    assert group["count"] == 0
    assert group["positive"] is group["score_avg"] is group["last_score"] is group["first_at"] is None


def test_an_evaluation_that_is_better_when_low_is_turned_round(road: Road) -> None:
    """As declared in the settings; the event keeps the score as given."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    sent = shipper.send_feedback(call.event_id, name="toxic", value=True, application="join")
    road.join(lower_is_better="toxic, slow")
    assert road.feedback(call.event_id)["positive"] is False
    assert road.event(sent)["gen_ai"]["evaluation"]["score"] == {"value": 1.0}


def test_a_key_on_several_completions_joins_to_all(road: Road) -> None:
    """One key logged for a batch; and those that arrive after the first are found by the second look."""
    app = road.app()
    app.log(inputs=[1, 2, 3], join_keys=["batch"] * 3)
    sent = shipper.send_feedback("batch", rating=1, application="join")
    assert road.join().completions == 3
    assert road.event(sent)["llm"]["join"]["matched_count"] == 3
    app.log(inputs=[4], join_keys=["batch"])
    assert road.join(later_s=60).events == 0
    report = road.join(later_s=601)
    assert (report.events, report.joined, report.completions) == (1, 0, 1)
    join = road.event(sent)["llm"]["join"]
    assert (join["status"], join["matched_count"], "next_attempt_at" in join) == ("joined", 4, False)
    assert road.join(later_s=3600).events == 0


def test_a_crowd_of_completions_is_paged_and_too_many_are_refused(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More hits than a page holds are fetched in parts; a key on too many is given up with the reason."""
    monkeypatch.setattr(find, "PAGE_MAX", 8)
    app = road.app()
    for key, count in (("a", 7), ("b", 5), ("c", 9), ("d", 1), ("e", 8)):
        app.log(inputs=list(range(count)), join_keys=[key] * count)
    road.app("other").log(inputs=list(range(9)), join_keys=["d"] * 9)
    sent = {key: shipper.send_feedback(key, rating=1, application="join") for key in "abcde"}
    report = road.join()
    assert (report.joined, report.expired, report.completions) == (4, 1, 7 + 5 + 1 + 8)
    joins = {key: road.event(sent[key])["llm"]["join"] for key in sent}
    assert {key: joins[key].get("matched_count") for key in joins} == {"a": 7, "b": 5, "c": 0, "d": 1, "e": 8}
    assert joins["c"]["status"] == "expired"
    assert joins["c"]["reason"] == find.TOO_MANY


def test_a_store_without_memory_is_asked_for_less(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its circuit breaker refuses a search for many keys; the joiner takes them in parts."""
    for number in range(5):
        call = road.app().log_completion(REQUEST, {**RESPONSE, "id": f"r{number}"})
        shipper.send_feedback(call.event_id, rating=1, application="join")
    asked: list[int] = []
    really = Requests.hits

    def refuse_many(
        requests: Requests, indices: Sequence[str], query: dict[str, Any], size: int, **options: bool
    ) -> list[Hit]:
        keys = query["bool"]["filter"][0]["terms"]["llm.join.key"]
        asked.append(len(keys))
        if len(keys) > 2:
            raise without_memory()
        return really(requests, indices, query, size, **options)

    monkeypatch.setattr(Requests, "hits", refuse_many)
    assert road.join().joined == 5
    assert asked == [5, 3, 2, 1, 2]


def test_a_store_without_memory_for_a_moment_is_asked_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bulk that its circuit breaker refuses is sent again, and the run goes on; in the end it gives up."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(call.event_id, rating=1, application="join")
    road.arrive()
    monkeypatch.setattr(requests, "_PATIENCE_S", (0.0, 0.0))
    really = road.store.perform_request
    refusals = iter(range(3))

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if next(refusals, None) is not None:
            raise without_memory()
        return really(*args, **kwargs)

    monkeypatch.setattr(road.store, "perform_request", refuse)
    with pytest.raises(ApiError):
        Joiner(road.store, road.settings).run()
    refusals = iter(range(2))
    assert Joiner(road.store, road.settings).run().joined == 1


def test_a_run_that_is_stopped_leaves_what_it_has_not_begun(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is ended, and the next run goes on from there."""
    monkeypatch.setattr(rounds, "_FIRST_PAGE", 1)
    monkeypatch.setattr(rounds, "_ROUND", 1)
    for number in range(8):
        call = road.app().log_completion(REQUEST, {**RESPONSE, "id": f"r{number}"})
        shipper.send_feedback(call.event_id, rating=1, application="join")
    road.arrive()
    asked = iter([False, False, True])
    report = Joiner(road.store, road.settings).run(stopped=lambda: next(asked, True))
    assert report.joined == report.events <= 2
    assert report.joined + road.join().joined == 8


def test_amendments_complete_and_correct_a_call(road: Road) -> None:
    """Before and after it has arrived: the late answer with its tokens and cost, an error, attributes."""
    shipper.amend("e1", output=RESPONSE, attributes={"grade": "A"}, application="join")
    assert road.join().waiting == 1
    road.app().log_completion(REQUEST, event_id="e1", response_attributes={"own": 1})
    assert road.join(later_s=60).joined == 1
    document = road.completion("e1")
    assert document["llm"]["output"] == {"text": "Blue."}
    assert [choice["text"] for choice in document["llm"]["choices"]] == ["Blue.", "Grey."]
    assert document["gen_ai"]["usage"]["input_tokens"] == 9
    assert document["llm"]["cost"]["status"] == "priced"
    assert document["gen_ai"]["usage"]["cost"]["amount"] > 0
    assert document["event"]["outcome"] == "success"
    assert document["llm"]["attributes"]["response"] == {"own": 1, "grade": "A"}
    assert document["llm"]["join"]["key"] == ["e1", "chatcmpl-1"]
    shipper.send_feedback("chatcmpl-1", rating=1, application="anywhere")
    shipper.amend("e1", cost={"amount": 2.5, "currency": "EUR"}, error="user cancelled", application="join")
    assert road.join(later_s=120).joined == 2
    document = road.completion("e1")
    assert document["gen_ai"]["usage"]["cost"] == {"amount": 2.5, "currency": "EUR", "source": "caller"}
    assert document["llm"]["cost"] == {"status": "provided"}
    assert (document["error"]["message"], document["event"]["outcome"]) == ("user cancelled", "failure")
    assert document["llm"]["feedback"]["count"] == 1
    assert document["llm"]["output"] == {"text": "Blue."}


def test_an_amendment_brings_no_content_where_none_is_stored(road: Road) -> None:
    """The call was logged with save=False: tokens come, words don't."""
    road.app().log_completion(REQUEST, event_id="quiet", save=False)
    shipper.amend("quiet", output=RESPONSE, error={"type": "T", "message": "secret"}, application="join")
    assert road.join().joined == 1
    document = road.completion("quiet")
    assert document["gen_ai"]["usage"]["output_tokens"] == 2
    assert b"Blue" not in orjson.dumps(document)
    assert document["error"] == {"type": "T"}


def test_two_joiners_in_each_others_way_end_at_the_same(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """A joiner that merged from an old reading loses the write, reads again, and keeps what the other wrote."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(call.event_id, name="a", rating=1, application="join")
    road.arrive()
    second = Joiner(road.store, road.settings)
    [hit] = Requests(road.store).hits(("llm-completions-*",), {"match_all": {}}, 10)
    old = list(Requests(road.store).read([hit.place], whole=True))
    assert road.join().joined == 1
    shipper.send_feedback(call.event_id, name="b", rating=0, application="join")
    road.arrive()

    really = Requests.read

    def read_before(requests: Requests, places: Sequence[Place], *, whole: bool) -> list[dict[Place, Stored]]:
        """What the second joiner has read before the first one wrote; what is there now, once it has lost."""
        return [old.pop()] if old else list(really(requests, places, whole=whole))

    monkeypatch.setattr(Requests, "read", read_before)
    report = second.run()
    assert (report.joined, report.conflicts, report.completions) == (1, 1, 1)
    road.store.indices.refresh(index="llm-*")
    assert {entry["name"] for entry in road.feedback(call.event_id)["entries"]} == {"a", "b"}


def test_a_completion_deleted_meanwhile_leaves_the_event_waiting(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search has found it, and the write does not: it was never joined."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    sent = shipper.send_feedback(call.event_id, rating=1, application="join")
    road.arrive()
    [hit] = road.store.search(index="llm-completions-*")["hits"]["hits"]
    road.store.delete(index=hit["_index"], id=hit["_id"])  # not refreshed: the search still shows it
    one = Joiner(road.store, road.settings)
    report = one.run()
    assert (report.joined, report.waiting, report.completions) == (0, 1, 0)
    road.store.indices.refresh(index="llm-*")
    assert road.event(sent)["llm"]["join"]["status"] == "pending"


def test_a_completion_that_can_not_be_written_is_told_and_tried_again(road: Road) -> None:
    """A read-only index: the event stays pending, the others are joined."""
    frozen = road.app("frozen").log_completion(REQUEST, {**RESPONSE, "id": "r1"})
    free = road.app("free").log_completion(REQUEST, {**RESPONSE, "id": "r2"})
    road.arrive()
    shipper.send_feedback(frozen.event_id, rating=1, event_id="f1", application="frozen")
    shipper.send_feedback(free.event_id, rating=1, event_id="f2", application="free")
    index = "llm-completions-frozen@1.0-*"
    road.store.indices.put_settings(index=index, settings={"index.blocks.write": True})
    report = road.join()
    assert (report.joined, report.failed.total()) == (1, 1)
    [reason] = report.failed
    assert "cluster_block_exception" in reason
    road.store.indices.put_settings(index=index, settings={"index.blocks.write": False})
    assert road.join(later_s=60).joined == 1


def test_an_event_that_can_not_be_marked_is_told_and_looked_at_again(road: Road) -> None:
    """A read-only index of feedback: its completion holds it, and nobody would see that nothing gets on."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(call.event_id, rating=1, event_id="f1", application="join")
    road.arrive()
    road.store.indices.put_settings(index="llm-feedback-join@*", settings={"index.blocks.write": True})
    report = road.join()
    assert road.feedback(call.event_id)["count"] == 1
    [reason] = report.failed
    assert "cluster_block_exception" in reason
    road.store.indices.put_settings(index="llm-feedback-join@*", settings={"index.blocks.write": False})
    assert not road.join().failed
    assert road.event("f1")["llm"]["join"]["status"] == "joined"


def test_events_of_others_are_joined_too(road: Road) -> None:
    """Something else wrote the document, without ingest time, author or name, with milliseconds."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    road.arrive()
    foreign = {
        "@timestamp": "2026-11-21T10:00:00.123Z",
        "event": {"id": "x", "dataset": "llm.feedback"},
        "llm": {"join": {"key": call.event_id}},
        "gen_ai": {"evaluation": {"score": {"value": 0.9}}},
    }
    road.store.index(index="llm-feedback-foreign@2026.11", id="x", document=foreign)
    nameless = {**foreign, "event": {"id": "y", "dataset": "llm.feedback"}, "llm": {}}
    road.store.index(index="llm-feedback-foreign@2026.11", id="y", document=nameless)
    report = road.join()
    assert (report.joined, report.expired) == (1, 1)
    [entry] = road.feedback(call.event_id)["entries"]
    assert entry == {
        "id": "x",
        "at": "2026-11-21T10:00:00.123000Z",
        "kind": "human",
        "name": "rating",
        "score": 0.9,
    }


def test_the_rest_of_a_completion_stays_as_it_was(road: Road) -> None:
    """To the last digit, also where another program wrote what Python reads otherwise or not at all."""
    headers = {"accept": "application/json", "content-type": "application/json"}
    rests = {
        "big": b"[123456789012345678901234567890, 0.1, 1e-7]",
        "half": rb'"\ud83d"',
        "plain": b'{"a": [null, true, -0.0, 1.0, 9007199254740993], "b": "1e30"}',
    }
    template = b'{"@timestamp": "2026-11-21T10:00:00Z", "event": {"id": "%s"}, "llm": {"join": {"key": ["%s"]}}, "x": %s}'
    for name, rest in rests.items():
        index = f"llm-completions-{name}@1-2026.11"  # read in searches of their own
        body = template % (name.encode(), name.encode(), rest)
        path = f"/{index}/_doc/{name}?refresh=true"
        road.store.perform_request("PUT", path, headers=headers, body=body)
        shipper.send_feedback(name, rating=1, created_at="2026-11-21T11:00:00Z", application="join")
        road.arrive()
        with connect(road.settings) as client:
            assert Joiner(client, road.settings).run().joined == 1
        with urllib.request.urlopen(f"{road.settings.elasticsearch_url[0]}/{index}/_source/{name}") as answer:
            stored = json.load(answer)
        assert repr(stored["x"]) == repr(json.loads(rest))
        assert stored["llm"]["feedback"]["positive"] is True


def test_the_store_equals_a_merge_of_the_events_alone(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many events in small pages, some early, some double: each completion is what its events say."""
    monkeypatch.setattr(rounds, "_FIRST_PAGE", 3)  # a round takes two pages
    monkeypatch.setattr(rounds, "_ROUND", 7)
    app = road.app()
    start = int(time.time()) - 60
    for number in range(20):
        for _ in range(3):
            shipper.send_feedback(
                f"c{number % 10}",
                name=f"n{number % 3}",
                value=number % 4 / 3,
                author=f"u{number % 2}",
                event_id=f"f{number}",
                created_at=start + number * 37 % 11,
                application="join",
            )
        if number % 2:
            app.log_completion(REQUEST, RESPONSE, event_id=f"c{number // 2}", ended_at=start)
        if number in (5, 12):
            road.join()
    for later_s in (60, 600):
        road.join(later_s=later_s)
    events = [hit["_source"] for hit in road.store.search(index="llm-feedback-*", size=1000)["hits"]["hits"]]
    assert len(events) == 20
    assert {event["llm"]["join"]["status"] for event in events} == {"joined"}
    for number in range(10):
        document = road.completion(f"c{number}")
        entries = [entry_of(event) for event in events if event["llm"]["join"]["key"] == [f"c{number}"]]
        expected = merge({}, entries, ended_at=document["event"]["end"])
        assert orjson.dumps(document["llm"]["feedback"], option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            expected, option=orjson.OPT_SORT_KEYS
        )
