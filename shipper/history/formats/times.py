"""Times as other systems write them, for all formats."""

from __future__ import annotations

from typing import Any

from shipper.record.times import parse_time


def time_ns(value: Any) -> int | None:
    """A time in ns since the epoch; None when it is none, or 0. A text without a zone is in UTC. Never raises."""
    found = parse_time(value, "", []) if isinstance(value, (int, float, str)) and value != "" else None
    return found or None


def ended_at(start_ns: int, span_ms: float) -> int | None:
    """The end of a span that may be nonsense. Never raises."""
    return start_ns + int(span_ms * 1e6) if 0 <= span_ms < 1e11 else None
