"""The way back: stored messages as the requests and examples that OpenAI's APIs take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given

from shipper.export.batch import request_of
from shipper.export.finetune import example_of
from shipper.record import build
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, unhurried

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]


def document_of(call: Json, **more: Any) -> Json:
    return {**build(payloads.entry(call)), **more}


def recorded_requests(folder: Path) -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for file in sorted((folder / "openai-recordings").glob("*.yaml")):
        for exchange in yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["interactions"]:
            found.append((exchange["request"]["uri"], json.loads(exchange["request"]["body"])))
    return found


def same(request: Json) -> Json:
    """A request as its batch line has it: not streamed, the bound of tokens by its newer name, no nulls, in short."""
    body = {
        key: value
        for key, value in request.items()
        if key not in ("stream", "stream_options") and value is not None
    }
    if "messages" in body:
        if "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        body["messages"] = [{"content": None, **message} for message in body["messages"]]
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    match body.get("input"):
        case [{"role": "user", "content": str() as text}]:
            body["input"] = text  # means the same
        case _:
            pass
    return body


def test_recorded_requests_come_back(shared_data: Path) -> None:
    """Each recorded request is the batch line of its document, word for word."""
    for uri, request in recorded_requests(shared_data):
        made = request_of(document_of({"request": request, "base_url": uri}))
        assert isinstance(made, dict)
        assert made["url"] in uri
        assert made["body"] == same(request)


@pytest.mark.parametrize("name", ["COMPLETIONS", "EMBEDDINGS"])
def test_texts_come_back(name: str) -> None:
    """Prompts of the older API and texts to embed are the request that was sent."""
    request = getattr(payloads, name)["request"]
    made = request_of(document_of({"request": request}))
    assert isinstance(made, dict)
    assert made["body"] == request


def test_every_kind_of_part_comes_back() -> None:
    """Images, audio, files, tool calls and their results survive the way into the store and back."""
    request = payloads.CHAT["request"]
    made = request_of(document_of({"request": request}))
    assert isinstance(made, dict)
    assert made["body"] == same(request)


def test_raw_request_is_taken_as_it_was_sent() -> None:
    """Where the provider's request was kept, it is the body; only that it streamed is left out."""
    sent = {**payloads.CHAT["request"], "stream": True, "extra": [1]}
    document = document_of({"request": sent, "raw": "always"})
    made = request_of(document)
    assert isinstance(made, dict)
    assert made["body"] == {
        key: value for key, value in sent.items() if key not in ("stream", "stream_options")
    }
    assert made["custom_id"] == document["event"]["id"]


TOOL_CALL = {
    "request": {
        "model": "gpt-4o",
        "messages": [
            {"role": "developer", "content": "Help."},
            {"role": "user", "content": "Weather in Oslo?"},
        ],
        "tools": [payloads.WEATHER_TOOL],
        "parallel_tool_calls": False,
    },
    "response": {
        "id": "r1",
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "No idea."}, "finish_reason": "stop"},
            {
                "index": 1,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [payloads.weather_call("call_1", "Oslo")],
                },
                "finish_reason": "tool_calls",
            },
        ],
    },
}


def test_the_choice_that_was_used_is_learned() -> None:
    """An example is the prompt as it was sent, its tools, and the selected choice."""
    request: Json = TOOL_CALL["request"]
    example = example_of(document_of({**TOOL_CALL, "selected_choice_index": 1}))
    assert example == {
        "messages": [
            *request["messages"],
            {"role": "assistant", "tool_calls": [payloads.weather_call("call_1", "Oslo")]},
        ],
        "tools": request["tools"],
        "parallel_tool_calls": False,
    }


def test_a_better_response_is_learned_instead() -> None:
    """What a person wrote instead of the answer goes before it, even after a failure."""
    document = document_of({**TOOL_CALL, "response": None, "error": {"type": "Timeout"}})
    document["llm"]["feedback"] = {"better_response": "Rain, 3 °C."}
    example = example_of(document)
    assert isinstance(example, dict)
    assert example["messages"][-1] == {"role": "assistant", "content": "Rain, 3 °C."}


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ({"request": TOOL_CALL["request"], "error": {"type": "Timeout"}}, "not successful"),
        ({"response": TOOL_CALL["response"]}, "no prompt stored"),
        ({**TOOL_CALL, "save": False}, "no prompt stored"),
        (payloads.EMBEDDINGS, "no answer"),
        (
            {
                **TOOL_CALL,
                "response": {
                    "object": "chat.completion",
                    "choices": [
                        {
                            "index": 0,
                            "message": {"role": "assistant", "content": "Al"},
                            "finish_reason": "length",
                        }
                    ],
                },
            },
            "answer not finished",
        ),
    ],
)
def test_what_teaches_nothing_is_left_out(call: Json, reason: str) -> None:
    """A failure, half an answer or a call without content is no example, and it is said why."""
    assert example_of(document_of(call)) == reason


def test_responses_api_request_comes_back() -> None:
    """Input items, instructions and tools of the Responses API are what was sent, but for reasoning."""
    request = {
        "model": "gpt-5",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Weather?"},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"place":"Oslo"}'},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"}
                ],
            },
        ],
        "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
        "max_output_tokens": 100,
        "temperature": 0.5,
    }
    made = request_of(document_of({"request": request, "api": "responses"}))
    assert isinstance(made, dict)
    assert made["url"] == "/v1/responses"
    assert made["body"] == request


@unhurried
@given(CALLS)
def test_any_document_makes_a_line_or_a_reason(call: Any) -> None:
    """Whatever was logged, an export goes on: a line that is JSON, or a few words."""
    document = build(payloads.entry(call))
    for made in (example_of(document), request_of(document)):
        assert (isinstance(made, str) and made) or json.loads(json.dumps(made)) == made
