"""What each measure asks the store, and what the answer says of each application. Pure: the time is a parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.panels import common
from shipper.panels.filters import Exists, Is, Not, equals, query
from shipper.panels.model import TIME_FIELD
from shipper.panels.sources import COMPLETIONS, DEADLETTERS, DELIVERY, FEEDBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from shipper.alerts.rules import MeasureName, Rule
    from shipper.panels.sources import Source

Json = dict[str, Any]
Unit = Literal["share", "ms", "USD", "times", "minutes", "events"]

SETTLE: Final = timedelta(hours=1)
"""Feedback without a call is early up to this age, and an orphan after it."""
GONE_AFTER: Final = timedelta(minutes=15)
"""A process that has not reported for so long is taken for gone."""

_APPLICATION: Final = "llm.application.name"
_GROUPS: Final = 500
_WEEK: Final = timedelta(days=7)
_Z: Final = NormalDist().inv_cdf(0.975)
_SETTLED: Final = ("delivered", "duplicate", "conflicting", "dead_lettered", "dropped")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look saw of one application."""

    group: str
    value: float
    count: int
    """Of how many calls or events; below the rule's `min_count` nothing is said."""
    said: str
    """The evidence in words, after "application: "."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How a value is got."""

    source: Source
    unit: Unit
    clauses: Callable[[Rule, datetime], list[Json]]
    aggs: Callable[[Rule, datetime], Json]
    read: Callable[[Rule, datetime, Json], Reading | None]
    """Of a bucket."""
    group_by: str = _APPLICATION


def body(rule: Rule, at: datetime) -> Json:
    """The request of one look.

    Args:
        rule: what is looked at.
        at: when the look is, or would have been.
    """
    measure = MEASURES[rule.measure]
    clauses = measure.clauses(rule, at)
    if rule.application is not None:
        clauses.append({"term": {_APPLICATION: rule.application}})
    terms = {"terms": {"field": measure.group_by, "size": _GROUPS}, "aggs": measure.aggs(rule, at)}
    return {"size": 0, "query": {"bool": {"filter": clauses}}, "aggs": {"groups": terms}}


def readings(rule: Rule, at: datetime, answer: Mapping[str, Any]) -> Iterator[Reading]:
    """What the look saw; nothing of applications that have too little to be judged by."""
    for bucket in (answer.get("aggregations") or {}).get("groups", {}).get("buckets", []):
        found = MEASURES[rule.measure].read(rule, at, bucket)
        if found is not None and found.count >= rule.min_count:
            yield found


def _within(span: timedelta, at: datetime, field: str = TIME_FIELD) -> Json:
    return {"range": {field: {"gte": (at - span).isoformat(), "lt": at.isoformat()}}}


def _window(rule: Rule, at: datetime) -> list[Json]:
    return [_within(rule.window, at)]


def _error_share(_rule: Rule, _at: datetime, bucket: Json) -> Reading:
    count, failed = bucket["doc_count"], bucket["failed"]["doc_count"]
    return Reading(bucket["key"], failed / count, count, f"{failed:,} of {count:,} calls failed")


def _latency(_rule: Rule, _at: datetime, bucket: Json) -> Reading | None:
    value = bucket["p95"]["values"]["95.0"]
    if value is None:
        return None
    count = bucket["doc_count"]
    return Reading(
        bucket["key"], value, count, f"one in twenty of {count:,} calls took {value / 1000:,.1f} s or more"
    )


def _spent(bucket: Json) -> tuple[float, int]:
    return bucket["cost"]["sum"], bucket["cost"]["count"]


_COST: Final = {"stats": {"field": "gen_ai.usage.cost.amount"}}


def _cost(_rule: Rule, _at: datetime, bucket: Json) -> Reading:
    spent, count = _spent(bucket)
    return Reading(bucket["key"], spent or 0.0, count, f"{count:,} calls cost ${spent or 0.0:,.2f}")


def _two_weeks(rule: Rule, at: datetime) -> list[Json]:
    spans = [_within(rule.window, at), _within(rule.window, at - _WEEK)]
    return [{"bool": {"should": spans, "minimum_should_match": 1}}, query(common.DOLLARS)]


def _weeks(rule: Rule, at: datetime) -> Json:
    return {
        name: {"filter": _within(rule.window, moment), "aggs": {"cost": _COST}}
        for name, moment in (("now", at), ("before", at - _WEEK))
    }


def _cost_ratio(_rule: Rule, _at: datetime, bucket: Json) -> Reading | None:
    spent, count = _spent(bucket["now"])
    before, earlier = _spent(bucket["before"])
    if not before:
        return None
    said = f"${spent or 0.0:,.2f}, ${before:,.2f} in the same time a week before"
    return Reading(bucket["key"], (spent or 0.0) / before, min(count, earlier), said)


def _silence(_rule: Rule, at: datetime, bucket: Json) -> Reading:
    minutes = (at.timestamp() * 1000 - bucket["last"]["value"]) / 60_000
    said = f"no call for {minutes:,.0f} minutes, after {bucket['doc_count']:,} calls in the window"
    return Reading(bucket["key"], minutes, bucket["doc_count"], said)


def _letters(_rule: Rule, _at: datetime, bucket: Json) -> Reading:
    count = bucket["doc_count"]
    reasons = ", ".join(f"{one['key']} {one['doc_count']:,}" for one in bucket["reasons"]["buckets"])
    return Reading(bucket["key"], count, count, f"{count:,} refused, waiting in the dead letters ({reasons})")


def _settled_feedback(rule: Rule, at: datetime) -> list[Json]:
    return [_within(rule.window, at - SETTLE, "event.ingested")]


def _orphans(_rule: Rule, _at: datetime, bucket: Json) -> Reading:
    count, orphans = bucket["doc_count"], bucket["orphans"]["doc_count"]
    said = f"{orphans:,} of {count:,} feedback events have not found a call within an hour"
    return Reading(bucket["key"], orphans / count, count, said)


def _versions(_rule: Rule, _at: datetime) -> Json:
    judged = {"filter": query(common.JUDGED), "aggs": {"positive": {"filter": query(common.GOOD)}}}
    aggs = {"first": {"min": {"field": TIME_FIELD}}, "judged": judged}
    return {"versions": {"terms": {"field": "service.version", "size": 50}, "aggs": aggs}}


def _positive_fall(rule: Rule, _at: datetime, bucket: Json) -> Reading | None:
    """The latest two versions that are judged often enough; no fall if chance can make it (two proportions, 95 %)."""
    found = [one for one in bucket["versions"]["buckets"] if one["judged"]["doc_count"] >= rule.min_count]
    found.sort(key=lambda one: one["first"]["value"])
    if len(found) < 2:
        return None
    (before, n), (now, m) = (
        (one["judged"]["positive"]["doc_count"] / one["judged"]["doc_count"], one["judged"]["doc_count"])
        for one in found[-2:]
    )
    pooled = (before * n + now * m) / (n + m)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    fall = before - now
    said = (
        f"version {found[-1]['key']} is liked in {100 * now:.1f} % of {m:,} verdicts, "
        f"{found[-2]['key']} in {100 * before:.1f} % of {n:,}"
    )
    return Reading(bucket["key"], fall if fall > _Z * error else 0.0, min(n, m), said)


def _books(_rule: Rule, _at: datetime) -> Json:
    aggs: Json = {name: {"max": {"field": f"llm.delivery.{name}"}} for name in ("accepted", *_SETTLED)}
    aggs["last"] = {"max": {"field": TIME_FIELD}}
    aggs["application"] = {"terms": {"field": _APPLICATION, "size": 1}}
    return aggs


def _unaccounted(_rule: Rule, at: datetime, bucket: Json) -> Reading | None:
    last = bucket["last"]["value"]
    if last is None or last > (at - GONE_AFTER).timestamp() * 1000:
        return None
    accepted = int(bucket["accepted"]["value"] or 0)
    left = accepted - sum(int(bucket[name]["value"] or 0) for name in _SETTLED)
    application = next((one["key"] for one in bucket["application"]["buckets"]), "default")
    said = f"process {bucket['key']} has not reported for {(at.timestamp() - last / 1000) / 60:,.0f} minutes and left {left:,} of {accepted:,} events"
    return Reading(application, left, accepted, said)


MEASURES: Final[dict[MeasureName, Measure]] = {
    "error_share": Measure(
        COMPLETIONS,
        "share",
        _window,
        lambda _rule, _at: {"failed": {"filter": query(common.FAILED)}},
        _error_share,
    ),
    "latency_p95_ms": Measure(
        COMPLETIONS,
        "ms",
        _window,
        lambda _rule, _at: {"p95": {"percentiles": {"field": "llm.latency_ms", "percents": [95]}}},
        _latency,
    ),
    "cost_usd": Measure(
        COMPLETIONS,
        "USD",
        lambda rule, at: [*_window(rule, at), query(common.DOLLARS)],
        lambda _rule, _at: {"cost": _COST},
        _cost,
    ),
    "cost_ratio": Measure(COMPLETIONS, "times", _two_weeks, _weeks, _cost_ratio),
    "silent_minutes": Measure(
        COMPLETIONS, "minutes", _window, lambda _rule, _at: {"last": {"max": {"field": TIME_FIELD}}}, _silence
    ),
    "dead_letters": Measure(
        DEADLETTERS,
        "events",
        lambda rule, at: [*_window(rule, at), query(Not(Exists("llm.deadletter.replayed_at")))],
        lambda _rule, _at: {"reasons": {"terms": {"field": "llm.deadletter.reason", "size": 5}}},
        _letters,
    ),
    "orphan_share": Measure(
        FEEDBACK,
        "share",
        _settled_feedback,
        lambda _rule, _at: {"orphans": {"filter": query(Not(equals("llm.join.status", "joined")))}},
        _orphans,
    ),
    "positive_fall": Measure(COMPLETIONS, "share", _window, _versions, _positive_fall),
    "unaccounted": Measure(
        DELIVERY,
        "events",
        lambda rule, at: [*_window(rule, at), query(Is("llm.delivery.role", ("app", "drain")))],
        _books,
        _unaccounted,
        group_by="llm.shipper.instance",
    ),
}
