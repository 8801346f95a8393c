"""The pure parts: endpoints, server-sent events, what is collected, what is remembered."""

from __future__ import annotations

import itertools
import json

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.openai import retrieval
from shipper.openai.collect import Body, Events
from shipper.openai.endpoints import endpoint_of
from shipper.openai.sse import EventSplitter, data_of
from tests.fixtures.openai_api import BLUE, USAGE, chunk

PIECES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data: {}",
        b"event: x",
        b": ping",
        b"data",
        b"id: 1",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "api"),
    [
        ("post", "/chat/completions", "chat_completions"),
        ("POST", "/responses", "responses"),
        ("post", "/completions", "completions"),
        ("post", "/embeddings", "embeddings"),
        ("post", "/audio/speech", "audio"),
        ("get", "/responses/resp_1", "responses"),
        ("post", "/responses/resp_1/cancel", "responses"),
        ("get", "/chat/completions", None),
        ("get", "/responses/resp_1/input_items", None),
        ("delete", "/responses/resp_1", None),
        ("post", "/files", None),
        ("post", "/responses/input_tokens", None),
    ],
)
def test_endpoints(method: str, path: str, api: str | None) -> None:
    """Calls of a model are told from everything else."""
    found = endpoint_of(method, path)
    assert (found.api if found else None) == api


@given(st.lists(PIECES, max_size=25), st.lists(st.integers(0, 200), max_size=8))
def test_events_are_those_that_openais_own_decoder_finds(pieces: list[bytes], cuts: list[int]) -> None:
    """However the bytes are cut, whatever the line ends: the data of each event is the same."""
    body = b"".join(pieces)
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    parts = [body[start:end] for start, end in itertools.pairwise(places)]
    splitter = EventSplitter()
    ours = [data_of(event) for part in parts for event in splitter.feed(part)]
    decoder = openai._streaming.SSEDecoder()
    theirs = [event.data.encode() for event in decoder.iter_bytes(iter(parts))]
    assert [data for data in ours if data] == [data for data in theirs if data]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=40),
    st.lists(st.integers(1, 60), max_size=20),
)
def test_interleaved_choices_add_up_however_the_bytes_are_cut(
    said: list[tuple[int, str]], cuts: list[int]
) -> None:
    """Each choice's text is its own fragments in order."""
    body = b"".join(f"data: {json.dumps(chunk(text, index=index))}\n\n".encode() for index, text in said)
    collector = Events()
    while body:
        step = cuts.pop() if cuts else len(body)
        assert collector.feed(body[:step]) == body[:step]
        body = body[step:]
    response, stream = collector.result()
    texts = {
        choice["index"]: choice["message"]["content"] or ""
        for choice in (response or {"choices": []})["choices"]
    }
    assert texts == {index: "".join(text for at, text in said if at == index) for index, _ in said}
    assert stream == {"chunks": len(said), "completed": False}


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60))
def test_the_hidden_chunk_is_the_only_difference(cuts: list[int]) -> None:
    """What the caller sees are the same events without the one that only counts tokens."""
    kept = b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in BLUE)
    body = kept + f"data: {json.dumps(USAGE)}\n\n".encode() + b"data: [DONE]\n\n"
    collector = Events(hide_usage=True)
    seen = b""
    while body:
        step = cuts.pop() if cuts else len(body)
        seen += collector.feed(body[:step])
        body = body[step:]
    assert seen == kept + b"data: [DONE]\n\n"
    assert collector.result().response["usage"]["prompt_tokens"] == 9


def test_bodies_that_are_no_json_are_kept_as_text() -> None:
    """A gateway's HTML is recorded as what it is; nothing raises."""
    body = Body("text/html")
    body.feed(b"<h1>\xff</h1>")
    assert body.result().response == "<h1>\ufffd</h1>"
    assert Body("application/json").result() == (None, None)
    strange = Events()
    strange.feed(b"data: {broken\n\ndata: NaN\n\n")
    assert strange.result().stream == {"chunks": 2, "completed": False}


def test_begun_responses_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten, and each is over once."""
    monkeypatch.setattr(retrieval, "_REMEMBERED", 2)
    begun = retrieval.Begun()
    for name in ("a", "b", "c"):
        begun.remember({"id": f"resp-{name}", "background": True}, f"event-{name}")
    begun.remember({"id": "resp-d", "background": False}, "event-d")
    assert [begun.event_of(f"resp-{name}") for name in "abcd"] == [None, "event-b", "event-c", None]
    assert [begun.settle("resp-c"), begun.settle("resp-c")] == [True, False]
