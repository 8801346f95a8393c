"""Chunks that are told from an earlier one by their bytes add up to what they add up to when each is parsed."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shipper.capture.call import loads
from shipper.openai.alike import Alike
from shipper.openai.collect import Collected, Events
from shipper.openai.sse import DONE, EventSplitter, data_of
from shipper.record.openai.assemble import Assembler
from tests.fixtures.record.strategies import Json, unhurried

TEXTS = st.one_of(
    st.sampled_from(
        ["", " word", "a\\", '"', '"},"', "\n", "é", "😀", "?", "0", '"}],"usage":null}', '"content":"x"']
    ),
    st.text(max_size=8),
)
DELTAS = st.one_of(
    st.fixed_dictionaries({"content": TEXTS}),
    st.fixed_dictionaries(
        {"content": st.one_of(TEXTS, st.none(), st.just([{"type": "text", "text": "part"}]))},
        optional={
            "role": st.sampled_from(["assistant", "", None, {"x": "y"}, ["z"]]),
            "refusal": st.sampled_from([None, "no"]),
            "tool_calls": st.sampled_from([None, [{"index": 0, "function": {"arguments": "{"}}]]),
            "reasoning_content": st.sampled_from([None, "so"]),
        },
    ),
)
CHOICES = st.fixed_dictionaries(
    {"index": st.sampled_from([0, 0, 0, 1, 2, 10, True]), "delta": DELTAS},
    optional={
        "logprobs": st.sampled_from([None, None, {"content": [{"token": "t"}]}]),
        "finish_reason": st.sampled_from([None, None, None, "stop"]),
        "content": st.just("beside the delta"),
    },
)
SIMPLE = st.just([{"index": 0, "delta": {"content": " so"}, "finish_reason": None}])
PLAIN = st.just({"delta": {}, "finish_reason": None})
HEADS = st.sampled_from(
    [
        *[{"id": "c", "model": "m", "system_fingerprint": "f"}] * 4,
        {"id": "c", "model": "m", "system_fingerprint": "g"},
        {"id": "c", "model": "m", "x": 1},
        {"id": "c", "model": "m", "x": True},
        {"id": "c", "error": {"message": "e"}},
    ]
)
TAILS = st.sampled_from(
    [
        *[{"usage": None}] * 3,
        {"obfuscation": "aB3"},
        {"obfuscation": "z"},
        {"obfuscation": 'q"'},
        {"obfuscation": "late", "usage": None},
        {"usage": {"total_tokens": 3}},
    ]
)


def spaced(value: Json) -> bytes:
    """JSON as Python's own library writes it."""
    return json.dumps(value).encode()


WRITERS = st.sampled_from([orjson.dumps, orjson.dumps, spaced])
NO_CHUNKS = st.sampled_from([b": ping", b"data: [DONE]", b"data: NaN", b'data: {"a"', b"event: x\ndata: 5"])


def event_of(head: Json, choices: list[Json], tail: Json, write: Any) -> bytes:
    return b"data: " + write({**head, "object": "chat.completion.chunk", "choices": choices, **tail})


@st.composite
def others(draw: st.DrawFn) -> bytes:
    """Any event that may come in between; at times one that is spoilt."""
    if draw(st.integers(0, 4)) == 0:
        return draw(NO_CHUNKS)
    event = event_of(
        draw(HEADS),
        draw(st.one_of(SIMPLE, SIMPLE, st.lists(CHOICES, max_size=2))),
        draw(TAILS),
        draw(WRITERS),
    )
    if draw(st.integers(0, 2)) == 0:
        place = draw(st.integers(0, len(event)))
        spoilt = draw(st.sampled_from([b'"', b"\\", b"}", b"\x01", b"\xff", b"x"]))
        event = event[:place] + spoilt + event[place:]
    return event


@st.composite
def bodies(draw: st.DrawFn) -> list[bytes]:
    """The bytes of a stream, cut anywhere: chunks that are alike but for text and choice, and others among them."""
    write, head, tail = draw(WRITERS), draw(HEADS), draw(TAILS)
    choice: Json = draw(PLAIN | CHOICES)

    def chunk_of(text: str, index: int) -> bytes:
        delta: Json = {**choice["delta"], "content": text}
        return event_of(head, [{**choice, "index": index, "delta": delta}], tail, write)

    alike = st.builds(chunk_of, TEXTS, st.sampled_from([0, 0, 0, 1, 10]))
    spoilt = alike.map(lambda event: event.replace(b" word", b" \\ud83d").replace("é".encode(), b"\xf0\x9f"))
    ended = alike.map(lambda event: b"".join(event.partition(b'"obfuscation":"')[:2]))
    events = draw(st.lists(st.one_of(*[alike] * 4, spoilt, ended, others()), min_size=10, max_size=30))
    body = b"".join(event + b"\n\n" for event in events)
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    return [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]


def parsed_one_by_one(body: bytes) -> Collected:
    """What a stream adds up to, said plainly."""
    assembler = Assembler()
    count = 0
    for event in EventSplitter().feed(body):
        data = data_of(event)
        if data.startswith(DONE):
            break
        if data:
            assembler.add(loads(data))
            count += 1
    answer, facts = assembler.result()
    assert facts.chunks == count
    return Collected(answer if count else None, {"chunks": count, "completed": facts.completed})


@unhurried
@given(bodies())
def test_events_add_up_alike_however_they_are_read(body: list[bytes]) -> None:
    """Whatever the chunks say and wherever the bytes are cut, the answer is that of chunks parsed one by one."""
    collector = Events()
    for data in body:
        assert collector.feed(data) == data
    assert repr(collector.result()) == repr(parsed_one_by_one(b"".join(body)))


def chunk(text: str, index: int = 0, padding: str = "") -> tuple[bytes, Json]:
    """An event and what it says."""
    said: dict[str, Any] = {
        "id": "c",
        "choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}],
    }
    if padding:
        said["obfuscation"] = padding
    return b"data: " + orjson.dumps(said), said


def test_after_two_chunks_that_are_alike_no_third_is_parsed() -> None:
    """Each choice's text goes where it belongs, line ends and padding included; the others are given back."""
    for padding in ("", "x7"):
        alike = Alike()
        texts: list[list[str]] = [[], []]
        for index in (0, 0, 1):
            event, said = chunk("first", index, padding)
            assert list(alike.others([event])) == [event]
            alike.learn(event, said, texts[index].append)
        others = [chunk('"', 0, padding)[0], chunk("third choice", 2, padding)[0]]
        known = [chunk(" a\n", 0, padding * 2)[0], chunk("é", 1, padding)[0]]
        assert list(alike.others([others[0], *known, others[1]])) == others
        assert texts == [[" a\n"], ["é"]]
        alike.forget()
        assert list(alike.others(known)) == known
