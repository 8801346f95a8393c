"""Points in time as people write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.read.when import parse_when

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EDGE = "0001-01-01T00:00:00+14:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        (" NOW ", NOW),
        ("45s", NOW - timedelta(seconds=45)),
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2 w", NOW - timedelta(weeks=2)),
        ("2026-11-20T08:30:00Z", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20T08:30+02:00", datetime(2026, 11, 20, 6, 30, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20).astimezone()),
        ("2026-11-20 08:30", datetime(2026, 11, 20, 8, 30).astimezone()),
    ],
)
def test_forms(text: str, moment: datetime) -> None:
    """Ages, dates and times are understood; without a zone the machine's own is meant."""
    assert parse_when(text, NOW) == moment


def test_a_date_that_ends_a_span_includes_its_day() -> None:
    """`--until` a date means until that day is over; a time means itself."""
    assert parse_when("2026-11-20", NOW, end=True) == datetime(2026, 11, 21).astimezone()
    assert parse_when("20261120", NOW, end=True) == datetime(2026, 11, 21).astimezone()
    assert parse_when("2026-W47-5", NOW, end=True) == datetime(2026, 11, 21).astimezone()
    assert parse_when("2026-11-20T10:00:00Z", NOW, end=True) == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2h ago", "2026-13-01", "999999w", "12", "h", "-2h", EDGE])
def test_anything_else_is_explained(text: str) -> None:
    """What is no point in time is shown with the forms that are."""
    with pytest.raises(UsageError, match=r"no point in time.*2026-11-21T08:30"):
        parse_when(text, NOW)


@given(st.text(max_size=20) | st.dates().map(str) | st.datetimes().map(str))
def test_any_text_is_a_moment_or_a_usage_error(text: str) -> None:
    """No text, and no date at the edge of the calendar, makes it fail in another way."""
    with contextlib.suppress(UsageError):
        assert parse_when(text, NOW, end=True).tzinfo is not None
