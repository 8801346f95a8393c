"""What providers of OpenAI's protocol really send: callers see it as without capture, and records hold it."""

from __future__ import annotations

import gc
import gzip
import json
from typing import Any

import openai
import pytest

from shipper.openai import OpenAI
from shipper.testing import Answer, Captured, OpenAIServer, answer, stream
from tests.fixtures.openai_api import BLUE, CHAT, HEAD, USAGE, response

KEY = "shipper_feedback_key"
FILTER = {"hate": {"filtered": False, "severity": "safe"}}


def delta(finish: str | None = None, /, index: int = 0, **said: Any) -> dict[str, Any]:
    """A chunk whose delta says this."""
    return {**HEAD, "choices": [{"index": index, "delta": said, "finish_reason": finish}]}


def call(index: int, place: int, **said: Any) -> dict[str, Any]:
    """A chunk with a fragment of a tool call."""
    return delta(index=index, tool_calls=[{"index": place, **said}])


def event(
    chunk: dict[str, Any], *, line_end: str = "\n", indent: int | None = None, before: str = ""
) -> bytes:
    """A chunk as an event, in one of the forms that the specification allows."""
    lines = [f"data: {line}" for line in json.dumps(chunk, indent=indent).split("\n")]
    return (before + line_end.join([*lines, "", ""])).encode()


AZURES_FIRST = {**HEAD, "id": "", "model": "", "object": "", "created": 0, "choices": []}
PLAIN: dict[str, Answer] = {
    "Azure: filter results before and after": stream(
        [
            {**AZURES_FIRST, "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTER}]},
            *BLUE,
            {**HEAD, "choices": [{"index": 0, "delta": {}, "content_filter_results": FILTER}]},
        ]
    ),
    "null instead of a delta": stream([{**HEAD, "choices": [{"index": 0, "delta": None}]}, *BLUE]),
    "null instead of each part of a delta": stream(
        [*BLUE[:4], delta("stop", role=None, content=None, tool_calls=None, function_call=None)]
    ),
    "null instead of choices": stream([{**HEAD, "choices": None, "usage": None}, *BLUE]),
    "reasoning_content": stream([delta(content=None, reasoning_content="I th"), delta(reasoning_content="ink"), *BLUE]),
    "reasoning": stream([delta(content="", reasoning="I th"), delta(content="", reasoning="ink"), *BLUE]),
    "reasoning under both names": stream(
        [delta(content=None, reasoning="I th", reasoning_content="I th"), delta(reasoning="ink", reasoning_content="ink"), *BLUE]
    ),
    "usage in every chunk": stream([{**part, "usage": {**USAGE["usage"]}} for part in BLUE]),
    "usage in a last chunk": stream([*BLUE, USAGE]),
    "no [DONE]": stream(BLUE, done=False),
    "chunks after [DONE]": stream([*BLUE, b"data: [DONE]\n\n", delta(content="no")]),
    "CRLF, comments, names, ids": stream(
        [b": ping\r\n\r\n", *[event(one, line_end="\r\n", before="event: x\r\nid: 7\r\n") for one in BLUE]]
    ),
    "CR alone": stream([event(one, line_end="\r") for one in BLUE]),
    "data in several lines": stream([event(one, indent=1) for one in BLUE]),
    "no content type": Answer(200, b"", {}, [event(one) for one in BLUE]),
    "another content type": Answer(200, b"", {"content-type": "application/json"}, [event(one) for one in BLUE]),
    "the type in capitals": Answer(200, b"", {"content-type": "Text/Event-Stream"}, [event(one) for one in BLUE]),
    "text beside the delta": stream(
        [{**HEAD, "choices": [{"text": one["choices"][0]["delta"].get("content", ""), **one["choices"][0]}]} for one in BLUE]
    ),
    "Perplexity: whole answers, each with its delta": stream(
        [{**one, "object": "chat.completion", "choices": [{**one["choices"][0], "message": {"content": "no"}}]} for one in BLUE]
    ),
    "half a surrogate pair beside the choices": stream([{**one, "system_fingerprint": "\ud800"} for one in BLUE]),
    "no space after the colon": stream([event(one).replace(b"data: ", b"data:") for one in BLUE]),
}  # fmt: skip


def chunks(client: openai.OpenAI) -> list[Any]:
    """What the caller gets, without our key."""
    seen: list[Any] = []
    try:
        for part in client.chat.completions.create(**CHAT, stream=True):
            said = part.to_dict(mode="json", warnings=False)
            seen.append({name: value for name, value in said.items() if name != KEY})
    except Exception as error:
        seen.append((type(error).__name__, str(error)))
    return seen


def both(server: OpenAIServer) -> list[Any]:
    """What a caller sees of a recording client; the bare one sees the same."""
    options: dict[str, Any] = {"base_url": server.url, "api_key": "k", "max_retries": 0}
    seen = chunks(OpenAI(**options))
    assert seen == chunks(openai.OpenAI(**options))
    return seen


@pytest.mark.parametrize("name", PLAIN)
def test_an_answer_in_an_unusual_form_is_recorded_as_the_usual_one(name: str, captured: Captured) -> None:
    """Text, finish reason and outcome; reasoning and token counts where there are some."""
    with OpenAIServer(PLAIN[name]) as server:
        both(server)
    [document] = captured.documents
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["gen_ai"]["response"]["finish_reasons"] == ["stop"]
    assert document["gen_ai"]["response"]["model"] == HEAD["model"]
    assert document["event"]["outcome"] == "success"
    parts = document["gen_ai"]["output"]["messages"][0]["parts"]
    if "reasoning" in name:
        assert parts[:-1] == [{"type": "reasoning", "content": "I think"}]
    if "usage" in name:
        assert document["gen_ai"]["usage"]["output_tokens"] == 3


@pytest.mark.parametrize(
    "failure",
    [
        {"error": {"message": "boom", "type": "server_error", "code": "x"}},
        {"error": {"message": "boom", "code": 429}},
        b'event: error\ndata: {"error": {"message": "boom"}}\n\n',
    ],
    ids=["object", "number as code", "named event"],
)
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_within_a_stream_is_raised_and_recorded(
    failure: Any, after: int, captured: Captured
) -> None:
    """At its beginning or later, with what came."""
    with OpenAIServer(stream([*BLUE[:after], failure], done=False)) as server:
        assert both(server)[-1] == ("APIError", "boom")
    gc.collect()  # version 1 of openai leaves the stream open
    [document] = captured.documents
    assert document["event"]["outcome"] == "failure"
    assert document["error"]["message"] == "boom"
    assert document["llm"].get("output", {}).get("text") == ("Blue" if after else None)


def test_tool_calls_of_several_choices_are_kept_apart(captured: Captured) -> None:
    """Fragments of two calls in each of two choices, interleaved, and one of a custom tool."""
    places = [(index, place) for index in (1, 0) for place in (0, 1)]
    parts = [
        call(
            index,
            place,
            id=f"c{index}{place}",
            type="function",
            function={"name": f"f{index}{place}", "arguments": ""},
        )
        for index, place in places
    ]
    parts += [
        call(index, place, function={"arguments": text})
        for text in ('{"a"', ":1}")
        for index, place in places[::-1]
    ]
    parts += [
        call(0, 2, id="c02", type="custom", custom={"name": "sh", "input": "ls "}),
        call(0, 2, custom={"input": "-l"}),
        delta("tool_calls", index=0),
        delta("tool_calls", index=1),
    ]  # fmt: skip
    with OpenAIServer(stream(parts)) as server:
        both(server)
    choices = captured.documents[0]["llm"]["choices"]
    said = [
        [(one["id"], one["name"], one["arguments"]) for one in choice["tool_calls"]] for choice in choices
    ]
    assert said == [
        [("c00", "f00", {"a": 1}), ("c01", "f01", {"a": 1}), ("c02", "sh", "ls -l")],
        [("c10", "f10", {"a": 1}), ("c11", "f11", {"a": 1})],
    ]


def test_items_of_every_kind_are_recorded_alike_with_and_without_stream(captured: Captured) -> None:
    """Reasoning, tools of the provider, custom tools, unknown items; unknown events are passed over."""
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "sky"}},
        {"type": "code_interpreter_call", "id": "ci", "status": "completed", "code": "1", "container_id": "c"},
        {"type": "mcp_call", "id": "mc", "server_label": "s", "name": "t1", "arguments": '{"x":1}', "output": "done"},
        {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "aGVsbG8="},
        {"type": "custom_tool_call", "id": "ct", "call_id": "ct1", "name": "sh", "input": "ls -l"},
        {"type": "function_call", "id": "fc", "call_id": "fc1", "name": "get", "arguments": '{"a":1}'},
        *response()["output"],
        {"type": "hologram", "id": "h", "x": 1},
    ]  # fmt: skip
    whole = {**response(), "output": items, "service_tier": "priority"}
    begun = {**whole, "status": "in_progress", "output": []}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for place, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": place, "item": item})
        events.append({"type": f"response.{item['type']}.in_progress", "output_index": place})
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events += [
        {"type": "response.hologram.delta", "delta": "zz"},
        {"type": "keepalive", "sequence_number": 9},
    ]
    last = {"type": "response.completed", "response": whole}
    with OpenAIServer(answer(whole), stream([*events, last]), stream(events, done=False)) as server:
        client = OpenAI(base_url=server.url, api_key="k", max_retries=0)
        client.responses.create(model="m", input="x")
        for _ in range(2):
            list(client.responses.create(model="m", input="x", stream=True))
    plain, streamed, cut = captured.documents
    assert streamed["llm"]["choices"] == plain["llm"]["choices"]
    assert streamed["gen_ai"]["output"] == plain["gen_ai"]["output"]
    assert streamed["gen_ai"]["usage"] == plain["gen_ai"]["usage"]
    names = [one["name"] for one in plain["llm"]["choices"][0]["tool_calls"]]
    assert names == ["web_search", "code_interpreter", "t1", "image_generation", "sh", "get"]
    assert (
        cut["gen_ai"]["output"]["messages"][0]["parts"] == plain["gen_ai"]["output"]["messages"][0]["parts"]
    )
    assert cut["event"]["outcome"] == "unknown"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_page_in_place_of_an_answer_is_no_success(streamed: bool, captured: Captured) -> None:
    """A gateway's page under status 200: the caller gets what openai's client makes of it, the record is not sure."""
    page = Answer(200, b"<html>busy</html>", {"content-type": "text/html"})
    with OpenAIServer(page) as server:
        client = OpenAI(base_url=server.url, api_key="k", max_retries=0)
        said = client.chat.completions.create(**CHAT, stream=streamed)
        assert (list(said) if streamed else said) == ([] if streamed else "<html>busy</html>")
    [document] = captured.documents
    assert document["event"]["outcome"] == "unknown"
    assert document["llm"]["output"]["text"] == "<html>busy</html>"


def test_a_compressed_stream_has_a_time_to_its_first_chunk(captured: Captured) -> None:
    """The bytes say nothing then; and Azure's name of the request counts where there is no other."""
    body = gzip.compress(b"".join(event(one) for one in BLUE))
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip", "apim-request-id": "a1"}
    with OpenAIServer(Answer(200, b"", headers, [body[:40], body[40:]])) as server:
        both(server)
    [document] = captured.documents
    assert document["gen_ai"]["response"]["time_to_first_chunk"] > 0
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["http"]["request"]["id"] == "a1"
