"""Chat completions become documents."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import Completion
from tests.fixtures.record import payloads

Json = dict[str, Any]


def document_of(call: Any, **more: Any) -> Json:
    """The document, checked against the contract."""
    document = build(payloads.entry(call, **more))
    Completion.validate_document(document)
    return document


def chat(message: Any, **choice: Any) -> Json:
    """A call with one answer."""
    answer = {"index": 0, "message": message, "finish_reason": "stop", **choice}
    return {
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
        "response": {"id": "chatcmpl-9", "object": "chat.completion", "model": "gpt-4o", "choices": [answer]},
    }


def output_parts(document: Json) -> list[Json]:
    return document["gen_ai"]["output"]["messages"][0]["parts"]


def test_parameters_have_fields_of_their_own_and_the_rest_is_kept() -> None:
    """What OpenTelemetry names is typed; every other parameter is in `llm.request.params`."""
    document = document_of(payloads.CHAT)
    assert document["gen_ai"]["request"] == {
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "top_p": 1.0,
        "choice": {"count": 2},
        "max_tokens": 512,
        "seed": 7,
        "stop_sequences": ["END", "STOP"],
        "stream": False,
    }
    request = document["llm"]["request"]
    assert request["tool_choice"] == "function:get_weather"
    assert request["response_format"] == "json_schema"
    assert set(request["params"]) == {"tool_choice", "response_format", "user", "metadata", "logit_bias"}


def test_the_answer_is_in_typed_fields() -> None:
    """Ids, model, finish reasons, tokens and place are where the contract has them."""
    document = document_of(payloads.CHAT)
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert gen_ai["response"] == {
        "id": "chatcmpl-1",
        "model": "gpt-4o-mini-2024-07-18",
        "finish_reasons": ["stop", "tool_calls"],
    }
    assert gen_ai["usage"] == {
        "input_tokens": 140,
        "output_tokens": 120,
        "cache_read": {"input_tokens": 64},
        "reasoning": {"output_tokens": 20},
    }
    assert llm["usage"] == {"total_tokens": 260}
    assert gen_ai["operation"] == {"name": "chat"}
    assert gen_ai["provider"] == {"name": "openai"}
    assert document["openai"] == {"api": {"type": "chat_completions"}}
    assert document["event"]["outcome"] == "success"
    assert gen_ai["conversation"] == {"id": "s-1"}
    assert gen_ai["prompt"] == {"name": "support", "version": "3"}
    assert llm["prompt"]["variables"] == {"thing": "the picture"}
    assert llm["previous"] == {"event_id": "e0"}
    assert llm["conversation"] == {"turn": 2}
    assert document["user"] == {"id": "u-1"}
    assert document["http"] == {"response": {"status_code": 200}, "request": {"id": "req_1"}}
    assert "sanitised" in llm  # a bracket in a tool's schema


def test_messages_are_in_opentelemetrys_shape_without_loss() -> None:
    """Roles and parts; what OpenTelemetry has no place for is a further property."""
    system, user, assistant, tool = document_of(payloads.CHAT)["gen_ai"]["input"]["messages"]
    assert system == {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]}
    assert user["name"] == "ann"
    assert user["parts"] == [
        {"type": "text", "content": "What is in the picture?", "cache_control": {"type": "ephemeral"}},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png", "detail": "low"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBORw0KGgo="},
        {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "UklGRg=="},
        {"type": "file", "modality": "document", "file_id": "file-1", "filename": "a.pdf"},
    ]
    assert assistant == {
        "role": "assistant",
        "parts": [
            {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": '{"place": "Rome"}'}
        ],
    }
    assert tool["parts"] == [{"type": "tool_call_response", "id": "call_1", "response": "sunny"}]


def test_the_prompts_text_holds_all_that_the_model_was_told() -> None:
    """System messages, text parts and results of tools; no roles, no pictures."""
    text = document_of(payloads.CHAT)["llm"]["input"]["text"]
    assert text == "Be brief.\nWhat is in the picture?\nsunny"


def test_all_choices_are_kept_and_the_selected_one_is_the_outputs_text() -> None:
    """Each of n choices has its text; tool calls are opened, so that their arguments can be queried."""
    llm = document_of({**payloads.CHAT, "selected_choice_index": 0})["llm"]
    assert llm["output"] == {"text": "A cat."}
    assert llm["selected_choice_index"] == 0
    first, second = llm["choices"]
    assert first == {
        "index": 0,
        "role": "assistant",
        "selected": True,
        "text": "A cat.",
        "finish_reason": "stop",
    }
    assert second["selected"] is False
    assert second["tool_calls"] == [
        {"type": "function", "id": "call_2", "name": "get_weather", "arguments": {"place": "Oslo"}},
        {"type": "custom", "id": "call_3", "name": "sql", "arguments": "SELECT 1"},
    ]
    assert llm["tool"] == {"names": ["get_weather", "sql"], "call_count": 2}


def test_one_choice_alone_leaves_its_text_to_the_output() -> None:
    """The text of a single choice is stored once."""
    llm = document_of(chat({"role": "assistant", "content": "Hello"}))["llm"]
    assert llm["output"] == {"text": "Hello"}
    assert llm["choices"] == [{"index": 0, "role": "assistant", "selected": True, "finish_reason": "stop"}]


def test_choices_out_of_order_are_selected_by_their_own_index() -> None:
    """`selected_choice_index` is the choice's index, not its place in the list."""
    call = copy.deepcopy(payloads.COMPLETIONS)
    call["response"]["choices"].reverse()
    llm = document_of(call)["llm"]
    assert llm["output"] == {"text": "two a"}
    assert [choice["index"] for choice in llm["choices"] if choice["selected"]] == [2]


@pytest.mark.parametrize("call", [{"selected_choice_index": 7}, {"selected_choice_invalid": True}])
def test_a_choice_that_does_not_exist_is_flagged_and_the_first_taken(call: Json) -> None:
    """The record is kept with index 0 and the fault is listed."""
    llm = document_of({**chat({"role": "assistant", "content": "x"}), **call})["llm"]
    assert llm["selected_choice_index"] == 0
    assert llm["output"] == {"text": "x"}
    assert "selected_choice_index: no such choice" in llm["sanitised"]


def test_a_refusal_is_the_text_when_there_is_no_other() -> None:
    """A refusal is searchable, and marked as one."""
    llm = document_of(chat({"role": "assistant", "content": None, "refusal": "I can't."}))["llm"]
    assert llm["output"] == {"text": "I can't."}
    assert llm["choices"][0]["refusal"] == "I can't."


def test_a_spoken_answer_is_its_transcript() -> None:
    """Audio is kept beside the transcript, which is the text."""
    audio = {"id": "a1", "data": "UklGRg==", "transcript": "Spoken.", "expires_at": 9}
    document = document_of(chat({"role": "assistant", "content": None, "audio": audio}))
    assert document["llm"]["output"] == {"text": "Spoken."}
    assert output_parts(document) == [
        {
            "type": "blob",
            "modality": "audio",
            "content": "UklGRg==",
            "id": "a1",
            "transcript": "Spoken.",
            "expires_at": 9,
        }
    ]


def test_reasoning_is_a_part_and_not_the_answer() -> None:
    """`reasoning_content` (DeepSeek) and `reasoning` (OpenRouter) are parts of type reasoning."""
    for key in ("reasoning_content", "reasoning"):
        document = document_of(chat({"role": "assistant", "content": "4", key: "2+2"}))
        assert output_parts(document)[0] == {"type": "reasoning", "content": "2+2"}
        assert document["llm"]["output"] == {"text": "4"}


def test_reasoning_within_the_content_is_a_part_too() -> None:
    """Mistral's thinking is a list of texts and references to sources."""
    thinking = [
        {"type": "text", "text": "Two and "},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "two."},
    ]
    document = document_of(
        chat({"content": [{"type": "thinking", "thinking": thinking}, {"type": "text", "text": "4"}]})
    )
    assert output_parts(document) == [
        {
            "type": "reasoning",
            "content": "Two and two.",
            "thinking": [{"type": "reference", "reference_ids": [1]}],
        },
        {"type": "text", "content": "4"},
    ]
    assert document["llm"]["output"] == {"text": "4"}
    assert "sanitised" not in document["llm"]


def test_pictures_beside_the_content_are_parts() -> None:
    """OpenRouter's, as parts of the chat API."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    document = document_of(chat({"role": "assistant", "content": "A cat.", "images": [image, "BBBB"]}))
    assert output_parts(document) == [
        {"type": "text", "content": "A cat."},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
        {"type": "blob", "modality": "image", "content": "BBBB"},
    ]


def test_a_legacy_function_call_is_a_tool_call() -> None:
    """`function_call` counts, and arguments that are no JSON stay text."""
    call = {"name": "f", "arguments": '{"a": '}
    document = document_of(chat({"role": "assistant", "content": None, "function_call": call}))
    assert document["llm"]["choices"][0]["tool_calls"] == [
        {"type": "function_call", "name": "f", "arguments": '{"a": '}
    ]
    assert document["llm"]["tool"] == {"names": ["f"], "call_count": 1}


def test_what_a_choice_says_besides_is_kept_with_its_message() -> None:
    """Log probabilities, filters (Azure) and annotations belong to the answer they came with."""
    answer = chat(
        {"role": "assistant", "content": "x", "annotations": [{"type": "url_citation"}]},
        logprobs={"content": [{"token": "x", "logprob": -0.5}]},
        content_filter_results={"hate": {"filtered": False}},
    )
    message = document_of(answer)["gen_ai"]["output"]["messages"][0]
    assert message["logprobs"] == {"content": [{"token": "x", "logprob": -0.5}]}
    assert message["content_filter_results"] == {"hate": {"filtered": False}}
    assert message["annotations"] == [{"type": "url_citation"}]
    assert message["index"] == 0


def test_what_a_response_says_besides_is_under_the_responses_attributes() -> None:
    """Fields of the provider that the contract does not know are kept, beside the caller's own."""
    call = {**chat({"role": "assistant", "content": "x"}), "response_attributes": {"shown": True}}
    call["response"] |= {"citations": ["https://example.org"], "prompt_filter_results": [{"prompt_index": 0}]}
    attributes = document_of(call)["llm"]["attributes"]["response"]
    assert attributes == {
        "shown": True,
        "provider": {
            "citations": ["https://example.org"],
            "prompt_filter_results": [{"prompt_index": 0}],
        },
    }
    call["response_attributes"] = {"provider": "mine"}
    attributes = document_of(call)["llm"]["attributes"]["response"]
    assert attributes["provider"] == "mine"
    assert attributes["provider_"]["citations"] == ["https://example.org"]


def test_tool_definitions_are_lifted_out_of_their_function() -> None:
    """OpenTelemetry has name and parameters at the definition itself; legacy functions become tools too."""
    definitions = document_of(payloads.CHAT)["gen_ai"]["tool"]["definitions"]
    assert definitions[0]["type"] == "function"
    assert definitions[0]["name"] == "get_weather"
    assert definitions[0]["strict"] is True
    call = chat({"role": "assistant", "content": "x"})
    call["request"]["functions"] = [{"name": "f", "parameters": {}}]
    assert document_of(call)["gen_ai"]["tool"]["definitions"] == [
        {"type": "function", "name": "f", "parameters": {}}
    ]


def test_an_answer_in_anthropics_shape_is_read() -> None:
    """A message without choices, with thinking, tool use and a stop reason."""
    call = {
        "request": {
            "model": "claude-sonnet-4-5",
            "system": "Be kind.",
            "max_tokens": 64,
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t0", "content": "rain"}]}
            ],
        },
        "response": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            ],
            "stop_reason": "tool_use",
            "usage": {
                "input_tokens": 10,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 5,
                "output_tokens": 7,
            },
        },
    }
    document = document_of(call)
    gen_ai, llm = document["gen_ai"], document["llm"]
    assert gen_ai["provider"] == {"name": "anthropic"}
    assert gen_ai["system_instructions"] == [{"type": "text", "content": "Be kind."}]
    assert gen_ai["response"]["finish_reasons"] == ["tool_use"]
    assert llm["output"] == {"text": "Hello"}
    assert llm["input"] == {"text": "Be kind.\nrain"}
    assert llm["tool"] == {"names": ["f"], "call_count": 1}
    assert gen_ai["usage"]["input_tokens"] == 115
    assert gen_ai["usage"]["cache_read"] == {"input_tokens": 100}
    assert gen_ai["usage"]["cache_write"] == {"input_tokens": 5}


def test_a_stream_says_how_it_went() -> None:
    """Chunks are added up; their number, completion and first delay are recorded."""
    document = document_of(payloads.STREAM)
    assert document["llm"]["stream"] == {"chunks": 4, "completed": True}
    assert document["llm"]["output"] == {"text": "Hello"}
    assert document["gen_ai"]["response"]["time_to_first_chunk"] == 0.25
    assert document["event"]["outcome"] == "success"


def test_a_stream_that_broke_off_has_its_text_and_no_known_outcome() -> None:
    """Partial text is kept; an error beside it makes a failure."""
    call = {**payloads.STREAM, "response": payloads.STREAM["response"][:2]}
    document = document_of(call)
    assert document["llm"]["output"] == {"text": "Hel"}
    assert document["llm"]["stream"]["completed"] is False
    assert document["event"]["outcome"] == "unknown"
    document = document_of({**call, "error": {"type": "APIConnectionError", "message": "cut"}})
    assert document["event"]["outcome"] == "failure"
    assert document["llm"]["output"] == {"text": "Hel"}


def test_more_choices_than_the_store_takes_are_bounded() -> None:
    """At most 1,000 nested choices; the messages keep all, and the bound is flagged."""
    call = chat({"role": "assistant", "content": "x"})
    choice = call["response"]["choices"][0]
    call["response"]["choices"] = [{**choice, "index": index} for index in range(1200)]
    document = document_of(call)
    assert len(document["llm"]["choices"]) == 1000
    assert len(document["gen_ai"]["output"]["messages"]) == 1200
    assert any("1200" in flag for flag in document["llm"]["sanitised"])
