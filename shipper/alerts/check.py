"""All rules against a store: several looks each, and what they mean together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.alerts.measures import MEASURES, body, readings
from shipper.errors import StoreError
from shipper.panels.run import header
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from shipper.alerts.measures import Reading, Unit
    from shipper.alerts.rules import Rule

State = Literal["firing", "quiet", "young"]

_EVERYTHING: Final = "llm-*"
_APPLICATIONS: Final = 1000
_REASON_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of an application."""

    rule: Rule
    group: str
    value: float
    count: int
    said: str
    state: State
    """`young`: it would fire, but the first event is too recent to judge by."""

    @property
    def key(self) -> str:
        """The same as long as the same goes on."""
        return f"{self.rule.id}/{self.group}"

    def message(self, link: str = "") -> str:
        """What is wrong, what was seen, the threshold, and where to look. One line, nothing in it drives a terminal."""
        rule = self.rule
        limit = value_text(rule.threshold, MEASURES[rule.measure].unit)
        looks = f", {rule.checks} looks in a row" if rule.checks > 1 else ""
        said = printable(f"{rule.title}: {self.group}: {self.said}")
        return f"{said}. It is told from {limit} on{looks}. {link or self.command}"

    @property
    def command(self) -> str:
        """What shows more of it in a terminal."""
        hours = max(1, round(self.rule.window / timedelta(hours=1)))
        return f"shipper report {self.rule.report} --app {printable(self.group)} --since {hours}h"


def check(client: Elasticsearch, rules: Sequence[Rule], now: datetime) -> list[Finding]:
    """Look at everything, in one request.

    Args:
        client: the store.
        rules: what to look for.
        now: the present, with a zone.

    Returns:
        What each rule says of each application that it has enough of; those that fire first.

    Raises:
        StoreError: the store refused a question.
        ApiError, TransportError: the store did not answer.
    """
    looks = [(rule, now - number * rule.every) for rule in rules for number in range(rule.checks)]
    searches: list[Mapping[str, Any]] = [{"index": _EVERYTHING, "ignore_unavailable": True}, _ages()]
    for rule, at in looks:
        searches += [header(MEASURES[rule.measure].source), body(rule, at)]
    answers = client.msearch(searches=searches)["responses"]
    for answer, name in zip(answers, ["the first events", *(rule.id for rule, _ in looks)], strict=True):
        if "error" in answer:
            raise StoreError(f"The store can't answer {name}: {str(answer['error'])[:_REASON_MAX]}")
    firsts = _firsts(answers[0])
    found = [one for rule in rules for one in _judged(rule, now, _looks_of(rule, looks, answers[1:]), firsts)]
    return sorted(found, key=lambda one: one.state != "firing")


def value_text(value: float, unit: Unit) -> str:
    """A value with its unit."""
    match unit:
        case "share":
            return f"{100 * value:.1f} %"
        case "USD":
            return f"${value:,.2f}"
        case "times":
            return f"{value:.1f} times"
        case "ms":
            return f"{value / 1000:,.1f} s"
        case _:
            return f"{value:,.0f} {unit.removesuffix('s') if value == 1 else unit}"


def dashboard_link(kibana: str, finding: Finding, now: datetime) -> str:
    """Kibana's dashboard with the span that was looked at."""
    start = (now - finding.rule.window).strftime("%Y-%m-%dT%H:%M:%SZ")
    span = f"(time:(from:'{start}',to:'{now:%Y-%m-%dT%H:%M:%SZ}'))"
    return f"{kibana.rstrip('/')}/app/dashboards#/view/llm-{finding.rule.report}?_g={span}"


def _ages() -> dict[str, Any]:
    first = {"min": {"field": "event.ingested"}}
    terms = {"field": "llm.application.name", "size": _APPLICATIONS}
    return {"size": 0, "aggs": {"applications": {"terms": terms, "aggs": {"first": first}}}}


def _firsts(answer: Mapping[str, Any]) -> dict[str, float]:
    """When each application's first event came, ms since the epoch."""
    buckets = (answer.get("aggregations") or {}).get("applications", {}).get("buckets", [])
    return {one["key"]: one["first"]["value"] for one in buckets if one["first"]["value"] is not None}


def _looks_of(
    rule: Rule, looks: Sequence[tuple[Rule, datetime]], answers: Sequence[Mapping[str, Any]]
) -> list[dict[str, Reading]]:
    """The rule's looks, the latest first; readings by application, the worst of each."""
    found: list[dict[str, Reading]] = []
    for (one, at), answer in zip(looks, answers, strict=True):
        if one is rule:
            by_group: dict[str, Reading] = {}
            for reading in sorted(readings(rule, at, answer), key=lambda each: each.value):
                by_group[reading.group] = reading
            found.append(by_group)
    return found


def _judged(
    rule: Rule, now: datetime, looks: list[dict[str, Reading]], firsts: Mapping[str, float]
) -> Iterator[Finding]:
    for group, reading in looks[0].items():
        state: State = "quiet"
        if all(group in look and look[group].value >= rule.threshold for look in looks):
            first = firsts.get(group)
            is_young = first is not None and first > (now - rule.min_age).timestamp() * 1000
            state = "young" if is_young else "firing"
        yield Finding(rule, group, reading.value, reading.count, reading.said, state)
