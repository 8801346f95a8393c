"""`save=False` keeps figures, ids and names, and no content."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shipper.record import build, strip_content
from shipper.record.fields import Completion
from tests.fixtures.record import payloads

Json = dict[str, Any]


def stripped(call: Any) -> Json:
    document = build(payloads.entry({**call, "save": False}))
    Completion.validate_document(document)
    return document


@pytest.mark.parametrize("name", sorted(payloads.ALL))
def test_figures_ids_and_names_are_those_of_the_whole_document(name: str) -> None:
    """Tokens, models, ids, finish reasons, tool names, times and outcome do not depend on `save`."""
    call = payloads.ALL[name]
    whole, without = build(payloads.entry(call)), stripped(call)
    for path in (
        ["@timestamp"],
        ["event"],
        ["service"],
        ["gen_ai", "usage"],
        ["gen_ai", "response"],
        ["gen_ai", "request"],
        ["gen_ai", "operation"],
        ["gen_ai", "provider"],
        ["gen_ai", "conversation"],
        ["gen_ai", "prompt"],
        ["llm", "usage"],
        ["llm", "tool"],
        ["llm", "stream"],
        ["llm", "join"],
        ["llm", "selected_choice_index"],
        ["llm", "latency_ms"],
        ["openai"],
        ["user"],
        ["tags"],
        ["labels"],
        ["trace"],
        ["http"],
    ):
        left: Any = whole
        right: Any = without
        for key in path:
            left, right = (left or {}).get(key), (right or {}).get(key)
        assert left == right, path
    reasons = [choice.get("finish_reason") for choice in whole["llm"].get("choices", ())]
    assert [choice.get("finish_reason") for choice in without["llm"].get("choices", ())] == reasons
    assert without["llm"]["privacy"]["content_stored"] is False


def test_no_text_no_attributes_no_template_no_raw_payload_is_left() -> None:
    """The groups that hold content are gone, raw payloads even when asked for or handed in."""
    call = {**payloads.CHAT, "raw": "always", "raw_request": {"a": 1}, "message": "said: secret"}
    document = stripped(call)
    llm = document["llm"]
    assert not {"input", "output", "inputs", "outputs", "raw", "logs"} & set(llm)
    assert "request" not in llm.get("attributes", {})
    assert set(llm["prompt"]) == {"id", "version_id", "hash", "path"}
    assert all("arguments" not in call for choice in llm["choices"] for call in choice.get("tool_calls", ()))
    assert document["message"] == "gpt-4o-mini-2024-07-18 · 140→120 tokens · stop: get_weather, sql"


def test_a_request_that_nobody_can_read_has_no_text() -> None:
    """Parameters that stay are no prompt."""
    document = stripped({"request": {"model": "m", "service_tier": "flex", "question": "why?"}})
    assert "input" not in document["llm"]
    assert document["llm"]["request"] == {"params": {"service_tier": "flex"}}


def test_an_error_keeps_its_kind_and_loses_its_words() -> None:
    """Messages and stack traces may quote the prompt."""
    document = stripped(payloads.FAILED)
    assert document["error"] == {"type": "RateLimitError", "code": "rate_limit_exceeded"}
    assert document["http"] == {"response": {"status_code": 429}, "request": {"id": "req_9"}}
    assert document["event"]["outcome"] == "failure"


def test_a_stream_is_added_up_before_it_is_stripped() -> None:
    """Chunks are content; what is left says how many there were."""
    call = strip_content(payloads.STREAM)
    assert call["stream"] == {"chunks": 4, "completed": True, "time_to_first_chunk_s": 0.25}
    assert b"Hel" not in orjson.dumps(call)


def test_the_callers_call_is_not_changed() -> None:
    """A copy is stripped."""
    before = orjson.dumps(payloads.CHAT)
    strip_content(payloads.CHAT)
    assert orjson.dumps(payloads.CHAT) == before


@pytest.mark.parametrize("response", ["text", ["a"], {"answer": "x"}])
def test_an_answer_that_nobody_can_read_is_still_an_answer(response: Any) -> None:
    """The outcome does not depend on `save`."""
    call = {"request": {"messages": []}, "response": response}
    assert stripped(call)["event"]["outcome"] == "success"
