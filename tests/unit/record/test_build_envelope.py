"""Times, ids, outcome, cost and the readable line of a document."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import Completion
from shipper.record.times import format_time, parse_time
from tests.fixtures.record import payloads

Json = dict[str, Any]


def document_of(call: Any, **more: Any) -> Json:
    """The document, checked against the contract."""
    document = build(payloads.entry(call, **more))
    Completion.validate_document(document)
    return document


S = 1_763_710_242


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        (S, S * 10**9),
        (S + 0.123456, S * 10**9 + 123_456_000),
        (S * 1000 + 123, S * 10**9 + 123_000_000),
        (S * 10**6 + 123_456, S * 10**9 + 123_456_000),
        (S * 10**9 + 123_456_789, S * 10**9 + 123_456_789),
        (631_152_000_000_000, 631_152_000 * 10**9),  # microseconds of 1990
        (31_536_000_000_000_000, 31_536_000 * 10**9),  # nanoseconds of 1971
        (str(S), S * 10**9),
        (f"{S}.5", S * 10**9 + 500_000_000),
        (0, 0),
        ("2025-11-21T07:30:42Z", S * 10**9),
        ("2025-11-21T09:30:42.5+02:00", S * 10**9 + 500_000_000),
        ("2025-11-21 07:30:42,250+00:00", S * 10**9 + 250_000_000),
        ("20251121T073042Z", S * 10**9),
    ],
)
def test_times_are_read_in_any_unit_and_form(value: Any, ns: int) -> None:
    """Seconds to nanoseconds by size, texts by ISO 8601."""
    flags: list[str] = []
    assert parse_time(value, "t", flags) == ns
    assert flags == []


def test_a_time_without_zone_is_utc_and_flagged() -> None:
    """Naive means UTC."""
    flags: list[str] = []
    assert parse_time("2025-11-21T07:30:42", "t", flags) == S * 10**9
    assert flags == ["t: no time zone, taken as UTC"]


@pytest.mark.parametrize(
    "value",
    [
        "20000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "soon",
        "",
        -1,
        1e300,
        True,
        float("nan"),
        float("inf"),
        [],
        {},
        "9" * 30,
        "1e400",
    ],
)
def test_a_time_that_cannot_be_stored_is_none_and_flagged(value: Any) -> None:
    """Years outside 1970 to 2261, and what is no time."""
    flags: list[str] = []
    assert parse_time(value, "t", flags) is None
    assert flags[-1] == "t: not a time between 1970 and 2261"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (S * 10**9 + 123_456_789, "2025-11-21T07:30:42.123456Z"),
        (9_214_646_399 * 10**9, "2261-12-31T23:59:59.000000Z"),
    ],
)
def test_times_are_written_in_utc_with_microseconds(ns: int, text: str) -> None:
    """One form everywhere."""
    assert format_time(ns) == text


def test_a_call_starts_ends_and_lasts() -> None:
    """`@timestamp` is the start; the duration is in ns, its twin in ms."""
    document = document_of({"started_at": S, "ended_at": S + 1.25, "created_at": S + 9})
    event = document["event"]
    assert document["@timestamp"] == event["start"] == "2025-11-21T07:30:42.000000Z"
    assert event["end"] == "2025-11-21T07:30:43.250000Z"
    assert event["created"] == "2025-11-21T07:30:51.000000Z"
    assert event["duration"] == 1_250_000_000
    assert document["llm"]["latency_ms"] == 1250.0


def test_without_a_start_the_creation_or_the_log_call_is_the_time() -> None:
    """Start, else the caller's creation time, else when it was logged; a wrong one is flagged and passed over."""
    assert document_of({"created_at": S})["@timestamp"] == "2025-11-21T07:30:42.000000Z"
    assert document_of({})["@timestamp"] == "2025-11-21T07:30:42.123456Z"
    document = document_of({"started_at": "20000-01-01T00:00:00Z", "created_at": "never"})
    assert document["@timestamp"] == "2025-11-21T07:30:42.123456Z"
    assert len(document["llm"]["sanitised"]) == 2


def test_an_end_before_the_start_has_no_duration() -> None:
    """Both times are kept, the fault is flagged."""
    document = document_of({"started_at": S, "ended_at": S - 5})
    assert "duration" not in document["event"]
    assert "latency_ms" not in document["llm"]
    assert document["event"]["end"] == "2025-11-21T07:30:37.000000Z"
    assert document["llm"]["sanitised"] == ["ended_at: before started_at, no duration"]


def test_the_entry_says_who_logged_it() -> None:
    """Application, process and sequence come from the entry; the call's environment wins."""
    document = document_of({"environment": "staging"})
    assert document["service"] == {"name": "support-bot", "version": "1.4.0", "environment": "staging"}
    assert document["llm"]["application"] == {"name": "support-bot"}
    assert document["llm"]["project"] == {"id": "p1"}
    assert document["llm"]["shipper"] == {"version": "0.1.0", "instance": "h1-123-abc", "sequence": 17}
    assert document["host"] == {"name": "h1"}
    assert document["process"] == {"pid": 123}
    assert document["log"] == {"logger": "support", "level": "info"}
    assert document["ecs"] == {"version": "9.0.0"}
    assert document["llm"]["schema"] == {"version": "1"}


def test_feedback_may_use_the_event_id_the_providers_id_and_the_callers_keys() -> None:
    """Each key once."""
    call = {**payloads.CHAT, "join_keys": ["order-5", "chatcmpl-1", 7, "order-5", ""]}
    keys = document_of(call)["llm"]["join"]["key"]
    assert keys == ["01937c5e-1111-7000-8000-000000000000", "chatcmpl-1", "order-5", "7"]


def test_what_was_changed_or_cut_before_is_listed() -> None:
    """The entry's flags come first, ours after, each once; cuts are objects."""
    cut = {"field": "request.messages[0].content", "length": 5_000_000, "hash": "b2:1"}
    document = document_of(
        {"tags": [{}]}, changed=["a: NaN", "a: NaN"], truncated=[cut, "x", {"length": "?"}]
    )
    assert document["llm"]["sanitised"] == ["a: NaN", "tags: not a string"]
    assert document["llm"]["truncated"] == [cut]


def test_many_flags_are_bounded() -> None:
    """A hostile payload can't fill the document with flags."""
    flags = document_of({}, changed=[str(number) for number in range(500)])["llm"]["sanitised"]
    assert len(flags) == 101
    assert flags[-1] == "and 400 more"


def test_an_error_is_a_failure_with_its_facts() -> None:
    """Type, message, code, status and request id have fields; the raw request is kept when errors ask for it."""
    document = document_of(payloads.FAILED)
    assert document["event"]["outcome"] == "failure"
    assert document["error"] == {
        "type": "RateLimitError",
        "message": "Rate limit reached for gpt-4o",
        "code": "rate_limit_exceeded",
        "stack_trace": "Traceback …",
    }
    assert document["http"] == {"response": {"status_code": 429}, "request": {"id": "req_9"}}
    assert document["log"]["level"] == "error"
    assert document["llm"]["raw"] == {"request": payloads.FAILED["request"]}
    assert document["message"] == "gpt-4o · failed: RateLimitError: Rate limit reached for gpt-4o"


def test_an_error_body_as_the_response_is_a_failure() -> None:
    """The API's own error object, whose other fields (Azure's filter) are kept."""
    body = {
        "error": {"code": "content_filter", "message": "no", "innererror": {"hate": True}, "param": "prompt"}
    }
    document = document_of({**payloads.FAILED, "error": None, "response": body})
    assert document["event"]["outcome"] == "failure"
    assert document["error"] == {"code": "content_filter", "message": "no", "type": "content_filter"}
    provider = document["llm"]["attributes"]["response"]["provider"]
    assert provider == {"error": {"innererror": {"hate": True}, "param": "prompt"}}


@pytest.mark.parametrize("error", ["boom", ["boom"], 7, {"error": "boom"}, {}])
def test_an_error_of_any_shape_is_a_failure(error: Any) -> None:
    """What can't be read as an error is still one."""
    document = document_of({"request": payloads.FAILED["request"], "error": error})
    assert document["event"]["outcome"] == "failure"
    assert document["error"]["type"] == "error"


def test_a_status_of_400_or_more_is_a_failure() -> None:
    """A gateway's HTML with status 502 is the output of a failure."""
    document = document_of({"response": "<html>Bad gateway</html>", "http": {"status": 502}})
    assert document["event"]["outcome"] == "failure"
    assert document["llm"]["output"] == {"text": "<html>Bad gateway</html>"}
    assert document["llm"]["sanitised"] == ["response: not JSON"]


def test_a_failing_choice_is_a_failure() -> None:
    """OpenRouter puts errors into choices."""
    choice = {
        "index": 0,
        "error": {"code": 502, "message": "bad"},
        "finish_reason": "error",
        "message": {"content": "x"},
    }
    document = document_of({"response": {"object": "chat.completion", "choices": [choice]}})
    assert document["event"]["outcome"] == "failure"
    assert document["error"] == {"code": "502", "message": "bad", "type": "502"}


def test_without_an_answer_the_outcome_is_unknown() -> None:
    """Create now, populate later."""
    document = document_of({"request": payloads.FAILED["request"]})
    assert document["event"]["outcome"] == "unknown"
    assert document["message"] == "gpt-4o · no answer yet"


@pytest.mark.parametrize(
    ("cost", "usage", "group"),
    [
        (0.5, {"amount": 0.5, "currency": "USD", "source": "caller"}, {"status": "provided"}),
        ("0.5", {"amount": 0.5, "currency": "USD", "source": "caller"}, {"status": "provided"}),
        (0, {"amount": 0.0, "currency": "USD", "source": "caller"}, {"status": "provided"}),
        (
            {"amount": 3, "currency": "EUR", "input": 1, "output": 2},
            {"amount": 3.0, "currency": "EUR", "source": "caller"},
            {"status": "provided", "input": 1.0, "output": 2.0},
        ),
        (
            {"input": 1, "output": 2},
            {"amount": 3.0, "currency": "USD", "source": "caller"},
            {"status": "provided", "input": 1.0, "output": 2.0},
        ),
    ],
)
def test_the_callers_cost_is_taken_as_it_is(cost: Any, usage: Json, group: Json) -> None:
    """A number is US dollars; parts add up; the status keeps pricing away."""
    document = document_of({**payloads.EMBEDDINGS, "cost": cost})
    assert document["gen_ai"]["usage"]["cost"] == usage
    assert document["llm"]["cost"] == group


@pytest.mark.parametrize("cost", ["much", [], {}, True])
def test_a_cost_that_is_none_leaves_the_call_to_be_priced(cost: Any) -> None:
    """Nothing is written that pricing would take for an answer."""
    document = document_of({**payloads.EMBEDDINGS, "cost": cost})
    assert "cost" not in document["gen_ai"]["usage"]
    assert "cost" not in document["llm"]


def test_the_line_tells_model_tokens_ending_and_text() -> None:
    """Short, in one line, whatever the text."""
    call: Json = {
        "request": {"model": "gpt-4o"},
        "response": {
            "model": "gpt-4o-2024-08-06",
            "choices": [{"message": {"content": "A  long\n" + "text " * 200}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 10},
        },
    }
    line = document_of(call)["message"]
    assert line.startswith('gpt-4o-2024-08-06 · 12→10 tokens · stop: "A long text text')
    assert line.endswith('…"')
    assert len(line) <= 200
    assert "\n" not in line
    assert document_of({**call, "message": "answered"})["message"] == "answered"


@pytest.mark.parametrize(
    ("level", "stored"), [("WARNING", "warning"), (30, "warning"), (35, "35"), (None, "info")]
)
def test_the_level_is_the_callers_in_lower_case(level: Any, stored: str) -> None:
    """Names and numbers of the logging module."""
    assert document_of({"level": level})["log"]["level"] == stored


@pytest.mark.parametrize(
    ("raw", "failed", "kept"),
    [("always", False, True), ("errors", False, False), ("errors", True, True), ("never", True, False)],
)
def test_raw_payloads_are_kept_only_when_asked_for(raw: str, failed: bool, kept: bool) -> None:
    """Always, for errors, or never; chunks as they came."""
    call = {**payloads.STREAM, "raw": raw, **({"error": "boom"} if failed else {})}
    document = document_of(call)
    if kept:
        assert document["llm"]["raw"] == {
            "request": payloads.STREAM["request"],
            "response": payloads.STREAM["response"],
        }
    else:
        assert "raw" not in document["llm"]


def test_raw_payloads_that_were_handed_in_are_kept() -> None:
    """The caller's own raw payloads need no setting."""
    document = document_of({"raw_request": {"a": 1}, "raw_response": "text", "raw": "never"})
    assert document["llm"]["raw"] == {"request": {"a": 1}, "response": "text"}
