"""When and where to look for the completion that an event is about. Pure: the present is a parameter.

An event is looked for at growing intervals, a half of its age each, until it is joined or given up. The places are
the partitions in which a completion of its window can lie: the window reaches back as far as completions are joined,
and a little into the future, since clocks differ. All times are nanoseconds since the epoch.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYWHERE: Final = "llm-completions-*@*"
UNDATED: Final = "llm-completions-*@*-undated"
LONGEST_WINDOW_DAYS: Final = 90

SECOND: Final = 10**9
DAY: Final = 86_400 * SECOND

_MAX_MONTHS = 48  # each takes 30 bytes of the address, of which Elasticsearch takes 4,096
_LONGEST_INTERVAL = DAY
_PARTITION = re.compile(r"-(\d{4})\.(\d{2})(?:\.\d{2})?\Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STILL_ARRIVING = 600 * SECOND  # a batch that shares one key may take so long to arrive


class Moment(NamedTuple):
    """The day of an event, and the day of its completion where an importer or evaluator knows it."""

    day: int
    target_day: int | None = None


def window_days(retention_days: int | None) -> int:
    """How long an event waits for its completion: 90 days, or as long as completions are kept if that is less."""
    return min(LONGEST_WINDOW_DAYS, retention_days or LONGEST_WINDOW_DAYS)


def moment_of(at_ns: int, target_ns: int | None) -> Moment:
    """The days, counted from the epoch, of an event's time and its completion's. Never raises."""
    return Moment(at_ns // DAY, None if target_ns is None else target_ns // DAY)


def patterns_of(moments: Iterable[Moment], window: int) -> tuple[str, ...]:
    """Index patterns of every partition, monthly or daily, in which completions of the events can lie.

    Args:
        moments: when the events were.
        window: how far back, days.

    Never raises for times of 1970 to 2261.
    """
    months: set[tuple[int, int]] = set()
    for moment in set(moments):
        months |= _months(moment, window)
        if len(months) > _MAX_MONTHS:
            return (EVERYWHERE,)
    return (*(f"llm-completions-*@*-{year:04d}.{month:02d}*" for year, month in sorted(months)), UNDATED)


def expires_ns(arrived_ns: int, window: int) -> int:
    """When an event that has found no completion is given up: its life begins when it comes to the store."""
    return arrived_ns + window * DAY


def next_attempt_ns(arrived_ns: int, now_ns: int) -> int:
    """When an event that was looked for in vain is looked for again."""
    return now_ns + min(_LONGEST_INTERVAL, max(SECOND, (now_ns - arrived_ns) // 2))


def second_look_ns(arrivals_ns: Iterable[int], now_ns: int) -> int | None:
    """When an event that was joined by a caller's own key is looked for again; None: never.

    A key may stand on several completions, and those that come with the one found can still be on their way.

    Args:
        arrivals_ns: when the completions found came to the store.
        now_ns: the present.
    """
    latest = max(arrivals_ns, default=0)
    return now_ns + _STILL_ARRIVING if now_ns - latest < _STILL_ARRIVING else None


def is_within(moment: Moment, index: str, window: int) -> bool:
    """Whether the index is among an event's own: what a batch finds must not depend on who else is in it."""
    found = _PARTITION.search(index)
    return found is None or (int(found[1]), int(found[2])) in _months(moment, window)


@lru_cache(maxsize=4096)  # events of a day share it
def _months(moment: Moment, window: int) -> frozenset[tuple[int, int]]:
    """The months in which the event's completion can have begun."""
    if moment.target_day is not None:
        days = (moment.target_day - 1, moment.target_day + 1)
    else:
        days = (moment.day - window, moment.day + 1)
    first, last = (_EPOCH + timedelta(days=max(0, day)) for day in days)
    months: set[tuple[int, int]] = set()
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        months.add((year, month))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return frozenset(months)
