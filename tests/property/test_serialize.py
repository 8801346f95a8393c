"""Property tests: whatever the value, the serialiser returns strict JSON and leaves the value alone."""

from __future__ import annotations

import enum
import json
from collections import ChainMap, OrderedDict, deque
from dataclasses import make_dataclass
from decimal import Decimal
from math import isfinite
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from shipper.record.ids import content_hash
from shipper.record.serialize import to_json

surrogates = st.text(st.characters(categories=["Cs", "Ll", "Cc", "So"]), max_size=5)
plain_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
plain = st.recursive(
    plain_scalars,
    lambda parts: st.lists(parts, max_size=5) | st.dictionaries(st.text(max_size=8), parts, max_size=5),
    max_leaves=30,
)


armed = False


def hostile(method: str, error: BaseException) -> object:
    """An object with a method that raises while a test runs, and is harmless while Hypothesis looks at it."""

    def fail(self: object, *arguments: Any, **named: Any) -> Any:
        if armed:
            raise error
        return getattr(object, method)(self, *arguments, **named)

    return type(
        "Hostile", (), {method: fail, "__repr__": fail if method == "__repr__" else object.__repr__}
    )()


def circular(part: Any) -> list[Any]:
    ring = [part, {}]
    ring[1]["ring"] = ring
    return ring


def nested(part: Any, depth: int) -> Any:
    for _ in range(depth):
        part = [part] if depth % 2 else {"d": part}
    return part


hashable = st.one_of(
    plain_scalars,
    surrogates,
    st.floats(),
    st.integers(),
    st.binary(max_size=5),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.complex_numbers(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.tuples(st.integers(), surrogates),
    st.frozensets(st.integers() | surrogates, max_size=3),
    st.sampled_from([int, len, enum.Enum("E", {"A": float("nan")})["A"], NotImplemented, ..., object()]),
)
leaves = st.one_of(
    hashable,
    st.sampled_from(["__repr__", "__getattribute__", "__str__", "model_dump", "to_dict"]).flatmap(
        lambda method: st.sampled_from(
            [ValueError("no"), SystemExit(1), RecursionError(), UnicodeError()]
        ).map(lambda error: hostile(method, error))
    ),
    st.just(Decimal("sNaN")),
    st.floats(width=32).map(np.float32),
    st.lists(st.floats(), max_size=3).map(np.array),
    st.integers(0, 2**64 - 1).map(np.uint64),
    st.binary(max_size=5).map(bytearray),
    st.text(max_size=5).map(lambda text: ChatCompletionMessage(role="assistant", content=text)),
    st.text(max_size=5).map(ValueError),
    st.just(1).map(lambda _: iter([1, 2])),
)


def containers(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    dicts = st.dictionaries(hashable, parts, max_size=4)
    lists = st.lists(parts, max_size=4)
    texts = st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), parts, max_size=4)
    return st.one_of(
        dicts,
        lists,
        lists.map(tuple),
        lists.map(deque),
        dicts.map(OrderedDict),
        dicts.map(MappingProxyType),
        dicts.map(ChainMap),
        dicts.map(lambda value: value.items()),
        texts.map(lambda fields: SimpleNamespace(**fields)),
        parts.map(lambda part: make_dataclass("Row", ["a", "b"])(part, 1)),
        parts.map(circular),
        parts.map(lambda part: [part, part]),
        st.tuples(parts, st.integers(1, 400)).map(lambda pair: nested(*pair)),
    )


values = st.recursive(leaves, containers, max_leaves=12)


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


@given(values)
@settings(max_examples=400, deadline=None)
def test_any_value_becomes_strict_json(value: Any) -> None:
    """No value raises; the result is UTF-8, strict JSON, without a key twice, and serialises to itself."""
    global armed
    armed = True
    try:
        data, changed = to_json({"request": value})
    finally:
        armed = False

    keys_twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            keys_twice.append(str(pairs))
        return dict(pairs)

    parsed = json.loads(data.decode("utf-8"), parse_constant=refuse, object_pairs_hook=unique)
    assert keys_twice == []
    assert (orjson.dumps(parsed), []) == to_json(parsed)
    assert orjson.dumps(changed)
    assert all(": " in what for what in changed)


@given(plain)
@settings(max_examples=200, deadline=None)
def test_plain_json_comes_back_unchanged(value: Any) -> None:
    """What JSON can hold is read back equal, type by type, and nothing is reported."""
    data, changed = to_json(value)

    assert changed == []
    assert json.dumps(value, ensure_ascii=False) == json.dumps(json.loads(data), ensure_ascii=False)


@given(plain)
@settings(max_examples=200, deadline=None)
def test_the_copying_road_agrees_with_the_direct_one(value: Any) -> None:
    """An odd neighbour makes no difference to how a value is written."""
    direct, _ = to_json({"value": value})
    beside, changed = to_json({"value": value, "odd": float("nan")})

    assert direct[:-1] + b',"odd":null}' == beside
    assert changed == ["odd: NaN"]


@given(st.lists(st.floats() | st.integers() | surrogates, max_size=60))
@settings(max_examples=200, deadline=None)
def test_exactly_the_changed_parts_are_reported(value: list[Any]) -> None:
    """A part is reported if and only if JSON says something else than the part."""
    data, changed = to_json(value)

    def differs(part: Any) -> bool:
        if isinstance(part, str):
            return any("\ud800" <= character <= "\udfff" for character in part)
        return not isfinite(part) if isinstance(part, float) else not -(2**63) <= part < 2**63

    assert [f"[{index}]" for index, part in enumerate(value) if differs(part)][:50] == [
        what.partition(":")[0] for what in changed[:50]
    ]
    assert len(value) == len(orjson.loads(data))


@given(st.decimals(allow_nan=False, allow_infinity=False))
@settings(max_examples=300, deadline=None)
def test_a_decimal_is_a_number_only_if_no_digit_is_lost(value: Decimal) -> None:
    """A Decimal written as a number reads back as the same decimal; otherwise its text does."""
    data, changed = to_json([value])

    assert value == Decimal(str(json.loads(data, parse_float=Decimal)[0]))
    assert bool(changed) == data.startswith(b'["')


@given(st.dictionaries(st.text(max_size=8), plain, max_size=6), st.randoms())
@settings(max_examples=200, deadline=None)
def test_the_content_hash_survives_the_journey(call: dict[str, Any], random: Any) -> None:
    """A call has one hash: in any order of its keys, as a mapping, as JSON, and read back from JSON."""
    items = list(call.items())
    random.shuffle(items)

    data, _ = to_json(call)

    assert (
        content_hash(call)
        == content_hash(dict(items))
        == content_hash(data)
        == content_hash(orjson.loads(data))
    )
