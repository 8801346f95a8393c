"""Points in time as people write them on a command line. Pure: the present is a parameter."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from shipper.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_DATE = re.compile(r"\d{4}-?(\d\d-?\d\d|W\d\d(-?\d)?)")


def parse_when(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment that is meant.

    Args:
        text: `now`, an age such as `30m`, `2h`, `7d` or `2w`, a date, or an ISO date and time. Without a zone the
            machine's own is meant.
        now: the present, with a zone.
        end: the text closes a span, so that a date means the end of its day.

    Raises:
        UsageError: the text is none of these.
    """
    cleaned = text.strip()
    if cleaned.lower() == "now":
        return now
    try:
        if ago := _AGO.fullmatch(cleaned.lower()):
            return now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        moment = datetime.fromisoformat(cleaned)
        if end and _DATE.fullmatch(cleaned):
            moment += timedelta(days=1)
        return moment.astimezone()  # at the edge of the calendar no zone but its own has a name for it
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no point in time. Write now, an age (30m, 2h, 7d, 2w), a date (2026-11-21), or a date "
            "and time (2026-11-21T08:30, 2026-11-21T08:30:00Z)."
        ) from None
