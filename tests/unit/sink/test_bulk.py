"""The `_bulk` request's bytes and the reading of its answer."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.sink import bulk
from shipper.sink.base import Outcome, Prepared
from shipper.sink.compress import compress


def prepared(
    event_id: str = "a", index: str = "llm-completions-a@1-2026.11", body: bytes = b"{}"
) -> Prepared:
    """A document with an id that we made."""
    return Prepared(event_id, index, body, False, None, "llm.completion", ())


def test_body_is_action_and_document_by_turns() -> None:
    """Each document follows a line that creates it in its index under its id; the last line ends too."""
    body = bulk.body_of([prepared("a", "i1", b'{"x":1}'), prepared("b", "i2", b'{"x":2}')])
    assert body == (
        b'{"create":{"_index":"i1","_id":"a"}}\n{"x":1}\n{"create":{"_index":"i2","_id":"b"}}\n{"x":2}\n'
    )


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=5))
def test_any_id_survives_the_request(ids: list[str]) -> None:
    """Quotes, newlines and any other character in an id neither break the framing nor change."""
    lines = bulk.body_of([prepared(one) for one in ids]).split(b"\n")
    assert [json.loads(line)["create"]["_id"] for line in lines[:-1:2]] == ids
    assert len(lines) == 2 * len(ids) + 1


@given(st.binary(max_size=5000))
def test_compressed_body_is_gzip(body: bytes) -> None:
    """What is sent compressed unpacks to the same bytes."""
    assert gzip.decompress(compress(body)) == body


def test_results_in_the_order_of_the_items() -> None:
    """Every item has its own outcome, status, type and reason."""
    answer = {
        "errors": True,
        "items": [
            {"create": {"status": 201}},
            {
                "create": {
                    "status": 429,
                    "error": {"type": "es_rejected_execution_exception", "reason": "full"},
                }
            },
            {"create": {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no"}}},
        ],
    }
    results = bulk.results_of(answer, 3)
    assert results is not None
    assert [one.outcome for one in results] == [Outcome.DELIVERED, Outcome.RETRY, Outcome.REFUSED]
    assert (results[2].status, results[2].error_type, results[2].reason) == (
        400,
        "document_parsing_exception",
        "no",
    )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "<html>",
        [],
        {},
        {"items": {}},
        {"items": []},
        {"items": [{"create": {"status": 201}}, {"create": {"status": 201}}]},
        {"items": [{"index": {"status": 201}}]},
        {"items": [{"create": {"status": "201"}}]},
        {"items": ["x"]},
    ],
)
def test_what_is_not_the_answer_to_this_request(answer: object) -> None:
    """Any other JSON, or an answer about another number of items, settles nothing."""
    assert bulk.results_of(answer, 1) is None


def test_quoted_content_is_left_out_of_the_reason() -> None:
    """Elasticsearch quotes the refused value; it doesn't go into logs, and the reason stays short."""
    secret = "my password is hunter2" * 100
    reason = (
        "[1:7] failed to parse field [n] of type [integer] in document with id 'b'. "
        f"Preview of field's value: '{secret}'"
    )
    error = {"type": "document_parsing_exception", "reason": reason, "caused_by": {"reason": "not a number"}}
    results = bulk.results_of({"items": [{"create": {"status": 400, "error": error}}]}, 1)
    assert results is not None
    assert (
        results[0].reason
        == "[1:7] failed to parse field [n] of type [integer] in document with id 'b' (not a number)"
    )


def test_long_reasons_are_cut_in_the_middle() -> None:
    """A reason keeps its beginning and its end."""
    error = {"type": "document_parsing_exception", "reason": "start" + "x" * 10_000 + "end"}
    results = bulk.results_of({"items": [{"create": {"status": 400, "error": error}}]}, 1)
    assert results is not None
    assert results[0].reason.startswith("start")
    assert results[0].reason.endswith("end")
    assert len(results[0].reason) < 700


def test_each_item_is_read_whatever_the_summary_says() -> None:
    """An item that was refused is not delivered because something in between says that there are no errors."""
    said = [{"create": {"status": 201}}, {"create": {"status": 429}}]
    for errors in (False, True, None):
        results = bulk.results_of({"errors": errors, "items": said}, 2)
        assert results is not None
        assert [one.outcome for one in results] == [Outcome.DELIVERED, Outcome.RETRY]
