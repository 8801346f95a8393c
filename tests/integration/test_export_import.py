"""Out of one store and into another: the same documents under the same ids in the same indices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shipper.export import Plan, export
from shipper.export.plan import DATASETS
from shipper.feedback.joiner import Joiner
from shipper.history import import_history
from shipper.send.prepare import document_when_sent
from shipper.settings import Settings
from shipper.store.setup import setup
from tests.fixtures.exports import Json, store
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS
from tests.plugins.node import remove_indices

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = pytest.mark.node

EVERYTHING = Plan("ndjson", datasets=DATASETS)


def content_of(client: Elasticsearch) -> dict[tuple[str, str], Json]:
    """Every document of the store by its place."""
    client.indices.refresh(index="llm-*")
    hits = client.search(index="llm-*", size=10_000)["hits"]["hits"]
    return {(hit["_index"], hit["_id"]): hit["_source"] for hit in hits}


def sent(call: Any, dataset: str = "llm.completion", **more: Any) -> Json:
    """The document that is stored when this is logged."""
    return document_when_sent(payloads.entry(call, dataset, **more), payloads.AT + 10**9)


def through_a_file(connected: Elasticsearch, es: Elasticsearch, settings: Settings, file: Path) -> int:
    """Export everything, empty the store, import the file; how many documents there were."""
    before = content_of(es)
    assert export(connected, EVERYTHING, file, restart=True).documents == len(before)
    remove_indices(es)
    report = import_history(file, settings=settings, restart=True)
    assert content_of(es) == before, report
    return len(before)


@pytest.fixture
def to_node(settings: Settings, node: NodeInfo) -> Settings:
    """Settings that reach the session's node."""
    return settings.replace(elasticsearch_url=node.url)


def test_recordings_and_all_that_belongs_to_them(
    clean_store: Elasticsearch, connected: Elasticsearch, to_node: Settings, shared_data: Path, tmp_path: Path
) -> None:
    """Recorded calls with feedback and amendments joined, dead letters and heartbeats: all come back as they were."""
    setup(clean_store)
    documents: list[Json] = []
    for file in sorted((shared_data / "openai-recordings").glob("*.yaml")):
        for exchange in yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["interactions"]:
            request = json.loads(exchange["request"]["body"])
            text = exchange["response"]["body"]["string"]
            call = {"request": request, "response": text if "data: " in text else json.loads(text)}
            documents.append(sent(call, id=f"{file.stem}-{len(documents)}"))
    first, second = documents[0]["event"]["id"], documents[1]["event"]["id"]
    documents += [
        sent({"join_keys": [first], "value": 0.2, "comment": "No."}, "llm.feedback", id="f1"),
        sent({"join_keys": ["nobody"], "value": 1}, "llm.feedback", id="f2"),
        sent({"target_id": second, "fields": {"cost": 1.5}}, "llm.amendment", id="a1"),
        {
            "@timestamp": "2025-11-21T08:00:00.000Z",
            "event": {"id": "d1", "kind": "event", "dataset": "llm.deadletter", "original": '{"x": 1}'},
            "llm": {
                "deadletter": {"reason": "mapper_parsing_exception"},
                "application": {"name": "support-bot"},
            },
        },
        {
            "@timestamp": "2025-11-21T08:00:00.000Z",
            "event": {"id": "h1", "kind": "event", "dataset": "llm.delivery"},
            "llm": {"delivery": {"accepted": 5, "role": "app"}, "application": {"name": "support-bot"}},
        },
    ]
    store(clean_store, *documents)
    report = Joiner(connected, to_node).run()
    assert report.joined >= 1
    assert through_a_file(connected, clean_store, to_node, tmp_path / "all.ndjson.gz") == len(documents)


@given(calls=st.lists(CALLS, min_size=1, max_size=10))
@hypothesis_settings(
    max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_whatever_was_logged_comes_back(
    clean_store: Elasticsearch, connected: Elasticsearch, to_node: Settings, tmp_path: Path, calls: list[Any]
) -> None:
    """Documents of any calls are the same after the way out and in."""
    remove_indices(clean_store)
    setup(clean_store)
    store(clean_store, *(sent(call, id=f"h{number}") for number, call in enumerate(calls)))
    assert through_a_file(connected, clean_store, to_node, tmp_path / "any.ndjson") == len(calls)
