"""Completions as spans: by the conventions, and read back by our own reader of them."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given

from shipper.export.spans import traces_of
from shipper.record import build
from shipper.route.otlp import spans
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, unhurried

Json = dict[str, Any]


def span_of(document: Json) -> Json:
    made = traces_of(document)
    assert isinstance(made, dict)
    return made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]


def test_a_call_is_a_client_span() -> None:
    """Name, kind, times, status and attributes are those of the conventions; whole numbers are text in OTLP."""
    call = {**payloads.CHAT, "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}
    document = build(payloads.entry(call))
    span = span_of(document)
    attributes = {one["key"]: one["value"] for one in span["attributes"]}
    assert span["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert span["spanId"] == "b7ad6b7169203331"
    assert span["name"] == f"chat {document['gen_ai']['request']['model']}"
    assert span["kind"] == 3
    assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) > 10**18
    assert attributes["gen_ai.operation.name"] == {"stringValue": "chat"}
    assert attributes["gen_ai.usage.input_tokens"] == {
        "intValue": str(document["gen_ai"]["usage"]["input_tokens"])
    }
    assert "values" in attributes["gen_ai.input.messages"]["arrayValue"]
    assert not [
        name for name in attributes if name.startswith(("llm.raw", "llm.shipper", "llm.content_hash"))
    ]


def test_ids_are_made_of_the_event_id() -> None:
    """A call outside any trace has the same made-up ids each time, and none that is not valid."""
    document = build(payloads.entry(payloads.GENERIC, id="e-1"))
    first, again = span_of(document), span_of(document)
    assert (first["traceId"], first["spanId"]) == (again["traceId"], again["spanId"])
    assert len(first["traceId"]) == 32
    assert len(first["spanId"]) == 16
    document["trace"] = {"id": "not-hex"}
    assert span_of(document)["traceId"] == first["traceId"]


def test_failure_and_judgements_are_told() -> None:
    """An error is the span's status and an exception; each judgement is an evaluation event of its own time."""
    document = build(payloads.entry(payloads.FAILED))
    document["llm"]["feedback"] = {
        "entries": [
            {
                "id": "f1",
                "at": "2026-11-21T08:00:00.000000Z",
                "name": "rating",
                "kind": "human",
                "score": 1.0,
            },
            {
                "id": "f2",
                "at": "2026-11-21T09:00:00.000000Z",
                "name": "rating",
                "kind": "human",
                "withdrawn": True,
            },
        ]
    }
    span = span_of(document)
    assert span["status"]["code"] == 2
    names = [event["name"] for event in span["events"]]
    assert names == ["exception", "gen_ai.evaluation.result"]
    told = {one["key"]: one["value"] for one in span["events"][1]["attributes"]}
    assert told["gen_ai.evaluation.score.value"] == {"doubleValue": 1.0}
    assert span["events"][1]["timeUnixNano"] == "1795248000000000000"


def as_read(value: Any) -> Any:
    """A value inside of which our reader has no word for nothing."""
    if isinstance(value, dict):
        return {key: "{}" if item is None else as_read(item) for key, item in value.items()}
    return ["{}" if item is None else as_read(item) for item in value] if isinstance(value, list) else value


@unhurried
@given(CALLS)
def test_our_own_reader_finds_the_call_in_its_span(call: Any) -> None:
    """Whatever was logged, the span is JSON, and read back it has the same model, tokens and messages."""
    document = build(payloads.entry(call))
    made = traces_of(document)
    assert isinstance(made, dict)
    ((_, record),) = spans(orjson.loads(orjson.dumps(made)))
    wanted = document.get("gen_ai", {})
    if record is None:
        assert not any(wanted.values())
        return
    found = record.get("gen_ai", {})
    for name in ("request", "response", "usage", "input", "output", "conversation", "system_instructions"):
        assert found.get(name) == as_read(wanted.get(name)), name
    assert record["@timestamp"][:23] == document["@timestamp"][:23]
