"""The golden vectors through the real Logstash, into the real Elasticsearch: the same documents as the Python road's."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipper.route.moment import nanoseconds, text
from shipper.send.prepare import prepare
from shipper.settings import Settings
from shipper.sink.base import Outcome
from shipper.sink.logstash import LogstashSink
from tests.contract.test_vectors import SCENARIOS, VECTORS
from tests.logstash.real import PASSWORD, USER, RealLogstash, stored
from tests.logstash.vectors import BARE, bare_vectors, comparable

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch


def everything(es: Elasticsearch, count: int) -> list[dict[str, Any]]:
    """Everything in the store, once there is so much of it; no more than that."""
    found = stored(es, count)
    assert len(found) == count, "something is stored twice"
    return found


def test_bare_messages(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Every message of the `bare-` scenarios, a request each, comes to exactly the vectors' documents."""
    since = time.time_ns() - 1000
    wanted = [one for scenario in BARE for vector in bare_vectors(scenario) for one in vector.expected]
    for scenario in BARE:
        for vector in bare_vectors(scenario):
            assert logstash.post(vector.message) == (200, "ok")
    results = [
        comparable(hit["_index"], hit["_id"], hit["_source"], since, time.time_ns())
        for hit in everything(clean_store, len(wanted))
    ]
    assert differences(results, wanted) == ([], [])


def test_records_of_the_shipper(logstash: RealLogstash, clean_store: Elasticsearch, tmp_path: Path) -> None:
    """Every document that the shipper makes of the vectors' entries arrives through its sink as it was sent."""
    sent = [
        prepare(line.encode(), time.time_ns(), "month").document
        for scenario in SCENARIOS
        for line in (VECTORS / scenario / "input.ndjson").read_text("utf-8").splitlines()
    ]
    sent = list({(one.index, one.id): one for one in sent}.values())  # one id is used twice, on purpose
    settings = Settings(
        home=tmp_path,
        logstash_url=logstash.url,
        logstash_username=USER,
        logstash_password=PASSWORD,
        logstash_ca=logstash.ca,
        compression="gzip",
    )
    sink = LogstashSink(settings)
    assert {one.outcome for one in sink.send(sent)} == {Outcome.DELIVERED}
    sink.close()
    results = [
        {"index": hit["_index"], "id": hit["_id"], "document": at_the_moment(hit["_source"])}
        for hit in everything(clean_store, len(sent))
    ]
    wanted = [
        {"index": one.index, "id": one.id, "document": at_the_moment(json.loads(one.body))} for one in sent
    ]
    assert differences(results, wanted) == ([], [])


def at_the_moment(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its `@timestamp` in one form: Logstash writes fewer digits."""
    moment = nanoseconds(document["@timestamp"])
    assert moment is not None
    return {**document, "@timestamp": text(moment)}


def differences(results: list[Any], wanted: list[Any]) -> tuple[list[str], list[str]]:
    """What came and should not have, and what should have come and did not; in any order, each as often as it is there."""
    came, due = (Counter(json.dumps(one, sort_keys=True) for one in side) for side in (results, wanted))
    return sorted((came - due).elements()), sorted((due - came).elements())
