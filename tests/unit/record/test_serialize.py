"""Tests of shipper.record.serialize: any value becomes strict JSON, and what was changed is said."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessage

from shipper.record import serialize
from shipper.record.serialize import NO_STACK, to_json

RESPONSE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1763710242,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "Grüße 👋", "refusal": None},
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


def test_a_plain_record_is_what_orjson_makes_of_it() -> None:
    """A value of JSON's own types is written as orjson writes it, and nothing is reported."""
    value = {
        "request": {"messages": [{"role": "user", "content": "hi"}], "n": 2, "t": 0.5},
        "response": RESPONSE,
    }

    assert (orjson.dumps(value), []) == to_json(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, b"null"),
        (True, b"true"),
        ("", b'""'),
        ({}, b"{}"),
        ([], b"[]"),
        ({"": {"": 1}}, b'{"":{"":1}}'),
        ((1, (2, ())), b"[1,[2,[]]]"),
        ("\0", b'"\\u0000"'),
        (2**63 - 1, b"9223372036854775807"),
        (-(2**63), b"-9223372036854775808"),
        (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        (datetime(2025, 1, 2, 3, 4, 5), b'"2025-01-02T03:04:05"'),
        (datetime(2025, 1, 2, 3, 4, 5, 6, UTC), b'"2025-01-02T03:04:05.000006+00:00"'),
    ],
)
def test_what_json_can_say_is_not_reported(value: object, expected: bytes) -> None:
    """Scalars and containers that JSON can hold come through unchanged and unreported."""
    assert (expected, []) == to_json(value)


@pytest.mark.parametrize(
    ("value", "expected", "changed"),
    [
        ({"a": [0.5, nan]}, {"a": [0.5, None]}, ["a[1]: NaN"]),
        ({"a": inf, "b": -inf}, {"a": None, "b": None}, ["a: infinity", "b: infinity"]),
        ([0.5] * 40 + [nan], [0.5] * 40 + [None], ["[40]: NaN"]),
        (nan, None, ["$: NaN"]),
        ({"a": 2**63}, {"a": "9223372036854775808"}, ["a: integer beyond 64 bits, as text"]),
        ({"a": 2**64}, {"a": "18446744073709551616"}, ["a: integer beyond 64 bits, as text"]),
        ({"a": -(2**63) - 1}, {"a": "-9223372036854775809"}, ["a: integer beyond 64 bits, as text"]),
    ],
)
def test_numbers_that_json_or_the_store_cannot_hold_are_reported(
    value: object, expected: object, changed: list[str]
) -> None:
    """NaN and infinities become null, integers past a long become text, and their paths are reported."""
    data, reported = to_json(value)

    assert (expected, changed) == (orjson.loads(data), reported)


def test_a_lone_surrogate_is_replaced_and_a_split_pair_is_joined() -> None:
    """A lone surrogate becomes U+FFFD; two halves of one character become the character."""
    data, changed = to_json({"a": "x\ud83dy", "b": "\ud83d\ude00"})

    assert orjson.loads(data) == {"a": "x\ufffdy", "b": "😀"}
    assert changed == ["a: lone surrogate", "b: lone surrogate"]


def test_an_openai_object_is_what_the_provider_sent() -> None:
    """A response object gives the JSON it was read from: fields that were never sent don't appear."""
    data, changed = to_json({"response": ChatCompletion.model_validate(RESPONSE)})

    assert orjson.loads(data) == {"response": RESPONSE}
    assert changed == []


def test_openai_objects_inside_a_request_are_found() -> None:
    """A message object put back into a request's list of messages is written with its set fields only."""
    message = ChatCompletionMessage(role="assistant", content="hello")

    data, changed = to_json({"request": {"messages": [{"role": "user", "content": "hi"}, message]}})

    assert orjson.loads(data)["request"]["messages"][1] == {"role": "assistant", "content": "hello"}
    assert changed == []


def test_a_cycle_is_cut_and_reported() -> None:
    """A list that contains itself is written once, with a text where it begins again."""
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})

    assert to_json(cycle) == (b'[1,{"again":"<cycle>"}]', ["[1].again: cycle"])


def test_many_lists_in_one_cycle_do_not_take_long() -> None:
    """Objects that all refer to all others end in bounded JSON, not in an endless walk."""
    nodes: list[dict[str, Any]] = [{"name": str(number)} for number in range(12)]
    for node in nodes:
        node["others"] = nodes

    data, changed = to_json(nodes)

    assert len(orjson.loads(data)) == 12
    assert any("cycle" in what or "left out" in what for what in changed)


def test_lists_of_shared_lists_do_not_explode() -> None:
    """Thirty lists, each twice in the next, would be a billion parts: the walk ends, and says so."""
    value: list[Any] = []
    for _ in range(30):
        value = [value, value]

    data, changed = to_json({"bomb": value})

    assert len(data) < 10_000_000
    assert any("left out: more than 50,000 lists and objects" in what for what in changed)


def test_objects_that_make_new_objects_end() -> None:
    """Objects that give two new ones each time they are read can't fill the memory or the day."""

    class Endless:
        def to_dict(self) -> dict[str, Any]:
            return {"a": Endless(), "b": Endless()}

    data, changed = to_json(Endless())

    assert len(data) < 3_000_000
    assert len(changed) == 51


def test_a_ring_of_objects_ends() -> None:
    """A thousand dicts, each with the next and the last with the first, end in bounded JSON."""
    nodes: list[dict[str, Any]] = [{"n": number} for number in range(1000)]
    for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        node["next"] = following

    data, changed = to_json({"nodes": nodes})

    assert len(orjson.loads(data)["nodes"]) == 1000
    assert changed


def test_three_thousand_levels_end_in_text() -> None:
    """What is nested too deeply for JSON parsers becomes text at level 200, and is reported."""
    value: Any = "the bottom"
    for _ in range(3000):
        value = [value]

    data, changed = to_json({"a": value})

    level, part = 0, orjson.loads(data)["a"]
    while isinstance(part, list):
        level, part = level + 1, part[0]
    assert level == 199
    assert part.startswith("[[[")
    assert len(changed) == 1
    assert changed[0].endswith("deeper than 200 levels, as text")


def test_the_input_is_not_modified() -> None:
    """Values that had to be changed are changed in a copy only."""
    value = {"a": [nan, {"b": 2**70, 3: "\ud800"}], "c": (1, {2, 1})}
    before = repr(value)

    to_json(value)

    assert before == repr(value)


def test_the_list_of_changes_is_bounded() -> None:
    """Fifty changes are reported by path, further ones by number."""
    _, changed = to_json({"a": [nan] * 75})

    assert len(changed) == 51
    assert changed[-1] == "$: and 25 more changes"


def test_a_call_on_the_last_frames_of_the_stack_still_returns_json() -> None:
    """However few frames are left to the caller, to_json returns JSON once it could be entered at all."""
    value = {"plain": 1, "odd": nan, "message": ChatCompletionMessage(role="assistant", content="hi")}
    results: list[tuple[bytes, list[str]]] = []

    def descend() -> None:
        results.append(to_json(value))
        descend()

    with pytest.raises(RecursionError):
        descend()

    assert len(results) > 100
    assert all(orjson.loads(data) for data, _ in results)
    assert results[0][1] == ["odd: NaN"]
    assert results[-1][1] == [NO_STACK]


def test_a_thread_with_a_small_stack_is_enough() -> None:
    """The walk and orjson need so little stack that a thread with 64 KiB serialises 3,000 levels."""
    deep: Any = []
    for _ in range(3000):
        deep = [deep]
    results: list[tuple[bytes, list[str]]] = []
    before = threading.stack_size(64 * 1024)
    try:
        thread = threading.Thread(target=lambda: results.append(to_json({"deep": deep, "plain": [[[]]]})))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)

    assert orjson.loads(results[0][0])["plain"] == [[[]]]


def test_a_dict_that_another_thread_changes_is_still_serialised() -> None:
    """While another thread adds and removes keys, each call returns JSON and none raises."""
    shared: dict[str, Any] = {"messages": [{"n": number} for number in range(50)], "odd": {1, 2}}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            shared[f"k{number % 100}"] = [number]
            shared.pop(f"k{(number + 50) % 100}", None)
            shared["messages"].append({"n": number})
            del shared["messages"][0]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        results = [to_json(shared) for _ in range(300)]
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)

    assert all("messages" in orjson.loads(data) for data, _ in results)
    assert {()} == {tuple(changed) for _, changed in results}


def test_nothing_of_the_callers_runs_while_orjson_holds_its_containers() -> None:
    """An object that empties its own list when it is asked for its fields can't crash the process."""
    parts: list[Any] = []

    class Emptying:
        def to_dict(self) -> dict[str, int]:
            parts.clear()
            return {"a": 1}

    parts.extend([Emptying(), *({"k": "v" * 50} for _ in range(1000))])

    data, changed = to_json(parts)

    assert len(orjson.loads(data)) == 1001
    assert changed == []


def test_ten_megabytes_of_text_come_through() -> None:
    """A prompt of 10 MB is serialised whole."""
    text = "ä" * 5_000_000

    data, changed = to_json({"request": {"messages": [{"content": text}]}, "odd": {1}})

    assert text == orjson.loads(data)["request"]["messages"][0]["content"]
    assert changed == []


def test_memory_errors_and_interrupts_are_not_swallowed() -> None:
    """Ctrl-C during somebody's repr ends the program as it should."""

    class Interrupted:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_json(Interrupted())


def test_the_module_imports_no_package_but_orjson() -> None:
    """Numpy, pandas, pydantic and openai are recognised without being imported by us."""
    packages = {"numpy", "pandas", "pydantic", "openai", "anthropic"}
    sources = [
        module.__file__ or ""
        for name, module in sys.modules.items()
        if name
        in {f"shipper.record.{part}" for part in ("serialize", "sanitise", "simplify", "scalars", "plain")}
    ]

    imported = {
        line.split()[1].partition(".")[0]
        for source in sources
        for line in Path(source).read_text("utf-8").splitlines()
        if line.startswith(("import ", "from "))
    }

    assert serialize.__file__ in sources
    assert set() == packages & imported
