"""The sink against a real Elasticsearch: the rows of the outcome table that a real store can be brought to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shipper.route import destination
from shipper.settings import Settings
from shipper.sink.base import Outcome, Prepared, Result
from shipper.sink.elasticsearch import ElasticsearchSink
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo


def completion(event_id: str, app: str = "sink", version: str = "1", **fields: Any) -> dict[str, Any]:
    """A small completion document."""
    return {
        "@timestamp": "2026-11-21T10:00:00.000Z",
        "event": {"id": event_id, "dataset": "llm.completion"},
        "llm": {"application": {"name": app}, "content_hash": f"b2:{event_id}", **fields.pop("llm", {})},
        "service": {"version": version},
        **fields,
    }


def prepared(document: dict[str, Any], *, given_id: bool = False, body: bytes | None = None) -> Prepared:
    """The document as the sender would hand it over."""
    place = destination(document)
    return Prepared(
        place.id,
        place.index,
        body if body is not None else json.dumps(document).encode(),
        given_id,
        document["llm"]["content_hash"],
        "llm.completion",
        destination(document).aliases,
    )


def outcomes(results: list[Result]) -> list[Outcome]:
    """Only what became of each."""
    return [one.outcome for one in results]


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """A store with our templates and no indices."""
    setup(clean_store)
    return clean_store


@pytest.fixture
def sink(node: NodeInfo, tmp_path: Any) -> Iterator[ElasticsearchSink]:
    """A sink that writes to the node."""
    sink = ElasticsearchSink(Settings(home=tmp_path, elasticsearch_url=node.url))
    yield sink
    sink.close()


def test_documents_arrive_once(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """A batch sent twice is stored once, both times as delivered."""
    batch = [prepared(completion(str(number), tags=["x"])) for number in range(50)]
    first, second = sink.send(batch), sink.send(batch)
    store.indices.refresh(index="llm-*")
    assert [(one.outcome, one.status) for one in first] == [(Outcome.DELIVERED, 201)] * 50
    assert [(one.outcome, one.status) for one in second] == [(Outcome.DELIVERED, 409)] * 50
    assert store.count(index="llm-completions-sink")["count"] == 50


def test_stored_document_is_byte_for_byte_what_was_sent(
    store: Elasticsearch, sink: ElasticsearchSink
) -> None:
    """The source holds the very JSON, unknown fields included."""
    document = completion("a", unknown={"field": [1, 2.50, "ä€😀", None]})
    sink.send([prepared(document)])
    assert store.get(index=destination(document).index, id="a")["_source"] == document


def test_new_index_has_mapping_and_aliases(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """The first write makes the index from the template, and gives it the aliases of app and version."""
    sink.send([prepared(completion("a", app="one", version="2.0"))])
    (index, described), *others = store.indices.get(index="llm-completions-*@*").items()
    assert (index, others) == ("llm-completions-one@2.0-2026.11", [])
    assert set(described["aliases"]) == {"llm-completions-one", "llm-completions-one@2.0"}
    assert described["mappings"]["properties"]["tags"]["type"] == "keyword"
    assert described["mappings"]["dynamic"] == "false"


def test_malformed_document_is_refused_alone(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """An object where the mapping has a number, and half a JSON, are refused; the neighbours are stored."""
    good, other = completion("good"), completion("other")
    wrong = completion("wrong", http="text where an object belongs")
    broken = prepared(completion("broken"), body=b'{"half": ')
    results = sink.send([prepared(good), prepared(wrong), broken, prepared(other)])
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.REFUSED, Outcome.REFUSED, Outcome.DELIVERED]
    assert {result.error_type for result in results[1:3]} == {"document_parsing_exception"}
    store.indices.refresh(index="llm-*")
    assert store.count(index="llm-completions-sink")["count"] == 2


def test_request_refused_as_a_whole_is_bisected(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """An id over 512 bytes makes Elasticsearch refuse the request; only that document is refused in the end."""
    batch = [prepared(completion(str(number))) for number in range(8)]
    long = prepared(completion("x"))
    batch[5] = Prepared("i" * 600, long.index, long.body, False, None, long.dataset, long.aliases)
    results = sink.send(batch)
    assert [number for number, one in enumerate(results) if one.outcome is Outcome.REFUSED] == [5]
    assert sum(one.outcome is Outcome.DELIVERED for one in results) == 7


def test_reused_id_with_other_content_is_a_conflict(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """An id that the caller chose: the same content again is delivered, other content conflicts, and the first stays."""
    first = completion("order-7", tags=["first"])
    other = completion("order-7", tags=["other"], llm={"content_hash": "b2:other"})
    assert outcomes(sink.send([prepared(first, given_id=True)])) == [Outcome.DELIVERED]
    results = sink.send([prepared(first, given_id=True), prepared(other, given_id=True)])
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.CONFLICTING]
    assert store.get(index=destination(first).index, id="order-7")["_source"]["tags"] == ["first"]


def test_reused_id_within_one_batch(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """Two documents of one batch with the same id: the first is stored, the other is the conflict."""
    one = prepared(completion("twin"), given_id=True)
    other = prepared(completion("twin", llm={"content_hash": "b2:other"}), given_id=True)
    assert outcomes(sink.send([one, other, one])) == [
        Outcome.DELIVERED,
        Outcome.CONFLICTING,
        Outcome.DELIVERED,
    ]


def test_read_only_index_pauses(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """A write block is somebody's decision: events wait and none is refused."""
    document = completion("a")
    sink.send([prepared(document)])
    index = destination(document).index
    store.indices.put_settings(index=index, settings={"index.blocks.write": True})
    (result,) = sink.send([prepared(completion("b"))])
    assert (result.outcome, result.error_type) == (Outcome.PAUSE, "cluster_block_exception")
    store.indices.put_settings(index=index, settings={"index.blocks.write": False})
    assert outcomes(sink.send([prepared(completion("b"))])) == [Outcome.DELIVERED]


def test_full_disk_block_pauses(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """The block that Elasticsearch sets on a full disk answers 429, and is no passing overload."""
    document = completion("a")
    sink.send([prepared(document)])
    index = destination(document).index
    store.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})
    (result,) = sink.send([prepared(completion("b"))])
    assert (result.outcome, result.error_type) == (Outcome.PAUSE, "cluster_block_exception")
    store.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})


def test_shard_limit_pauses(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """A store that may hold no more shards pauses new indices, and only those."""
    sink.send([prepared(completion("a"))])
    store.cluster.put_settings(persistent={"cluster.max_shards_per_node": 1})
    try:
        results = sink.send([prepared(completion("b")), prepared(completion("c", version="next"))])
    finally:
        store.cluster.put_settings(persistent={"cluster.max_shards_per_node": None})
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.PAUSE]
    assert results[1].error_type == "validation_exception"


def test_closed_index_pauses(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """An index that somebody closed pauses its documents."""
    document = completion("a")
    sink.send([prepared(document)])
    store.indices.close(index=destination(document).index)
    (result,) = sink.send([prepared(completion("b"))])
    assert (result.outcome, result.error_type) == (Outcome.PAUSE, "index_closed_exception")


def test_missing_templates_pause_and_create_nothing(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """Without its template no index appears; once the template is there, the same sink writes."""
    store.indices.delete_index_template(name="llm-completions@template")
    (result,) = sink.send([prepared(completion("a"))])
    assert (result.outcome, result.error_type) == (Outcome.PAUSE, "templates_missing")
    assert not store.indices.get(index="llm-completions-*@*")
    setup(store)
    assert outcomes(sink.send([prepared(completion("a"))])) == [Outcome.DELIVERED]


def test_document_larger_than_a_request_may_be_is_refused(
    store: Elasticsearch, sink: ElasticsearchSink
) -> None:
    """The store hangs up on a request over its limit of 100 MB; its 413 is read all the same."""
    document = completion("large")
    body = b'{"unknown":"' + b"x" * (101 * 1024 * 1024) + b'"}'
    (result,) = sink.send([prepared(document, body=body)])
    assert (result.outcome, result.status) == (Outcome.REFUSED, 413)


def test_rejection_for_lack_of_memory_is_retried(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """A request that takes too much of the store's memory at once is told to come again; none is refused."""
    body = b'{"unknown":"' + b"x" * (24 * 1024 * 1024) + b'"}'
    (result,) = sink.send([prepared(completion("large"), body=body)])
    assert (result.outcome, result.status) == (Outcome.RETRY, 429)
    assert result.error_type == "es_rejected_execution_exception"


def test_deleted_index_is_made_again_with_its_aliases(store: Elasticsearch, sink: ElasticsearchSink) -> None:
    """After somebody deleted a partition, new documents bring it back with its mapping."""
    document = completion("a")
    sink.send([prepared(document)])
    index = destination(document).index
    store.indices.delete(index=index)
    assert outcomes(sink.send([prepared(document)])) == [Outcome.DELIVERED]
    assert store.indices.get(index=index)[index]["mappings"]["dynamic"] == "false"


def test_embedded_node_is_found_without_an_address(
    store: Elasticsearch, node: NodeInfo, node_home: Any
) -> None:
    """With nothing configured the running embedded node of the home is written to."""
    sink = ElasticsearchSink(Settings(home=node_home))
    assert outcomes(sink.send([prepared(completion("a"))])) == [Outcome.DELIVERED]
    sink.close()
