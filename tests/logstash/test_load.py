"""More than the real Logstash can hold while the store is away: senders are told, everything arrives once, memory is flat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.settings import Settings
from shipper.sink.base import Outcome, Prepared
from shipper.sink.logstash import LogstashSink
from shipper.store.setup import setup
from tests.faults.programs import stored_ids
from tests.logstash.real import PASSWORD, USER, RealLogstash, until
from tests.plugins.proxy import ForwardingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = [pytest.mark.node, pytest.mark.slow]

_ROUND, _REQUEST, _BYTES = 10_000, 250, 8_000
_QUEUE = "64mb"  # a page of the queue, the least that it can be: less than a round


@pytest.fixture
def store_proxy(node: NodeInfo) -> Iterator[ForwardingProxy]:
    """A way to the store of this test's own, which can be closed."""
    with ForwardingProxy(node.url) as running:
        yield running


@pytest.fixture
def small(logstash_home: Path, store_proxy: ForwardingProxy, tmp_path: Path) -> Iterator[RealLogstash]:
    """A Logstash with a small queue."""
    one = RealLogstash(
        logstash_home,
        tmp_path / "logstash",
        store_proxy.url,
        "http-plain",
        environment={"LLM_QUEUE_MAX_BYTES": _QUEUE},
    )
    try:
        yield one.start()
    finally:
        one.kill()


def test_a_full_queue_holds_the_senders_back(
    small: RealLogstash, store_proxy: ForwardingProxy, clean_store: Elasticsearch, tmp_path: Path
) -> None:
    """Twice more than the queue holds: refused for a while, taken later, stored once; the second time takes no more memory."""
    setup(clean_store)
    sink = LogstashSink(
        Settings(
            home=tmp_path / "home",
            logstash_url=small.plain_url,
            logstash_username=USER,
            logstash_password=PASSWORD,
            request_timeout_s=30,
        )
    )
    resident: list[float] = []
    for number in range(2):
        store_proxy.refuse = no_bulk
        refusals = 0
        for start in range(number * _ROUND, (number + 1) * _ROUND, _REQUEST):
            batch = [completion(f"load-{one}") for one in range(start, start + _REQUEST)]
            while {one.outcome for one in sink.send(batch)} != {Outcome.DELIVERED}:
                refusals += 1
                store_proxy.refuse = everything
        assert refusals, "the queue was never full"
        wanted = (number + 1) * _ROUND
        until("everything is stored", lambda wanted=wanted: len(stored_ids(clean_store)) >= wanted, 300, 1)
        resident.append(small.resident_mb())
    sink.close()
    assert sorted(stored_ids(clean_store)) == sorted(f"load-{one}" for one in range(2 * _ROUND))
    assert resident[1] < 1.15 * resident[0]


def completion(event_id: str) -> Prepared:
    """A record as large as a conversation."""
    document = {
        "@timestamp": "2025-11-21T07:30:40.500000Z",
        "event": {"dataset": "llm.completion", "id": event_id},
        "llm": {
            "application": {"name": "load"},
            "content_hash": "b2:0",
            "input": {"text": "a word " * (_BYTES // 7)},
        },
    }
    body = json.dumps(document).encode()
    return Prepared(
        event_id, "", body, given_id=True, content_hash=None, dataset="llm.completion", aliases=()
    )


def no_bulk(_method: str, path: str, _size: int) -> tuple[int, Any] | None:
    """Of the store that is away."""
    return (503, {}) if path.endswith("_bulk") else None


def everything(_method: str, _path: str, _size: int) -> tuple[int, Any] | None:
    """Of the store that is back."""
    return None
