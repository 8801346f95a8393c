"""Tests of shipper.record.sanitise and simplify: what becomes of each type."""

from __future__ import annotations

import asyncio
import math
import sys
from array import array
from collections import (
    ChainMap,
    Counter,
    OrderedDict,
    UserDict,
    UserList,
    UserString,
    defaultdict,
    deque,
    namedtuple,
)
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntFlag
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import openai
import orjson
import pydantic
import pytest

from shipper.record.sanitise import key_text, outline, path_text, sanitise, without_surrogates
from shipper.record.serialize import to_json


class Colour(Enum):
    RED = "red"
    BOX = (1, {"a": float("nan")})


class Access(IntFlag):
    READ = 1
    WRITE = 2


class Text(str):
    def __str__(self) -> str:
        raise ValueError


class Number(int):
    def __int__(self) -> int:
        raise ValueError


class Real(float):
    def __float__(self) -> float:
        raise ValueError


class Rows(list):
    def __iter__(self) -> Iterator[Any]:
        raise ValueError


class Fields(dict):
    def items(self) -> Any:
        raise ValueError

    def keys(self) -> Any:
        raise ValueError


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Plain:
    name: str
    when: datetime
    parts: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    name: str
    missing: int = field(init=False)


class Model(pydantic.BaseModel):
    name: str
    score: float = 0.5
    extra: Any = None


class Sealed(Mapping):
    """A Mapping by its abstract methods alone."""

    def __getitem__(self, key: str) -> int:
        return {"a": 1, "b": 2}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


class Endless(Sequence):
    """A Sequence without an end."""

    def __getitem__(self, index: Any) -> Any:
        return index

    def __len__(self) -> int:
        return sys.maxsize


NoZone = type("NoZone", (tzinfo,), {"utcoffset": lambda self, when: 1 / 0})
OldPoint = namedtuple("OldPoint", "x y")  # noqa: PYI024


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Text("héllo"), "héllo"),
        (Number(7), 7),
        (Real(0.5), 0.5),
        (Rows([1, 2]), [1, 2]),
        (Fields(a=1), {"a": 1}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (UserList([1]), [1]),
        (UserString("abc"), "abc"),
        (Sealed(), {"a": 1, "b": 2}),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        (array("d", [1.5]), [1.5]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({1, "a", None}, [None, 1, "a"]),
        (Point(1, 2), {"x": 1, "y": 2}),
        (OldPoint(1, 2), {"x": 1, "y": 2}),
        (SimpleNamespace(a=1), {"a": 1}),
        (Colour.RED, "red"),
        (Access.READ | Access.WRITE, 3),
        (Plain("n", datetime(2025, 1, 1), [1]), {"name": "n", "when": "2025-01-01T00:00:00", "parts": [1]}),
        (Model(name="n"), {"name": "n", "score": 0.5, "extra": None}),
        (Model(name="n", extra={"m": Model(name="inner")})
            , {"name": "n", "score": 0.5, "extra": {"m": {"name": "inner", "score": 0.5, "extra": None}}}),
        (date(2025, 1, 2), "2025-01-02"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2025, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")), "2025-01-02T00:00:00+01:00"),
        (datetime(2025, 1, 2, tzinfo=timezone(timedelta(seconds=1))), "2025-01-02T00:00:00+00:00:01"),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Path("a"), "a"),
        (Decimal("0.10"), 0.1),
        (Decimal("1E+3"), 1000),
        (Decimal("-2.00"), -2),
        (Fraction(3, 4), 0.75),
        (ValueError("no"), {"type": "ValueError", "message": "no"}),
        (orjson.JSONDecodeError("no", "x", 0), {"type": "orjson.JSONDecodeError", "message": "no: line 1 column 1 (char 0)"}),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("s"), "s"),
        (np.longdouble(0.5), 0.5),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([[1.5, 2], [3, 4]])[:, 0], [1.5, 3.0]),
        (np.array(7), 7),
        (np.datetime64("2025-01-02T03:04:05"), "2025-01-02T03:04:05"),
        (pydantic.AnyUrl("https://a.example/"), "https://a.example/"),
        (pydantic.SecretStr("secret"), "**********"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_type_that_has_a_meaning_in_json_is_not_reported(value: object, expected: object) -> None:
    """Types with an obvious JSON form take it, past overridden methods, and nothing is reported."""
    data, changed = to_json({"v": value})

    assert ({"v": expected}, []) == (orjson.loads(data), changed)


@pytest.mark.parametrize(
    ("value", "expected", "what"),
    [
        (b"abc", "YWJj", "bytes, as base64"),
        (bytearray(b"abc"), "YWJj", "bytes, as base64"),
        (memoryview(b"abcdef")[::2], "YWNl", "bytes, as base64"),
        (1 + 2j, "(1+2j)", "complex number, as text"),
        (Fraction(1, 3), "1/3", "fraction, as text"),
        (Decimal("1.2345678901234567890123"), "1.2345678901234567890123", "decimal with more digits than a double, as text"),
        (Decimal("1E+400"), "1E+400", "decimal with more digits than a double, as text"),
        (Decimal("NaN"), None, "NaN"),
        (Decimal("-Infinity"), None, "infinity"),
        (Decimal(2**63), "9223372036854775808", "integer beyond 64 bits, as text"),
        (10**5000, hex(10**5000), "integer beyond 64 bits, as text"),
        (timedelta(minutes=1, milliseconds=500), 60.5, "duration, in seconds"),
        (datetime(2025, 1, 2, tzinfo=NoZone()), "2025-01-02T00:00:00", "time zone not readable"),
        (np.float64("nan"), None, "NaN"),
        (np.uint64(2**64 - 1), "18446744073709551615", "integer beyond 64 bits, as text"),
        (len, "<built-in function len>", "repr of builtin_function_or_method"),
        (Colour, "<enum 'Colour'>", "repr of EnumType"),
        (range(10**12), list(range(10_000)), "only its first 10,000 items"),
        (Endless(), list(range(10_000)), "only its first 10,000 items"),
        (object(), "<object object>", "repr of object"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_json_cannot_say_is_replaced_and_reported(value: object, expected: object, what: str) -> None:
    """A value without a faithful JSON form is replaced by the nearest one, and the report names the change."""
    data, changed = to_json({"v": value})

    assert ({"v": expected}, [f"v: {what}"]) == (orjson.loads(data), changed)


def test_parts_of_numpy_arrays_and_enums_are_reported_by_their_path() -> None:
    """NaN inside an array or an Enum's value is reported where it is, not swallowed."""
    data, changed = to_json({"array": np.array([1.0, float("nan")]), "enum": Colour.BOX})

    assert orjson.loads(data) == {"array": [1.0, None], "enum": [1, {"a": None}]}
    assert changed == ["array[1]: NaN", "enum[1].a: NaN"]


def test_nan_in_an_untyped_field_of_a_model_is_reported() -> None:
    """Pydantic's own JSON mode would make it null without a word."""
    _, changed = to_json(Model(name="n", extra={"x": math.inf}))

    assert changed == ["extra.x: infinity"]


def test_a_parameter_that_was_not_given_leaves_no_key() -> None:
    """The openai package's sentinels mean "not given": their keys are left out, and that is no change."""
    value = {"a": 1, "b": openai.NOT_GIVEN, "c": openai.omit, "d": [openai.omit]}

    assert to_json(value) == (b'{"a":1,"d":[null]}', [])


def test_a_generator_is_not_consumed() -> None:
    """An iterator is named, not run: the application still finds all its items in it."""
    generator = (number for number in range(3))

    data, changed = to_json({"chunks": generator})

    assert list(generator) == [0, 1, 2]
    assert data == b'{"chunks":"<generator object test_a_generator_is_not_consumed.<locals>.<genexpr>>"}'
    assert changed == ["chunks: repr of generator"]


def test_a_coroutine_is_not_awaited() -> None:
    """A coroutine that somebody forgot to await is named, and can still be awaited."""

    async def answer() -> int:
        return 42

    coroutine = answer()

    _, changed = to_json({"response": coroutine})

    assert changed == ["response: repr of coroutine"]
    assert asyncio.run(coroutine) == 42


def test_an_address_in_memory_is_left_out() -> None:
    """The repr of an object is the same in every process, so that a resend has the same content."""
    assert to_json(object())[0] == b'"<object object>"'


def test_a_repr_is_cut_at_a_thousand_characters() -> None:
    """The text of an unknown object is limited."""
    verbose = type("Verbose", (), {"__repr__": lambda self: "é" * 5000})()

    assert orjson.loads(to_json(verbose)[0]) == "é" * 1000


def raising(error: BaseException) -> Any:
    def method(*_: object, **__: object) -> Any:
        raise error

    return method


@pytest.mark.parametrize(
    "error", [ValueError(), SystemExit(1), RecursionError(), GeneratorExit(), StopIteration()]
)
@pytest.mark.parametrize("method", ["__repr__", "model_dump", "to_dict", "__getattribute__", "__class__"])
def test_an_object_whose_methods_raise_is_named(method: str, error: BaseException) -> None:
    """Whatever an object's own methods raise, the record gets its class's name, and no exception comes out."""
    body = property(raising(error)) if method == "__class__" else raising(error)
    bad = type("Bad", (), {method: body, "__repr__": raising(error)})()

    data, changed = to_json({"a": 1, "bad": bad})

    assert orjson.loads(data) == {"a": 1, "bad": "<unserialisable Bad>"}
    assert changed == ["bad: not serialisable"]


@pytest.mark.parametrize("base", [Mapping, Sequence])
def test_a_container_whose_iteration_raises_is_named(base: type) -> None:
    """A Mapping or Sequence that raises when it is read is named, and the rest of the record is kept."""
    methods = dict.fromkeys(("__getitem__", "__iter__", "__len__", "items"), raising(OSError()))
    bad = type("Bad", (base,), methods)()

    assert to_json([1, bad]) == (b'[1,"<unserialisable Bad>"]', ["[1]: not serialisable"])


def test_a_metaclass_that_hides_the_name_is_survived() -> None:
    """Even a class that can't be asked for its name gives text."""
    hiding = type("Hiding", (type,), {"__name__": property(raising(ValueError()))})
    bad = hiding("Bad", (), {"__repr__": raising(ValueError())})()

    assert to_json(bad)[0] == b'"<unserialisable object>"'


@pytest.mark.parametrize("method", ["__hash__", "__eq__", "__instancecheck__"])
@pytest.mark.parametrize("place", ["value", "key", "vector", "deep"])
def test_a_metaclass_whose_methods_raise_is_survived(method: str, place: str) -> None:
    """Types are never compared or hashed by code that is not ours: orjson and the walk only look at identity."""
    methods = {"__hash__": type.__hash__, method: raising(SystemExit(1))}
    bad = type("Meta", (type,), methods)("Bad", (), {"__repr__": lambda self: "bad"})()
    value: Any = {"value": bad, "key": {bad: 1}, "vector": [0.5] * 40 + [bad], "deep": bad}[place]
    for _ in range(250 if place == "deep" else 0):
        value = [value]

    data, changed = to_json({"v": value})

    assert b"bad" in data or b"<unserialisable Bad>" in data
    assert len(changed) == 1


def test_a_deep_object_that_cannot_be_asked_for_its_class_is_survived() -> None:
    """The text that stands for what is too deep does not trust the objects in it either."""
    value: Any = type(
        "Bad", (), {"__getattribute__": raising(ValueError()), "__repr__": raising(ValueError())}
    )()
    for _ in range(201):
        value = [value]

    data, _ = to_json(value)

    assert b"<unserialisable Bad>" in data


def test_a_slot_that_was_never_set_is_reported_alone() -> None:
    """A dataclass with an unset slot keeps its other fields."""
    data, changed = to_json(Slotted("n"))

    assert orjson.loads(data) == {"name": "n", "missing": "<unreadable>"}
    assert changed == ["missing: raised when it was read"]


def test_a_model_that_cannot_be_dumped_gives_its_attributes() -> None:
    """When model_dump raises, the object's attributes are written, and that is reported."""
    broken = type("Broken", (), {"model_dump": raising(TypeError())})()
    broken.name = "n"

    assert to_json(broken) == (b'{"name":"n"}', ["$: model_dump failed, its attributes"])


def test_a_model_of_the_first_pydantic_is_read_by_its_dict_method() -> None:
    """A model without model_dump is read through `dict()`."""
    old = type("Old", (), {"__fields__": {}, "dict": lambda self: {"a": 1}})()

    assert to_json(old) == (b'{"a":1}', [])


def test_an_attrs_class_gives_its_fields() -> None:
    """Classes made by attrs are read by their attributes' names."""
    made = type("Made", (), {"__attrs_attrs__": (SimpleNamespace(name="a"),)})()
    made.a = 1

    assert to_json(made) == (b'{"a":1}', [])


def test_a_table_is_not_turned_into_dicts() -> None:
    """An object with a shape, like a data frame, is written as its short repr although it has to_dict."""
    table = type(
        "Table", (), {"shape": (2, 2), "to_dict": raising(AssertionError()), "__repr__": lambda self: "2x2"}
    )()

    assert to_json(table) == (b'"2x2"', ["$: repr of Table"])


def test_a_mock_is_not_taken_for_a_model() -> None:
    """A mock has every method one asks for; it is written as its repr."""
    data, changed = to_json(MagicMock(name="client"))

    assert orjson.loads(data).startswith("<MagicMock name='client'")
    assert changed == ["$: repr of MagicMock"]


@pytest.mark.parametrize(
    ("key", "text", "what"),
    [
        (1, "1", ""),
        (-2, "-2", ""),
        (1.5, "1.5", ""),
        (True, "true", ""),
        (None, "null", ""),
        (Colour.RED, "red", ""),
        (Text("k"), "k", ""),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000", ""),
        (date(2025, 1, 2), "2025-01-02", ""),
        ((1, "a"), "[1, a]", "tuple as key, as text"),
        (math.nan, "null", "NaN"),
        (b"k", "aw==", "bytes, as base64"),
        (int, "<class 'int'>", "repr of type"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_key_becomes_text(key: object, text: str, what: str) -> None:
    """Keys become the text that JSON encoders give them; what is not obvious is reported."""
    assert (text, what) == key_text(key)


def test_keys_of_the_same_text_are_all_kept() -> None:
    """Keys that become the same text get a number, so that no value is lost, and are reported."""
    data, changed = to_json({1: "int", "1": "str", "1#2": "taken", 1.5: "a", "1.5": "b"})

    assert orjson.loads(data) == {"1": "int", "1#2": "str", "1#2#2": "taken", "1.5": "a", "1.5#2": "b"}
    assert len(changed) == 3
    assert changed[0] == '1: second key of this text, now "1#2"'


def test_surrogates_in_keys_are_replaced() -> None:
    """A key is text too: a lone surrogate in it is replaced and reported."""
    data, changed = to_json({"a" + lone: number for number, lone in enumerate("\udc80\udc81")})

    assert orjson.loads(data) == {"a\ufffd": 0, "a\ufffd#2": 1}
    assert len(changed) == 3


def test_a_set_is_written_in_the_same_order_in_every_process() -> None:
    """Sets of mixed or unsortable items have a fixed order, since content hashes depend on it."""
    assert to_json({"a", 2, 1, (0,)})[0] == b'[1,2,"a",[0]]'


def test_a_path_names_keys_and_positions() -> None:
    """Paths read as one would write them in Python, and never grow long."""
    path: Any = None
    for step in ("request", "messages", "[0]", "content"):
        path = (path, step)
    long: Any = None
    for _ in range(300):
        long = (long, "k" * 1000)

    assert path_text(path) == "request.messages[0].content"
    assert path_text(None) == "$"
    assert len(path_text(long)) <= 301


def test_an_outline_of_a_cycle_ends() -> None:
    """The text that stands for what is too deep is bounded, even for a cycle."""
    cycle: dict[str, Any] = {"text": "found"}
    cycle["self"] = cycle

    text = outline(cycle)

    assert text.startswith("{text: found, self: {text: found")
    assert len(text) == 1000


def test_clean_text_is_not_copied() -> None:
    """Text without surrogates is returned as the same object."""
    text = "ä" * 100

    assert text is without_surrogates(text)


def test_the_thorough_copy_shares_no_container() -> None:
    """A thorough copy has none of the caller's lists and dicts in it."""
    inner = [1]

    copy, changed = sanitise({"a": inner}, thorough=True)

    assert copy == {"a": [1]}
    assert copy["a"] is not inner
    assert changed == []


def test_a_time_without_a_zone_stays_without_one() -> None:
    """Nobody guesses a zone here: the text says what the value says."""
    odd = {1}

    assert (
        to_json([odd, datetime(2025, 1, 2), datetime(2025, 1, 2, tzinfo=UTC)])[0]
        == b'[[1],"2025-01-02T00:00:00","2025-01-02T00:00:00+00:00"]'
    )
