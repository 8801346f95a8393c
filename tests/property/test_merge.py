"""The merge of feedback and amendments: whatever the order, the repetition and the hands, one document comes out."""

from __future__ import annotations

import statistics
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.feedback import merge as merging
from shipper.feedback.amend import amend
from shipper.feedback.merge import entry_of, merge
from shipper.record import build
from shipper.record.fields import Completion

Json = dict[str, Any]

ENDED_AT = "2026-11-21T07:00:00.000000Z"
LOWER = frozenset({"toxic"})


def feedback_event(event_id: str, minute: int, **call: Any) -> Json:
    """A feedback document as the store has it."""
    entry = {
        "at": (1_763_700_000 + 60 * minute) * 10**9,
        "id": event_id,
        "dataset": "llm.feedback",
        "call": {"join_keys": ["k"], **call},
    }
    return build(entry)


VERDICTS = st.one_of(
    st.fixed_dictionaries({"value": st.sampled_from([True, False, 0, 0.1, 0.25, 0.5, 0.75, 1])}),
    st.fixed_dictionaries({"value": st.sampled_from(["good", "bad"])}),
    st.fixed_dictionaries({"better_response": st.text(min_size=1, max_size=3)}),
    st.just({"withdrawn": True}),
    st.just({}),
)


@st.composite
def events(draw: st.DrawFn) -> list[Json]:
    """Events on one completion; few authors, names and minutes, so that they meet."""
    out: list[Json] = []
    for number in range(draw(st.integers(0, 14))):
        call: Json = dict(draw(VERDICTS))
        if (author := draw(st.sampled_from([None, "a", "b"]))) is not None:
            call["author"] = author
        if (choice := draw(st.sampled_from([None, 0, 1]))) is not None:
            call["choice_index"] = choice
        call["name"] = draw(st.sampled_from(["helpful", "toxic"]))
        call["author_kind"] = draw(st.sampled_from([None, "human", "implicit", "evaluator", "ground_truth"]))
        event_id = draw(st.sampled_from([f"e{number}", f"e{number}", "twice"]))
        out.append(feedback_event(event_id, draw(st.integers(0, 4)), **call))
    return out


def merged(stored: Json, batch: list[Json]) -> Json:
    return merge(stored, [entry_of(event) for event in batch], ended_at=ENDED_AT, lower_is_better=LOWER)


def through_the_store(group: Json) -> Json:
    """What the next joiner reads."""
    return orjson.loads(orjson.dumps(group))


@given(events(), st.randoms(use_true_random=False), st.sampled_from([1000, 3]))
@settings(max_examples=300, deadline=None)
def test_order_repetition_and_batches_make_no_difference(
    all_events: list[Json], random: Any, bound: int
) -> None:
    """Any split into batches with any replays, by any number of joiners in turn, gives the same bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "MAX_ENTRIES", bound)
        expected = merged({}, all_events) if all_events else {}
        road = [*all_events, *random.choices(all_events, k=len(all_events))] if all_events else []
        random.shuffle(road)
        stored: Json = {}
        while road:
            size = random.randint(1, 4)
            batch, road = road[:size], road[size:]
            stored = through_the_store(merged(stored, batch))
    assert orjson.dumps(stored) == orjson.dumps(expected)


@given(events(), events())
@settings(max_examples=100, deadline=None)
def test_a_merge_known_already_changes_nothing(first: list[Json], second: list[Json]) -> None:
    """A joiner that comes second, after a crash or at the same time, finds nothing to write."""
    once = through_the_store(merged(merged({}, first), second))
    assert orjson.dumps(merged(once, first)) == orjson.dumps(once)
    assert orjson.dumps(merged(once, [])) == orjson.dumps(once)


def reference(all_events: list[Json]) -> Json:
    """The contract again, written down apart: from the events alone, sorted once."""
    winners: dict[Any, Json] = {}
    for event in sorted(all_events, key=lambda one: (one["@timestamp"], one["event"]["id"])):
        said = event["llm"].get("feedback", {})
        about = (said.get("author"), event["gen_ai"]["evaluation"]["name"], said.get("choice_index"))
        key = about if "author" in said else event["event"]["id"]
        winners[key] = {
            "at": event["@timestamp"],
            "id": event["event"]["id"],
            "kind": said.get("author_kind", "human"),
            "score": event["gen_ai"]["evaluation"].get("score", {}).get("value"),
            "label": event["gen_ai"]["evaluation"].get("score", {}).get("label"),
            "name": event["gen_ai"]["evaluation"]["name"],
            "better": said.get("better_response"),
            "withdrawn": said.get("withdrawn", False),
        }
    counting = [one for one in winners.values() if not one["withdrawn"]]
    counting.sort(key=lambda one: (one["at"], one["id"]))
    for one in counting:
        if one["score"] is not None and one["name"] == "toxic":
            one["score"] = 1 - one["score"]
    scored = [one for one in counting if one["score"] is not None]
    human = [one["score"] for one in scored if one["kind"] == "human"]
    verdicts = [
        [one["score"] for one in scored if one["kind"] == kind][-1:]
        for kind in ("human", "implicit", "evaluator")
    ]
    verdict = next((found[0] for found in verdicts if found), None)
    last = {
        name: next((one[name] for one in reversed(counting) if one[name] is not None), None)
        for name in ("score", "label", "better")
    }
    return {
        "count": len(counting),
        "score_avg": pytest.approx(statistics.fmean(human)) if human else None,
        "last_score": last["score"],
        "last_label": last["label"],
        "positive": None if verdict is None or verdict == 0.5 else verdict > 0.5,
        "has_better_response": last["better"] is not None,
        "better_response": last["better"],
        "first_at": counting[0]["at"] if counting else None,
        "last_at": counting[-1]["at"] if counting else None,
        "by_human": sum(one["kind"] == "human" for one in counting),
        "by_evaluator": sum(one["kind"] == "evaluator" for one in counting),
    }


@given(events())
@settings(max_examples=300, deadline=None)
def test_the_figures_follow_from_the_events_alone(all_events: list[Json]) -> None:
    """An independent computation from all events gives every figure."""
    unique = {(event["event"]["id"], event["@timestamp"]) for event in all_events}
    if len(unique) < len(all_events):  # an id used twice at one time: only determinism is promised
        return
    group = merged({}, all_events)
    figures = {name: group[name] for name in reference(all_events)}
    assert figures == reference(all_events)
    Completion.validate_document(
        {
            "@timestamp": ENDED_AT,
            "event": {"id": "c", "dataset": "llm.completion"},
            "llm": {"feedback": group},
        }
    )


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "output": st.sampled_from(
            [
                "late",
                "later",
                {
                    "id": "chatcmpl-a",
                    "object": "chat.completion",
                    "model": "gpt-4o-mini",
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": "A"},
                            "finish_reason": "stop",
                        }
                    ],
                    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
                },
                {
                    "id": "chatcmpl-b",
                    "object": "chat.completion",
                    "model": "gpt-4o",
                    "choices": [
                        {"index": 0, "message": {"role": "assistant", "content": "B"}},
                        {"index": 1, "message": {"role": "assistant", "content": "C"}},
                    ],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
                },
                {"unknown": {"shape": 1}},
            ]
        ),
        "error": st.sampled_from(["boom", {"type": "T", "code": 5}, {"status": 503}]),
        "cost": st.sampled_from([0.5, {"amount": 2, "currency": "EUR", "input": 1}]),
        "attributes": st.dictionaries(st.sampled_from(["a", "b", "provider"]), st.integers(0, 2), min_size=1),
    },
)


def completion() -> Json:
    """A call that waits for its answer."""
    call = {"request": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}}
    entry = {"at": 1_763_700_000 * 10**9, "id": "c", "dataset": "llm.completion", "call": call}
    return build(entry)


@st.composite
def amendments(draw: st.DrawFn) -> list[Json]:
    """Amendments of one completion at few times."""
    return [
        build(
            {
                "at": (1_763_700_000 + draw(st.integers(0, 3))) * 10**9,
                "id": f"a{number}",
                "dataset": "llm.amendment",
                "call": {"target_id": "c", "fields": draw(PARTS)},
            }
        )
        for number in range(draw(st.integers(0, 6)))
    ]


@given(amendments(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_amendments_come_in_any_order(events: list[Json], random: Any) -> None:
    """Part by part the latest wins, however they are split, repeated and ordered."""
    expected = amend(completion(), events)
    road = [*events, *random.choices(events, k=len(events))] if events else []
    random.shuffle(road)
    document = completion()
    while road:
        size = random.randint(1, 3)
        batch, road = road[:size], road[size:]
        document = through_the_store(amend(document, batch))
    assert orjson.dumps(document, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        expected, option=orjson.OPT_SORT_KEYS
    )
    Completion.validate_document(document)
