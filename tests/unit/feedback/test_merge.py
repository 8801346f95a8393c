"""The merge by examples: what wins, what counts, what is positive. The laws are in tests/property/test_merge.py."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shipper.feedback.amend import amend
from shipper.feedback.apply import Target, merged
from shipper.feedback.documents import Event, Place, Stored
from shipper.feedback.merge import MAX_ENTRIES, entry_of, merge
from shipper.record.amendment import parts_of

Json = dict[str, Any]


def entry(number: int, **fields: Any) -> Json:
    """An entry of that minute."""
    return {
        "id": f"e{number}",
        "at": f"2026-11-21T10:{number // 60:02d}:{number % 60:02d}.000000Z",
        "kind": "human",
        "name": "rating",
        **fields,
    }


@pytest.mark.parametrize(
    ("entries", "positive"),
    [
        ([{"score": 1.0}], True),
        ([{"score": 0.51}], True),
        ([{"score": 0.5}], None),
        ([{"score": 0.49}], False),
        ([{"label": "good"}], None),
        ([{"score": 1.0}, {"score": 0.0}], False),
        ([{"score": 0.0}, {"score": 1.0, "kind": "implicit"}, {"score": 1.0, "kind": "evaluator"}], False),
        ([{"score": 1.0, "kind": "implicit"}, {"score": 0.0, "kind": "evaluator"}], True),
        ([{"score": 0.0, "kind": "evaluator"}], False),
        ([{"score": 0.0, "kind": "ground_truth"}], None),
        ([{"score": 1.0, "name": "toxic"}], False),
        ([{"score": 0.0, "name": "toxic"}], True),
        ([{"score": 0.5, "name": "toxic"}], None),
        ([{"score": 1.0}, {"withdrawn": True, "author": "u"}], True),
        ([], None),
    ],
)
def test_what_is_positive(entries: list[Json], positive: bool | None) -> None:
    """The latest score, of people before deeds before evaluators; above the middle is good."""
    group = merge({}, [entry(number, **one) for number, one in enumerate(entries)], lower_is_better={"toxic"})
    assert group["positive"] is positive


def test_the_average_is_peoples() -> None:
    """Deeds and evaluators don't count in it; a name that is better when low is turned round."""
    entries = [
        entry(0, score=1.0),
        entry(1, score=0.0),
        entry(2, score=1.0, name="toxic"),
        entry(3, score=1.0, kind="evaluator"),
        entry(4, score=1.0, kind="implicit"),
        entry(5, label="fine"),
    ]
    group = merge({}, entries, lower_is_better={"toxic"})
    assert group["score_avg"] == pytest.approx(1 / 3)
    assert (group["count"], group["by_human"], group["by_evaluator"]) == (6, 4, 1)
    assert (group["last_score"], group["last_label"]) == (1.0, "fine")


def test_anonymous_entries_never_replace_each_other() -> None:
    """Nobody knows whether it was the same person."""
    assert merge({}, [entry(0, score=1.0), entry(1, score=0.0)])["count"] == 2


def test_an_author_has_one_entry_for_each_name_and_choice() -> None:
    """The later replaces the earlier; the whole call is not choice 0."""
    said = [
        entry(0, author="u", score=1.0),
        entry(1, author="u", score=0.0),
        entry(2, author="u", score=0.0, choice=0),
        entry(3, author="u", score=0.0, choice=1),
        entry(4, author="u", score=0.0, name="tone"),
        entry(5, author="v", score=0.0),
    ]
    assert [one["id"] for one in merge({}, said)["entries"]] == ["e1", "e2", "e3", "e4", "e5"]


def test_the_newest_thousand_stay() -> None:
    """And the completion says that there were more; an older one that comes late stays out."""
    group = merge({}, [entry(number, score=1.0) for number in range(1, MAX_ENTRIES + 2)])
    assert len(group["entries"]) == group["count"] == MAX_ENTRIES
    assert group["entries"][0]["id"] == "e2"
    assert group["entries_truncated"] is True
    again = merge(group, [entry(0, score=0.0)])
    assert again == group


def test_the_lag_begins_at_the_calls_end() -> None:
    """Milliseconds to the first feedback that counts; feedback from a clock that is behind is not negative."""
    said = [entry(30, score=1.0)]
    assert merge({}, said, ended_at="2026-11-21T10:00:10.500Z")["lag_ms"] == 19_500
    assert merge({}, said, ended_at="2026-11-21T11:00:00Z")["lag_ms"] == 0
    assert merge({}, said)["lag_ms"] is None


def test_what_is_no_value_of_ours_is_left_out_of_an_entry() -> None:
    """An event of somebody else's program, or of a broken one."""
    event = {
        "@timestamp": 7,
        "event": {"id": 5},
        "gen_ai": {"evaluation": {"name": [], "score": {"value": 4, "label": ""}}},
        "llm": {
            "feedback": {"author": {}, "author_kind": "robot", "choice_index": "x", "better_response": 1}
        },
    }
    assert entry_of(event) == {
        "id": "",
        "at": "1970-01-01T00:00:07.000000Z",
        "kind": "human",
        "name": "rating",
    }
    assert entry_of({})["name"] == "rating"


def amendment(fields: Json, at: str = "2026-11-21T10:00:00Z") -> Json:
    return {
        "@timestamp": at,
        "event": {"id": at, "dataset": "llm.amendment"},
        "llm": {"amendment": {"fields": fields}},
    }


COMPLETION: Json = {
    "@timestamp": "2026-11-21T09:00:00.000000Z",
    "event": {"id": "c", "dataset": "llm.completion", "outcome": "unknown"},
    "gen_ai": {"request": {"model": "gpt-4o-mini"}, "provider": {"name": "openai"}},
    "llm": {"join": {"key": ["c"]}, "cost": {"status": "no_usage"}},
}


def test_an_output_replaces_the_whole_answer() -> None:
    """Half of one answer and half of another is no answer; tokens of an earlier one stay until others come."""
    first = amendment(
        {
            "output": {
                "id": "r1",
                "object": "chat.completion",
                "model": "gpt-4o-mini",
                "choices": [
                    {
                        "index": 0,
                        "message": {
                            "role": "assistant",
                            "content": "A",
                            "tool_calls": [
                                {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                            ],
                        },
                    },
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 20},
            }
        }
    )
    second = amendment({"output": "B"}, "2026-11-21T11:00:00Z")
    document = amend(COMPLETION, [second, first])
    assert document["llm"]["output"] == {"text": "B"}
    assert "tool" not in document["llm"]
    assert document["gen_ai"]["usage"]["output_tokens"] == 20
    assert document["llm"]["cost"]["status"] == "priced"
    assert document["llm"]["join"]["key"] == ["c", "r1"]
    assert document["event"]["outcome"] == "success"
    assert COMPLETION["llm"]["cost"] == {"status": "no_usage"}


def test_a_given_cost_is_not_computed_again() -> None:
    """Neither when the call was logged with it, nor when it was amended before the tokens."""
    tokens = {
        "output": {
            "object": "chat.completion",
            "choices": [],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        }
    }
    document = amend(COMPLETION, [amendment({"cost": 3.5}), amendment(tokens, "2026-11-21T11:00:00Z")])
    assert document["gen_ai"]["usage"]["cost"]["amount"] == 3.5
    assert document["llm"]["cost"]["status"] == "provided"


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, 7, "x", [], {}, {"id": "a", "name": "n", "score": 1.0}),
        *({"choice": "0"}, {"score": "1"}, {"author": ["u"]}, {"at": 5}, {"kind": None}, {"label": 1}),
    ],
)
def test_entries_that_are_none_of_ours_count_for_nothing(wrong: Any) -> None:
    """Another program wrote to the completion: the joiner goes on."""
    ours = entry_of(judged_event().stored.source)
    damaged = {**ours, **wrong} if isinstance(wrong, dict) and len(wrong) == 1 else wrong
    assert merge({"entries": [damaged, ours]}, [ours]) == merge({}, [ours])
    assert merge({"entries": wrong}, [ours]) == merge({}, [ours])


def test_an_output_of_any_shape_is_kept() -> None:
    """What no API is known for lies under outputs, and its words are searchable."""
    document = amend(COMPLETION, [amendment({"output": {"verdict": "approved"}})])
    assert document["llm"]["outputs"] == {"verdict": "approved"}
    assert document["llm"]["output"]["text"] == "approved"


@pytest.mark.parametrize("fields", [None, 7, "x", [], {}, {"unknown": 1}, {"output": None}])
def test_an_amendment_that_says_nothing_sets_nothing(fields: Any) -> None:
    """Whatever another program put there."""
    assert parts_of(fields) == {}
    assert amend(COMPLETION, [amendment(fields)]) == COMPLETION


def judged_event() -> Event:
    """An event that says something of the completion."""
    source = {
        "@timestamp": "2026-11-21T10:00:00Z",
        "event": {"id": "e", "dataset": "llm.feedback"},
        "gen_ai": {"evaluation": {"score": {"value": 1}}},
        "llm": {"join": {"key": ["c"]}},
    }
    return Event(Stored(Place("f", "e"), source, 1, 1))


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_completion_that_holds_its_events_is_not_written(is_whole: bool) -> None:
    """So that a run after a crash, or beside another one, costs a search and no write."""
    place = Place("i", "c")
    write = merged(Target(Stored(place, COMPLETION, 3, 1, is_whole), [judged_event()]), frozenset())
    assert write is not None
    kind, body = map(orjson.loads, write.action().splitlines())
    about = {"_index": "i", "_id": "c", "if_seq_no": 3, "if_primary_term": 1}
    assert kind == ({"index": about} if is_whole else {"update": about})
    feedback = (body if is_whole else body["doc"])["llm"]["feedback"]
    written = {**COMPLETION, "llm": {**COMPLETION["llm"], "feedback": feedback}}
    assert (body if is_whole else written) == written
    assert merged(Target(Stored(place, written, 4, 1), [judged_event()]), frozenset()) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[18446744073709551615, -9223372036854775808, 1.5e-9, 0.1]", "index"),
        ('"1e20 and [2.5]"', "index"),
        ("123456789012345678901234567890", "update"),
        ("[1, -123456789012345678901234567890]", "update"),
    ],
)
def test_numbers_that_would_lose_digits_are_not_written_anew(text: str, kind: str) -> None:
    """Somebody else's integers of more than 64 bits: the store merges into such a document itself."""
    source = {**COMPLETION, "gen_ai": {"input": {"messages": orjson.loads(text)}}}
    write = merged(Target(Stored(Place("i", "c"), source, 3, 1, True), [judged_event()]), frozenset())
    assert write is not None
    action, body = map(orjson.loads, write.action().splitlines())
    assert list(action) == [kind]
    assert (body if kind == "index" else body["doc"])["llm"]["feedback"]["positive"] is True
