"""Streams of providers that do not quite follow the protocol, and of events that never ended."""

from __future__ import annotations

from typing import Any

from shipper.record.openai.assemble import Assembler, assemble, is_stream

Json = dict[str, Any]


def chunk(delta: Json, reason: str | None = None, **more: Any) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"object": "chat.completion.chunk", "choices": [choice], **more}


def calls_of(*fragments: list[Json]) -> list[Json]:
    answer, _ = assemble([chunk({"tool_calls": list(fragment)}) for fragment in fragments])
    return answer["choices"][0]["message"]["tool_calls"]


def test_azure_begins_with_a_chunk_of_filters_and_empty_ids() -> None:
    """The first chunk has no choices, no id and no model; they come later and are taken then."""
    first = {
        "id": "",
        "created": 0,
        "model": "",
        "object": "",
        "choices": [],
        "prompt_filter_results": [{"a": 1}],
    }
    answer, facts = assemble([first, chunk({"content": "x"}, "stop", id="c1", created=5, model="gpt-4o")])
    assert answer["id"] == "c1"
    assert answer["created"] == 5
    assert answer["prompt_filter_results"] == [{"a": 1}]
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "x"}
    assert facts.completed


def test_tool_calls_all_numbered_zero_are_kept_apart_by_id() -> None:
    """Gemini's compatible endpoint sends whole calls, each with index 0."""
    calls = calls_of(
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        [{"index": 0, "id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}],
    )
    assert [(call["id"], call["function"]["name"]) for call in calls] == [("a", "f"), ("b", "g")]


def test_fragments_of_calls_that_share_an_index_belong_to_the_latest() -> None:
    """A second call under the same number gets the fragments that follow it."""
    calls = calls_of(
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}],
        [{"index": 0, "function": {"arguments": "}"}}],
        [{"index": 0, "id": "b", "function": {"name": "g", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": "[1"}}],
        [{"index": 0, "id": "b", "function": {"arguments": "]"}}],
    )
    assert [(call["id"], call["function"]) for call in calls] == [
        ("a", {"name": "f", "arguments": "{}"}),
        ("b", {"name": "g", "arguments": "[1]"}),
    ]


def test_tool_calls_without_index_are_kept_apart_by_id() -> None:
    """Fragments without id belong to the call before."""
    calls = calls_of(
        [{"id": "a", "function": {"name": "f", "arguments": "{"}}],
        [{"function": {"arguments": "}"}}],
        [{"id": "b", "function": {"name": "g", "arguments": ""}}],
        [{"id": "a", "function": {"arguments": " "}}],
    )
    assert [call["function"] for call in calls] == [
        {"name": "f", "arguments": "{} "},
        {"name": "g", "arguments": ""},
    ]


def test_an_id_that_changes_with_each_fragment_is_one_call() -> None:
    """Only a fragment that names a function begins a call; the first id stays."""
    calls = calls_of(
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}],
        [{"index": 0, "id": "b", "function": {"arguments": "}"}}],
    )
    assert calls == [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]


def test_a_name_that_is_repeated_is_not_doubled() -> None:
    """Names come whole."""
    calls = calls_of(
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}],
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}}],
    )
    assert calls[0]["function"] == {"name": "f", "arguments": "{}"}


def test_custom_tool_calls_are_joined() -> None:
    """The input of a custom tool comes in fragments as arguments do."""
    calls = calls_of(
        [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SEL"}}],
        [{"index": 0, "custom": {"input": "ECT 1"}}],
    )
    assert calls == [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]


def test_an_error_in_mid_stream_is_kept_and_the_stream_is_not_complete() -> None:
    """Providers send an error object as a chunk."""
    answer, facts = assemble(
        [chunk({"content": "x"}, "stop"), {"error": {"message": "overloaded", "code": 529}}]
    )
    assert answer["error"] == {"message": "overloaded", "code": 529}
    assert answer["choices"][0]["message"]["content"] == "x"
    assert not facts.completed


def test_unknown_fields_of_chunks_are_kept() -> None:
    """Citations of the stream, reasoning details of a delta, a choice's own reason."""
    answer, _ = assemble(
        [
            chunk({"reasoning_details": [{"text": "a"}]}, citations=["u"]),
            chunk({"reasoning_details": [{"text": "b"}]}, "stop", citations=["u", "v"]),
        ]
    )
    assert answer["citations"] == ["u", "v"]
    assert answer["choices"][0]["message"]["reasoning_details"] == [{"text": "a"}, {"text": "b"}]


def test_nothing_is_an_empty_answer() -> None:
    """A stream that never began."""
    assert assemble([]) == ({}, (0, False, "unknown"))


def test_the_sum_can_be_asked_for_in_between() -> None:
    """`result` leaves the assembler as it is."""
    assembler = Assembler()
    assembler.add(chunk({"role": "assistant", "content": "a"}))
    first, _ = assembler.result()
    assembler.add(chunk({"content": "b"}, "stop"))
    second, facts = assembler.result()
    assert first["choices"][0]["message"]["content"] == "a"
    assert second["choices"][0]["message"]["content"] == "ab"
    assert facts == (2, True, "chat_completions")


def test_an_error_event_fails_the_response() -> None:
    """A Responses stream may end with an error instead of a response."""
    answer, facts = assemble(
        [
            {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
            {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "He"},
            {"type": "error", "code": "server_error", "message": "sorry", "sequence_number": 3},
        ]
    )
    assert answer["status"] == "failed"
    assert answer["error"] == {"code": "server_error", "message": "sorry", "sequence_number": 3}
    assert answer["output"] == [{"type": "message", "content": [{"type": "output_text", "text": "He"}]}]
    assert not facts.completed


def test_a_failed_or_incomplete_response_is_complete_as_a_stream() -> None:
    """The last event came, whatever it said."""
    for kind in ("completed", "incomplete", "failed"):
        _, facts = assemble([{"type": f"response.{kind}", "response": {"id": "r", "status": kind}}])
        assert facts.completed


def test_an_empty_output_at_the_end_is_filled_from_the_events() -> None:
    """Some gateways leave the output out of the last event."""
    item = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "x"}]}
    answer, _ = assemble(
        [
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}},
        ]
    )
    assert answer["output"] == [item]


def test_a_finished_item_is_worth_more_than_its_fragments() -> None:
    """Whoever begins to listen late hears the whole item at its end."""
    item = {"type": "message", "content": [{"type": "output_text", "text": t} for t in ("first", "second")]}
    place = {"output_index": 0, "content_index": 1}
    answer, _ = assemble(
        [
            {"type": "response.output_text.delta", **place, "delta": "cond"},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
        ]
    )
    assert answer["output"] == [item]


def test_annotations_of_a_cut_stream_are_kept() -> None:
    """They come as events of their own."""
    place = {"output_index": 0, "content_index": 0}
    answer, _ = assemble(
        [
            {"type": "response.output_text.delta", **place, "delta": "x"},
            {"type": "response.output_text.annotation.added", **place, "annotation": {"url": "u"}},
        ]
    )
    assert answer["output"][0]["content"][0]["annotations"] == [{"url": "u"}]


def test_whole_answers_are_no_chunks() -> None:
    """A list of complete responses is not a stream."""
    assert not is_stream([{"object": "chat.completion", "choices": [{"message": {}}]}])
    assert not is_stream([{"object": "response", "output": []}])
    assert not is_stream(["data: {}"])
    assert not is_stream([])
    assert not is_stream({"type": "response.created"})
    assert is_stream([{"type": "ping"}, {"type": "response.created"}])
    assert is_stream([chunk({})])


def test_text_beside_a_delta_is_the_same_text_once_more() -> None:
    """Together and Hugging Face's router say every fragment twice; the answer stays a chat message."""
    pieces = [
        {
            "choices": [
                {"index": 0, "text": text, "seed": None, "delta": {"role": "assistant", "content": text}}
            ]
        }
        for text in ("One", " two")
    ]
    answer, _ = assemble(
        [*pieces, {"choices": [{"index": 0, "text": "", "delta": {}, "finish_reason": "stop"}]}]
    )
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "One two"}
    assert "text" not in answer["choices"][0]


def test_a_whole_message_beside_the_deltas_is_not_joined() -> None:
    """Perplexity repeats the answer so far in each chunk."""
    pieces = [
        {"choices": [{"index": 0, "delta": {"content": text}, "message": {"content": so_far}}]}
        for text, so_far in (("a", "a"), ("b", "ab"))
    ]
    answer, _ = assemble(pieces)
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "ab"}


def test_reasoning_in_content_parts_is_joined() -> None:
    """Mistral streams its thinking as parts of content, and the answer as texts."""

    def thought(text: str, **more: Any) -> Json:
        return chunk(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}]}
        )

    answer, _ = assemble(
        [
            chunk({"role": "assistant", "content": ""}),
            thought("Two "),
            thought("and two.", closed=True),
            chunk({"content": "Fo"}),
            chunk({"content": "ur"}, "stop"),
        ]
    )
    assert answer["choices"][0]["message"]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Two and two."}], "closed": True},
        {"type": "text", "text": "Four"},
    ]


def test_reasoning_details_are_joined_by_kind_and_index() -> None:
    """OpenRouter streams them in fragments, which without stream are one."""
    answer, _ = assemble(
        [
            chunk(
                {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "I ", "format": "x"}]}
            ),
            chunk(
                {
                    "reasoning_details": [
                        {"type": "reasoning.text", "index": 0, "text": "think", "format": "x"}
                    ]
                }
            ),
            chunk(
                {
                    "reasoning_details": [
                        {"type": "reasoning.text", "index": 0, "signature": "s1", "format": "x"}
                    ]
                }
            ),
            chunk(
                {"reasoning_details": [{"type": "reasoning.encrypted", "index": 1, "data": "e1", "id": "r"}]},
                "stop",
            ),
        ]
    )
    assert answer["choices"][0]["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "I think", "signature": "s1", "format": "x"},
        {"type": "reasoning.encrypted", "index": 1, "data": "e1", "id": "r"},
    ]


def test_what_stands_beside_a_delta_is_not_joined() -> None:
    """Azure repeats its filters' verdicts with each chunk, OpenRouter the reason in the model's own words."""
    pieces = [chunk({"content": text}, "stop") for text in ("a", "b")]
    for piece in pieces:
        piece["choices"][0]["content_filter_results"] = {"hate": {"filtered": False, "severity": "safe"}}
        piece["choices"][0]["native_finish_reason"] = "stop"
        piece["choices"][0]["token_ids"] = [1]
    pieces[1]["choices"][0]["content_filter_results"] = {"violence": {"filtered": False, "severity": "low"}}
    answer, _ = assemble(pieces)
    assert answer["choices"][0]["native_finish_reason"] == "stop"
    assert answer["choices"][0]["token_ids"] == [1, 1]
    assert answer["choices"][0]["content_filter_results"] == {
        "hate": {"filtered": False, "severity": "safe"},
        "violence": {"filtered": False, "severity": "low"},
    }


def test_objects_beside_the_choices_are_merged_and_groqs_usage_counts() -> None:
    """Groq says an id first and the tokens last, both under `x_groq`."""
    answer, _ = assemble(
        [
            chunk({"content": "a"}, x_groq={"id": "req_1", "seed": 7}),
            chunk({}, "stop", x_groq={"id": "req_1", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        ]
    )
    assert answer["x_groq"]["seed"] == 7
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 2}
