"""Feedback and amendments become documents."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import Amendment, Feedback
from tests.fixtures.record import payloads

Json = dict[str, Any]


def feedback_of(call: Any) -> Json:
    """The document, checked against the contract."""
    document = build(payloads.entry(call, "llm.feedback"))
    Feedback.validate_document(document)
    return document


def test_every_part_of_a_judgement_has_its_field() -> None:
    """Name, score, comment, author, channel, choice, better response, truth and values."""
    document = feedback_of(
        {
            "key": "chatcmpl-1",
            "join_keys": ["order-5", "chatcmpl-1"],
            "name": "helpful",
            "value": 0.75,
            "choice_index": 1,
            "comment": "nice",
            "author": "ann",
            "author_kind": "human",
            "channel": "web",
            "better_response": "Better.",
            "ground_truth": {"label": "cat"},
            "values": {"clicks": 3},
            "withdrawn": False,
            "created_at": "2025-11-21T07:00:00Z",
        }
    )
    assert document["@timestamp"] == document["event"]["created"] == "2025-11-21T07:00:00.000000Z"
    assert document["event"]["dataset"] == "llm.feedback"
    assert document["llm"]["join"] == {"key": ["chatcmpl-1", "order-5"]}
    assert document["gen_ai"] == {
        "evaluation": {"name": "helpful", "score": {"value": 0.75}, "explanation": "nice"}
    }
    assert document["llm"]["feedback"] == {
        "choice_index": 1,
        "better_response": "Better.",
        "author": "ann",
        "channel": "web",
        "author_kind": "human",
        "ground_truth": {"label": "cat"},
        "withdrawn": False,
        "values": {"clicks": 3},
    }
    assert document["message"] == "helpful: 0.75 for chatcmpl-1"
    assert "outcome" not in document["event"]


@pytest.mark.parametrize(
    ("value", "scale", "score"),
    [
        (True, None, {"value": 1.0}),
        (False, None, {"value": 0.0}),
        (1, None, {"value": 1.0}),
        (4, 5, {"value": 0.8}),
        (3, [1, 5], {"value": 0.5}),
        ("thumbs_up", None, {"label": "thumbs_up"}),
        (None, None, None),
    ],
)
def test_a_value_is_a_score_in_0_to_1_or_a_label(value: Any, scale: Any, score: Any) -> None:
    """Booleans are 0 or 1, numbers are read on their scale, texts are labels."""
    evaluation = feedback_of({"key": "k", "value": value, "scale": scale})["gen_ai"]["evaluation"]
    assert evaluation["name"] == "rating"
    assert evaluation.get("score") == score


@pytest.mark.parametrize(("value", "scale"), [(7, None), (7, 5), (-1, None), ({"a": 1}, None), ([1], None)])
def test_a_value_that_is_no_score_is_kept_among_the_values(value: Any, scale: Any) -> None:
    """Nothing is clamped or dropped; the fault is flagged."""
    document = feedback_of({"key": "k", "value": value, "scale": scale})
    assert "score" not in document["gen_ai"]["evaluation"]
    assert document["llm"]["feedback"]["values"] == {"value": value}
    assert document["llm"]["sanitised"]


@pytest.mark.parametrize("scale", [0, [5, 1], [1], "x", {}])
def test_a_scale_that_is_none_is_flagged(scale: Any) -> None:
    """The value is then read in 0 to 1."""
    document = feedback_of({"key": "k", "value": 0.5, "scale": scale})
    assert document["gen_ai"]["evaluation"]["score"] == {"value": 0.5}
    assert "scale: not a low and a high end" in document["llm"]["sanitised"]


def test_a_kind_of_author_that_nobody_knows_is_left_out_and_flagged() -> None:
    """Four kinds are known."""
    document = feedback_of({"key": "k", "author_kind": "robot"})
    assert "feedback" not in document["llm"]
    assert document["llm"]["sanitised"] == [
        'author_kind: "robot" is none of evaluator, ground_truth, human, implicit'
    ]


def test_a_withdrawal_says_so() -> None:
    """A later event takes an earlier one back."""
    document = feedback_of({"key": "k", "withdrawn": True})
    assert document["llm"]["feedback"] == {"withdrawn": True}
    assert document["message"] == "rating: withdrawn for k"


def test_an_amendment_has_its_target_and_its_fields() -> None:
    """The fields are kept as they are."""
    call = {"target_id": "e1", "fields": {"llm.output.text": "late", "error": {"type": "x"}}}
    document = build(payloads.entry(call, "llm.amendment"))
    Amendment.validate_document(document)
    assert document["llm"]["join"] == {"key": ["e1"]}
    assert document["llm"]["amendment"] == {"fields": call["fields"]}
    assert document["message"] == "amends e1: llm.output.text, error"
