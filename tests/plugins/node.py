"""Fixtures of the real Elasticsearch: `node`, `es`, `clean_store`.

One node per test process (per worker under xdist), started by the first test that wants one: `clean_store` removes
indices, so that two processes must not share a store. A node whose session was killed ends by itself when pytest
prunes its folder.

`SHIPPER_TEST_NODE_HOME=folder` keeps one node running from run to run instead, for people who run few tests often.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from shipper.embedded import NodeAlreadyRunning, NodeInfo, remove_node, start_node
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIVEN = os.environ.pop("SHIPPER_TEST_NODE_HOME", None)  # no setting of ours, nor of a child's
_KEPT = None if "PYTEST_XDIST_WORKER" in os.environ else _GIVEN


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the node, so that `-m "not node"` leaves them out."""
    for item in items:
        if "node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.node)


@pytest.fixture(scope="session")
def node_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home folder of the session's node."""
    return Path(_KEPT) if _KEPT else tmp_path_factory.mktemp("node-home")


@pytest.fixture(scope="session")
def node(node_home: Path) -> Iterator[NodeInfo]:
    """A real Elasticsearch that runs for the whole session."""
    try:
        started = start_node(node_home, heap_mb=512, cache_dir=Settings.load().cache)
    except NodeAlreadyRunning as running:
        started = running.info
    yield started
    if not _KEPT:
        remove_node(node_home)


@pytest.fixture(scope="session")
def es(node: NodeInfo) -> Iterator[Elasticsearch]:
    """The official client, connected to the session's node."""
    with Elasticsearch(node.url, request_timeout=30) as client:
        yield client


@pytest.fixture
def clean_store(es: Elasticsearch) -> Elasticsearch:
    """The client of a store without any `llm-*` index; templates stay."""
    remove_indices(es)
    return es


def remove_indices(es: Elasticsearch) -> None:
    """Delete every `llm-*` index."""
    names = sorted(es.indices.get(index="llm-*", features="aliases", expand_wildcards="all"))
    for start in range(0, len(names), 20):  # by name: the store refuses to delete by wildcard
        es.indices.delete(index=names[start : start + 20])
