"""A stream adds up to the answer that the call without stream would have shown."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.record import build
from shipper.record.openai.assemble import Assembler, assemble
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import JSON, Json, unhurried

WORDS = st.text(min_size=1, max_size=20)
NAMES = st.sampled_from(["get_weather", "sql", "f"])


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    """The text, cut at random places; pieces may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def tool_calls() -> st.SearchStrategy[list[Json]]:
    function = st.builds(
        lambda number, name, arguments: {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        st.integers(),
        NAMES,
        st.text(max_size=30),
    )
    return st.lists(function, min_size=1, max_size=3, unique_by=lambda call: call["id"])


LOGPROB = st.fixed_dictionaries({"token": WORDS, "logprob": st.floats(-9, 0), "top_logprobs": st.just([])})


@st.composite
def messages(draw: st.DrawFn) -> Json:
    """An assistant's message as the API shows it."""
    kind = draw(st.sampled_from(["text", "tools", "refusal", "function", "audio", "both", "empty"]))
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    if kind in ("text", "both"):
        message["content"] = draw(WORDS)
    if kind == "empty":
        message["content"] = ""
    if kind in ("tools", "both"):
        message["tool_calls"] = draw(tool_calls())
    if kind == "refusal":
        message["refusal"] = draw(WORDS)
    if kind == "function":
        message["function_call"] = {"name": draw(NAMES), "arguments": draw(st.text(max_size=20))}
    if kind == "audio":
        message["audio"] = {"id": "audio_1", "data": draw(WORDS), "transcript": draw(WORDS), "expires_at": 5}
    if draw(st.booleans()):
        message["reasoning_content"] = draw(WORDS)
    return message


@st.composite
def deltas(draw: st.DrawFn, message: Json) -> list[Json]:
    """A message as the deltas of one choice: its parts in order, each in pieces."""
    first: Json = {
        "role": "assistant",
        "content": "" if message["content"] is not None else None,
        "refusal": None,
    }
    out: list[Json] = [first]
    for key in ("reasoning_content", "content", "refusal"):
        if message.get(key):
            out.extend({key: piece} for piece in draw(pieces(message[key])))
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        begin = {"index": index, "id": call["id"], "type": "function"}
        out.append({"tool_calls": [{**begin, "function": {"name": function["name"], "arguments": ""}}]})
        out.extend(
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in draw(pieces(function["arguments"]))
        )
    if call := message.get("function_call"):
        out.append({"function_call": {"name": call["name"], "arguments": ""}})
        out.extend({"function_call": {"arguments": piece}} for piece in draw(pieces(call["arguments"])))
    if audio := message.get("audio"):
        out.extend(
            {"audio": {"id": "audio_1", "transcript": piece}} for piece in draw(pieces(audio["transcript"]))
        )
        out.extend({"audio": {"data": piece}} for piece in draw(pieces(audio["data"])))
        out.append({"audio": {"expires_at": 5}})
    return out


@st.composite
def interleaved(draw: st.DrawFn, rows: list[list[Any]]) -> list[Any]:
    """The rows merged into one list, each in its own order."""
    order = draw(st.permutations([number for number, row in enumerate(rows) for _ in row]))
    rest = [iter(row) for row in rows]
    return [next(rest[number]) for number in order]


HEAD = {
    "id": "chatcmpl-1",
    "created": 1_763_710_241,
    "model": "gpt-4o-mini-2024-07-18",
    "system_fingerprint": "fp_1",
}


@st.composite
def chat_streams(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """An answer with n choices, and a stream of it."""
    choices: list[Json] = []
    rows: list[list[Json]] = []
    for index in range(draw(st.integers(1, 4))):
        message = draw(messages())
        reason = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
        logprobs = draw(st.one_of(st.none(), st.lists(LOGPROB, min_size=1, max_size=3)))
        choice = {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
        row = [
            {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
            for delta in draw(deltas(message))
        ]
        for item in logprobs or ():
            row.append(
                {
                    "index": index,
                    "delta": {},
                    "logprobs": {"content": [item], "refusal": None},
                    "finish_reason": None,
                }
            )
        if logprobs:
            choice["logprobs"] = {"content": logprobs, "refusal": None}
        row.append({"index": index, "delta": {}, "logprobs": None, "finish_reason": reason})
        choices.append(choice)
        rows.append(row)
    answer = {**HEAD, "object": "chat.completion", "choices": choices}
    usage = draw(st.booleans())
    chunks = [
        {
            **HEAD,
            "object": "chat.completion.chunk",
            "choices": [piece],
            "usage": None,
            "obfuscation": "x" * number,
        }
        for number, piece in enumerate(draw(interleaved(rows)))
    ]
    if usage:
        answer["usage"] = payloads.USAGE
        chunks.append({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": payloads.USAGE})
    return answer, chunks


@unhurried
@given(chat_streams())
def test_chat_chunks_add_up_to_the_answer(stream: tuple[Json, list[Json]]) -> None:
    """However n choices are interleaved and their parts cut, the sum is the answer itself, and complete."""
    answer, chunks = stream
    before = copy.deepcopy(chunks)
    assembled, facts = assemble(chunks)
    assert assembled == answer
    assert facts == (len(chunks), True, "chat_completions")
    assert chunks == before, "the chunks were changed"


@unhurried
@given(chat_streams())
def test_a_streamed_answer_is_recorded_like_the_answer(stream: tuple[Json, list[Json]]) -> None:
    """The document of a stream is that of the answer, but for the facts of the stream."""
    answer, chunks = stream
    request = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    whole = build(payloads.entry({"request": request, "response": answer}))
    streamed = build(payloads.entry({"request": request, "response": chunks}))
    assert streamed["llm"].pop("stream") == {"chunks": len(chunks), "completed": True}
    assert streamed == whole


@unhurried
@given(st.lists(st.tuples(WORDS, st.sampled_from(["stop", "length"])), min_size=1, max_size=4), st.data())
def test_text_chunks_add_up_to_the_answer(texts: list[tuple[str, str]], data: st.DataObject) -> None:
    """Legacy completions, with the lists of logprobs that they have."""
    choices: list[Json] = []
    rows: list[list[Json]] = []
    for index, (text, reason) in enumerate(texts):
        parts = data.draw(pieces(text))
        choices.append(
            {
                "index": index,
                "text": text,
                "finish_reason": reason,
                "logprobs": {"tokens": parts, "text_offset": list(range(len(parts)))},
            }
        )
        row = [
            {
                "index": index,
                "text": part,
                "finish_reason": None,
                "logprobs": {"tokens": [part], "text_offset": [number]},
            }
            for number, part in enumerate(parts)
        ]
        rows.append([*row, {"index": index, "text": "", "finish_reason": reason, "logprobs": None}])
    head = {"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "gpt-3.5-turbo-instruct"}
    chunks = [{**head, "choices": [piece]} for piece in data.draw(interleaved(rows))]
    assembled, facts = assemble(chunks)
    assert assembled == {**head, "choices": choices}
    assert facts.completed
    assert facts.kind == "completions"


ITEMS = st.lists(
    st.one_of(
        st.builds(
            lambda texts, kind: {
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {"type": "output_text", "text": text, "annotations": []}
                    if kind == "text"
                    else {"type": "refusal", "refusal": text}
                    for text in texts
                ],
            },
            st.lists(WORDS, min_size=1, max_size=3),
            st.sampled_from(["text", "refusal"]),
        ),
        st.builds(
            lambda arguments, name: {
                "type": "function_call",
                "call_id": "call_1",
                "name": name,
                "arguments": arguments,
                "status": "completed",
            },
            WORDS,
            NAMES,
        ),
        st.builds(
            lambda texts: {
                "type": "reasoning",
                "status": "completed",
                "summary": [{"type": "summary_text", "text": text} for text in texts],
            },
            st.lists(WORDS, min_size=1, max_size=2),
        ),
        st.builds(
            lambda text: {
                "type": "custom_tool_call",
                "call_id": "c",
                "name": "sql",
                "input": text,
                "status": "completed",
            },
            WORDS,
        ),
    ),
    min_size=1,
    max_size=4,
).map(lambda items: [{"id": f"item_{number}", **item} for number, item in enumerate(items)])

FRAGMENTS = {
    "output_text": ("response.output_text", "text", "content"),
    "refusal": ("response.refusal", "refusal", "content"),
    "summary_text": ("response.reasoning_summary_text", "text", "summary"),
}
WHOLE = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}


@st.composite
def item_events(draw: st.DrawFn, item: Json, output_index: int) -> list[Json]:
    """The events of one output item."""
    place = {"output_index": output_index, "item_id": item["id"]}
    begun = {**item, "status": "in_progress"}
    for key in ("content", "summary"):
        if key in begun:
            begun[key] = []
    for key in ("arguments", "input"):
        if key in begun:
            begun[key] = ""
    events: list[Json] = [{"type": "response.output_item.added", **place, "item": begun}]
    for where in ("content", "summary"):
        for index, part in enumerate(item.get(where, ())):
            name, key, _ = FRAGMENTS[part["type"]]
            spot = {**place, "content_index" if where == "content" else "summary_index": index}
            kind = "content_part" if where == "content" else "reasoning_summary_part"
            events.append({"type": f"response.{kind}.added", **spot, "part": {**part, key: ""}})
            events.extend(
                {"type": f"{name}.delta", **spot, "delta": piece} for piece in draw(pieces(part[key]))
            )
            events.append({"type": f"{name}.done", **spot, key: part[key]})
            events.append({"type": f"response.{kind}.done", **spot, "part": part})
    if item["type"] in WHOLE:
        name, key = WHOLE[item["type"]]
        events.extend({"type": f"{name}.delta", **place, "delta": piece} for piece in draw(pieces(item[key])))
        events.append({"type": f"{name}.done", **place, key: item[key]})
    events.append({"type": "response.output_item.done", **place, "item": item})
    return events


@st.composite
def responses_streams(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """A response and the events of it."""
    items = draw(ITEMS)
    head = {"id": "resp_1", "object": "response", "created_at": 5, "model": "gpt-5", "error": None}
    response = {
        **head,
        "status": "completed",
        "output": items,
        "usage": payloads.RESPONSES["response"]["usage"],
    }
    created = {**head, "status": "in_progress", "output": [], "usage": None}
    middle = draw(interleaved([draw(item_events(item, index)) for index, item in enumerate(items)]))
    events = [
        {"type": "response.created", "response": created},
        {"type": "response.in_progress", "response": created},
        *middle,
        {"type": "response.completed", "response": response},
    ]
    return response, [{**event, "sequence_number": number} for number, event in enumerate(events)]


@unhurried
@given(responses_streams())
def test_responses_events_add_up_to_the_response(stream: tuple[Json, list[Json]]) -> None:
    """With the last event the response is the last event's."""
    response, events = stream
    assembled, facts = assemble(events)
    assert assembled == response
    assert facts == (len(events), True, "responses")


@unhurried
@given(responses_streams())
def test_without_the_last_event_the_output_is_put_together(stream: tuple[Json, list[Json]]) -> None:
    """From finished items, or from fragments alone, the output is the same; the response is not complete."""
    response, events = stream
    assembled, facts = assemble(events[:-1])
    assert assembled["output"] == response["output"]
    assert assembled["status"] == "in_progress"
    assert not facts.completed
    fragments = [event for event in events[:-1] if not event["type"].endswith(".done")]
    from_fragments, _ = assemble(fragments)
    for item in (*from_fragments["output"], *response["output"]):
        item.pop("status")
    assert from_fragments["output"] == response["output"]


@unhurried
@given(responses_streams(), st.data())
def test_a_cut_stream_keeps_what_came(stream: tuple[Json, list[Json]], data: st.DataObject) -> None:
    """Cut anywhere, the text is a beginning of the whole text, and the document says that it is not complete."""
    response, events = stream
    cut = data.draw(st.integers(1, len(events) - 1))
    document = build(payloads.entry({"response": copy.deepcopy(events[:cut])}))
    assert document["event"]["outcome"] == "unknown"
    assert document["llm"]["stream"] == {"chunks": cut, "completed": False}
    assert document["gen_ai"]["response"]["id"] == response["id"]


@settings(max_examples=50, deadline=None)
@given(st.lists(JSON, max_size=6), chat_streams(), responses_streams())
def test_strange_chunks_neither_raise_nor_spoil_the_answer(
    strange: list[Any], chat: tuple[Json, list[Json]], responses: tuple[Json, list[Json]]
) -> None:
    """Chunks of any JSON, before, between and after the good ones, never raise; `add` and `assemble` agree."""
    for _, chunks in (chat, responses):
        for order in ([*strange, *chunks], [*chunks, *strange], strange):
            assembler = Assembler()
            for chunk in order:
                assembler.add(chunk)
            assert assembler.result() == assemble(order)
    _, chunks = responses
    answer, facts = assemble([*chunks, 5, "x", None])
    assert facts.chunks == len(chunks) + 3
    assert answer["unrecognised_chunks"] == [5, "x", None]
