"""Recorded exchanges with OpenAI, replayed through openai's client with and without capture.

For each recording the caller sees the same but for one key, and the record says what the recording says.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import openai
import pytest
import yaml

from shipper.openai import AsyncOpenAI, CaptureConfig, OpenAI
from shipper.testing import Answer, OpenAIServer, capture_completions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "shipper_feedback_key"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Recording(NamedTuple):
    """One recorded exchange."""

    name: str
    path: str
    asked: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream."""
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The answer's JSON, one part for each event."""
        if not self.streamed:
            return [json.loads(self.body)]
        lines = [line[6:] for line in self.body.decode().splitlines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    def answer(self) -> Answer:
        """For the server: in pieces of 700 bytes, which are no events."""
        if not self.streamed:
            return Answer(self.status, self.body, self.headers)
        pieces = [self.body[start : start + 700] for start in range(0, len(self.body), 700)]
        return Answer(self.status, b"", self.headers, pieces)


@pytest.fixture(scope="module")
def recordings(shared_data: Path) -> list[Recording]:
    """All of them."""
    found: list[Recording] = []
    for file in sorted((shared_data / "openai-recordings").glob("*.yaml")):
        for exchange in yaml.load(file.read_text(), _LOADER)["interactions"]:
            asked, answered = exchange["request"], exchange["response"]
            headers = {name.lower(): values[0] for name, values in answered["headers"].items()}
            kept = {name: headers[name] for name in ("content-type", "x-request-id") if name in headers}
            content = answered["body"]["string"]
            found.append(
                Recording(
                    file.stem,
                    asked["uri"].partition("/v1")[2],
                    json.loads(asked["body"]),
                    answered["status"]["code"],
                    kept,
                    content if isinstance(content, bytes) else content.encode(),
                )
            )
    assert len(found) == 75
    return found


def method_of(client: Any, path: str) -> Any:
    """The resource's method for a path."""
    return {
        "/chat/completions": client.chat.completions,
        "/embeddings": client.embeddings,
        "/responses": client.responses,
    }[path].create


def arguments(method: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """The request as keyword arguments; what this version of openai has no argument for goes into the extra body."""
    known = inspect.signature(method).parameters
    extra = {name: value for name, value in asked.items() if name not in known}
    return {**{name: value for name, value in asked.items() if name in known}, "extra_body": extra or None}


def plain(value: Any) -> Any:
    """What the caller sees, as JSON, without the feedback key."""
    if isinstance(value, openai.BaseModel):
        value = value.to_dict(mode="json", warnings=False)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != KEY}
    return [plain(item) for item in value] if isinstance(value, list) else value


def seen(client: openai.OpenAI, recording: Recording) -> Any:
    """What a caller sees: the answer, the chunks, or the error."""
    method = method_of(client, recording.path)
    try:
        answered = method(**arguments(method, recording.asked))
        return list(answered) if recording.streamed else answered
    except openai.APIError as error:
        return [type(error).__name__, str(error), getattr(error, "status_code", None), error.body]


async def seen_async(client: openai.AsyncOpenAI, recording: Recording) -> Any:
    """The same with the async client."""
    method = method_of(client, recording.path)
    try:
        answered = await method(**arguments(method, recording.asked))
        return [part async for part in answered] if recording.streamed else answered
    except openai.APIError as error:
        return [type(error).__name__, str(error), getattr(error, "status_code", None), error.body]


def keys_in(value: Any) -> Iterator[str]:
    """Every feedback key in what the caller sees."""
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, openai.BaseModel) and (found := (part.model_extra or {}).get(KEY)):
            yield found


def test_callers_see_the_same_with_and_without_capture(recordings: list[Recording]) -> None:
    """Sync and async: identical but for the key, which is the event's id and stands once; without it, identical."""
    with (
        OpenAIServer(*[one.answer() for one in recordings for _ in range(4)]) as server,
        capture_completions() as captured,
    ):
        options: dict[str, Any] = {"base_url": server.url, "api_key": "k", "max_retries": 0}
        bare, ours = openai.OpenAI(**options), OpenAI(**options)
        keyless = OpenAI(**options, shipper=CaptureConfig(inject_feedback_key=False))

        async def async_ones() -> list[Any]:
            async with AsyncOpenAI(**options) as client:
                return [await seen_async(client, one) for one in [recording]]

        for recording in recordings:
            expected = seen(bare, recording)
            got, without, later = (
                seen(ours, recording),
                seen(keyless, recording),
                asyncio.run(async_ones())[0],
            )
            assert plain(got) == plain(expected), recording.name
            assert plain(later) == plain(expected), recording.name
            assert without == expected, recording.name
            assert repr(without) == repr(expected), recording.name
            if recording.status == 200:
                assert len(list(keys_in(got))) == len(list(keys_in(later))) == 1, recording.name
                assert list(keys_in(without)) == list(keys_in(expected)) == [], recording.name
        asked = [json.loads(request.body) for request in server.requests]
        documents = captured.documents
    assert all(asked[place] == asked[place + 1] == asked[place + 3] for place in range(0, len(asked), 4))
    assert len(documents) == 3 * len(recordings)


def test_records_say_what_the_recordings_say(recordings: list[Recording]) -> None:
    """Model, ids, finish reasons, tokens, every choice and every tool call, errors and statuses."""
    with (
        OpenAIServer(*[one.answer() for one in recordings]) as server,
        capture_completions() as captured,
    ):
        client = OpenAI(base_url=server.url, api_key="k", max_retries=0)
        for recording in recordings:
            seen(client, recording)
        documents = captured.documents
    for recording, document in zip(recordings, documents, strict=True):
        said = expected_of(recording)
        assert {name: found_in(document)[name] for name in said} == said, recording.name


def found_in(document: dict[str, Any]) -> dict[str, Any]:
    """What a record says, in the terms of `expected_of`."""
    gen_ai, llm = document["gen_ai"], document["llm"]
    answered, usage = gen_ai.get("response", {}), gen_ai.get("usage", {})
    choices = llm.get("choices", [])
    return {
        "asked_model": gen_ai["request"]["model"],
        "status": document["http"]["response"]["status_code"],
        "outcome": document["event"]["outcome"],
        "error": document.get("error", {}).get("code"),
        "model": answered.get("model"),
        "id": answered.get("id"),
        "finish_reasons": answered.get("finish_reasons", []),
        "tokens": (usage.get("input_tokens"), usage.get("output_tokens")),
        "texts": [one.get("text", llm.get("output", {}).get("text")) or "" for one in choices],
        "calls": [[call["name"] for call in one.get("tool_calls", [])] for one in choices],
        "chunks": llm.get("stream", {}).get("chunks"),
        "request_id": document["http"].get("request", {}).get("id"),
    }


def expected_of(recording: Recording) -> dict[str, Any]:
    """What a recording says, read independently of the code under test."""
    parts = recording.parts
    said: dict[str, Any] = {
        "asked_model": recording.asked["model"],
        "status": recording.status,
        "request_id": recording.headers.get("x-request-id"),
    }
    if recording.status != 200:
        return {**said, "outcome": "failure", "error": parts[0]["error"]["code"]}
    if recording.streamed:
        said["chunks"] = len(parts)
    if recording.path == "/responses":
        last = parts[-1].get("response", parts[-1]) if recording.streamed else parts[0]
        texts = [
            part["text"]
            for item in last["output"]
            if item["type"] == "message"
            for part in item["content"]
            if part["type"] == "output_text"
        ]
        calls = [item["name"] for item in last["output"] if item["type"] == "function_call"]
        usage = last["usage"]
        return {
            **said,
            "outcome": "success",
            "model": last["model"],
            "id": last["id"],
            "texts": ["".join(texts)],
            "calls": [calls],
            "tokens": (usage["input_tokens"], usage["output_tokens"]),
        }
    usage = next((part["usage"] for part in reversed(parts) if part.get("usage")), None)
    said["model"] = parts[0]["model"]
    if usage:
        said["tokens"] = (usage["prompt_tokens"], usage.get("completion_tokens"))
    if recording.path == "/embeddings":
        return {**said, "outcome": "success"}
    return {**said, "id": parts[0]["id"], **choices_of(parts)}


def choices_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Texts, tool calls and finish reasons of chat completions, by choice."""
    texts: dict[int, str] = {}
    calls: dict[int, dict[int, str]] = {}
    reasons: dict[int, str] = {}
    for part in parts:
        for choice in part["choices"]:
            index = choice["index"]
            message = choice.get("message") or choice.get("delta") or {}
            texts[index] = texts.get(index, "") + (message.get("content") or "")
            for place, call in enumerate(message.get("tool_calls") or []):
                if call["function"].get("name"):
                    calls.setdefault(index, {})[call.get("index", place)] = call["function"]["name"]
            if choice.get("finish_reason"):
                reasons[index] = choice["finish_reason"]
    order = sorted(texts)
    return {
        "outcome": "success" if set(reasons) == set(order) else "unknown",
        "texts": [texts[index] for index in order],
        "calls": [list(calls.get(index, {}).values()) for index in order],
        "finish_reasons": [reasons[index] for index in order if index in reasons],
    }
