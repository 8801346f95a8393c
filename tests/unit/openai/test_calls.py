"""Calls without a stream: what the caller gets, and what the record says."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import traceback
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from shipper import notice
from shipper.capture.context import context
from shipper.openai import AsyncOpenAI, CallParams, CaptureConfig, OpenAI
from shipper.redact import Redactor
from shipper.testing import Answer, OpenAIServer, answer, cut, error, stream
from tests.fixtures.openai_api import BLUE, CHAT, COMPLETION, MESSAGES, response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.testing import Captured

KEY = "shipper_feedback_key"


def client_of(server: OpenAIServer, retries: int = 0, **config: Any) -> OpenAI:
    """A recording client of the server."""
    return OpenAI(base_url=server.url, api_key="test", max_retries=retries, shipper=CaptureConfig(**config))


def only(captured: Captured) -> dict[str, Any]:
    """The one document."""
    documents = captured.documents
    assert len(documents) == 1
    return documents[0]


def test_without_any_configuration_a_call_is_logged_and_answered_as_before(captured: Captured) -> None:
    """The answer is the server's and carries the event's id; the record has request, answer, tokens and cost."""
    with OpenAIServer(answer(COMPLETION, headers={"x-request-id": "req_1"})) as server:
        answered = OpenAI(base_url=server.url, api_key="test").chat.completions.create(**CHAT)
        sent = server.requests[0].json
    document = only(captured)
    assert answered.to_dict() == {**COMPLETION, KEY: document["event"]["id"]}
    assert answered.model_extra == {KEY: document["event"]["id"]}
    assert sent == CHAT
    assert document["event"]["outcome"] == "success"
    assert document["gen_ai"]["request"]["model"] == "gpt-4o-mini"
    assert document["gen_ai"]["response"]["id"] == "chatcmpl-1"
    assert document["llm"]["input"]["text"] == "What colour is the sky?"
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["llm"]["cost"]["status"] == "priced"
    assert document["llm"]["retry"]["count"] == 0
    assert document["http"] == {"response": {"status_code": 200}, "request": {"id": "req_1"}}
    assert set(document["llm"]["join"]["key"]) == {document["event"]["id"], "chatcmpl-1"}


def test_the_key_can_be_left_out_or_doubled(captured: Captured) -> None:
    """inject_feedback_key=False leaves the answer alone; libretto_feedback_key=True adds that name."""
    with OpenAIServer(answer(COMPLETION)) as server:
        plain = client_of(server, inject_feedback_key=False).chat.completions.create(**CHAT)
        both = client_of(server, libretto_feedback_key=True).chat.completions.create(**CHAT)
    assert plain.to_dict() == COMPLETION
    key = captured.documents[1]["event"]["id"]
    assert both.model_extra == {KEY: key, "libretto_feedback_key": key}


def test_everything_that_is_known_of_a_call_is_in_its_record(captured: Captured) -> None:
    """Each part of CallParams has its field."""
    params = CallParams(
        chat_id="chat-1",
        chain_id="chain-1",
        event_id="event-1",
        parent_event_id="parent-1",
        feedback_key="mine",
        user_id="u7",
        tags=["a", "b"],
        request_attributes={"tier": "gold"},
        version="2.0.0",
        environment="staging",
    )
    with OpenAIServer(answer(COMPLETION)) as server:
        client = client_of(server, application="support", version="1.0.0", environment="prod")
        answered = client.chat.completions.create(**CHAT, shipper=params)
    document = only(captured)
    assert answered.model_extra == {KEY: "mine"}
    assert document["event"]["id"] == "event-1"
    assert captured.entries[0]["given_id"] is True
    assert document["gen_ai"]["conversation"]["id"] == "chat-1"
    assert document["llm"]["chain"]["id"] == "chain-1"
    assert document["parent"]["id"] == "parent-1"
    assert document["user"]["id"] == "u7"
    assert document["tags"] == ["a", "b"]
    assert document["llm"]["attributes"]["request"] == {"tier": "gold"}
    assert set(document["llm"]["join"]["key"]) == {"event-1", "chatcmpl-1", "mine"}
    assert document["llm"]["application"]["name"] == "support"
    assert document["service"] == {"name": "support", "version": "2.0.0", "environment": "staging"}


def test_retries_below_the_call_are_counted_and_make_one_record(captured: Captured) -> None:
    """Two refusals and an answer are one call with two retries."""
    again = {"retry-after-ms": "1"}
    with OpenAIServer(error(429, headers=again), error(500, headers=again), answer(COMPLETION)) as server:
        client_of(server, retries=2).chat.completions.create(**CHAT)
    document = only(captured)
    assert document["llm"]["retry"]["count"] == 2
    assert document["event"]["outcome"] == "success"


def test_an_error_of_the_api_passes_through_and_is_recorded(captured: Captured) -> None:
    """Class, message, status, code and request id are the API's, and retries are counted."""
    refusal = error(
        429,
        "slow down",
        error_type="rate_limit",
        code="rate_limit_exceeded",
        headers={"retry-after-ms": "1", "x-request-id": "r1"},
    )
    with OpenAIServer(refusal) as server, pytest.raises(openai.RateLimitError, match="slow down") as caught:
        client_of(server, retries=1).chat.completions.create(**CHAT)
    document = only(captured)
    assert caught.value.body == {
        "message": "slow down",
        "type": "rate_limit",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert document["error"]["type"] == "RateLimitError"
    assert document["error"]["code"] == "rate_limit_exceeded"
    assert "slow down" in document["error"]["message"] or "429" in document["error"]["message"]
    assert document["http"] == {"response": {"status_code": 429}, "request": {"id": "r1"}}
    assert document["llm"]["retry"]["count"] == 1
    assert document["event"]["outcome"] == "failure"
    assert document["llm"]["input"]["text"] == "What colour is the sky?"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"error": {"message": "no", "type": "invalid_request_error", "param": "tools", "code": None}},
            {"error": {"type": "invalid_request_error", "param": "tools"}},
        ),
        (
            {"error": {"message": "no", "code": "bad", "innererror": {"filter": "high"}}},
            {"error": {"innererror": {"filter": "high"}}},
        ),
        ({"detail": "Invalid API Key"}, {"detail": "Invalid API Key"}),
        ({"code": "bad", "error": "Wrong key."}, {"code": "bad"}),
        ([{"error": {"message": "no", "status": "BAD", "code": 400}}], {}),
        (b"", None),
    ],
    ids=["openai", "azure", "detail", "text", "list", "empty"],
)
def test_what_an_errors_body_says_is_kept(body: Any, said: Any, captured: Captured) -> None:
    """Whatever the exception makes of it: parameter, inner errors, other providers' forms; never as an answer."""
    with OpenAIServer(answer(body, status=400)) as server, pytest.raises(openai.BadRequestError) as caught:
        client_of(server).chat.completions.create(**CHAT)
    document = only(captured)
    told = document["llm"].get("attributes", {}).get("response", {}).get("provider")
    assert (told or {}).items() >= (said or {}).items()
    assert document["error"]["message"] == str(caught.value)
    if b"Wrong key." in caught.value.response.content:  # openai's message has it before major version 3
        assert "Wrong key." in json.dumps([document["error"], told])
    assert document["event"]["outcome"] == "failure"
    assert "output" not in document["llm"]
    assert document["http"]["response"]["status_code"] == 400


def test_a_gateways_page_is_kept_with_the_error(captured: Captured) -> None:
    """In the exception's message or beside it, as openai's version has it; it is no answer."""
    page = answer(b"<h1>Bad gateway</h1>", status=502)
    with OpenAIServer(page) as server, pytest.raises(openai.InternalServerError):
        client_of(server).chat.completions.create(**CHAT)
    document = only(captured)
    told = document["llm"].get("attributes", {}).get("response", {}).get("provider", {}).get("error", {})
    assert "<h1>Bad gateway</h1>" in (document["error"]["message"], told.get("message"))
    assert "output" not in document["llm"]
    assert document["event"]["outcome"] == "failure"


def test_the_traceback_of_an_error_is_openais_with_our_frames_above(captured: Captured) -> None:
    """The innermost frames are those that the bare client shows."""
    with OpenAIServer(error(404)) as server:
        shown: list[list[str]] = []
        for client in (openai.OpenAI(base_url=server.url, api_key="k"), client_of(server)):
            with pytest.raises(openai.NotFoundError) as caught:
                client.chat.completions.create(**CHAT)
            assert caught.value.__cause__ is None
            shown.append(
                [
                    frame.name
                    for frame in traceback.extract_tb(caught.value.__traceback__)
                    if "openai" in frame.filename
                ]
            )
    bare, ours = shown
    assert ours[-1] == bare[-1] == "request"
    assert [name for name in ours if name != "accept"][-2:] == ["request", "request"]


def test_a_connection_that_breaks_and_a_server_that_is_away_are_recorded(captured: Captured) -> None:
    """Without an answer there is an error and no status."""
    with OpenAIServer(cut()) as server, pytest.raises(openai.APIConnectionError):
        client_of(server, retries=1).chat.completions.create(**CHAT)
    with pytest.raises(openai.APIConnectionError):
        client_of(server).chat.completions.create(**CHAT)
    broken, away = captured.documents
    assert broken["error"]["type"] == away["error"]["type"] == "APIConnectionError"
    assert (broken["llm"]["retry"]["count"], away["llm"]["retry"]["count"]) == (1, 0)
    assert "http" not in broken


def test_an_answer_nested_too_deeply_to_be_read_is_recorded(captured: Captured) -> None:
    """The caller gets Python's error; the record has it, and the answer as text."""
    deep = b'{"id": "c", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with OpenAIServer(answer(deep)) as server, pytest.raises(RecursionError):
        client_of(server).chat.completions.create(**CHAT)
    document = only(captured)
    assert document["error"]["type"] == "RecursionError"
    assert document["llm"]["output"]["text"].startswith('{"id": "c"')


def test_a_timeout_is_recorded(captured: Captured) -> None:
    """Openai's APITimeoutError is the record's error."""
    gate = threading.Event()

    def late(_: Any) -> Answer:
        gate.wait(10)
        return answer(COMPLETION)

    with OpenAIServer(late) as server:
        with pytest.raises(openai.APITimeoutError):
            client_of(server).chat.completions.create(**CHAT, timeout=0.2)
        gate.set()
    assert only(captured)["error"]["type"] == "APITimeoutError"


def test_cancelled_and_interrupted_calls_are_recorded(
    captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CancelledError and KeyboardInterrupt pass through with one record each."""
    gate, asked = threading.Event(), threading.Event()

    def late(_: Any) -> Answer:
        asked.set()
        gate.wait(10)
        return answer(COMPLETION)

    async def cancel(server: OpenAIServer) -> None:
        client = AsyncOpenAI(base_url=server.url, api_key="test", max_retries=0)
        task = asyncio.create_task(client.chat.completions.create(**CHAT))
        while not asked.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await client.close()

    with OpenAIServer(late) as server:
        asyncio.run(cancel(server))
        client = client_of(server)

        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(client._client, "send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.chat.completions.create(**CHAT)
    cancelled, interrupted_document = captured.documents
    assert cancelled["error"]["type"] == "CancelledError"
    assert interrupted_document["error"]["type"] == "KeyboardInterrupt"
    assert cancelled["llm"]["input"]["text"] == "What colour is the sky?"


def test_an_answer_that_openai_refuses_to_parse_keeps_its_content(captured: Captured) -> None:
    """`parse` raises on a length stop; the record has the error, the answer and the tokens."""

    class Colour(BaseModel):
        name: str

    stopped = {**COMPLETION, "choices": [{**COMPLETION["choices"][0], "finish_reason": "length"}]}
    with OpenAIServer(answer(stopped)) as server, pytest.raises(openai.LengthFinishReasonError):
        client_of(server).chat.completions.parse(**CHAT, response_format=Colour)
    document = only(captured)
    assert document["error"]["type"] == "LengthFinishReasonError"
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["gen_ai"]["usage"]["output_tokens"] == 2


def test_parse_returns_openais_parsed_answer_with_the_key(captured: Captured) -> None:
    """`chat.completions.parse` and `responses.parse` parse as before."""

    class Colour(BaseModel):
        name: str

    said = '{"name": "blue"}'
    choice = {**COMPLETION["choices"][0], "message": {"role": "assistant", "content": said}}
    with OpenAIServer(answer({**COMPLETION, "choices": [choice]}), answer(response(text=said))) as server:
        client = client_of(server)
        chat = client.chat.completions.parse(**CHAT, response_format=Colour)
        other = client.responses.parse(
            model="m", input="x", text_format=Colour, shipper=CallParams(tags=["t"])
        )
    assert chat.choices[0].message.parsed == other.output_parsed == Colour(name="blue")
    first, second = captured.documents
    assert chat.model_extra[KEY] == first["event"]["id"]
    assert other.model_extra[KEY] == second["event"]["id"]
    assert second["tags"] == ["t"]


def test_raw_responses_are_untouched_and_recorded(captured: Captured) -> None:
    """`with_raw_response` gives the bytes of the server, and parses with the key; at every level of the client."""
    with OpenAIServer(answer(COMPLETION, headers={"x-limit": "7"})) as server:
        client = client_of(server)
        raw = client.chat.completions.with_raw_response.create(**CHAT, shipper=CallParams(user_id="u"))
        other = client.with_raw_response.chat.completions.create(**CHAT)
        assert raw.headers["x-limit"] == other.headers["x-limit"] == "7"
        assert raw.http_response.json() == COMPLETION
        assert raw.parse().model_extra == {KEY: captured.documents[0]["event"]["id"]}
    assert [one.get("user") for one in captured.documents] == [{"id": "u"}, None]


def test_embeddings_are_recorded_without_vectors(captured: Captured) -> None:
    """The record counts the vectors and their dimensions; the caller gets them."""
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, -0.25, 0.125]}
    body = {
        "object": "list",
        "data": [vector],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    with OpenAIServer(answer(body)) as server:
        answered = client_of(server).embeddings.create(
            model="text-embedding-3-small", input="sky", encoding_format="float"
        )
    document = only(captured)
    assert answered.data[0].embedding == [0.5, -0.25, 0.125]
    assert answered.model_extra[KEY] == document["event"]["id"]
    assert document["gen_ai"]["operation"]["name"] == "embeddings"
    assert document["gen_ai"]["usage"]["input_tokens"] == 2
    assert "0.125" not in str(captured.entries)


def test_images_audio_and_moderations_are_recorded_as_figures(captured: Captured) -> None:
    """Operation, model, latency and usage are kept, and no content reaches the spool."""
    image = {
        "created": 1,
        "data": [{"b64_json": "c2VjcmV0"}],
        "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
    }
    verdict = {
        "id": "modr-1",
        "model": "omni-moderation-latest",
        "results": [{"flagged": False, "categories": {}, "category_scores": {}}],
    }
    spoken = Answer(200, b"secret sound", {"content-type": "audio/mpeg"})
    with OpenAIServer(answer(image), answer(verdict), spoken, answer({"text": "secret words"})) as server:
        client = client_of(server)
        assert client.images.generate(model="gpt-image-1", prompt="a secret").data[0].b64_json == "c2VjcmV0"
        assert (
            client.moderations.create(model="omni-moderation-latest", input="a secret").results[0].flagged
            is False
        )
        assert (
            client.audio.speech.create(model="tts-1", voice="alloy", input="a secret").content
            == b"secret sound"
        )
        heard = client.audio.transcriptions.create(
            model="whisper-1", file=("a.wav", b"secret"), shipper=CallParams(tags=["t"])
        )
        assert heard.text == "secret words"
    documents = captured.documents
    assert [one["gen_ai"]["operation"]["name"] for one in documents] == [
        "image_generation",
        "moderation",
        "audio",
        "audio",
    ]
    assert [one["gen_ai"]["request"]["model"] for one in documents] == [
        "gpt-image-1",
        "omni-moderation-latest",
        "tts-1",
        "whisper-1",
    ]
    assert [one["event"]["outcome"] for one in documents] == ["success"] * 4
    assert documents[0]["gen_ai"]["usage"]["output_tokens"] == 7
    assert documents[3]["tags"] == ["t"]
    assert "secret" not in str(captured.entries)
    assert "c2VjcmV0" not in str(captured.entries)


def test_everything_else_passes_untouched(captured: Captured) -> None:
    """Models, files and pagination are neither recorded nor changed."""
    page = {
        "object": "list",
        "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}],
        "has_more": False,
    }
    with OpenAIServer(answer(page)) as server:
        client = client_of(server)
        assert [one.id for one in client.models.list()] == ["m"]
        assert client.models.list().model_extra.get(KEY) is None
        assert [one.id for one in client.chat.completions.list()] == ["m"]
        client.get("/files", cast_to=object)
    assert captured.entries == []


def test_a_call_by_the_clients_own_post_is_recorded(captured: Captured) -> None:
    """`client.post` to an endpoint that is recorded makes a record, as openai's documentation shows it."""
    with OpenAIServer(answer(COMPLETION)) as server:
        body = client_of(server).post("/chat/completions", cast_to=object, body=CHAT)
    document = only(captured)
    assert body == {**COMPLETION, KEY: document["event"]["id"]}
    assert document["llm"]["output"]["text"] == "Blue."


def test_a_background_response_is_recorded_and_amended_once_when_it_is_over(captured: Captured) -> None:
    """`create` makes the record; polling makes one amendment, of the event, when the response is done."""
    queued, running, done = (
        response(state, background=True) for state in ("queued", "in_progress", "completed")
    )
    with OpenAIServer(answer(queued), answer(running), answer(done)) as server:
        client = client_of(server)
        begun = client.responses.create(model="gpt-4o-mini", input="x", background=True)
        assert client.responses.retrieve(begun.id).status == "in_progress"
        assert client.responses.retrieve(begun.id).status == "completed"
        over = client.responses.retrieve(begun.id)
    (document,) = captured.of("llm.completion")
    (amendment,) = captured.of("llm.amendment")
    assert document["event"]["outcome"] == "unknown"
    assert amendment["llm"]["join"]["key"] == [document["event"]["id"]]
    assert amendment["llm"]["amendment"]["fields"]["output"]["status"] == "completed"
    assert over.model_extra[KEY] == document["event"]["id"]


def test_a_background_response_of_another_process_is_amended_by_its_own_id(captured: Captured) -> None:
    """Who only retrieves names the provider's id, which is a key too; a response that ran at once is left alone."""
    with OpenAIServer(
        answer(response("cancelled", background=True)), answer(response(id="resp_2"))
    ) as server:
        client = client_of(server)
        client.responses.cancel("resp_1")
        untouched = client.responses.retrieve("resp_2")
    (amendment,) = captured.documents
    assert amendment["llm"]["join"]["key"] == ["resp_1"]
    assert KEY not in untouched.to_dict()


def test_calls_of_a_chat_are_linked_in_order(captured: Captured) -> None:
    """The second call of a chat names the first, and the turns are counted."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = client_of(server)
        chat = CallParams(chat_id="c1")
        history: list[Any] = list(MESSAGES)
        client.chat.completions.create(model="m", messages=history, shipper=chat)
        history = [*history, {"role": "assistant", "content": "Blue."}, {"role": "user", "content": "Why?"}]
        client.chat.completions.create(model="m", messages=history, shipper=chat)
        client.chat.completions.create(model="m", messages=history)
    first, second, other = captured.documents
    assert first["llm"]["conversation"]["turn"] == 1
    assert second["llm"]["conversation"]["turn"] == 2
    assert second["llm"]["previous"]["event_id"] == first["event"]["id"]
    assert "previous" not in first["llm"]
    assert "previous" not in other["llm"]


def test_responses_are_linked_by_the_previous_response_they_name(captured: Captured) -> None:
    """A known response is named by its event, an unknown one by its own id."""
    with OpenAIServer(answer(response())) as server:
        client = client_of(server)
        client.responses.create(model="m", input="x")
        client.responses.create(model="m", input="y", previous_response_id="resp_1")
        client.responses.create(model="m", input="z", previous_response_id="resp_elsewhere")
    first, second, third = captured.documents
    assert second["llm"]["previous"]["event_id"] == first["event"]["id"]
    assert second["llm"]["conversation"]["turn"] == 2
    assert third["llm"]["previous"]["event_id"] == "resp_elsewhere"


def test_content_that_must_not_be_saved_stays_out_of_the_spool(captured: Captured) -> None:
    """save=False, of the client or of one call, keeps the figures only."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client_of(server, save=False).chat.completions.create(**CHAT)
        client_of(server).chat.completions.create(**CHAT, shipper=CallParams(save=False))
    assert "sky" not in str(captured.entries)
    assert "Blue" not in str(captured.entries)
    assert [one["gen_ai"]["usage"]["output_tokens"] for one in captured.documents] == [2, 2]


def test_content_can_be_sampled_by_a_function(captured: Captured) -> None:
    """Figures of every call are kept, content at the rate that the function says, errors with theirs."""
    rates: list[Any] = []

    def rate(call: Mapping[str, Any]) -> float:
        rates.append(call["request"]["model"])
        return 1.0 if call["request"]["model"] == "keep" else 0.0

    with OpenAIServer(answer(COMPLETION), answer(COMPLETION), error(400)) as server:
        client = client_of(server, sample=rate)
        for model in ("keep", "drop"):
            client.chat.completions.create(model=model, messages=MESSAGES)
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="drop", messages=MESSAGES)
    kept, dropped, failed = captured.documents
    assert rates == ["keep", "drop"]
    assert [one["llm"].get("input") is not None for one in (kept, dropped, failed)] == [True, False, True]
    assert dropped["gen_ai"]["usage"] == kept["gen_ai"]["usage"]
    assert [one["llm"]["privacy"]["content_rate"] for one in (kept, dropped, failed)] == [1.0, 0.0, 1.0]


def test_what_opens_the_servers_of_tools_is_left_out(captured: Captured) -> None:
    """Headers, authorization and the address's password of an MCP tool go to the API, and into no record."""
    opened = {"headers": {"Authorization": "Bearer opens-1"}, "authorization": "opens-2"}
    tool = {"type": "mcp", "server_label": "s", "server_url": "https://u:opens-3@mcp.example/x", **opened}
    tools: list[Any] = [tool, {"type": "web_search"}]
    with OpenAIServer(answer(response())) as server:
        client_of(server).responses.create(model="m", input="x", tools=tools)
        assert server.requests[0].json["tools"] == tools
    assert "opens-" not in str(captured.entries)
    recorded = captured.documents[0]["gen_ai"]["tool"]["definitions"]
    assert recorded[1] == {"type": "web_search"}
    assert recorded[0]["server_url"] == "https://mcp.example/x"
    assert list(recorded[0]["headers"]) == ["Authorization"]


def test_redaction_is_done_before_the_spool(captured: Captured) -> None:
    """redact_pii replaces personal data in the record, not in the call; a call can say otherwise."""
    secret: list[Any] = [{"role": "user", "content": "write to ann@example.org"}]
    with OpenAIServer(answer(COMPLETION)) as server:
        client = client_of(server, redact_pii=True)
        client.chat.completions.create(model="m", messages=secret)
        assert server.requests[0].json["messages"] == secret
        assert "ann@" not in str(captured.entries)
        client.chat.completions.create(model="m", messages=secret, shipper=CallParams(redact=False))
        client_of(server).chat.completions.create(model="m", messages=secret, shipper=CallParams(redact=True))
    texts = [one["llm"]["input"]["text"] for one in captured.documents]
    assert texts == ["write to <EMAIL_1>", "write to ann@example.org", "write to <EMAIL_1>"]


def test_redaction_with_a_redactor_of_ones_own_fails_closed(captured: Captured) -> None:
    """The client's own redactor is used; when it raises, the call is recorded without its content."""

    def broken(_: str) -> list[tuple[int, int, str]]:
        raise RuntimeError("no model")

    with OpenAIServer(answer(COMPLETION)) as server:
        own = client_of(server, redact=Redactor("none", patterns={"COLOUR": "Blue"}))
        own.chat.completions.create(**CHAT, shipper=CallParams(redact=True))
        client_of(server, redact=Redactor("none", find=broken)).chat.completions.create(**CHAT)
    good, closed = captured.documents
    assert good["llm"]["output"]["text"] == "<COLOUR_1>."
    assert "input" not in closed["llm"]
    assert closed["llm"]["privacy"]["content_stored"] is False


def test_a_stream_belongs_to_the_block_that_it_began_in(captured: Captured) -> None:
    """The context is read when the call begins."""
    with OpenAIServer(stream(BLUE)) as server:
        client = client_of(server)
        with context(user_id="u7", tags=["a"]):
            answered = client.chat.completions.create(**CHAT, stream=True, shipper=CallParams(tags=["b"]))
        list(answered)
    document = only(captured)
    assert document["user"]["id"] == "u7"
    assert document["tags"] == ["a", "b"]


def test_a_fault_of_ours_costs_the_record_and_not_the_call(
    captured: Captured, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When recording fails, the caller gets the answer; a warning says what and where, and nothing that was said."""
    monkeypatch.setattr(notice, "reraise", False)
    with OpenAIServer(answer(COMPLETION)) as server, caplog.at_level(logging.WARNING, "shipper"):
        client = client_of(server)

        def broken(*_: Any) -> None:
            raise RuntimeError("the sky")

        monkeypatch.setattr(client.shipper_capture, "record", broken)
        assert client.chat.completions.create(**CHAT).choices[0].message.content == "Blue."
        monkeypatch.setattr(client.shipper_capture, "_base_url", broken)
        assert client.chat.completions.create(**CHAT).choices[0].message.content == "Blue."
    assert "RuntimeError (test_calls.py, line " in caplog.text
    assert "the sky" not in caplog.text
    assert captured.entries == []


def test_the_callers_objects_may_change_after_the_call(captured: Captured) -> None:
    """The record has what was sent, and the caller's objects are as they were."""
    messages: list[Any] = [{"role": "user", "content": "first"}]
    with OpenAIServer(answer(COMPLETION)) as server:
        client_of(server).chat.completions.create(model="m", messages=messages)
    assert messages == [{"role": "user", "content": "first"}]
    messages[0]["content"] = "second"
    assert only(captured)["llm"]["input"]["text"] == "first"


def test_the_choice_that_will_be_used_can_be_named(captured: Captured) -> None:
    """selected_choice_index marks the choice."""
    choices = [
        {**COMPLETION["choices"][0], "index": n, "message": {"role": "assistant", "content": f"c{n}"}}
        for n in range(3)
    ]
    with OpenAIServer(answer({**COMPLETION, "choices": choices})) as server:
        client_of(server).chat.completions.create(**CHAT, n=3, shipper=CallParams(selected_choice_index=2))
    document = only(captured)
    assert document["llm"]["output"]["text"] == "c2"
    assert [one["selected"] for one in document["llm"]["choices"]] == [False, False, True]


def test_debug_logging_of_openai_still_works(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    """Openai logs its request options at debug level, ours among them."""
    with OpenAIServer(answer(COMPLETION)) as server, caplog.at_level(logging.DEBUG, "openai"):
        client_of(server).chat.completions.create(**CHAT, shipper=CallParams(user_id="u"))
    assert only(captured)["user"]["id"] == "u"
