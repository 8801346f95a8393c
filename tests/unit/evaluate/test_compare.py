"""Comparing two versions: the interval says what chance can explain."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from shipper.errors import UsageError
from shipper.evaluate.compare import CONFIDENCE, compare, estimate, estimate_share, sentence


def test_wilsons_interval() -> None:
    """As the literature has it: 8 of 10."""
    found = estimate([1.0] * 8 + [0.0] * 2)
    assert (found.count, found.mean) == (10, 0.8)
    assert (found.low, found.high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


@given(st.integers(1, 5000), st.data())
@settings(max_examples=50, deadline=None)
def test_wilsons_interval_is_scipys(count: int, data: st.DataObject) -> None:
    """Of none, of all and of everything between."""
    hits = data.draw(st.integers(0, count) | st.sampled_from([0, count]))
    found = estimate_share(hits, count)
    scipys = binomtest(hits, count).proportion_ci(CONFIDENCE, method="wilson")
    assert (found.low, found.high) == (
        pytest.approx(scipys.low, abs=1e-9),
        pytest.approx(scipys.high, abs=1e-9),
    )
    assert 0 <= found.low <= found.mean <= found.high <= 1


def test_newcombes_interval() -> None:
    """Newcombe's own example (1998): 56 of 70 against 48 of 80 differ by 0.2, from 0.0524 to 0.3339."""
    found = compare([1.0] * 48 + [0.0] * 32, [1.0] * 56 + [0.0] * 14)
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert found.is_clear
    assert (
        sentence("exact", ("1.0", "2.0"), found)
        == "exact: 2.0 is better than 1.0 by 20.0 points (+5.2 to +33.4 points; of 80 and 70 scores)."
    )


def test_graded_scores_are_bootstrapped_reproducibly() -> None:
    """The same scores give the same interval, which holds the difference."""
    rng = random.Random(5)
    first, second = ([rng.random() ** power for _ in range(200)] for power in (1, 2))
    found = compare(first, second)
    assert found == compare(first, second)
    assert found.low < found.difference < found.high < 0
    assert "worse" in sentence("similarity", ("a", "b"), found)


def test_too_few_scores_say_nothing() -> None:
    """However large the difference."""
    found = compare([0.0] * 9, [1.0] * 500)
    assert not found.enough
    assert not found.is_clear
    assert sentence("x", ("a", "b"), found).startswith("x: too few to say anything: 9 scores of a, 500 of b")


def test_no_difference_tells_how_many_would_show_one() -> None:
    """An interval that holds zero, and what it would take."""
    found = compare([1.0] * 14 + [0.0] * 6, [1.0] * 15 + [0.0] * 5)
    assert not found.is_clear
    assert found.needed is not None
    assert found.needed > 1000
    assert "no difference between a and b is shown" in sentence("x", ("a", "b"), found)
    assert compare([1.0] * 20, [1.0] * 20).needed is None


def test_without_scores_there_is_nothing_to_compare() -> None:
    """Told, not divided by."""
    with pytest.raises(UsageError, match="no score"):
        estimate([])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_an_interval_holds_its_estimate(first: list[float], second: list[float]) -> None:
    """And stays within what differences can be."""
    found = compare(first, second)
    assert -1 <= found.low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= found.high <= 1
    assert sentence("x", ("a", "b"), found)
