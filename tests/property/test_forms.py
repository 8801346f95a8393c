"""A document by form is the general path's, to the last byte."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.send.forms import Forms
from shipper.send.prepare import document_when_sent, prepared
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import JSON, Json, damaged, unhurried

NOW = payloads.AT + 5_000_000_123
TEXTS = st.text(min_size=1, max_size=300) | st.sampled_from(
    [
        "%",
        "%b %% %(a)s",
        '"\\',
        "null",
        "\x00\u2028",
        "gap",
        "data:x",
        "0",
        " a  b ",
        "é" * 150,
        '{"a":1}',
        "true",
    ]
)
FIGURES = st.integers(0, 10) | st.integers(0, 2**40)
TIMES = st.integers(10**16, 9 * 10**18) | st.sampled_from(
    [0, 1_763_710_240.25, "2025-11-21T07:30:41.500Z", 1_763_710_240]
)
PLAIN: Json = {
    "request": {
        "model": "gpt-4o-mini",
        "temperature": 0,
        "n": 1,
        "messages": [{"role": "system", "content": "a"}, {"role": "user", "name": "ann", "content": "b"}],
    },
    "response": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_763_710_241,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "c", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 140,
            "completion_tokens": 120,
            "total_tokens": 260,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    },
    "selected_choice_index": 0,
}
SAID: Json = {
    "session_id": "s-1",
    "user_id": "u-1",
    "tags": ["a"],
    "api": "chat_completions",
    "base_url": "https://api.openai.com/v1",
    "http": {"status": 200, "request_id": "req_1"},
    "join_keys": ["order-5"],
    "message": "answered",
    "level": "INFO",
    "raw": "always",
    "cost": {"amount": 1.5},
    "error": {"type": "late"},
    "outputs": {"a": "b"},
    "inputs": ["x"],
    "started_at": 1_763_710_240_250_000_000,
    "ended_at": 1_763_710_241_250_000_000,
    "created_at": 1_763_710_239.5,
    "request_attributes": {"team": "red"},
    "prompt": {"name": "p", "version": "1"},
    "environment": "prod",
    "parent_id": "e0",
}


@st.composite
def kinds(draw: st.DrawFn) -> Json:
    """A plain call that says this or that besides, of a model that may not be listed."""
    call = copy.deepcopy(PLAIN)
    for key in draw(st.sets(st.sampled_from(sorted(SAID)), max_size=6)):
        call[key] = copy.deepcopy(SAID[key])
    if draw(st.booleans()):
        del call["response"]["usage"]["total_tokens"]
    if draw(st.booleans()):
        del call["response"]["usage"]["prompt_tokens_details"]
    call["response"]["model"] = draw(
        st.sampled_from(["gpt-4o-mini-2024-07-18", "o3", "gemini-2.5-pro", "nobody-s"])
    )
    return call


@st.composite
def alike(draw: st.DrawFn, kind: Json) -> Json:
    """An entry of the same kind, with other ids, times, texts and figures."""
    call = copy.deepcopy(kind)
    response, usage = call["response"], call["response"]["usage"]
    for message in (*call["request"]["messages"], response["choices"][0]["message"]):
        message["content"] = draw(TEXTS)
    response["id"], response["created"] = draw(TEXTS), draw(FIGURES)
    prompt, completion = draw(FIGURES), draw(FIGURES)
    odd = draw(st.sampled_from([0] * 20 + [1]))  # seldom a part is larger than its whole
    usage["prompt_tokens"], usage["completion_tokens"] = prompt, completion
    if "total_tokens" in usage:
        usage["total_tokens"] = prompt + completion + odd
    if "prompt_tokens_details" in usage:
        usage["prompt_tokens_details"]["cached_tokens"] = draw(st.integers(0, prompt)) + odd
    usage["completion_tokens_details"]["reasoning_tokens"] = draw(st.integers(0, completion)) + odd
    for key in ("session_id", "user_id", "message", "parent_id"):
        if key in call:
            call[key] = draw(TEXTS)
    for key in ("started_at", "ended_at", "created_at"):
        if key in call:
            call[key] = draw(TIMES)
    return payloads.entry(call, id=draw(TEXTS), at=draw(st.integers(10**18, 2 * 10**18)), seq=draw(FIGURES))


def check(forms: Forms, entry: Json) -> bool:
    """Fill an entry's form, if it has one, and compare, else learn from it; whether it had one."""
    line = orjson.dumps(entry)
    filled = forms.fill(line, NOW, "day")
    if filled is None:
        before = copy.deepcopy(entry)
        forms.learn(line, entry, NOW)
        assert entry == before, "the entry was changed"
        return False
    assert filled == prepared(document_when_sent(entry, NOW), "day", given_id=bool(entry.get("given_id")))
    return True


@unhurried
@given(kinds().flatmap(lambda kind: st.lists(alike(kind), min_size=3, max_size=6)))
def test_any_values_in_the_gaps(entries: list[Json]) -> None:
    """Whatever stands in the gaps of a call of any plain kind, the form gives the general path's bytes."""
    forms = Forms(document_when_sent)
    for entry in entries:
        check(forms, entry)


@unhurried
@given(
    st.lists(damaged([PLAIN, {**PLAIN, **SAID}, payloads.CHAT]), max_size=3),
    st.dictionaries(st.sampled_from(sorted(SAID)), JSON, max_size=3),
)
def test_any_other_entry(calls: list[Any], said: Json) -> None:
    """A call that is damaged somewhere, or says anything besides, gets the general path's bytes or no form."""
    forms = Forms(document_when_sent)
    for call in [*calls, {**PLAIN, **said}]:
        for number in range(3):
            check(forms, payloads.entry(copy.deepcopy(call), seq=number))


@pytest.mark.parametrize("said", [{}, *({key: value} for key, value in SAID.items())], ids=str)
def test_plain_calls_have_a_form(said: Json) -> None:
    """The third of a kind is filled in, with whatever is usually said besides."""
    forms = Forms(document_when_sent)
    entries = [payloads.entry({**copy.deepcopy(PLAIN), **said}, seq=number) for number in range(3)]
    found = [check(forms, entry) for entry in entries]
    assert found == [False, False, "outputs" not in said]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("response", "choices", 0, "message", "content"), ""),
        (("request", "messages", 1, "role"), "tool"),
        (("response", "id"), "01937c5e-1111-7000-8000-000000000000"),
        (("response", "usage", "prompt_tokens"), 1.0),
        (("response", "usage", "total_tokens"), 261),
        (("response", "usage", "prompt_tokens_details", "cached_tokens"), 141),
        (("response", "usage", "completion_tokens_details", "reasoning_tokens"), 121),
        (("response", "object"), "chat.completion.chunk"),
        (("save",), False),
        (("join_keys",), ["chatcmpl-1"]),
        (("join_keys",), [5]),
        (("started_at",), "2025-11-21T07:30:41"),
    ],
)
def test_what_could_change_more_than_its_gap_has_no_form(path: tuple[Any, ...], value: Any) -> None:
    """Values that the general path looks into are left to it."""
    forms = Forms(document_when_sent)
    for number in range(4):
        call = copy.deepcopy(PLAIN)
        target: Any = call
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value
        assert not check(forms, payloads.entry(call, seq=number))


SNIPPETS = st.binary(max_size=4) | st.sampled_from(
    [
        b'"',
        b"\\",
        b'\\"',
        b'","',
        b'"},{"role":"user","content":"',
        b"\\u00e9",
        b"\\/",
        b"00",
        b"-1",
        b"1e3",
        b" ",
        b"]}",
    ]
)


@unhurried
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3), SNIPPETS), min_size=1, max_size=2))
def test_lines_that_were_damaged(damages: list[tuple[int, int, bytes]]) -> None:
    """Of a line that isn't as it was written, a form makes what the general path makes of it, or nothing."""
    forms = Forms(document_when_sent)
    entries = [payloads.entry({**copy.deepcopy(PLAIN), "session_id": "s"}, seq=number) for number in range(3)]
    assert [check(forms, entry) for entry in entries] == [False, False, True]
    line = orjson.dumps(entries[2])
    for place, length, snippet in damages:
        start = place % len(line)
        line = line[:start] + snippet + line[start + length :]
    filled = forms.fill(line, NOW, "day")
    if filled is not None:
        assert filled == prepared(document_when_sent(orjson.loads(line), NOW), "day")
