"""Values and changes as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.panels.catalogue import PANELS
from shipper.panels.model import Threshold
from shipper.report.sparks import bar, sparkline
from shipper.report.units import change_text, difference_text, level, trend, value_text

POSITIVE = PANELS["overview-positive"].metrics[0]
P95 = PANELS["overview-p95"].metrics[0]
CALLS = PANELS["overview-calls"].metrics[0]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0412, "share", "4.1 %"),
        (0.834, "score", "0.83"),
        (950.2, "ms", "950 ms"),
        (0.42, "s", "420 ms"),
        (3.0 * 86_400_000, "ms", "3.0 days"),
        (9_000_000.0, "ms", "2.5 h"),
        (1234.5, "USD", "$1,234.50"),
        (0.00123, "USD", "$0.0012"),
        (12_345.0, "calls", "12,345"),
        (1_234_567.0, "tokens", "1.2M"),
        (1.66, "calls per conversation", "1.7"),
        (None, "calls", "–"),
        (float("nan"), "ms", "–"),
        (1e30, "time", "–"),
    ],
)
def test_values(value: float | None, unit: str, shown: str) -> None:
    """Each unit has its form, and what is unknown is a dash, never zero."""
    assert value_text(value, unit) == shown  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("metric", "now", "before", "said", "moved"),
    [
        (POSITIVE, 0.80, 0.85, "−5.0 points", "worse"),
        (POSITIVE, 0.90, 0.85, "+5.0 points", "better"),
        (P95, 1200.0, 1000.0, "+20 %", "worse"),
        (P95, 1001.0, 1000.0, "same", "same"),
        (CALLS, 3000.0, 100.0, "30 times", "changed"),
        (CALLS, 100.0, 0.0, "", "unknown"),
        (CALLS, None, 5.0, "", "unknown"),
    ],
)
def test_changes(metric: object, now: float | None, before: float | None, said: str, moved: str) -> None:
    """Shares change by points, others by percent; which way is good depends on the metric."""
    assert change_text(metric.unit, now, before) == said  # type: ignore[attr-defined]
    assert trend(metric, now, before) == moved  # type: ignore[arg-type]


def test_differences_have_their_sign() -> None:
    """Also zero, which has none."""
    assert difference_text("ms", -38.0) == "−38 ms"
    assert difference_text("share", 0.021) == "+2.1 points"
    assert difference_text("USD", 0.0) == "±$0.00"


def test_the_worst_threshold_counts() -> None:
    """Whatever their order; one of another metric, or of the other side, does not."""
    limits = (Threshold("x", 0.5, "bad"), Threshold("x", 0.1, "warn"), Threshold("y", 0.0, "bad"))
    assert [level(limits, "x", value) for value in (0.05, 0.2, 0.6, None)] == ["", "warn", "bad", ""]
    assert level((Threshold("x", 0.8, "warn", "below"),), "x", 0.7) == "warn"


@given(st.lists(st.none() | st.floats(0, 1e12), max_size=200), st.integers(1, 80))
def test_a_sparkline_fits(values: list[float | None], width: int) -> None:
    """It is never wider than asked for, and a known value never shows as a blank where it has a place of its own."""
    drawn = sparkline(values, width)
    assert len(drawn) == min(len(values), width)
    if len(values) <= width:
        assert [one == " " for one in drawn] == [value is None for value in values]


@given(st.none() | st.floats(0, 1e12), st.floats(0, 1e12), st.integers(1, 60))
def test_a_bar_fits(value: float | None, highest: float, width: int) -> None:
    """It has exactly its width, and anything above zero can be seen."""
    drawn = bar(value, highest, width)
    assert len(drawn) == width
    assert bool(drawn.strip()) == bool(value and highest)
