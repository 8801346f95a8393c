"""Streams: openai's own objects, one record each, however they end."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
import weakref
from contextlib import suppress
from typing import Any

import openai
import pytest

from shipper.openai import AsyncOpenAI, CallParams, CaptureConfig, OpenAI, TemplateChat
from shipper.openai.capture import _open as open_exchanges
from shipper.testing import Answer, Captured, OpenAIServer, answer, capture_completions, stream
from tests.fixtures.openai_api import BLUE, CHAT, HEAD, USAGE, chunk, events, response


def client_of(server: OpenAIServer, **config: Any) -> OpenAI:
    """A recording client of the server."""
    return OpenAI(base_url=server.url, api_key="test", max_retries=0, shipper=CaptureConfig(**config))


def async_client_of(server: OpenAIServer, **config: Any) -> AsyncOpenAI:
    """An async one."""
    return AsyncOpenAI(base_url=server.url, api_key="test", max_retries=0, shipper=CaptureConfig(**config))


def only(captured: Captured) -> dict[str, Any]:
    """The one document."""
    documents = captured.documents
    assert len(documents) == 1
    return documents[0]


def collected() -> None:
    """Destroy what nobody refers to."""
    for _ in range(3):
        gc.collect()


def is_partial(document: dict[str, Any], text: str, chunks: int) -> bool:
    """Whether a record says that the stream ended early, with this text."""
    llm = document["llm"]
    return (
        document["event"]["outcome"] == "unknown"
        and "error" not in document
        and (llm.get("output") or {"text": ""})["text"] == text
        and llm["stream"] == {"chunks": chunks, "completed": False}
    )


def test_a_stream_is_an_object_of_openais_own_class_and_yields_the_same(captured: Captured) -> None:
    """The stream is openai's Stream, with its response, and its chunks say what was sent."""
    with OpenAIServer(stream(BLUE)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        assert type(answered) is openai.Stream
        assert answered.response.status_code == 200
        assert [part.choices[0].delta.content for part in answered] == ["", "Bl", "ue", ".", None]


def test_a_stream_read_to_its_end_is_recorded_whole(captured: Captured) -> None:
    """Text, finish reason, chunk count, time to the first chunk and success are in the record."""
    with OpenAIServer(stream([*BLUE, USAGE])) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
    document = only(captured)
    assert document["event"]["outcome"] == "success"
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["llm"]["stream"] == {"chunks": 6, "completed": True}
    assert document["gen_ai"]["response"]["finish_reasons"] == ["stop"]
    assert document["gen_ai"]["usage"]["input_tokens"] == 9
    first = document["gen_ai"]["response"]["time_to_first_chunk"]
    assert 0 < first <= document["event"]["duration"] / 1e9


def test_the_first_chunk_is_passed_on_before_anything_is_recorded(captured: Captured) -> None:
    """When the caller has the first chunk, nothing of the call is written."""
    with OpenAIServer(stream(BLUE)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        next(answered)
        assert captured.entries == []
        list(answered)
    assert len(captured.entries) == 1


def test_the_first_chunk_does_not_wait_for_the_second(captured: Captured) -> None:
    """Bytes are passed on as they come."""
    seen = threading.Event()
    with OpenAIServer(stream(BLUE, before=lambda number: seen.wait(10) if number else None)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        assert next(answered).choices[0].delta.content == ""
        seen.set()
        list(answered)
    assert only(captured)["llm"]["output"]["text"] == "Blue."


def test_choices_are_kept_apart_however_they_interleave(captured: Captured) -> None:
    """Each choice of n has its own text."""
    parts = [
        chunk("a", index=1),
        chunk("x"),
        chunk("b", index=1),
        chunk("y", "stop"),
        chunk("c", "length", index=1),
    ]
    with OpenAIServer(stream(parts)) as server:
        list(client_of(server).chat.completions.create(**CHAT, n=2, stream=True))
    choices = only(captured)["llm"]["choices"]
    assert [(one["index"], one["text"], one["finish_reason"]) for one in choices] == [
        (0, "xy", "stop"),
        (1, "abc", "length"),
    ]


def test_tool_calls_refusals_and_audio_are_put_together(captured: Captured) -> None:
    """Fragments of a tool call are recorded as the answer without a stream would show them."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    parts = [
        chunk(role="assistant", tool_calls=[call]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"place":'}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '"Graz"}'}}]),
        chunk(finish="tool_calls"),
    ]
    with OpenAIServer(stream(parts)) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
    (made,) = only(captured)["llm"]["choices"][0]["tool_calls"]
    assert (made["id"], made["name"], made["arguments"]) == ("call_1", "weather", {"place": "Graz"})


@pytest.mark.parametrize("leave", ["close", "with", "break_with", "exception_with", "response_close"])
def test_leaving_a_stream_early_makes_one_record_at_once(captured: Captured, leave: str) -> None:
    """A stream that is closed before its end is recorded with what came, as not completed, and without an error."""
    gate = threading.Event()
    with OpenAIServer(stream(BLUE, before=lambda number: gate.wait(10) if number > 1 else None)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        if leave == "close":
            next(answered), next(answered)
            answered.close()
        elif leave == "response_close":
            next(answered), next(answered)
            answered.response.close()
        elif leave == "with":
            with answered:
                next(answered), next(answered)
        elif leave == "break_with":
            with answered:
                for part in answered:
                    if part.choices[0].delta.content:
                        break
        else:
            with pytest.raises(ZeroDivisionError), answered:
                for part in answered:
                    if part.choices[0].delta.content:
                        1 / 0  # noqa: B018
        assert len(captured.entries) == 1
        gate.set()
        answered.close()
    collected()
    assert is_partial(only(captured), "Bl", 2)


def test_a_stream_that_is_just_dropped_is_recorded_when_it_is_destroyed(captured: Captured) -> None:
    """An early break without a close, and a stream that nobody ever read, make one record each."""
    with OpenAIServer(stream(BLUE)) as server:
        client = client_of(server)
        for _ in client.chat.completions.create(**CHAT, stream=True):
            break
        client.chat.completions.create(**CHAT, stream=True)
        collected()
        documents = captured.documents
    assert len(documents) == 2
    assert all(one["llm"]["stream"]["completed"] is False for one in documents)


def test_an_error_event_in_mid_stream_is_raised_and_recorded_as_a_failure(captured: Captured) -> None:
    """The caller gets openai's APIError, the record its type, the message, and the text so far."""
    failure = {"error": {"message": "overloaded", "type": "server_error", "code": "overloaded"}}
    with OpenAIServer(stream([*BLUE[:3], failure])) as server:
        with pytest.raises(openai.APIError, match="overloaded"):
            list(client_of(server).chat.completions.create(**CHAT, stream=True))
        collected()
        document = only(captured)
    assert document["event"]["outcome"] == "failure"
    assert document["error"]["message"] == "overloaded"
    assert document["llm"]["output"]["text"] == "Blue"
    assert document["llm"]["stream"]["completed"] is False


def test_an_event_that_openai_can_not_read_is_a_failure(captured: Captured) -> None:
    """Its exception passes through and is the record's; one of the caller's own code is not.

    Version 1 of openai does not close the stream then: all that the record knows is that no end came.
    """
    with OpenAIServer(stream([*BLUE[:3], b"data: {oops\n\n"])) as server:
        create = client_of(server).chat.completions.create
        with pytest.raises(ValueError, match="Expecting"):
            list(create(**CHAT, stream=True, shipper=CallParams(user_id="unread")))
        with (
            pytest.raises(ValueError, match="mine"),
            create(**CHAT, stream=True, shipper=CallParams(user_id="left")) as own,
        ):
            next(own)
            raise ValueError("mine")
        collected()
        by_user = {one["user"]["id"]: one for one in captured.documents}
    unread, left = by_user["unread"], by_user["left"]
    closes = not openai.__version__.startswith("1.")
    assert unread.get("error", {}).get("type") == ("JSONDecodeError" if closes else None)
    assert unread["event"]["outcome"] == ("failure" if closes else "unknown")
    assert unread["llm"]["output"]["text"] == "Blue"
    assert "error" not in left
    assert left["event"]["outcome"] == "unknown"


def test_a_connection_that_breaks_in_mid_stream_is_a_failure(captured: Captured) -> None:
    """The exception passes through, and the record has it with the partial text."""
    with OpenAIServer(stream(BLUE, cut_after=3)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        with pytest.raises(Exception) as caught:
            list(answered)
        del answered
        expected = caught.type.__name__
        caught.value.__traceback__ = None
        del caught
        collected()
        document = only(captured)
    assert document["error"]["type"] == expected
    assert document["event"]["outcome"] == "failure"
    assert document["llm"]["output"]["text"] == "Blue"


def test_a_timeout_in_mid_stream_is_a_failure(captured: Captured) -> None:
    """A client's time-out while it waits for the next chunk is recorded with what came."""
    gate = threading.Event()
    with OpenAIServer(stream(BLUE, before=lambda number: gate.wait(10) if number > 1 else None)) as server:
        answered = client_of(server).with_options(timeout=0.2).chat.completions.create(**CHAT, stream=True)
        with pytest.raises(Exception, match=r"(?i)timed out"), answered:
            list(answered)
        gate.set()
        document = only(captured)
    assert "Timeout" in document["error"]["type"]
    assert document["event"]["outcome"] == "failure"
    assert document["llm"]["output"]["text"] == "Bl"


def test_usage_is_asked_for_only_on_request_and_its_chunk_is_kept_from_the_caller(captured: Captured) -> None:
    """With capture_stream_usage the record has the tokens, and the caller sees the stream without the extra chunk."""
    with OpenAIServer(stream([*BLUE, USAGE])) as server:
        silent = client_of(server, capture_stream_usage=True)
        parts = list(silent.chat.completions.create(**CHAT, stream=True))
        asked = list(
            silent.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True})
        )
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
        sent = [request.json.get("stream_options") for request in server.requests]
    assert sent == [{"include_usage": True}, {"include_usage": True}, None]
    assert (len(parts), len(asked)) == (5, 6)
    assert [one["gen_ai"]["usage"]["input_tokens"] for one in captured.documents] == [9, 9, 9]


def test_the_feedback_key_is_on_the_stream_and_on_its_first_chunk_alone(captured: Captured) -> None:
    """Streams carry the key on the object and on the first chunk."""
    with OpenAIServer(stream(BLUE)) as server:
        answered = client_of(server).chat.completions.create(**CHAT, stream=True)
        extras = [(part.model_extra or {}).get("shipper_feedback_key") for part in answered]
    key = only(captured)["event"]["id"]
    assert answered.shipper_feedback_key == key
    assert extras == [key, None, None, None, None]


def test_events_of_the_responses_api_carry_the_key_where_the_final_answer_does(captured: Captured) -> None:
    """The response within the first and the last event has the key, and the stream helper's final response too."""
    with OpenAIServer(stream(events(), done=False)) as server:
        client = client_of(server)
        parts = list(client.responses.create(model="gpt-4o-mini", input="x", stream=True))
        with client.responses.stream(model="gpt-4o-mini", input="x") as running:
            final = running.get_final_response()
    first, second = captured.documents
    assert first["llm"]["output"]["text"] == second["llm"]["output"]["text"] == "Blue."
    assert first["llm"]["stream"] == {"chunks": 8, "completed": True}
    assert parts[-1].response.model_extra["shipper_feedback_key"] == first["event"]["id"]
    assert final.model_extra["shipper_feedback_key"] == second["event"]["id"]


def test_the_chat_stream_helper_is_recorded_once_with_its_template(captured: Captured) -> None:
    """`chat.completions.stream` sends its request later, and takes the call's parameters all the same."""
    with OpenAIServer(stream(BLUE)) as server:
        client = client_of(server)
        manager = client.chat.completions.stream(
            model="gpt-4o-mini",
            messages=TemplateChat([{"role": "user", "content": "{x}?"}], {"x": "sky"}),
            shipper=CallParams(prompt_template_name="colour"),
        )
        with manager as running:
            final = running.get_final_completion()
    document = only(captured)
    assert final.choices[0].message.content == "Blue."
    assert final.model_extra["shipper_feedback_key"] == document["event"]["id"]
    assert document["gen_ai"]["prompt"]["name"] == "colour"
    assert document["llm"]["input"]["text"] == "sky?"


def test_a_streaming_response_that_the_caller_reads_by_lines_is_recorded(captured: Captured) -> None:
    """`with_streaming_response` hands out bytes, and the record is the same."""
    with OpenAIServer(stream(BLUE)) as server:
        client = client_of(server)
        with client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as raw:
            lines = [line for line in raw.iter_lines() if line]
        with client.chat.completions.with_raw_response.create(**CHAT, stream=True).parse() as parsed:
            list(parsed)
    assert len(lines) == 6
    assert [one["llm"]["output"]["text"] for one in captured.documents] == ["Blue.", "Blue."]


def test_an_answer_in_one_piece_read_by_streaming_response_is_recorded(captured: Captured) -> None:
    """Also without `stream`, and compressed."""
    body = gzip.compress(json.dumps(response()).encode())
    with OpenAIServer(answer(body, headers={"content-encoding": "gzip"})) as server:
        reading = client_of(server).responses.with_streaming_response
        with reading.create(model="m", input="x") as raw:
            assert raw.parse().output_text == "Blue."
    assert only(captured)["llm"]["output"]["text"] == "Blue."


def test_compressed_streams_are_read(captured: Captured) -> None:
    """A gateway that compresses server-sent events costs no record."""
    body = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in BLUE) + b"data: [DONE]\n\n"
    headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    with OpenAIServer(Answer(200, gzip.compress(body), headers)) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
    assert only(captured)["llm"]["output"]["text"] == "Blue."


def test_async_streams_end_in_every_way_with_one_record(captured: Captured) -> None:
    """Read through, broken off within and without `async with`, closed, and cancelled while waiting."""
    gate = threading.Event()
    slow = stream(BLUE, before=lambda number: gate.wait(10) if number > 1 else None)

    async def scenario(server: OpenAIServer) -> None:
        client = async_client_of(server)

        async def begin() -> openai.AsyncStream[Any]:
            return await client.chat.completions.create(**CHAT, stream=True)

        answered = await begin()
        assert type(answered) is openai.AsyncStream
        assert [part.choices[0].delta.content async for part in answered] == ["", "Bl", "ue", ".", None]

        async with await begin() as left:
            async for part in left:
                if part.choices[0].delta.content:
                    break

        closed = await begin()
        await anext(closed), await anext(closed)
        await closed.close()

        cancelled = await begin()

        async def read() -> None:
            async for _ in cancelled:
                pass

        task = asyncio.create_task(read())
        while not captured_chunks(cancelled):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await cancelled.close()
        gate.set()
        await client.close()

    first_two = sum(len(f"data: {json.dumps(one)}\n\n") for one in BLUE[:2])

    def captured_chunks(answered: Any) -> bool:
        return answered.response.num_bytes_downloaded >= first_two

    with OpenAIServer(stream(BLUE), slow) as server:
        asyncio.run(scenario(server))
    collected()
    whole, left, closed, cancelled = captured.documents
    assert whole["event"]["outcome"] == "success"
    assert is_partial(left, "Bl", 2)
    assert is_partial(closed, "Bl", 2)
    assert cancelled["error"]["type"] == "CancelledError"
    assert cancelled["llm"]["output"]["text"] == "Bl"


def test_abandoned_streams_leave_nothing_behind(captured: Captured) -> None:
    """Neither the stream nor its response nor anything of ours stays in memory."""
    with OpenAIServer(stream(BLUE)) as server:
        client = client_of(server)
        left: list[weakref.ref[Any]] = []
        gc.disable()  # httpcore waits for its own lock when a collection within it closes a stream
        for number in range(30):
            answered = client.chat.completions.create(**CHAT, stream=True)
            if number % 3:
                next(answered)
            left += [
                weakref.ref(answered),
                weakref.ref(answered.response),
                weakref.ref(answered.response.stream),
            ]
        del answered
        gc.enable()
        collected()
        assert [one() for one in left if one() is not None] == []
        assert len(captured.entries) == 30
    assert len(open_exchanges) == 0


def test_a_stream_without_a_finish_reason_did_not_complete(captured: Captured) -> None:
    """`[DONE]` without a finish reason is a stream that broke off."""
    with OpenAIServer(stream(BLUE[:-1])) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
    assert is_partial(only(captured), "Blue.", 4)


def test_pings_comments_and_foreign_line_ends_are_no_chunks(captured: Captured) -> None:
    """Comments are skipped and carriage returns are line ends, as openai's client has it."""
    parts = [b": ping\r\n\r\n", *[f"data: {json.dumps(one)}\r\n\r\n".encode() for one in BLUE]]
    with OpenAIServer(stream(parts)) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
    document = only(captured)
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["llm"]["stream"]["chunks"] == 5


def test_raw_always_keeps_the_chunks(home: Any) -> None:
    """With raw=always the record has every chunk as it came."""
    with capture_completions(raw="always") as captured, OpenAIServer(stream(BLUE)) as server:
        list(client_of(server).chat.completions.create(**CHAT, stream=True))
        document = only(captured)
    assert document["llm"]["raw"]["response"] == BLUE
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["llm"]["raw"]["request"]["messages"] == CHAT["messages"]


def test_a_legacy_completion_streams_too(captured: Captured) -> None:
    """Text completions are put together by choice."""
    parts = [
        {**HEAD, "object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": end}]}
        for text, end in (("Bl", None), ("ue", "stop"))
    ]
    with OpenAIServer(stream(parts)) as server:
        list(client_of(server).completions.create(model="gpt-3.5-turbo-instruct", prompt="sky", stream=True))
    document = only(captured)
    assert document["llm"]["output"]["text"] == "Blue"
    assert document["openai"]["api"]["type"] == "completions"
