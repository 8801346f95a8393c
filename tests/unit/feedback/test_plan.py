"""When and where an event's completion is looked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.feedback import plan
from shipper.feedback.plan import DAY, SECOND, Moment
from shipper.route import destination


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


@pytest.mark.parametrize(("retention", "window"), [(None, 90), (30, 30), (365, 90), (1, 1)])
def test_the_window_is_90_days_or_the_retention(retention: int | None, window: int) -> None:
    """Whichever is shorter."""
    assert plan.window_days(retention) == window


def test_the_partitions_of_a_window() -> None:
    """Ninety days back, one ahead, monthly and daily; and what has no date."""
    at = ns(datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert plan.patterns_of([plan.moment_of(at, None)], 90) == (
        "llm-completions-*@*-2026.09*",
        "llm-completions-*@*-2026.10*",
        "llm-completions-*@*-2026.11*",
        "llm-completions-*@*-2026.12*",
        plan.UNDATED,
    )


def test_a_known_target_narrows_the_search() -> None:
    """An importer that says when the call was is believed, however old the call is."""
    at, target = ns(datetime(2026, 11, 15, tzinfo=UTC)), ns(datetime(2019, 1, 1, tzinfo=UTC))
    assert plan.patterns_of([plan.moment_of(at, target)], 90) == (
        "llm-completions-*@*-2018.12*",
        "llm-completions-*@*-2019.01*",
        plan.UNDATED,
    )


def test_too_many_months_are_everywhere() -> None:
    """An address has 4,096 bytes; and a batch of history may span decades."""
    moments = [Moment(day) for day in range(0, 20_000, 30)]
    assert plan.patterns_of(moments, 90) == (plan.EVERYWHERE,)
    moments = [Moment(day) for day in range(18_000, 18_000 + 45 * 30, 30)]
    assert len(",".join(plan.patterns_of(moments, 1))) < 2000


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),
    st.timedeltas(timedelta(days=-1), timedelta(days=90)),
    st.sampled_from(["month", "day"]),
)
def test_a_completion_within_the_window_lies_in_a_pattern(
    at: datetime, delay: timedelta, partition: str
) -> None:
    """Whatever the month's length, the year's end, and the partition."""
    completion = at - delay
    if completion.year < 1970:
        return
    document = {
        "@timestamp": completion.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "event": {"id": "x", "dataset": "llm.completion"},
    }
    index = destination(document, partition).index  # type: ignore[arg-type]
    moment = plan.moment_of(ns(at.replace(tzinfo=UTC)), None)
    assert any(fnmatchcase(index, pattern) for pattern in plan.patterns_of([moment], 90))
    assert plan.is_within(moment, index, 90)


def test_an_event_finds_the_same_in_any_batch() -> None:
    """Partitions that are searched for others are not its own; what has no date is everybody's."""
    moment = plan.moment_of(ns(datetime(2026, 11, 15, tzinfo=UTC)), None)
    months = ["2026.07", "2026.08", "2026.11.30", "2026.12", "2025.11"]
    assert [plan.is_within(moment, f"llm-completions-a@1-{month}", 90) for month in months] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert plan.is_within(moment, "llm-completions-a@1-undated", 90)


def test_intervals_grow_to_a_day() -> None:
    """Half of the event's age, at least a second, at most a day."""
    waits = []
    now = 0
    while now < 90 * DAY:
        following = plan.next_attempt_ns(0, now)
        waits.append(following - now)
        now = following
    assert waits[:3] == [SECOND, SECOND, SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == DAY
    assert len(waits) < 130


def test_a_clock_that_is_behind_waits_a_second() -> None:
    """The store's events may come from machines that are ahead."""
    assert plan.next_attempt_ns(10 * SECOND, 5 * SECOND) == 6 * SECOND


def test_an_event_expires_a_window_after_it_came() -> None:
    """Not after it was given: imported feedback is old from the start."""
    assert plan.expires_ns(5 * DAY, 90) == 95 * DAY


def test_a_second_look_only_while_completions_still_arrive() -> None:
    """Ten minutes after the latest of them, no one is waited for any more."""
    now = 100 * DAY
    assert plan.second_look_ns([now - 5 * SECOND, 0], now) == now + 600 * SECOND
    assert plan.second_look_ns([now - 601 * SECOND], now) is None
    assert plan.second_look_ns([], now) is None
