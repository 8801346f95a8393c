"""The rules as Kibana has them: `.es-query`, which every licence has. Pure.

A rule that counts or adds up is a query with an aggregate; one that divides, takes percentiles or looks at the last
event of a group needs ES|QL. What compares two versions is neither's: `shipper alerts check` does that.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shipper.alerts.measures import GONE_AFTER, SETTLE
from shipper.panels import common
from shipper.panels.filters import Exists, Not, query

if TYPE_CHECKING:
    from shipper.alerts.rules import Rule

Json = dict[str, Any]

TAG: Final = "llm-shipper"

_APPLICATION: Final = "llm.application.name"
_TIME: Final = "@timestamp"
_WEEK: Final = timedelta(days=7)
_GROUPS: Final = 100
_SETTLED: Final = ("delivered", "duplicate", "conflicting", "dead_lettered", "dropped")


def rule_id(rule: Rule) -> str:
    """An id that Kibana takes (a UUID of version 4), the same for the same rule."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"llm-shipper/{rule.id}".encode()).digest()[:16], version=4))


def rule_body(rule: Rule) -> Json | None:
    """What is put for a rule; None if Kibana can't say it."""
    params = _params(rule)
    if params is None:
        return None
    return {
        "name": f"LLM: {rule.title}",
        "tags": [TAG],
        "schedule": {"interval": _short(rule.every)},
        "alert_delay": {"active": rule.checks},
        "params": params,
    }


def _params(rule: Rule) -> Json | None:
    match rule.measure:
        case "cost_usd":
            return _aggregate(
                rule,
                "llm-completions-*",
                query(common.DOLLARS),
                {"aggType": "sum", "aggField": "gen_ai.usage.cost.amount"},
            )
        case "dead_letters":
            waiting = query(Not(Exists("llm.deadletter.replayed_at")))
            return _aggregate(rule, "llm-deadletter-*", waiting, {"aggType": "count"})
        case _:
            text = esql(rule)
            return None if text is None else _piped(rule, text)


def esql(rule: Rule) -> str | None:
    """The rule in ES|QL, one row for each application (or process) that it fires for; None for the other measures."""
    limit, least = f"{rule.threshold:g}", rule.min_count
    calls = "FROM llm-completions-*"
    if rule.application is not None:
        calls += f" | WHERE {_APPLICATION} == {json.dumps(rule.application)}"
    by = f"BY {_APPLICATION}"
    match rule.measure:
        case "error_share":
            return (
                f'{calls} | STATS failed = COUNT(*) WHERE event.outcome == "failure", calls = COUNT(*) {by} '
                f"| WHERE calls >= {least} AND TO_DOUBLE(failed) / calls >= {limit}"
            )
        case "latency_p95_ms":
            return (
                f"{calls} | STATS p95 = PERCENTILE(llm.latency_ms, 95), calls = COUNT(*) {by} "
                f"| WHERE calls >= {least} AND p95 >= {limit}"
            )
        case "cost_ratio":
            span, week = _esql(rule.window), _esql(_WEEK)
            older = _esql(_WEEK + rule.window)
            now, before = (
                f"{_TIME} >= NOW() - {span}",
                f"{_TIME} >= NOW() - {older} AND {_TIME} < NOW() - {week}",
            )
            amount = "gen_ai.usage.cost.amount"
            return (
                f'{calls} | WHERE gen_ai.usage.cost.currency == "USD" | STATS spent = SUM({amount}) WHERE {now}, '
                f"earlier = SUM({amount}) WHERE {before}, calls = COUNT(*) WHERE {before} {by} "
                f"| WHERE calls >= {least} AND earlier > 0 AND spent / earlier >= {limit}"
            )
        case "silent_minutes":
            return (
                f"{calls} | STATS last = MAX({_TIME}), calls = COUNT(*) {by} "
                f'| WHERE calls >= {least} AND DATE_DIFF("minutes", last, NOW()) >= {limit}'
            )
        case "orphan_share":
            return (
                f"FROM llm-feedback-* | WHERE event.ingested < NOW() - {_esql(SETTLE)} "
                f'| STATS joined = COUNT(*) WHERE llm.join.status == "joined", events = COUNT(*) {by} '
                f"| WHERE events >= {least} AND 1 - TO_DOUBLE(joined) / events >= {limit}"
            )
        case "unaccounted":
            counts = ", ".join(f"{name} = MAX(llm.delivery.{name})" for name in ("accepted", *_SETTLED))
            settled = " + ".join(f"COALESCE({name}, 0)" for name in _SETTLED)
            return (
                f'FROM llm-delivery-* | WHERE llm.delivery.role IN ("app", "drain") | STATS {counts}, '
                f"last = MAX({_TIME}) BY llm.shipper.instance "
                f"| WHERE last < NOW() - {_esql(GONE_AFTER)} AND accepted - ({settled}) >= {limit}"
            )
        case _:
            return None


def _aggregate(rule: Rule, index: str, clause: Json, aggregate: Json) -> Json:
    """A query and one figure of each application; Kibana compares with "above or equals" as >=."""
    clauses = [clause]
    if rule.application is not None:
        clauses.append({"term": {_APPLICATION: rule.application}})
    return {
        "searchType": "esQuery",
        "index": [index],
        "timeField": _TIME,
        "esQuery": json.dumps({"query": {"bool": {"filter": clauses}}}, sort_keys=True),
        "size": 0,
        "threshold": [rule.threshold],
        "thresholdComparator": ">=",
        **_window(rule.window),
        **aggregate,
        "groupBy": "top",
        "termField": _APPLICATION,
        "termSize": _GROUPS,
        "excludeHitsFromPreviousRun": False,
    }


def _piped(rule: Rule, text: str) -> Json:
    window = rule.window + _WEEK if rule.measure == "cost_ratio" else rule.window
    is_process = rule.measure == "unaccounted"
    return {
        "searchType": "esqlQuery",
        "esqlQuery": {"esql": text},
        "timeField": _TIME,
        **_window(window),
        "threshold": [0],
        "thresholdComparator": ">",
        "size": 0,
        "groupBy": "row",
        "termField": "llm.shipper.instance" if is_process else _APPLICATION,
        "termSize": _GROUPS,
    }


def _window(span: timedelta) -> Json:
    short = _short(span)
    return {"timeWindowSize": int(short[:-1]), "timeWindowUnit": short[-1]}


def _short(span: timedelta) -> str:
    """In the largest unit that it is a whole number of."""
    seconds = int(span.total_seconds())
    return next(
        f"{seconds // size}{unit}"
        for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
        if seconds % size == 0
    )


def _esql(span: timedelta) -> str:
    short = _short(span)
    names = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    return f"{short[:-1]} {names[short[-1]]}"
