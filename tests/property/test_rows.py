"""A document of a row that was not read is the general path's, to the last byte."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.history.build import Builder
from shipper.history.event import Lookup, Rejected, Row
from shipper.history.formats.registry import format_named
from shipper.history.sources.lines import read
from shipper.settings import Settings
from tests.fixtures.record.strategies import JSON, Json, paths, unhurried
from tests.property.test_forms import FIGURES, PLAIN, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.sink.base import Prepared

FORM = format_named("pairs")
SAID: Json = {
    "user": "u-1",
    "session": "s-1",
    "user_id": "u-2",
    "message": "answered",
    "trace_id": "t-1",
    "id": "7",
    "uuid": "5f0c6d5e-1111-7000-8000-000000000000",
    "event_id": "e-1",
    "tags": ["a"],
    "join_keys": ["order-5"],
    "team": "red",
    "status": 200,
    "end_time": "2025-11-21T07:30:43Z",
    "created_at": 1_763_710_239.5,
    "latency_ms": 850,
    "duration": 0.85,
    "cost": 0.25,
    "error": {"type": "late"},
    "prompt_name": "p",
}
TIMES = (
    st.integers(10**9, 4 * 10**9)
    | st.floats(10**9, 4 * 10**9)
    | st.integers(0, 2**63)
    | st.sampled_from(["2025-11-21T07:30:41.500Z", "2025-11-21T07:30:41", "1763710240", "soon", ""])
)
SPANS = st.integers(-1, 10**6) | st.floats(0, 1e12, allow_nan=False)
WRITERS: list[Callable[[Any], bytes]] = [
    orjson.dumps,
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    lambda value: json.dumps(value, separators=(",", ":")).encode(),
    lambda value: json.dumps(value, separators=(" ,", " : ")).encode(),
]


def builder() -> Builder:
    return Builder(Settings(), app="shop", version=None, batch_id="b", now_ns=1_763_800_000_000_000_000)


def built(by: Builder, number: int, text: bytes) -> list[Prepared] | str:
    try:
        return by.build(Row("calls.jsonl", number, 0, text, read=read), FORM, Lookup(), None)
    except Rejected as fault:
        return f"{fault.reason}: {fault}"


def check(texts: list[bytes]) -> None:
    """Rows of one file become what each becomes as the first of its own."""
    together = builder()
    found = [built(together, number, text) for number, text in enumerate(texts, 1)]
    assert found == [built(builder(), number, text) for number, text in enumerate(texts, 1)]


@st.composite
def kinds(draw: st.DrawFn) -> Json:
    """A plain pair that says this or that besides, in any order."""
    said = draw(st.lists(st.sampled_from(sorted(SAID)), max_size=5, unique=True))
    start = draw(st.sampled_from(["timestamp", "started_at", "created_at", "time", ""]))
    row: Json = {name: copy.deepcopy(SAID[name]) for name in said}
    if start:
        row[start] = 1_763_710_240
    row[draw(st.sampled_from(["request", "kwargs"]))] = copy.deepcopy(PLAIN["request"])
    row[draw(st.sampled_from(["response", "result"]))] = copy.deepcopy(PLAIN["response"])
    return {name: row[name] for name in draw(st.permutations(list(row)))}


@st.composite
def alike(draw: st.DrawFn, kind: Json) -> Json:
    """A row of the same kind, with other ids, times, texts and figures."""
    row = copy.deepcopy(kind)
    request = row["request"] if "request" in row else row["kwargs"]
    response = row["response"] if "response" in row else row["result"]
    for message in (*request["messages"], response["choices"][0]["message"]):
        message["content"] = draw(TEXTS)
    response["id"], response["created"] = draw(TEXTS), draw(FIGURES)
    usage = response["usage"]
    prompt, completion = draw(FIGURES), draw(FIGURES)
    odd = draw(st.sampled_from([0] * 20 + [1]))  # seldom a part is larger than its whole
    usage |= {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion + odd,
    }
    usage["prompt_tokens_details"]["cached_tokens"] = draw(st.integers(0, prompt)) + odd
    usage["completion_tokens_details"]["reasoning_tokens"] = draw(st.integers(0, completion))
    for name in ("user", "session", "user_id", "message", "trace_id", "id", "uuid", "event_id", "team"):
        if name in row:
            row[name] = draw(TEXTS)
    for name in ("timestamp", "started_at", "created_at", "time", "end_time"):
        if name in row and draw(st.booleans()):
            row[name] = draw(TIMES)
    for name in ("latency_ms", "duration"):
        if name in row:
            row[name] = draw(SPANS)
    return row


@settings(unhurried, max_examples=150)
@given(kinds().flatmap(lambda kind: st.lists(alike(kind), min_size=4, max_size=8)), st.sampled_from(WRITERS))
def test_any_values_in_the_gaps(rows: list[Json], write: Callable[[Any], bytes]) -> None:
    """Whatever stands in the gaps of a pair of any plain kind, however it is written, its document is the same."""
    check([write(row) for row in rows])


@settings(unhurried, max_examples=100)
@given(st.data(), st.sampled_from(WRITERS))
def test_any_other_row(data: st.DataObject, write: Callable[[Any], bytes]) -> None:
    """A row that says another thing anywhere, or lacks it, is not taken for one of the rows before it."""
    kind = data.draw(kinds())
    other = copy.deepcopy(kind)
    *parents, last = data.draw(st.sampled_from(paths(other)))
    target: Any = other
    for key in parents:
        target = target[key]
    if data.draw(st.booleans()):
        target[last] = data.draw(JSON)
    else:
        del target[last]
    check([write(row) for row in (kind, kind, kind, other, other, other, kind)])


DAMAGES = [
    b'"',
    b"\\",
    b'\\"',
    b'","',
    b'",["',
    b'"],"',
    b"\\u00e9",
    b"\\ud800",
    b"\\/",
    b"00",
    b"-1",
    b"1e3",
    b" ",
]
MEMBERS = [
    b',"timestamp":5',
    b'","timestamp":"5',
    b'"},{"role":"user","content":"',
    b',"user":"x"',
    b"]}",
    b"\xff",
]
SNIPPETS = st.binary(max_size=4) | st.sampled_from([*DAMAGES, *MEMBERS])


@settings(unhurried, max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3), SNIPPETS), min_size=1, max_size=3),
    st.sampled_from(["timestamp", "user"]),
)
def test_rows_that_were_damaged(damages: list[tuple[int, int, bytes]], last: str) -> None:
    """A row that isn't as it was written is read, or rejected, as if no other had come before it."""
    row = {**PLAIN, "user": "u1", "latency_ms": 80.5, "timestamp": 1_763_710_240}
    row[last] = row.pop(last)
    line = orjson.dumps(row)
    damaged = line
    for place, length, snippet in damages:
        start = place % len(damaged)
        damaged = damaged[:start] + snippet + damaged[start + length :]
    check([line, line, line, damaged])


@pytest.mark.parametrize("said", [{}, *({key: value} for key, value in SAID.items())], ids=str)
@pytest.mark.parametrize("write", WRITERS[:4], ids=["orjson", "json", "utf-8", "compact"])
def test_plain_rows_are_not_read(said: Json, write: Callable[[Any], bytes]) -> None:
    """The fourth of a kind is not decoded, with whatever is usually said besides; short ids and prices are looked at."""
    row = {"timestamp": 1_763_710_240, **copy.deepcopy(PLAIN), **said}
    by, asked = builder(), list[int]()

    def counted(row: Row) -> None:
        asked.append(row.line)
        read(row)

    for number in range(1, 6):
        text = write({**row, "timestamp": row["timestamp"] - number})
        by.build(Row("calls.jsonl", number, 0, text, read=counted), FORM, Lookup(), None)
    assert asked == ([1, 2, 3, 4, 5] if said.keys() & {"cost", "event_id", "created_at"} else [1, 2, 3])
