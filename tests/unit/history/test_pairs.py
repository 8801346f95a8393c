"""Requests and responses as people and other providers write them, alone or in lines of python-json-logger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.unit.history.test_formats import has, stored, value

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.settings import Settings

_AT = "2025-03-01T10:00:00Z"
_ASKED: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
_ANSWER: Any = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_740_000_000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Here."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
}
_CHUNK = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1_740_000_000, "model": "gpt-4o"}
_STREAM: Any = [
    {**_CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "He"}}]},
    {**_CHUNK, "choices": [{"index": 0, "delta": {"content": "re."}, "finish_reason": "stop"}]},
]
_EVENTS = "".join(f"data: {orjson.dumps(one).decode()}\n\n" for one in _STREAM) + "data: [DONE]\n\n"


def document(tmp_path: Path, settings: Settings, *rows: Any) -> dict[str, Any]:
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (found,) = stored(tmp_path / "rows.jsonl", tmp_path, settings).values()
    return found


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Where?", "response": "Here.", "model": "gpt-4o-mini", "prompt_tokens": 10, "completion_tokens": 4},
        {"prompt": "Where?", "response": _ANSWER, "model": "gpt-4o-mini"},
        {"input": "Where?", "output": "Here.", "model": "gpt-4o-mini", "usage": {"promptTokens": 10, "completionTokens": 4}},
        {"input": _ASKED["messages"], "output": _ANSWER["choices"][0]["message"], "model": "gpt-4o-mini", "input_tokens": 10, "output_tokens": 4},
        {"request": {"messages": _ASKED["messages"]}, "model": "gpt-4o-mini", "response": "Here.", "usage": _ANSWER["usage"]},
        {"body": _ASKED, "response": _ANSWER},
        {"kwargs": _ASKED, "result": orjson.dumps(_ANSWER).decode()},
        {"request": {"url": "https://api.openai.com/v1/chat/completions", "body": orjson.dumps(_ASKED).decode()}, "response": {"status_code": 200, "headers": {"x-request-id": "r-1"}, "body": _ANSWER}},
    ],
    ids=["texts", "prompt", "output", "messages", "beside", "body", "kwargs", "http"],
)  # fmt: skip
def test_the_same_call_however_it_is_written(tmp_path: Path, settings: Settings, row: dict[str, Any]) -> None:
    """Prompt, answer, tokens and cost are the same, whatever the halves are called and whatever stands beside them."""
    found = document(tmp_path, settings, {"timestamp": _AT, **row})
    has(
        found,
        llm__input__text="Where?",
        llm__output__text="Here.",
        gen_ai__request__model="gpt-4o-mini",
        gen_ai__usage__input_tokens=10,
        gen_ai__usage__output_tokens=4,
        llm__cost__status="priced",
        llm__sanitised=None,
    )
    assert found["@timestamp"] == "2025-03-01T10:00:00.000000Z"
    if "url" in str(row):
        has(found, http__request__id="r-1", gen_ai__provider__name="openai")


@pytest.mark.parametrize(
    "response", [_STREAM, _EVENTS, {"status": 200, "body": _EVENTS}], ids=["list", "text", "http"]
)
def test_a_stream_is_put_together(tmp_path: Path, settings: Settings, response: Any) -> None:
    """Chunks in a list, or events as they came, are one answer of the time that they say."""
    found = document(tmp_path, settings, {"request": _ASKED, "response": response})
    has(found, llm__output__text="Here.", llm__stream={"chunks": 2, "completed": True})
    assert found["@timestamp"] == "2025-02-19T21:20:00.000000Z"


def test_a_start_that_is_only_told_by_the_end(tmp_path: Path, settings: Settings) -> None:
    """The end and how long it took say when it began, before what the provider says to the second."""
    row = {"request": _ASKED, "response": _ANSWER, "completed_at": _AT, "duration_ms": 1500}
    found = document(tmp_path, settings, row)
    has(found, llm__latency_ms=1500.0)
    assert found["@timestamp"] == "2025-03-01T09:59:58.500000Z"


_GEMINI = (
    {
        "model": "gemini-2.0-flash",
        "contents": [{"role": "user", "parts": [{"text": "Where?"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 9, "topK": 3},
        "tools": [{"functionDeclarations": [{"name": "look"}]}],
    },
    {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "Here."}, {"functionCall": {"name": "look", "args": {}}}]}, "finishReason": "MAX_TOKENS"}
        ],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 150, "cachedContentTokenCount": 10},
        "modelVersion": "gemini-2.0-flash",
        "responseId": "R-1",
    },
)  # fmt: skip
_CONVERSE = (
    {
        "modelId": "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Where?"}]}],
        "inferenceConfig": {"temperature": 0.5, "maxTokens": 9},
        "toolConfig": {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]},
    },
    {
        "output": {"message": {"role": "assistant", "content": [{"text": "Here."}, {"toolUse": {"toolUseId": "t", "name": "look", "input": {}}}]}},
        "stopReason": "max_tokens",
        "usage": {"inputTokens": 90, "cacheReadInputTokens": 10, "outputTokens": 50, "totalTokens": 150},
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "halves"), [("gcp.gemini", _GEMINI), ("aws.bedrock", _CONVERSE)], ids=["gemini", "converse"]
)
def test_other_providers_forms(
    tmp_path: Path, settings: Settings, provider: str, halves: tuple[Any, Any]
) -> None:
    """Gemini's and Bedrock's messages, parameters, tools and counts are read as OpenAI's are."""
    found = document(tmp_path, settings, {"timestamp": _AT, "request": halves[0], "response": halves[1]})
    has(
        found,
        gen_ai__provider__name=provider,
        llm__input__text="Be brief.\nWhere?",
        llm__output__text="Here.",
        llm__tool__names=["look"],
        gen_ai__request__temperature=0.5,
        gen_ai__request__max_tokens=9,
        gen_ai__response__finish_reasons=["length"],
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__output_tokens=50,
        gen_ai__usage__cache_read__input_tokens=10,
        llm__usage__total_tokens=150,
        llm__cost__status="priced",
    )
    assert value(found, "gen_ai.tool.definitions")[0]["name"] == "look"


def test_ollama_s_and_mistral_s_answers(tmp_path: Path, settings: Settings) -> None:
    """Ollama's answers have counts and times of their own; a model's name says whose it is where nothing else does."""
    said = {"model": "llama3.2", "message": {"role": "assistant", "content": "Here."}, "done": True}
    counts = {
        "created_at": "2025-01-02T03:04:05.678Z",
        "done_reason": "stop",
        "prompt_eval_count": 26,
        "eval_count": 9,
    }
    found = document(
        tmp_path, settings, {"request": {**_ASKED, "model": "llama3.2"}, "response": {**said, **counts}}
    )
    has(found, gen_ai__provider__name="ollama", gen_ai__usage__input_tokens=26, llm__output__text="Here.")
    assert found["@timestamp"] == "2025-01-02T03:04:05.678000Z"
    (tmp_path / "out.ndjson").unlink()
    model = {"model": "mistral-large-latest"}
    found = document(
        tmp_path,
        settings,
        {"timestamp": _AT, "request": {**_ASKED, **model}, "response": {**_ANSWER, **model}},
    )
    has(found, gen_ai__provider__name="mistral_ai", llm__cost__status="priced")


def test_feedback_in_the_row(tmp_path: Path, settings: Settings) -> None:
    """It becomes feedback documents on the call, as `log_completion` would log it; other scales' ratings do not."""
    said = [
        {"thumbs_up": True, "tone": 0.4, "note": "nice"},
        {"name": "tone", "value": 0.6, "author": "u2"},
        {},
    ]
    rows = [
        {"timestamp": _AT, "request": _ASKED, "response": _ANSWER, "event_id": "a", "feedback": said},
        {"timestamp": _AT, "request": _ASKED, "response": _ANSWER, "event_id": "b", "rating": 0.2},
        {"timestamp": _AT, "request": _ASKED, "response": _ANSWER, "event_id": "c", "rating": 4},
    ]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    found = stored(tmp_path / "rows.jsonl", tmp_path, settings)
    assert set(found) == {"a", "a.thumbs_up", "a.tone", "a.tone.1", "a.values", "b", "b.rating", "c"}
    has(found["a.thumbs_up"], llm__join__key=["a"], gen_ai__evaluation__score__value=1.0)
    has(found["a.thumbs_up"], llm__feedback__values={"note": "nice"})
    has(found["a.tone.1"], gen_ai__evaluation__score__value=0.6, llm__feedback__author="u2")
    has(found["b.rating"], gen_ai__evaluation__score__value=0.2)
    has(found["c"], llm__attributes__request={"rating": 4})
    assert found["a.tone"]["@timestamp"] == "2025-03-01T10:00:00.000000Z"


def test_feedback_in_a_log_line(tmp_path: Path, settings: Settings) -> None:
    """Beside the request and the response, or beside the completion."""
    pair = {"request": _ASKED, "response": _ANSWER}
    lines = [
        {**_LINE, "message": "a", "completion": {**pair, "feedback": {"helpful": True}}},
        {**_LINE, "message": "b", "completion": pair, "feedback": {"helpful": False}},
    ]
    (tmp_path / "app.log").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    found = stored(tmp_path / "app.log", tmp_path, settings).values()
    scores = [value(one, "gen_ai.evaluation.score.value") for one in found]
    assert [one for one in scores if one is not None] == [1.0, 0.0]


_LINE = {"asctime": "2025-03-01 10:00:00,000", "levelname": "INFO", "name": "shop"}


@pytest.mark.parametrize(
    "line",
    [
        {**_LINE, "message": "asked", "completion": {"request": _ASKED, "response": _ANSWER}, "user_id": "u1", "order": 7},
        {"message": "asked", "completion": {"request": _ASKED, "response": _ANSWER, "created_at": _AT}, "user_id": "u1", "order": 7},
        {"time": _AT, "severity": "INFO", "msg": "asked", "completion": orjson.dumps({"request": _ASKED, "response": _ANSWER}).decode(), "user_id": "u1", "order": 7},
        {**_LINE, "message": "asked", "completion": _ANSWER, **_ASKED, "user_id": "u1"},
        {**_LINE, "message": "asked", "request": _ASKED, "response": _ANSWER, "user_id": "u1"},
        {**_LINE, "message": "asked", "llm_call": {"request": _ASKED, "response": _ANSWER}, "user_id": "u1", "order": 7},
        {**_LINE, "message": "asked", "context": {"completion": {"request": _ASKED, "response": _ANSWER}}, "user_id": "u1", "order": 7},
    ],
    ids=["extra", "bare", "renamed", "response", "top", "named", "nested"],
)  # fmt: skip
def test_a_completion_anywhere_in_a_log_line(
    tmp_path: Path, settings: Settings, line: dict[str, Any]
) -> None:
    """Under any name, as text, or a response alone; a web service's request is none, and user_id is the call's."""
    web = {**_LINE, "message": "GET /", "request": {"method": "GET", "url": "/"}, "response": {"status": 200}}
    found = document(tmp_path, settings, web, line, {"message": "idle"})
    has(found, llm__input__text="Where?", llm__output__text="Here.", user__id="u1", message="asked")
    assert found["@timestamp"] == "2025-03-01T10:00:00.000000Z"
    if "order" in line:
        has(found, labels={"order": 7})


@pytest.mark.parametrize(
    ("name", "around"),
    [("log", {"stream": "stdout", "time": _AT}), ("message", {"@timestamp": _AT, "host": {"name": "h"}})],
    ids=["docker", "filebeat"],
)
def test_lines_within_lines(tmp_path: Path, settings: Settings, name: str, around: dict[str, Any]) -> None:
    """A container's runtime writes lines into lines; the time around counts where the line says none."""
    line = {"message": "asked", "completion": {"request": _ASKED, "response": _ANSWER}}
    wrapped = [{name: orjson.dumps(one).decode() + "\n", **around} for one in ({"message": "idle"}, line)]
    found = document(tmp_path, settings, *wrapped)
    has(found, llm__input__text="Where?", message="asked")
    assert found["@timestamp"] == "2025-03-01T10:00:00.000000Z"


def test_a_log_that_begins_with_many_ordinary_lines(tmp_path: Path, settings: Settings) -> None:
    """Its format is known before the first completion comes; a logged exception is why there is no answer."""
    trace = "Traceback (most recent call last):\n  ...\nopenai.APITimeoutError: Request timed out."
    failed = {**_LINE, "message": "failed", "completion": {"request": _ASKED}, "exc_info": trace}
    found = document(tmp_path, settings, *[{**_LINE, "message": "tick"}] * 100, failed)
    has(found, event__outcome="failure", error__type="APITimeoutError", error__message="Request timed out.")
    assert value(found, "error.stack_trace") == trace
