"""What an event says about its join. Pure: the marks are writes that somebody else sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.feedback import plan
from shipper.feedback.requests import Stored, Write
from shipper.record.amendment import value_at
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOTHING = {"matched_at": None, "next_attempt_at": None, "lag_ms": None, "reason": None}


def is_joined(event: Stored) -> bool:
    """Whether the event was joined before, and is looked at once more."""
    return value_at(event.source, "llm.join.status") == "joined"


def joined_mark(event: Stored, completions: Sequence[Stored], now_ns: int, *, look_again: bool) -> Write:
    """The event is on its completions. Holds whatever another joiner has marked meanwhile."""
    matched_at = now_ns
    if is_joined(event):  # a second look doesn't change when it was joined
        matched_at = parse_time(value_at(event.source, "llm.join.matched_at"), "", []) or now_ns
    created = parse_time(value_at(event.source, "event.created"), "", []) or plan.arrived_ns(event.source)
    arrivals = [plan.arrived_ns(completion.source) for completion in completions]
    again = plan.second_look_ns(arrivals, now_ns) if look_again else None
    mark = {
        **_NOTHING,
        "status": "joined",
        "matched_count": len(completions),
        "attempts": _attempts(event),
        "matched_at": format_time(matched_at),
        "next_attempt_at": format_time(again) if again is not None else None,
        "lag_ms": max(0, matched_at - created) // 1_000_000,
    }
    return Write(event.place, {"llm": {"join": mark, "target": target_of(completions)}}, None)


def settled_mark(event: Stored) -> Write:
    """A joined event is not looked for again."""
    mark = {"next_attempt_at": None, "attempts": _attempts(event)}
    return Write(event.place, {"llm": {"join": mark}}, event)


def waiting_mark(event: Stored, now_ns: int, window_days: int) -> Write:
    """No completion (or none that can be written to) yet. Gives way to what another joiner has marked meanwhile."""
    mark: dict[str, Any] = {
        "attempts": _attempts(event),
        "next_attempt_at": format_time(plan.next_attempt_ns(event.source, now_ns)),
    }
    if not is_joined(event):
        expires_at = format_time(plan.expires_ns(event.source, window_days))
        mark = {**_NOTHING, **mark, "status": "pending", "matched_count": 0, "expires_at": expires_at}
    return Write(event.place, {"llm": {"join": mark}}, event)


def expired_mark(event: Stored, now_ns: int, reason: str) -> Write:
    """The event is given up, for its age or for the reason. Gives way to what another joiner has marked meanwhile."""
    mark = {
        **_NOTHING,
        "status": "expired",
        "matched_count": 0,
        "attempts": _attempts(event),
        "expires_at": value_at(event.source, "llm.join.expires_at") or format_time(now_ns),
        "reason": reason or None,
    }
    return Write(event.place, {"llm": {"join": mark}}, event)


def target_of(completions: Sequence[Stored]) -> dict[str, Any]:
    """What scores are grouped by, of the latest completion; null where it doesn't say."""
    latest = max(completions, key=lambda one: (str(one.source.get("@timestamp")), one.place)).source
    return {
        "timestamp": latest.get("@timestamp"),
        "version": value_at(latest, "service.version"),
        "prompt_name": value_at(latest, "gen_ai.prompt.name"),
        "prompt_version": value_at(latest, "gen_ai.prompt.version"),
        "model": value_at(latest, "gen_ai.response.model") or value_at(latest, "gen_ai.request.model"),
    }


def _attempts(event: Stored) -> int:
    attempts = value_at(event.source, "llm.join.attempts")
    return attempts + 1 if type(attempts) is int else 1
