"""Points in time as clients write them: text of several forms, or a number of seconds to nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_NS = int((datetime(2262, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 10**9
"""What a date with nanoseconds can hold ends with the year 2261."""


def nanoseconds(value: Any) -> int | None:
    """Nanoseconds since the epoch; None for what is no time of the years 1970 to 2261. Never raises.

    Text is a date, or date and time with `T` or a blank between them, an optional fraction behind a point or a comma,
    and a zone; no zone means UTC. Numbers are seconds, milliseconds, microseconds or nanoseconds, told apart by size.
    """
    if isinstance(value, str):
        ns = _of_text(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        ns = _of_number(value)
    else:
        return None
    return ns if ns is not None and 0 <= ns < END_NS else None


def text(ns: int) -> str:
    """RFC 3339 in UTC with microseconds. Never raises for what `nanoseconds` returns."""
    seconds, fraction = divmod(ns, 10**9)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction // 1000:06d}Z"


def _of_text(value: str) -> int | None:
    found = _TEXT.fullmatch(value)
    if not found:
        return None
    *parts, fraction, sign, offset_hours, offset_minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset = 0
    if sign is not None:
        offset = (int(offset_hours) * 60 + int(offset_minutes)) * (60 if sign == "+" else -60)
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - offset
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def _of_number(value: float) -> int | None:
    size = abs(value)
    if not size < 1e20:  # also NaN
        return None
    unit = 10**9 if size < 1e11 else 10**6 if size < 1e14 else 1000 if size < 1e17 else 1
    if isinstance(value, int):
        return value * unit
    if unit == 10**9:  # a double holds microseconds of today's seconds, and no more
        return int(value * 1e6 + 0.5) * 1000
    return int(value * unit)
