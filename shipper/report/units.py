"""Values of panels as people read them, and how they changed. Pure; never raises."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from shipper.read.figures import MISSING, count_text, duration_text, money_text

if TYPE_CHECKING:
    from shipper.panels.model import Metric, Threshold, Unit

Trend = Literal["better", "worse", "changed", "same", "unknown"]

_SMALLEST_CHANGE = 0.005
"""A change below half a percent, or half a point of a share, is none."""
_HOUR_MS = 3_600_000
_HOURS_FROM, _DAYS_FROM = 2, 3


def value_text(value: float | None, unit: Unit) -> str:
    """A value with its unit: `4.1 %`, `1.2 s`, `$0.0031`, `12.3k`; a dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return MISSING
    match unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "score":
            return f"{value:.2f}"
        case "ms":
            return _span_text(value)
        case "s":
            return _span_text(1000 * value)
        case "USD":
            return f"${value:,.2f}" if abs(value) >= 1 else money_text(value)
        case "time":
            return _moment_text(value)
        case _:
            return _count(value)


def trend(metric: Metric, value: float | None, previous: float | None) -> Trend:
    """Whether a metric became better."""
    moved = _moved(metric.unit, value, previous)
    if moved is None:
        return "unknown"
    if abs(moved) < _SMALLEST_CHANGE:
        return "same"
    if not metric.better:
        return "changed"
    return "better" if (moved > 0) == (metric.better == "higher") else "worse"


def change_text(unit: Unit, value: float | None, previous: float | None) -> str:
    """How a value changed: `+12 %`, of a share or score `−2.1 points`; empty when one of them is unknown."""
    moved = _moved(unit, value, previous)
    if moved is None:
        return ""
    if abs(moved) < _SMALLEST_CHANGE:
        return "same"
    sign = "+" if moved > 0 else "−"
    if unit in ("share", "score"):
        return f"{sign}{100 * abs(moved):.1f} points"
    if moved >= 9.995:  # of something that hardly was, percents say nothing
        return f"{moved + 1:,.0f} times"
    return f"{sign}{100 * abs(moved):.0f} %"


def difference_text(unit: Unit, difference: float) -> str:
    """A difference with its sign: `−38 ms`, `+2.1 points`."""
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    if unit in ("share", "score"):
        return f"{sign}{100 * abs(difference):.1f} points"
    return sign + value_text(abs(difference), unit)


def level(thresholds: tuple[Threshold, ...], metric: str, value: float | None) -> Literal["", "warn", "bad"]:
    """The worst threshold that a value crosses."""
    found: Literal["", "warn", "bad"] = ""
    for one in thresholds:
        if one.metric != metric or value is None:
            continue
        crossed = value > one.value if one.side == "above" else value < one.value
        if crossed and found != "bad":
            found = one.level
    return found


def _moved(unit: Unit, value: float | None, previous: float | None) -> float | None:
    """The change: of shares and scores their difference, of all others a part of what was before."""
    if value is None or previous is None or unit == "time":
        return None
    if unit in ("share", "score"):
        return value - previous
    return (value - previous) / previous if previous > 0 else None


def _count(value: float) -> str:
    if value != round(value) and abs(value) < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}" if abs(value) < 100_000 else count_text(value)


def _span_text(milliseconds: float) -> str:
    """As a page shows a call's duration, and hours and days beyond what a call takes."""
    if milliseconds < _HOURS_FROM * _HOUR_MS:
        return duration_text(milliseconds)
    hours = milliseconds / _HOUR_MS
    return f"{hours:.1f} h" if hours < _DAYS_FROM * 24 else f"{hours / 24:.1f} days"


def _moment_text(epoch_ms: float) -> str:
    try:
        return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return MISSING
