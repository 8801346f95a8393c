"""Points in time: read from what callers and providers send, written as Elasticsearch's `date` takes them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipper.record.coerce import Flags

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_NS = 10**16  # integers from here on are nanoseconds
_END_NS = int((datetime(2262, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 10**9  # what date_nanos can hold


def parse_time(value: Any, where: str, flags: Flags) -> int | None:
    """Nanoseconds since the epoch of a number or an ISO 8601 text; None when it can't be read (flagged).

    Numbers are seconds, milliseconds, microseconds or nanoseconds, told apart by their size: seconds reach 1e10 in
    the year 2286, milliseconds 1e13 then too, and so on. Text without a zone is taken as UTC (flagged). Years
    outside 1970 to 2261 can't be stored and count as unreadable. Never raises.
    """
    if value is None or (type(value) is int and _FIRST_NS <= value < _END_NS):  # inline: it is quicker
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        ns = _from_number(value)
    elif isinstance(value, str):
        ns = _from_text(value.strip(), where, flags)
    else:
        ns = None
    if ns is None or not 0 <= ns < _END_NS:
        flags.append(f"{where}: not a time between 1970 and 2261")
        return None
    return ns


def is_exact(value: Any) -> bool:
    """Whether it is a time as our own clock says it: nanoseconds since the epoch, and nothing else. Never raises."""
    return type(value) is int and _FIRST_NS <= value < _END_NS


@lru_cache(maxsize=64)  # one document says a moment several times, and one batch when it was sent
def format_time(ns: int) -> str:
    """RFC 3339 in UTC with microseconds, of nanoseconds since the epoch in 0 ≤ ns < year 2262."""
    minutes, microseconds = divmod(ns // 1000, 60_000_000)
    digits = "%08d" % microseconds  # noqa: UP031 - quicker
    return f"{_to_the_minute(minutes)}{digits[:2]}.{digits[2:]}Z"


@lru_cache(maxsize=256)  # events come close together
def _to_the_minute(minutes: int) -> str:
    return (_EPOCH + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:")


def _from_number(value: float) -> int | None:
    size = abs(value)
    if not size < 1e20:  # also NaN
        return None
    unit = 10**9 if size < 1e10 else 10**6 if size < 1e13 else 1000 if size < 1e16 else 1
    if isinstance(value, int):
        return value * unit
    if unit == 10**9:  # a double holds microseconds of today's seconds, and no more
        return round(value * 1e6) * 1000
    return int(value * unit)


def _from_text(text: str, where: str, flags: Flags) -> int | None:
    if text[4:5] + text[7:8] != "--":  # no number is made like a date; a refusal costs more than reading it
        with suppress(ValueError):
            return _from_number(int(text) if text.isdigit() and len(text) < 25 else float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        flags.append(f"{where}: no time zone, taken as UTC")
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * 1000
