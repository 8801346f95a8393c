"""When people write: more by day than at night, more on weekdays than at the weekend. Pure."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from shipper.demo.month.story import OUTAGE_BEGINS, OUTAGE_HOURS

if TYPE_CHECKING:
    from random import Random

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
_BY_HOUR = (2, 1, 1, 1, 1, 2, 5, 10, 18, 26, 30, 31, 27, 28, 30, 29, 26, 22, 18, 16, 14, 11, 7, 4)
_BY_WEEKDAY = (1.1, 1.05, 1.0, 1.0, 0.95, 0.4, 0.3)


class Rhythm:
    """The hours of a span, each as likely as people are awake in it."""

    def __init__(self, begin: float, end: float) -> None:
        """Both are seconds since the epoch."""
        self._begin, self._end = begin, end
        self._hours = range(int((end - begin) // HOUR_S) or 1)
        weights = [_weight(begin + hour * HOUR_S) for hour in self._hours]
        self._sums = list(accumulate(weights))

    def moment(self, random: Random) -> float:
        """A moment of the span, seconds since the epoch."""
        drawn = random.random() * self._sums[-1]
        hour = min(bisect_left(self._sums, drawn), len(self._sums) - 1)
        return min(self._begin + (hour + random.random()) * HOUR_S, self._end - 1)


def outage(begin: float, end: float) -> tuple[float, float]:
    """When the provider is away in a span: from ten in the morning of a weekday; seconds since the epoch."""
    day = datetime.fromtimestamp(begin + OUTAGE_BEGINS * (end - begin), UTC)
    while day.weekday() > 4:
        day += timedelta(days=1)
    first = day.replace(hour=10, minute=0, second=0, microsecond=0).timestamp()
    return first, first + OUTAGE_HOURS * HOUR_S


def _weight(moment: float) -> float:
    when = datetime.fromtimestamp(moment, UTC)
    return _BY_HOUR[when.hour] * _BY_WEEKDAY[when.weekday()]
