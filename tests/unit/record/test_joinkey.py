"""Tests of shipper.record.joinkey: which dicts give the same key, and which are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from itertools import combinations
from math import inf, nan
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from shipper.errors import UsageError
from shipper.record.joinkey import JoinKey

key = JoinKey.from_dict


class Plan(Enum):
    PRO = "pro"


def test_the_canonical_form_does_not_change() -> None:
    """The documented example keeps its key for ever: keys are stored for years."""
    canonical = b"m35:s4:paidts4:plans3:pros5:orderd3:1e3"

    made = key({"order": 1000, "plan": "pro", "paid": True})

    assert made == "jk1:04823718f47cd5b20a5949a4fc16eee5"
    assert "jk1:" + blake2b(canonical, digest_size=16).hexdigest() == made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1000}, {"a": Decimal("1E+3")}),
        ({"a": 1000.0}, {"a": Decimal("1000.00")}),
        ({"a": 0.1}, {"a": Decimal("0.10")}),
        ({"a": 10**22}, {"a": 1e22}),
        ({"a": 0}, {"a": -0.0}),
        ({"a": Decimal("-0")}, {"a": Decimal("0E+10")}),
        ({"a": np.int64(3)}, {"a": 3}),
        ({"a": np.float64(0.5)}, {"a": 0.5}),
        ({"a": np.bool_(True)}, {"a": True}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({"a": {1, 2, 3}}, {"a": frozenset({3, 2, 1})}),
        ({"a": {1, "1", None}}, {"a": {None, "1", 1}}),
        ({"a": UUID(int=5)}, {"a": "00000000-0000-0000-0000-000000000005"}),
        ({"a": Plan.PRO}, {"a": "pro"}),
        ({Plan.PRO: 1}, {"pro": 1}),
        ({"a": b"x"}, {"a": bytearray(b"x")}),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({"a": datetime(2025, 1, 2, 12, tzinfo=UTC)}, {"a": datetime(2025, 1, 2, 14, tzinfo=timezone(timedelta(hours=2)))}),
        ({"a": datetime(2025, 1, 2, 12, tzinfo=UTC)}, {"a": datetime(2025, 1, 2, 12)}),
    ],
)  # fmt: skip
def test_dicts_of_the_same_meaning_have_the_same_key(one: Any, other: Any) -> None:
    """What a database or JSON may hand back in another type, or order, gives the same key."""
    assert key(one) == key(other)


def test_values_of_different_meaning_have_different_keys() -> None:
    """Values that look alike but are not the same never share a key."""
    different: list[Any] = [
        None, True, False, 0, 1, -1, 10, 0.1, Decimal("0.10000000000000001"), "", "0", "1", "true", "null",
        b"", b"1", [], {}, set(), [0], [[]], [[], []], {"": None}, {"a": None}, {1}, [1], (1, 1), ["1"], {"1": 1},
        date(2025, 1, 2), datetime(2025, 1, 2), "2025-01-02", "é", "e\u0301", "n", "s0:", ["s", 0], ["a", "b"], ["ab"],
        {"a": "b"}, {"ab": ""}, {"a": {"b": 1}}, {"a.b": 1}, 2**53, 2**53 + 1, "\ud800", "\ufffd",
    ]  # fmt: skip
    unique = {repr(value): value for value in different}

    keys = {name: key({"v": value}) for name, value in unique.items()}

    assert [(one, other) for one, other in combinations(keys, 2) if keys[one] == keys[other]] == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"a": {"b": nan}}, "a.b is NaN"),
        ({"a": [0, inf]}, r"a\[1\] is Infinity"),
        ({"a": Decimal("sNaN")}, "a is sNaN"),
        ({"a": np.float64("nan")}, "a is NaN"),
        ({"a": object()}, "a is an object, which has no canonical form"),
        ({"a": 1j}, "a is a complex"),
        ({1: 2}, "the dict has a key that is an int"),
        ({"a": {None: 2}}, "a has a key that is a NoneType"),
        ({"a": 1 << 20_000}, "more than 10,000 bits"),
        ({"a": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "no instant in UTC"),
        ("a text", "needs a dict, and got a str"),
        ([("a", 1)], "needs a dict, and got a list"),
    ],
)
def test_what_has_no_canonical_form_is_refused(bad: Any, message: str) -> None:
    """A value that could not be matched reliably is refused, with its place and what to do instead."""
    with pytest.raises(UsageError, match=message):
        key(bad)


def test_a_cycle_is_refused() -> None:
    """A dict that contains itself is refused instead of never ending."""
    cycle: dict[str, Any] = {}
    cycle["a"] = [cycle]

    with pytest.raises(UsageError, match="nested deeper than 50 levels, or contains itself"):
        key(cycle)


def test_the_dict_is_not_modified() -> None:
    """Making a key leaves the dict as it was."""
    value = {"b": [2, 1], "a": {3, 4}}

    key(value)

    assert {"b": [2, 1], "a": {3, 4}} == value
    assert list(value) == ["b", "a"]
