"""Recorded exchanges with OpenAI become documents that say what the recording says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from shipper.record import build, strip_content
from shipper.record.fields import Completion
from tests.fixtures.record import payloads

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def exchanges(folder: Path) -> list[tuple[str, Json, str, int]]:
    """File, request, response body and status of each exchange."""
    found: list[tuple[str, Json, str, int]] = []
    for file in sorted((folder / "openai-recordings").glob("*.yaml")):
        for exchange in yaml.load(file.read_text(), Loader=Loader)["interactions"]:
            body = exchange["response"]["body"]["string"]
            text = body.decode() if isinstance(body, bytes) else body
            status = exchange["response"]["status"]["code"]
            found.append((file.name, json.loads(exchange["request"]["body"]), text, status))
    return found


def chunks_of(body: str) -> list[Json]:
    lines = (line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: "))
    return [json.loads(line) for line in lines if line != "[DONE]"]


def check_chat(document: Json, request: Json, pieces: list[Json]) -> None:
    """Compare with the recording by simpler means than the record's own: concatenation by index."""
    texts: dict[int, str] = {}
    calls: dict[tuple[int, int], Json] = {}
    reasons: dict[int, str] = {}
    for piece in pieces:
        for choice in piece["choices"]:
            index = choice["index"]
            said = choice.get("message") or choice.get("delta")
            texts[index] = texts.get(index, "") + (said.get("content") or "")
            for position, call in enumerate(said.get("tool_calls") or ()):
                slot = calls.setdefault(
                    (index, call.get("index", position)), {"id": "", "name": "", "arguments": ""}
                )
                slot["id"] += call.get("id") or ""
                slot["name"] += call["function"].get("name") or ""
                slot["arguments"] += call["function"].get("arguments") or ""
            if choice.get("finish_reason"):
                reasons[index] = choice["finish_reason"]
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert gen_ai["response"]["finish_reasons"] == [reasons[index] for index in sorted(reasons)]
    assert [choice["index"] for choice in llm["choices"]] == sorted(texts)
    if len(texts) > 1:
        assert [choice.get("text", "") for choice in llm["choices"]] == [
            texts[index] for index in sorted(texts)
        ]
    assert llm.get("output", {}).get("text", "") == texts[0]
    parts = [part for message in gen_ai["output"]["messages"] for part in message["parts"]]
    made = [
        {"id": part["id"], "name": part["name"], "arguments": part["arguments"]}
        for part in parts
        if part["type"] == "tool_call"
    ]
    assert made == [calls[slot] for slot in sorted(calls)]
    assert llm.get("tool", {}).get("call_count", 0) == len(calls)
    assert len(gen_ai["input"]["messages"]) == len(request["messages"])


def check_responses(document: Json, response: Json) -> None:
    items = response["output"]
    text = "".join(part["text"] for item in items if item["type"] == "message" for part in item["content"])
    assert document["llm"].get("output", {}).get("text", "") == text
    calls = [item for item in items if item["type"] == "function_call"]
    made = [
        part for part in document["gen_ai"]["output"]["messages"][0]["parts"] if part["type"] == "tool_call"
    ]
    assert [(part["id"], part["name"], part["arguments"]) for part in made] == [
        (item["call_id"], item["name"], item["arguments"]) for item in calls
    ]
    assert document["gen_ai"]["response"]["finish_reasons"] == ["tool_calls" if calls else "stop"]


def check_usage(document: Json, usage: Json) -> None:
    counts = document["gen_ai"]["usage"]
    assert counts["input_tokens"] == usage.get("prompt_tokens", usage.get("input_tokens"))
    assert counts.get("output_tokens") == usage.get("completion_tokens", usage.get("output_tokens"))
    assert document["llm"]["usage"] == {"total_tokens": usage["total_tokens"]}
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    if details:
        assert counts["reasoning"]["output_tokens"] == details["reasoning_tokens"]


def test_every_recorded_exchange_is_recorded_as_it_was(shared_data: Path) -> None:
    """Model, finish reasons, tokens, every choice, tool calls and ids; nothing had to be changed."""
    recorded = exchanges(shared_data)
    assert len(recorded) > 60
    for _name, request, body, status in recorded:
        streamed = body.lstrip().startswith(("data:", "event:"))
        response: Any = chunks_of(body) if streamed else json.loads(body)
        call = {"request": request, "response": response, "http": {"status": status}}
        document = build(payloads.entry(call))
        Completion.validate_document(document)
        assert "sanitised" not in document["llm"]
        assert document["gen_ai"]["request"]["model"] == request["model"]
        assert document["gen_ai"]["request"].get("stream") == request.get("stream")
        if status >= 400:
            assert document["event"]["outcome"] == "failure"
            assert document["error"]["message"] == response["error"]["message"]
            assert document["http"]["response"]["status_code"] == status
            continue
        assert document["event"]["outcome"] == "success"
        pieces = response if streamed else [response]
        last = pieces[-1].get("response", pieces[-1])
        if "messages" in request:
            check_chat(document, request, pieces)
        elif last["object"] == "response":
            check_responses(document, last)
        else:
            figures = document["llm"]["attributes"]["response"]["provider"]["embeddings"]
            assert figures["count"] == len(last["data"])
            assert figures["dimensions"] == request.get("dimensions", 1536)
        usage = next((piece["usage"] for piece in [last, *pieces] if piece.get("usage")), None)
        if usage:
            check_usage(document, usage)
        else:
            assert "usage" not in document["gen_ai"]
        if last.get("id"):
            assert document["gen_ai"]["response"]["id"] == last["id"]
            assert last["id"] in document["llm"]["join"]["key"]
        assert document["gen_ai"]["response"]["model"] == last["model"]
        if streamed:
            assert document["llm"]["stream"] == {"chunks": len(pieces), "completed": True}
        without = build(payloads.entry({**call, "save": False}))
        assert without == build(payloads.entry(strip_content(call)))
        assert without["gen_ai"].get("usage") == document["gen_ai"].get("usage")
