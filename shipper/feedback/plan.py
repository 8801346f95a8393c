"""When and where to look for the completion that an event is about. Pure: the present is a parameter.

An event is looked for at growing intervals, a half of its age each, until it is joined or given up. The places are
the partitions in which a completion of its window can lie: the window reaches back as far as completions are joined,
and a little into the future, since clocks differ.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shipper.record.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EVERYWHERE: Final = "llm-completions-*@*"
UNDATED: Final = "llm-completions-*@*-undated"
LONGEST_WINDOW_DAYS: Final = 90

_CLOCKS_DIFFER = timedelta(days=1)
_MAX_MONTHS = 48  # each takes 30 bytes of the address, of which Elasticsearch takes 4,096
_SECOND = 10**9
_SHORTEST_INTERVAL = _SECOND
_LONGEST_INTERVAL = 24 * 3600 * _SECOND
_STILL_ARRIVING = 600 * _SECOND  # a batch that shares one key may take so long to arrive


class Span(NamedTuple):
    """A span of time, both ends included."""

    since: datetime
    until: datetime


def window_days(retention_days: int | None) -> int:
    """How long an event waits for its completion: 90 days, or as long as completions are kept if that is less."""
    return min(LONGEST_WINDOW_DAYS, retention_days or LONGEST_WINDOW_DAYS)


def span_of(event: Mapping[str, Any], days: int) -> Span | None:
    """When the completion of an event can have begun; None: nobody knows. Never raises.

    Args:
        event: a stored event; an importer or evaluator that knows the completion's time has put it into
            `llm.target.timestamp`.
        days: the window, from `window_days`.
    """
    llm: Mapping[str, Any] = event.get("llm") or {}
    target = parse_time((llm.get("target") or {}).get("timestamp"), "", [])
    at = parse_time(event.get("@timestamp"), "", [])
    if target is not None:
        moment = _datetime(target)
        return Span(moment - _CLOCKS_DIFFER, moment + _CLOCKS_DIFFER)
    if at is None:
        return None
    moment = _datetime(at)
    return Span(moment - timedelta(days=days), moment + _CLOCKS_DIFFER)


def patterns_of(spans: Iterable[Span | None]) -> tuple[str, ...]:
    """Index patterns that cover the spans, for monthly and daily partitions alike. Never raises."""
    months: set[tuple[int, int]] = set()
    for span in spans:
        if span is None:
            return (EVERYWHERE,)
        year, month = span.since.year, span.since.month
        while (year, month) <= (span.until.year, span.until.month):
            months.add((year, month))
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            if len(months) > _MAX_MONTHS:
                return (EVERYWHERE,)
    return (*(f"llm-completions-*@*-{year:04d}.{month:02d}*" for year, month in sorted(months)), UNDATED)


def arrived_ns(event: Mapping[str, Any]) -> int:
    """When an event came to the store, ns since the epoch: its life as a waiting event begins here. Never raises."""
    group: Mapping[str, Any] = event.get("event") or {}
    for value in (group.get("ingested"), event.get("@timestamp")):
        ns = parse_time(value, "", [])
        if ns is not None:
            return ns
    return 0


def expires_ns(event: Mapping[str, Any], days: int) -> int:
    """When an event that has found no completion is given up, ns since the epoch. Never raises."""
    return arrived_ns(event) + days * 86_400 * _SECOND


def next_attempt_ns(event: Mapping[str, Any], now_ns: int) -> int:
    """When an event that was looked for in vain is looked for again, ns since the epoch. Never raises."""
    age = max(0, now_ns - arrived_ns(event))
    return now_ns + min(_LONGEST_INTERVAL, max(_SHORTEST_INTERVAL, age // 2))


def second_look_ns(arrivals_ns: Iterable[int], now_ns: int) -> int | None:
    """When an event that was joined by a caller's own key is looked for again; None: never. Never raises.

    A key may stand on several completions, and those that come with the one found can still be on their way.

    Args:
        arrivals_ns: when the completions found came to the store.
        now_ns: the present.
    """
    latest = max(arrivals_ns, default=0)
    return now_ns + _STILL_ARRIVING if now_ns - latest < _STILL_ARRIVING else None


def _datetime(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
