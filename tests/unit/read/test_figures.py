"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.read.figures import (
    cost_text,
    count_text,
    duration_text,
    money_text,
    time_text,
    tokens_text,
    value_at,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 ms"),
        (849.6, "850 ms"),
        (1040.0, "1.0 s"),
        (99_900, "99.9 s"),
        (200_000, "3 min 20 s"),
        (None, "–"),
        ("x", "–"),
    ],
)
def test_durations(value: Any, shown: str) -> None:
    """Milliseconds in the unit that suits them."""
    assert duration_text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (131, "131"),
        (9_999, "9999"),
        (12_345, "12.3k"),
        (1_234_567, "1.2M"),
        (None, "–"),
        (True, "–"),
    ],
)
def test_counts(value: Any, shown: str) -> None:
    """Tokens, shortened when there are many."""
    assert count_text(value) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (12.3, "$12.30"),
        (0.5, "$0.50"),
        (0.0012, "$0.0012"),
        (3.18e-05, "$0.000032"),
        (0, "$0.00"),
        (None, "–"),
    ],
)
def test_money(amount: Any, shown: str) -> None:
    """Small amounts keep two significant digits."""
    assert money_text(amount) == shown


def test_money_of_other_currencies() -> None:
    """Another currency is named."""
    assert money_text(1.5, "EUR") == "1.50 EUR"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("unknown_model", "(unknown model)"),
        ("no_usage", "(no usage)"),
        ("pending", "(not priced yet)"),
        (None, "–"),
    ],
)
def test_unknown_cost_is_never_zero(status: str | None, shown: str) -> None:
    """A call without a cost says why, and shows no figure."""
    assert cost_text({"llm": {"cost": {"status": status}}}) == shown


def test_tokens() -> None:
    """Tokens in and out; either may be missing."""
    usage = {"input_tokens": 104, "output_tokens": 27}
    assert tokens_text({"gen_ai": {"usage": usage}}) == "104→27"
    assert tokens_text({"gen_ai": {"usage": {"input_tokens": 6}}}) == "6→–"
    assert tokens_text({}) == "–"


def test_times() -> None:
    """Today's times lose the date, this year's the year, and a whole one keeps everything."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC).astimezone()
    today = now.replace(hour=8, minute=9, second=39)
    assert time_text(today.isoformat(), now=now) == "08:09:39"
    assert time_text("2026-03-05T12:00:00+00:00", now=now).startswith("03-05 ")
    assert time_text("2025-03-05T12:00:00+00:00", now=now) == "2025-03-05"
    assert time_text(today.isoformat()).startswith("2026-11-21 08:09:39.000")
    assert time_text("+20000-01-01", now=now) == "+20000-01-01"
    assert time_text(None, now=now) == "–"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
)


@given(JSON)
def test_any_value_has_a_text(value: Any) -> None:
    """Foreign documents may hold anything anywhere."""
    assert all(isinstance(make(value), str) for make in (duration_text, count_text, money_text, time_text))
    value_at({"a": value}, "a.b.a")
