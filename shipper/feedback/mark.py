"""What an event says about its join. Pure: the marks are writes that somebody else sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.feedback import plan
from shipper.feedback.writes import Write
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shipper.feedback.documents import Event, Match

_NOTHING = dict.fromkeys(("matched_at", "next_attempt_at", "lag_ms", "reason"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A change of an event's `llm.join` and `llm.target`; None removes."""

    event: Event
    join: dict[str, Any]
    target: dict[str, Any] | None = None
    is_firm: bool = False
    """Whether it holds whatever another joiner has marked meanwhile; else it gives way."""

    def write(self) -> Write:
        """The whole event anew: half the store's work of a partial update, which has to read it first."""
        source = self.event.stored.source
        llm: dict[str, Any] = source.get("llm") or {}
        llm = {**llm, "join": _present({**(llm.get("join") or {}), **self.join})}
        if self.target is not None:
            llm["target"] = _present(self.target)
        return Write(self.event.stored.place, {**source, "llm": llm}, self.event.stored, partial=False)

    def again(self) -> Write:
        """The change alone, to be written over whatever is there now."""
        llm = {"join": self.join} if self.target is None else {"join": self.join, "target": self.target}
        return Write(self.event.stored.place, {"llm": llm}, None)


def joined(
    event: Event, holding: Collection[Match], now_ns: int, *, looked_ns: int, look_again: bool
) -> Mark:
    """The event is on its completions, which were looked for at `looked_ns`."""
    matched_at = now_ns
    if event.is_joined:  # a second look doesn't change when it was joined
        matched_at = parse_time(event.join.get("matched_at"), "", []) or now_ns
    again = None
    if look_again:
        again = plan.second_look_ns((match.arrived_ns for match in holding), looked_ns)
    join = {
        **_NOTHING,
        "status": "joined",
        "matched_count": len(holding),
        "attempts": event.attempts + 1,
        "matched_at": format_time(matched_at),
        "next_attempt_at": format_time(again) if again is not None else None,
        "lag_ms": max(0, matched_at - event.arrived_ns) // 1_000_000,
    }
    return Mark(event, join, target_of(holding), is_firm=True)


def settled(event: Event) -> Mark:
    """A joined event is not looked for again."""
    return Mark(event, {"next_attempt_at": None, "attempts": event.attempts + 1})


def waiting(event: Event, now_ns: int, window: int) -> Mark:
    """No completion yet, or none that can be written to."""
    join: dict[str, Any] = {
        "attempts": event.attempts + 1,
        "next_attempt_at": format_time(plan.next_attempt_ns(event.arrived_ns, now_ns)),
    }
    if not event.is_joined:
        expires_at = format_time(plan.expires_ns(event.arrived_ns, window))
        join = {**_NOTHING, **join, "status": "pending", "matched_count": 0, "expires_at": expires_at}
    return Mark(event, join)


def expired(event: Event, now_ns: int, reason: str = "") -> Mark:
    """The event is given up, for its age or for the reason."""
    join = {
        **_NOTHING,
        "status": "expired",
        "matched_count": 0,
        "attempts": event.attempts + 1,
        "expires_at": event.join.get("expires_at") or format_time(now_ns),
        "reason": reason or None,
    }
    return Mark(event, join)


def target_of(holding: Iterable[Match]) -> dict[str, Any]:
    """What the event's scores are grouped by: the latest completion's."""
    return max(holding, key=lambda one: (str(one.target["timestamp"]), one.place)).target


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
