"""Every rule against the real store, with documents made up for it: over the threshold, under it, too few, too young."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner

from shipper.alerts.check import check
from shipper.alerts.rules import shipped
from shipper.cli.alerts import alerts
from shipper.store.setup import setup
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elasticsearch import Elasticsearch

    from shipper.alerts.check import Finding
    from shipper.embedded import NodeInfo
    from tests.loopback import Request

pytestmark = pytest.mark.node

Json = dict[str, Any]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=20)
RULES = {rule.id: rule for rule in shipped()}


def _document(app: str, ago: timedelta, **more: Any) -> Json:
    at = (NOW - ago).isoformat()
    document: Json = {
        "@timestamp": at,
        "event": {"ingested": more.pop("ingested", at), "outcome": more.pop("outcome", "success")},
        "llm": {"application": {"name": app}, **more.pop("llm", {})},
    }
    return {**document, **more}


def _call(app: str, ago: timedelta, *, cost: float | None = None, latency: float = 900, **more: Any) -> Json:
    if cost is not None:
        more["gen_ai"] = {"usage": {"cost": {"amount": cost, "currency": "USD"}}}
    llm = {"latency_ms": latency, **more.pop("llm", {})}
    return _document(app, ago, llm=llm, **more)


def _verdicts(app: str, version: str, days: int, good: int, bad: int) -> list[Json]:
    return [
        _call(
            app,
            timedelta(days=days, minutes=number),
            llm={"feedback": {"positive": number < good}},
            service={"version": version},
        )
        for number in range(good + bad)
    ]


def _heartbeat(app: str, ago: timedelta, accepted: int, delivered: int) -> Json:
    llm = {
        "shipper": {"instance": f"host-{app}"},
        "delivery": {"role": "app", "accepted": accepted, "delivered": delivered, "dropped": 0},
    }
    return _document(app, ago, llm=llm)


def _feedback(app: str, status: str, count: int) -> list[Json]:
    return [_document(app, timedelta(hours=3), llm={"join": {"status": status}}) for _ in range(count)]


def _put(store: Elasticsearch, dataset: str, documents: Iterable[Json]) -> None:
    index = f"llm-{dataset}-made@{'1-' if dataset == 'completions' else ''}2026.11"
    lines = [line for document in documents for line in ({"create": {"_index": index}}, document)]
    answer = store.bulk(operations=lines, refresh=True)
    assert not answer["errors"], answer


def _old(*apps: str) -> list[Json]:
    """Something from long ago, so that the application is not young."""
    return [_call(app, NOW - OLD) for app in apps]


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """Three applications: one in trouble, one well, and one with too little to say anything of."""
    setup(clean_store)
    apps = ("bad", "well", "few")
    calls = _old(*apps, "gone")
    for number in range(30):  # the last twenty minutes, in which the looks are
        ago = timedelta(seconds=45 * number)
        calls.append(_call("bad", ago, outcome="failure" if number % 3 == 0 else "success", latency=20_000))
        calls.append(_call("well", ago))
    for number in range(40):
        ago = timedelta(seconds=30 * number)
        calls.append(_call("bad", ago, outcome="failure" if number % 3 == 0 else "success", latency=20_000))
    calls.append(_call("few", MINUTE, outcome="failure", latency=60_000))
    for number in range(120):
        today, last_week = MINUTE * 5 * number, 7 * DAY + MINUTE * 5 * number
        calls += [_call("bad", today, cost=1.0), _call("bad", last_week, cost=0.2)]
        calls += [_call("well", today, cost=0.01), _call("well", last_week, cost=0.01)]
    calls += [_call("gone", 5 * HOUR + MINUTE * number) for number in range(600)]
    calls += _verdicts("bad", "1.0", 9, 85, 15) + _verdicts("bad", "2.0", 4, 55, 45)
    calls += _verdicts("well", "1.0", 9, 85, 15) + _verdicts("well", "2.0", 4, 83, 17)
    calls += _verdicts("few", "1.0", 9, 9, 0) + _verdicts("few", "2.0", 4, 0, 9)
    _put(clean_store, "completions", calls)
    events = _feedback("bad", "pending", 10) + _feedback("bad", "joined", 20)
    events += _feedback("well", "joined", 30) + _feedback("few", "pending", 3)
    _put(clean_store, "feedback", events)
    letter = {"deadletter": {"reason": "conflicting"}}
    replayed = {"deadletter": {"reason": "conflicting", "replayed_at": NOW.isoformat()}}
    _put(
        clean_store,
        "deadletter",
        [_document("bad", MINUTE, llm=letter), _document("well", MINUTE, llm=replayed)],
    )
    _put(
        clean_store,
        "delivery",
        [
            *(_heartbeat("bad", HOUR, 100, 90), _heartbeat("bad", 2 * HOUR, 80, 80)),
            _heartbeat("well", HOUR, 100, 100),
            _heartbeat("few", MINUTE, 100, 90),
        ],
    )
    return clean_store


def _firing(found: Iterable[Finding]) -> dict[str, list[str]]:
    firing: dict[str, list[str]] = {}
    for one in found:
        if one.state == "firing":
            firing.setdefault(one.rule.id, []).append(one.group)
    return {rule: sorted(groups) for rule, groups in firing.items()}


def test_every_rule(store: Elasticsearch) -> None:
    """Each fires for the application in trouble and for no other; the message has evidence, threshold and a link."""
    low = [replace(rule, min_count=20) if rule.id == "latency-p95" else rule for rule in RULES.values()]
    found = check(store, low, NOW)
    expected = {rule.id: ["gone"] if rule.id == "silence" else ["bad"] for rule in low}
    assert _firing(found) == expected
    messages = {one.rule.id: one.message() for one in found if one.state == "firing"}
    assert "version 2.0 is liked in 55.0 % of 100 verdicts, 1.0 in 85.0 % of 100" in messages["positive-fall"]
    assert "told from 5.0 % on, 2 looks in a row" in messages["error-share"]
    assert "--app bad" in messages["error-share"]
    assert "left 10 of 100 events" in messages["sequence-gap"]
    assert "10 of 30 feedback events" in messages["orphan-share"]
    assert "told from 1 event on" in messages["dead-letters"]
    assert "1 refused, waiting in the dead letters (conflicting 1)" in messages["dead-letters"]


def test_a_trouble_that_has_just_begun_waits(store: Elasticsearch) -> None:
    """All looks have to be over the threshold: before the failures came there were too few calls to judge."""
    long_ago = replace(RULES["error-share"], checks=10, every=timedelta(minutes=30))
    assert _firing(check(store, [long_ago], NOW)) == {}
    assert _firing(check(store, [replace(long_ago, checks=1)], NOW)) == {"error-share": ["bad"]}


def test_one_application_only(store: Elasticsearch) -> None:
    """A rule of one application is silent about the others."""
    rule = replace(RULES["error-share"], application="well")
    assert {one.group for one in check(store, [rule], NOW)} == {"well"}


def test_a_young_store_is_quiet(clean_store: Elasticsearch) -> None:
    """What came within the rule's least age would fire, and does not; an empty store says nothing at all."""
    setup(clean_store)
    assert check(clean_store, list(RULES.values()), NOW) == []
    _put(
        clean_store,
        "completions",
        [_call("new", MINUTE / 4 * number, outcome="failure") for number in range(100)],
    )
    (found,) = check(clean_store, [RULES["error-share"]], NOW)
    assert (found.state, found.value) == ("young", 1.0)


def test_the_command(clean_store: Elasticsearch, node: NodeInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 and a message when something fires; it is posted once; 0 when all is well."""
    setup(clean_store)
    now = datetime.now(UTC)
    letter = {
        "@timestamp": now.isoformat(),
        "event": {"ingested": now.isoformat()},
        "llm": {"application": {"name": "shop"}, "deadletter": {"reason": "conflicting"}},
    }
    clean_store.index(index=f"llm-deadletter-shop@{now:%Y.%m}", document=letter, refresh=True)
    posted: list[Json] = []

    def answer(request: Request) -> Answer:
        posted.append(request.json)
        return Answer(200, b"ok")

    with Loopback(answer) as loopback:
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", node.url)
        monkeypatch.setenv("SHIPPER_ALERTS_WEBHOOK", loopback.url)
        words = ["check", "--notify", "--kibana", "https://kibana.example"]
        first, again = (CliRunner().invoke(alerts, words) for _ in range(2))
        as_json = CliRunner().invoke(alerts, ["check", "--json"])
        clean_store.indices.delete(index=f"llm-deadletter-shop@{now:%Y.%m}")
        over = CliRunner().invoke(alerts, words)
    assert (first.exit_code, again.exit_code, as_json.exit_code, over.exit_code) == (1, 1, 1, 0)
    assert "Events were refused: shop: 1 refused, waiting" in first.stdout
    assert "https://kibana.example/app/dashboards#/view/llm-delivery" in first.stdout
    assert [one["state"] for one in map(orjson.loads, as_json.stdout.splitlines())] == ["firing"]
    assert "Nothing fires: 9 rules" in over.stdout
    assert len(posted) == 2
    assert posted[1]["text"].startswith("Over: Events were refused")
