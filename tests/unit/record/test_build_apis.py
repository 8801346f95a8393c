"""Completions, responses, embeddings and other models become documents."""

from __future__ import annotations

import base64
import copy
import struct
from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import Completion
from shipper.record.openai.embeddings import without_vectors
from tests.fixtures.record import payloads

Json = dict[str, Any]


def document_of(call: Any, **more: Any) -> Json:
    """The document, checked against the contract."""
    document = build(payloads.entry(call, **more))
    Completion.validate_document(document)
    return document


def test_a_legacy_completion_has_a_message_for_each_prompt_and_each_choice() -> None:
    """Several prompts and n answers of each are kept apart."""
    document = document_of(payloads.COMPLETIONS)
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert gen_ai["operation"] == {"name": "text_completion"}
    assert [message["parts"][0]["content"] for message in gen_ai["input"]["messages"]] == ["One", "Two", "."]
    assert [choice["text"] for choice in llm["choices"]] == ["one a", "one b", "two a", "two b"]
    assert llm["output"] == {"text": "two a"}
    assert llm["input"] == {"text": "One\nTwo\n."}
    assert gen_ai["response"]["finish_reasons"] == ["length"] * 4
    assert llm["request"]["params"] == {"best_of": 3}


@pytest.mark.parametrize(("prompt", "lists"), [([1, 2, 3], [[1, 2, 3]]), ([[1, 2], [3]], [[1, 2], [3]])])
def test_prompts_of_token_ids_are_kept_as_such(prompt: Any, lists: Any) -> None:
    """Token ids are no text; they are in the messages."""
    document = document_of({"request": {"model": "davinci-002", "prompt": prompt}})
    messages = document["gen_ai"]["input"]["messages"]
    assert [message["parts"] for message in messages] == [
        [{"type": "token_ids", "content": tokens}] for tokens in lists
    ]
    assert "input" not in document["llm"]


def test_a_response_is_one_answer_of_several_parts() -> None:
    """Reasoning, the provider's own tools, tool calls and text in the order they came."""
    document = document_of(payloads.RESPONSES)
    gen_ai, llm = document["gen_ai"], document["llm"]
    (message,) = gen_ai["output"]["messages"]
    assert message["finish_reason"] == "length"
    assert message["parts"] == [
        {"type": "reasoning", "content": "Think.", "item_id": "rs_1"},
        {
            "type": "server_tool_call",
            "name": "web_search",
            "id": "ws_1",
            "server_tool_call": {
                "type": "web_search_call",
                "status": "completed",
                "action": {"query": "rain"},
            },
        },
        {
            "type": "tool_call",
            "id": "call_2",
            "name": "get_weather",
            "arguments": '{"place": "Bonn"}',
            "item_id": "fc_1",
        },
        {
            "type": "text",
            "content": "It rains",
            "annotations": [{"type": "url_citation", "url": "u"}],
            "item_id": "msg_1",
            "status": "incomplete",
        },
        {"type": "text", "content": " a lot", "item_id": "msg_1"},
    ]
    assert llm["output"] == {"text": "It rains a lot"}
    assert llm["tool"] == {"names": ["web_search", "get_weather"], "call_count": 2}
    assert llm["choices"][0]["tool_calls"][1]["arguments"] == {"place": "Bonn"}


def test_a_responses_request_has_instructions_items_and_its_place() -> None:
    """Instructions stand outside the messages; items of every kind are messages; the conversation is known."""
    document = document_of(payloads.RESPONSES)
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert gen_ai["system_instructions"] == [{"type": "text", "content": "Be brief."}]
    roles = [(message["role"], message["parts"][0]["type"]) for message in gen_ai["input"]["messages"]]
    assert roles == [
        ("user", "text"),
        ("user", "file"),
        ("assistant", "reasoning"),
        ("assistant", "tool_call"),
        ("tool", "tool_call_response"),
        ("assistant", "item_reference"),
    ]
    assert llm["input"] == {"text": "Be brief.\nLook at this\nrain"}
    assert gen_ai["conversation"] == {"id": "conv_1"}
    assert llm["previous"] == {"event_id": "resp_0"}
    assert gen_ai["request"]["max_tokens"] == 300
    assert llm["request"]["response_format"] == "json_object"
    assert gen_ai["tool"]["definitions"] == payloads.RESPONSES["request"]["tools"]
    assert document["openai"] == {"api": {"type": "responses"}}
    assert gen_ai["usage"]["reasoning"] == {"output_tokens": 250}


def test_what_a_response_echoes_of_its_request_is_not_stored_twice() -> None:
    """Echoes that equal the request are left out; what only the response says is kept."""
    provider = document_of(payloads.RESPONSES)["llm"]["attributes"]["response"]["provider"]
    assert provider == {
        "status": "incomplete",
        "created_at": 1_763_710_241,
        "incomplete_details": {"reason": "max_output_tokens"},
        "temperature": 1.0,
    }


def test_a_response_without_its_request_brings_instructions_and_tools() -> None:
    """A retrieved response echoes what its request said."""
    response = {**payloads.RESPONSES["response"], "instructions": "Be brief."}
    document = document_of({"response": response})
    assert document["gen_ai"]["system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert document["gen_ai"]["tool"]["definitions"] == response["tools"]


@pytest.mark.parametrize(
    ("status", "details", "outcome", "reasons"),
    [
        ("completed", None, "success", ["tool_calls"]),
        ("incomplete", {"reason": "content_filter"}, "success", ["content_filter"]),
        ("failed", None, "failure", ["error"]),
        ("queued", None, "unknown", None),
        ("in_progress", None, "unknown", None),
        ("cancelled", None, "unknown", ["cancelled"]),
    ],
)
def test_the_status_of_a_response_is_its_outcome_and_finish_reason(
    status: str, details: Any, outcome: str, reasons: Any
) -> None:
    """Background responses are not there yet; the others ended for a reason in the chat API's words."""
    call = copy.deepcopy(payloads.RESPONSES)
    call["response"] |= {"status": status, "incomplete_details": details}
    if status == "failed":
        call["response"]["error"] = {"code": "server_error", "message": "sorry"}
    document = document_of(call)
    assert document["event"]["outcome"] == outcome
    assert document["gen_ai"]["response"].get("finish_reasons") == reasons
    if status == "failed":
        assert document["error"] == {"code": "server_error", "message": "sorry", "type": "server_error"}


def test_a_queued_response_has_no_choice_yet() -> None:
    """Created now, populated later."""
    document = document_of(
        {
            "request": {"model": "gpt-5", "input": "hi", "background": True},
            "response": {"id": "resp_2", "object": "response", "status": "queued", "output": []},
        }
    )
    assert "choices" not in document["llm"]
    assert document["message"] == "gpt-5 · no answer yet"


def test_embeddings_keep_texts_and_figures_but_no_vectors() -> None:
    """How many vectors of what size is an attribute of the response."""
    document = document_of(payloads.EMBEDDINGS)
    assert document["gen_ai"]["operation"] == {"name": "embeddings"}
    assert document["llm"]["input"] == {"text": "first\nsecond"}
    assert document["llm"]["attributes"]["response"]["provider"] == {
        "embeddings": {"count": 2, "dimensions": 3}
    }
    assert "choices" not in document["llm"]
    assert "0.3" not in repr(document)


def test_embeddings_without_vectors_give_the_same_document() -> None:
    """Vectors can be left out before the spool, base64 ones too."""
    call = copy.deepcopy(payloads.EMBEDDINGS)
    whole = document_of(call)
    light = {**call, "response": without_vectors(call["response"])}
    assert light["response"]["data"] == [{"index": 0, "dimensions": 3}, {"index": 1, "dimensions": 3}]
    assert document_of(light) == whole
    for item in call["response"]["data"]:
        item["embedding"] = base64.b64encode(struct.pack("<3f", *item["embedding"])).decode()
    assert document_of(call) == whole


def test_any_other_model_has_inputs_and_outputs_and_their_text() -> None:
    """`app.log` of any shape: flattened, and searchable as text."""
    document = document_of(payloads.GENERIC)
    llm = document["llm"]
    assert llm["inputs"] == payloads.GENERIC["inputs"]
    assert llm["outputs"] == payloads.GENERIC["outputs"]
    assert llm["input"] == {"text": "Engineer\na\nc"}
    assert llm["output"] == {"text": "too little income"}
    assert document["event"]["outcome"] == "success"
    assert "gen_ai" not in document
    assert document["@timestamp"] == "2025-01-02T01:04:05.000000Z"


@pytest.mark.parametrize("value", ["text", 5, [1, 2], ["a", {"b": "c"}], False])
def test_inputs_that_are_no_object_are_put_under_value(value: Any) -> None:
    """A flattened field is an object."""
    llm = document_of({"inputs": value, "outputs": value})["llm"]
    assert llm["inputs"] == llm["outputs"] == {"value": value}


def test_moderations_images_and_audio_are_recorded_without_content() -> None:
    """Operation, model and usage; no prompt and no result."""
    document = document_of(payloads.MODERATION)
    assert document["gen_ai"]["operation"] == {"name": "moderation"}
    assert document["gen_ai"]["response"]["model"] == "omni-moderation-latest"
    assert document["llm"]["privacy"] == {"content_stored": False}
    assert "rude" not in repr(document)
    image = {
        "request": {"model": "gpt-image-1", "prompt": "a cat", "size": "1024x1024"},
        "response": {
            "created": 5,
            "data": [{"b64_json": "AAAA"}],
            "usage": {"input_tokens": 3, "output_tokens": 9},
        },
    }
    document = document_of(image)
    assert document["gen_ai"]["operation"] == {"name": "image_generation"}
    assert document["gen_ai"]["usage"] == {"input_tokens": 3, "output_tokens": 9}
    assert document["llm"]["request"]["params"] == {"size": "1024x1024"}
    assert "a cat" not in repr(document)
    assert "AAAA" not in repr(document)


def test_an_api_that_nobody_knows_keeps_request_and_response_readable() -> None:
    """Unknown shapes are parameters and outputs, with their text; id, model and usage are still read."""
    document = document_of(
        {
            "request": {"model": "m", "question": "why?"},
            "response": {
                "id": "r1",
                "model": "m2",
                "generated": {"text": "because"},
                "usage": {"input_tokens": 1},
            },
        }
    )
    assert document["llm"]["request"]["params"] == {"question": "why?"}
    assert document["llm"]["input"] == {"text": "why?"}
    assert document["llm"]["outputs"] == {"generated": {"text": "because"}}
    assert document["llm"]["output"] == {"text": "because"}
    assert document["gen_ai"]["response"] == {"id": "r1", "model": "m2"}
    assert document["gen_ai"]["usage"] == {"input_tokens": 1}


def test_the_callers_own_api_and_operation_win() -> None:
    """`api`, `operation` and `provider` override what would be found out."""
    document = document_of({**payloads.GENERIC, "api": "rerank", "operation": "rerank", "provider": "cohere"})
    assert document["openai"] == {"api": {"type": "rerank"}}
    assert document["gen_ai"] == {"operation": {"name": "rerank"}, "provider": {"name": "cohere"}}


def test_a_prompt_that_openai_keeps_is_the_calls_prompt() -> None:
    """Id, version and variables from the request; its messages from the answer, each with its role."""
    call = {
        "request": {
            "prompt": {"id": "pmpt_1", "version": "4", "variables": {"question": "Why?"}},
            "input": "Go on.",
        },
        "response": {
            **payloads.RESPONSES["response"],
            "instructions": [
                {
                    "type": "message",
                    "role": "developer",
                    "content": [{"type": "input_text", "text": "Be brief."}],
                },
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]},
            ],
        },
    }
    document = document_of(call)
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert llm["prompt"] == {"id": "pmpt_1", "version_id": "4", "variables": {"question": "Why?"}}
    assert "params" not in llm.get("request", {})
    assert gen_ai["system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert [(message["role"], message["parts"][0]["content"]) for message in gen_ai["input"]["messages"]] == [
        ("user", "Why?"),
        ("user", "Go on."),
    ]
    named = document_of({**call, "prompt": {"name": "why", "id": None, "variables": {"a": 1}}})
    assert named["gen_ai"]["prompt"] == {"name": "why"}
    assert named["llm"]["prompt"] == {"id": "pmpt_1", "version_id": "4", "variables": {"a": 1}}
    bare = document_of({**call, "save": False})
    assert bare["llm"]["prompt"] == {"id": "pmpt_1", "version_id": "4"}
