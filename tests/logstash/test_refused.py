"""What Elasticsearch refuses, on the real Logstash: a document's fault is kept apart, a wrong configuration waits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.store.assets import load_templates
from shipper.store.setup import setup
from tests.logstash.real import RealLogstash, stored, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from tests.plugins.proxy import ForwardingProxy

pytestmark = pytest.mark.slow


@pytest.fixture
def settings_put_back(es: Elasticsearch) -> Iterator[None]:
    """The cluster's settings and templates are as before."""
    yield
    es.cluster.put_settings(
        persistent={"cluster.max_shards_per_node": None, "action.auto_create_index": None}
    )
    setup(es)


def allow(_method: str, _path: str, _size: int) -> None:
    """Let everything pass."""


@pytest.fixture
def open_proxy(proxy: ForwardingProxy) -> Iterator[ForwardingProxy]:
    """The proxy; what a test makes it refuse is allowed again afterwards."""
    yield proxy
    proxy.refuse = allow


def record(event_id: str, **more: Any) -> dict[str, Any]:
    """A small completion."""
    return {
        "@timestamp": "2025-11-21T07:30:40Z",
        "event": {"dataset": "llm.completion", "id": event_id},
        "service": {"name": "refused"},
        **more,
    }


def routed(logstash: RealLogstash) -> int:
    """How many documents the store has refused so far, each try counted."""
    plugins = [
        output
        for pipeline in logstash.stats()["pipelines"].values()
        for output in pipeline["plugins"]["outputs"]
    ]
    return sum(one.get("documents", {}).get("dlq_routed", 0) for one in plugins)


def letters_of(es: Elasticsearch) -> list[str]:
    """The ids of the documents that dead letters are about."""
    hits = stored(es, 1, "llm-deadletter-refused@*")
    return [hit["_source"]["llm"]["deadletter"]["original_id"] for hit in hits]


def test_a_documents_fault_is_a_dead_letter(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """With the store's reason, the document as it was, where it would have gone; its neighbours are stored."""
    shipped = {"instance": "web-1-42-ab", "sequence": 7}
    sent = {"application": {"name": "refused"}, "shipper": shipped, "content_hash": "b2:1"}
    bad = record("bad", labels="no object", llm=sent, tags=["mine"])
    assert logstash.post(json.dumps([record("one"), bad, record("two")])) == (200, "ok")
    good = stored(clean_store, 2, "llm-completions-refused@*")
    assert sorted(hit["_id"] for hit in good) == ["one", "two"]
    (hit,) = stored(clean_store, 1, "llm-deadletter-refused@*")
    document = hit["_source"]
    first_at = document["llm"]["deadletter"].pop("first_at")
    assert document["@timestamp"][:19] == first_at[:19]
    assert document["llm"] == {
        "schema": {"version": "1"},
        "application": {"name": "refused"},
        "shipper": shipped,
        "deadletter": {
            "reason": "document_parsing_exception",
            "stage": "store",
            "status": 400,
            "attempts": 1,
            "original_id": "bad",
            "original_index": "llm-completions-refused@unversioned-2025.11",
        },
    }
    assert "failed to parse field [labels]" in document["error"]["message"]
    assert "no object" not in document["error"]["message"]
    original = json.loads(document["event"]["original"])
    assert (original["event"]["id"], original["labels"], original["tags"]) == ("bad", "no object", ["mine"])


def test_a_dead_letter_is_one_after_a_kill(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Killed, Logstash reads the refused documents once more, their keys in another order: the letters are the same."""
    assert logstash.post(json.dumps([record("before", labels="no object")])) == (200, "ok")
    stored(clean_store, 1, "llm-deadletter-refused@*")
    logstash.kill()
    logstash.start()
    assert logstash.post(json.dumps([record("after", labels="no object")])) == (200, "ok")
    until("the letters are there", lambda: "after" in letters_of(clean_store), 180)
    assert sorted(letters_of(clean_store)) == ["after", "before"]


def test_a_dead_letter_is_never_refused_for_what_a_client_sent(
    logstash: RealLogstash, clean_store: Elasticsearch
) -> None:
    """A number of the shipper that is none, and a dead letter of a client's own making: each gets a dead letter that is stored."""
    shipped = record("shipped", llm={"application": {"name": "refused"}, "shipper": {"instance": {"a": 1}}})
    shipped["labels"] = "no object"
    own = record("own")
    own["event"] |= {"dataset": "llm.deadletter", "original": {"no": "text"}}
    assert logstash.post(json.dumps([shipped, own])) == (200, "ok")
    letters = stored(clean_store, 2, "llm-deadletter-*")
    assert {hit["_source"]["llm"]["deadletter"]["original_id"] for hit in letters} == {"shipped", "own"}


def test_a_shard_limit_waits_until_it_is_raised(
    logstash: RealLogstash, clean_store: Elasticsearch, settings_put_back: None
) -> None:
    """The store refuses each new index for days: nothing is a dead letter, and everything is there once it is repaired."""
    clean_store.cluster.put_settings(persistent={"cluster.max_shards_per_node": 1})
    before = routed(logstash)
    for number in range(5):
        assert logstash.post(json.dumps(record(f"waits-{number}"))) == (200, "ok")
    until("each was refused twice at least", lambda: routed(logstash) - before >= 10)
    clean_store.cluster.put_settings(persistent={"cluster.max_shards_per_node": None})
    hits = stored(clean_store, 5, "llm-*")
    assert sorted(hit["_id"] for hit in hits) == [f"waits-{number}" for number in range(5)]


def test_missing_templates_wait_for_setup(
    logstash: RealLogstash, clean_store: Elasticsearch, settings_put_back: None
) -> None:
    """Where `llm-*` may be created by our templates only, no index is guessed without them."""
    clean_store.cluster.put_settings(persistent={"action.auto_create_index": "-llm-*,+*"})
    for name in load_templates().index:
        clean_store.indices.delete_index_template(name=name)
    before = routed(logstash)
    assert logstash.post(json.dumps(record("early"))) == (200, "ok")
    until("it was refused twice at least", lambda: routed(logstash) - before >= 2)
    assert not clean_store.indices.exists(index="llm-completions-refused@unversioned-2025.11")
    setup(clean_store)
    (hit,) = stored(clean_store, 1, "llm-*")
    assert hit["_id"] == "early"
    mapping = clean_store.indices.get_mapping(index=hit["_index"])[hit["_index"]]["mappings"]
    assert mapping["dynamic"] == "false"


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_refused_request_is_tried_again(
    logstash: RealLogstash, clean_store: Elasticsearch, open_proxy: ForwardingProxy, status: int
) -> None:
    """A revoked key, a read-only or busy store: Logstash keeps trying; nothing goes to the dead letters."""
    refused: list[str] = []

    def refuse(_method: str, path: str, _size: int) -> tuple[int, Any] | None:
        if path != "/_bulk":
            return None
        refused.append(path)
        return status, {"error": {"type": "security_exception", "reason": "no"}, "status": status}

    open_proxy.refuse = refuse
    before = routed(logstash)
    assert logstash.post(json.dumps(record(f"again-{status}"))) == (200, "ok")
    until("it was tried twice", lambda: len(refused) >= 2)
    open_proxy.refuse = allow
    (hit,) = stored(clean_store, 1, "llm-*")
    assert hit["_id"] == f"again-{status}"
    assert routed(logstash) == before


def test_too_large_for_a_proxy(
    logstash: RealLogstash, clean_store: Elasticsearch, open_proxy: ForwardingProxy
) -> None:
    """A 413 is a large document's fault, which gets through as a shortened dead letter; a small one is sent again."""
    open_proxy.refuse = lambda _method, path, size: (413, {}) if path == "/_bulk" and size > 100_000 else None
    large = record("large", message="".join(f"{number:x}" for number in range(400_000)))
    assert logstash.post(json.dumps([large, record("small")])) == (200, "ok")
    (hit,) = stored(clean_store, 1, "llm-completions-refused@*")
    assert hit["_id"] == "small"
    (hit,) = stored(clean_store, 1, "llm-deadletter-refused@*")
    assert hit["_source"]["llm"]["deadletter"]["reason"] == "payload_too_large"
    assert hit["_source"]["llm"]["deadletter"]["original_id"] == "large"
    assert len(hit["_source"]["event"]["original"]) == 65_536
