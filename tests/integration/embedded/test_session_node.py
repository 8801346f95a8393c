"""Facts of a running node, on the node that the tests share."""

from __future__ import annotations

import os
import socket
import sys
import timeit
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from shipper.embedded import NodeAlreadyRunning, diagnose, find_node, start_node
from shipper.embedded.paths import NodePaths

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo


def test_the_official_client_indexes_and_finds(es: Elasticsearch) -> None:
    """A document written by the official client is found by full text, by the pinned version."""
    es.index(index="anything", id="1", document={"text": "the quick brown fox"}, refresh=True)
    found = es.search(index="anything", query={"match": {"text": "FOX"}})
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]
    assert es.nodes.info()["nodes"].popitem()[1]["version"] == "9.5.3"


def test_a_second_start_is_refused_with_the_running_node(node: NodeInfo, node_home: Path) -> None:
    """Starting again says at once where it runs, and as which process."""
    with pytest.raises(
        NodeAlreadyRunning, match=rf"already running at {node.url} \(process {node.pid}"
    ) as caught:
        start_node(node_home)
    assert caught.value.info == node


def test_it_is_found_without_the_network_in_less_than_a_millisecond(node: NodeInfo, node_home: Path) -> None:
    """The sender asks at every attempt, so asking has to cost next to nothing."""
    assert find_node(node_home) == node
    assert min(timeit.repeat(lambda: find_node(node_home), number=10, repeat=5)) / 10 < 0.001


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has more than one loopback address by itself")
def test_it_listens_on_this_machine_only(node: NodeInfo) -> None:
    """Its port answers on 127.0.0.1 and is not open on any other address of the machine."""
    port = urlsplit(node.url).port
    assert port is not None
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with socket.socket() as other:
        other.bind(("127.0.0.2", port))  # would fail if the node listened on all addresses


def test_it_is_a_session_of_its_own(node: NodeInfo) -> None:
    """Ctrl-C in the terminal that started it, or that terminal's end, doesn't reach it."""
    assert os.getsid(node.pid) == node.pid != os.getsid(0)
    assert os.getpgid(node.pid) == node.pid
    assert node.started_at < datetime.now(UTC)


def test_its_log_goes_to_a_file_and_tells_no_fault(node: NodeInfo, node_home: Path) -> None:
    """The log has the start of this node and no known cause of a failure; nothing was printed."""
    paths = NodePaths.of_home(node_home)
    logs = paths.node_log.parent.glob("node*.log")  # other tests' lines may have rolled the first away
    assert any("started {embedded}" in log.read_text(errors="replace") for log in logs)
    assert diagnose(node_home) is None
    assert paths.console_log.read_text() == ""


def test_its_files_are_private(node: NodeInfo, node_home: Path) -> None:
    """No other user can look into the node's folder, nor into its data should that folder be opened up."""
    paths = NodePaths.of_home(node_home)
    modes = {path.stat().st_mode & 0o077 for path in (paths.root, paths.data, paths.node_log)}
    for folder, folders, files in os.walk(paths.data):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):  # the node deletes an index meanwhile
                modes.add(os.stat(os.path.join(folder, name)).st_mode & 0o077)  # noqa: PTH118
    assert modes == {0}


def test_snapshots_can_be_made_below_the_home(es: Elasticsearch, node_home: Path) -> None:
    """A snapshot of an index goes to the home's folder and comes back."""
    es.index(index="kept", id="1", document={"n": 1}, refresh=True)
    es.snapshot.create_repository(name="here", repository={"type": "fs", "settings": {"location": "backup"}})
    es.snapshot.create(repository="here", snapshot="one", indices="kept", wait_for_completion=True)
    es.indices.delete(index="kept")
    es.snapshot.restore(repository="here", snapshot="one", indices="kept", wait_for_completion=True)
    assert es.get(index="kept", id="1")["_source"] == {"n": 1}
    assert (NodePaths.of_home(node_home).snapshots / "backup").is_dir()


def test_a_clean_store_has_no_index_of_ours(es: Elasticsearch, request: pytest.FixtureRequest) -> None:
    """The fixture `clean_store` removes all `llm-*` indices, however many, and leaves others."""
    for number in range(25):
        es.indices.create(index=f"llm-completions-some-application@unversioned-20{number:02}.01")
    es.indices.create(index="other", settings={"number_of_replicas": 0})
    store: Elasticsearch = request.getfixturevalue("clean_store")
    assert not store.indices.get(index="llm-*", features="aliases")
    assert store.indices.exists(index="other")
