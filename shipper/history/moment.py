"""When a call of history happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.history.event import Rejected
from shipper.record.times import parse_time

if TYPE_CHECKING:
    from shipper.history.event import Json

_TIMES = ("started_at", "created_at", "ended_at")


def time_of(call: Json, modified_ns: int | None) -> tuple[int, bool]:
    """When it happened, and whether the source says so.

    Raises:
        Rejected: nobody knows.
    """
    for name in _TIMES:
        if found := parse_time(call.get(name), name, []):  # 0 is what stands where nobody knew
            return found, True
    for name in _TIMES:
        if call.get(name):
            raise Rejected(
                "unreadable_time",
                f"{name}: {str(call[name])[:100]!r} is no time that can be read, such as 2024-05-31T12:00:00Z or "
                "seconds since 1970",
            )
    if modified_ns is None:
        raise Rejected(
            "no_time", "no time in it, and the source has none of its own: give the file by its name"
        )
    return modified_ns, False
