"""What callers say in feedback becomes events, or a sentence that says what can't be meant."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from shipper import notice
from shipper.capture.judgement import NOT_GIVEN, events_of, first_judgements_of, judgements_of
from shipper.errors import UsageError
from shipper.record import build


def bodies(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The events' bodies without what all of them have."""
    events = events_of("k", arguments, "e", given=False)
    for event in events:
        assert event.body.pop("join_keys") == ["k"]
        assert event.body.pop("author_kind") == "human"
    return [event.body for event in events]


def row(feedback: Any) -> list[dict[str, Any]]:
    """The bodies of a row of `app.log`."""
    events = judgements_of("k", feedback, "e", given=False)
    return [{key: value for key, value in event.body.items() if key != "join_keys"} for event in events]


@pytest.mark.parametrize(
    "value",
    [True, False, 0, 1, 0.25, np.float32(0.5), np.int64(1), np.bool_(True), Decimal("0.1"), Fraction(1, 2)],
)
def test_a_score_of_any_type_is_plain(value: Any) -> None:
    """Numbers and booleans of any library are Python's own in the event."""
    [body] = bodies({"value": value})
    assert body == {"name": "rating", "value": pytest.approx(float(value))}
    assert type(body["value"]) in (bool, int, float)


@pytest.mark.parametrize("value", [1.01, -0.01, 4, float("nan"), float("inf"), np.float64("nan"), 10**400])
def test_a_number_beyond_0_to_1_is_an_error(value: Any) -> None:
    """Nobody knows what 4 of how many means; the message says how to say it."""
    with pytest.raises(UsageError, match=r"not within 0 to 1.*scale=.*Nothing was logged"):
        bodies({"value": value})
    with pytest.raises(UsageError, match=r"rating is .*not within 0 to 1"):
        bodies({"rating": value})


def test_a_number_on_a_declared_scale_is_a_score() -> None:
    """4 on 1 to 5 is 0.75 in the document."""
    [event] = events_of("k", {"rating": 4, "scale": (1, 5)}, "e", given=False)
    document = build({"at": 0, "id": "e", "dataset": "llm.feedback", "call": event.body})
    assert document["gen_ai"]["evaluation"] == {"name": "rating", "score": {"value": 0.75}}


@pytest.mark.parametrize(
    "scale", [5, (1,), (5, 1), (1, 1), ("a", 2), (0, float("nan")), (0, float("inf")), (1, 2, 3)]
)
def test_a_scale_needs_two_rising_ends(scale: Any) -> None:
    """Anything else is told."""
    with pytest.raises(UsageError, match=r"scale is .*rising order"):
        bodies({"rating": 1, "scale": scale})


def test_a_number_beyond_its_scale_is_an_error() -> None:
    """6 of 5 is a mistake."""
    with pytest.raises(UsageError, match="rating is 6, not within 1 to 5"):
        bodies({"rating": 6, "scale": (1, 5)})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "says nothing"),
        ({"value": {}}, "value is empty"),
        ({"value": []}, "value is empty"),
        ({"value": ""}, "not empty"),
        ({"value": "  "}, "not empty"),
        ({"comment": ""}, "comment is ''"),
        ({"better_response": 7}, "better_response is 7"),
        ({"name": ""}, "name is ''"),
        ({"name": 3, "value": 1}, "name is 3"),
        ({"name": "x" * 257, "value": 1}, "1 to 256 characters"),
        ({"rating": "good"}, "rating is 'good'"),
        ({"rating": 1, "value": 1}, "rating or value"),
        ({"value": 1, "author_kind": "robot"}, "author_kind is 'robot'; it is one of human"),
        ({"value": 1, "author": " "}, "author is empty"),
        ({"value": 1, "choice_index": -1}, "choice_index is -1"),
        ({"value": 1, "choice_index": True}, "choice_index is True"),
        ({"value": 1, "choice_index": 1.5}, "choice_index is 1.5"),
        ({"value": 1, "created_at": "yesterday"}, "created_at is 'yesterday'"),
        ({"value": 1, "target_at": "long ago"}, "target_at is 'long ago'"),
        ({"value": 1, "created_at": dt.datetime(1900, 1, 1)}, "between 1970 and 2261"),
        ({"value": None}, "give the author"),
        ({"value": None, "author": "u", "better_response": "x"}, "can't come with better_response"),
    ],
)
def test_what_can_not_be_meant_is_told(arguments: dict[str, Any], message: str) -> None:
    """Each fault is a sentence that names the argument."""
    with pytest.raises(UsageError, match=message) as caught:
        bodies(arguments)
    assert str(caught.value).endswith("Nothing was logged.")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "has to be text"),
        (7, "has to be text"),
        (b"k", "has to be text"),
        ({"a": 1}, "JoinKey.from_dict"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("k" * 8192, "8,192 characters"),
        ("😀" * 4096, "can't be searched for"),
    ],
)
def test_a_key_is_text_that_can_be_searched(key: Any, message: str) -> None:
    """A key that could never match is an error, not an orphan."""
    with pytest.raises(UsageError, match=message):
        events_of(key, {"value": 1}, "e", given=False)


def test_the_name_follows_from_what_is_given() -> None:
    """Without a score it isn't called rating, so that it replaces no rating."""
    assert bodies({"better_response": "x", "comment": "y"})[0]["name"] == "better_response"
    assert bodies({"comment": "y"})[0]["name"] == "comment"
    assert bodies({"value": ["a"]}) == [{"name": "values", "values": ["a"]}]
    assert bodies({"rating": 0.2, "better_response": "x"}) == [
        {"name": "rating", "value": 0.2, "better_response": "x"}
    ]
    assert bodies({"value": "great"}) == [{"name": "rating", "value": "great"}]


def test_a_withdrawal_names_what_it_takes_back() -> None:
    """value=None is a withdrawal, and not giving a value is none."""
    assert bodies({"value": None, "author": "u", "name": "helpful", "choice_index": 1}) == [
        {"name": "helpful", "author": "u", "choice_index": 1, "withdrawn": True}
    ]
    assert "withdrawn" not in bodies({"value": NOT_GIVEN, "rating": 1})[0]


def test_each_score_of_a_dict_is_an_event() -> None:
    """Numbers and booleans are named by their keys; the rest stays on the first event."""
    events = events_of(
        "k",
        {
            "value": {"helpful": True, "reason": {"why": ["x"]}, "tone": 0.5, "note": "n"},
            "author": "u",
            "comment": "c",
        },
        "e",
        given=True,
    )
    assert [(event.event_id, event.given_id) for event in events] == [("e.helpful", True), ("e.tone", True)]
    shared = {"join_keys": ["k"], "author_kind": "human", "author": "u"}
    assert [event.body for event in events] == [
        {
            **shared,
            "name": "helpful",
            "value": True,
            "comment": "c",
            "values": {"reason": {"why": ["x"]}, "note": "n"},
        },
        {**shared, "name": "tone", "value": 0.5},
    ]


def test_a_single_score_keeps_the_event_id() -> None:
    """A dict with one score is one event, under the id that was given."""
    [event] = events_of("k", {"value": {"thumbs_up": True}}, "e", given=True)
    assert (event.event_id, event.body["name"]) == ("e", "thumbs_up")


def test_a_named_dict_prefixes_its_names() -> None:
    """Two surveys may ask the same question."""
    assert [body["name"] for body in bodies({"name": "survey", "value": {"q1": 1, "q2": 0}})] == [
        "survey.q1",
        "survey.q2",
    ]


def test_a_large_number_in_a_dict_is_a_value_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """A session of 340 seconds is no score: it is kept, and the developer hears how to make a score of it."""
    notice.reset()
    with caplog.at_level(logging.WARNING, "shipper"):
        assert bodies({"value": {"seconds": 340, "ok": True}}) == [
            {"name": "ok", "value": True, "values": {"seconds": 340}}
        ]
    assert "'seconds' is 340, not within 0 to 1" in caplog.text


def test_a_dict_on_a_scale_is_strict() -> None:
    """With a scale every number has to lie on it."""
    assert [body["value"] for body in bodies({"value": {"a": 4, "b": 5}, "scale": (1, 5)})] == [4, 5]
    with pytest.raises(UsageError, match="a is 6"):
        bodies({"value": {"a": 6}, "scale": (1, 5)})
    with pytest.raises(UsageError, match="a is nan"):
        bodies({"value": {"a": float("nan")}})


def test_a_row_takes_arguments_by_their_names() -> None:
    """A dict's keys that are arguments of send_feedback mean these."""
    assert row({"rating": 0.2, "better_response": "x", "author": "u", "author_kind": "implicit"}) == [
        {"author_kind": "implicit", "author": "u", "name": "rating", "value": 0.2, "better_response": "x"}
    ]
    assert row({"name": "helpful", "value": False}) == [
        {"author_kind": "human", "name": "helpful", "value": False}
    ]
    assert row({"value": 0.5}) == [{"author_kind": "human", "name": "value", "value": 0.5}]
    assert [one["name"] for one in row({"rating": 1, "helpful": True})] == ["rating", "helpful"]
    assert row({"ground_truth": 0.5}) == [
        {
            "author_kind": "ground_truth",
            "author": "ground_truth",
            "name": "ground_truth",
            "ground_truth": 0.5,
        }
    ]


def test_a_row_with_a_name_a_value_and_more_is_an_error() -> None:
    """It would have two readings."""
    with pytest.raises(UsageError, match="besides clicks"):
        row({"name": "helpful", "value": True, "clicks": 1})


def test_a_row_may_be_a_plain_value() -> None:
    """A boolean, a number, a text, or anything else."""
    assert row(True)[0]["value"] is True
    assert row(0.5)[0]["name"] == "rating"
    assert row("good")[0]["value"] == "good"
    assert row([1, 2])[0]["values"] == [1, 2]


def test_a_row_may_carry_its_own_id() -> None:
    """The same row sent twice is one event then."""
    identity = uuid.uuid4()
    [event] = judgements_of("k", {"helpful": True, "event_id": identity}, "made", given=False)
    assert (event.event_id, event.given_id) == (str(identity), True)


def test_feedback_of_a_logged_call_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    """What can't be meant is kept as a value, and told."""
    [event] = first_judgements_of("e1", {"rating": 7}, given=False)
    assert event.event_id == "e1.feedback"
    assert event.body == {"join_keys": ["e1"], "name": "values", "values": {"rating": 7}}
    assert "call e1: rating is 7" in caplog.text
    assert "kept as a value" in caplog.text
