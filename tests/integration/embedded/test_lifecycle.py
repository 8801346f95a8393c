"""Real nodes, started, killed, hindered and stopped."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil
import pytest
from elasticsearch import Elasticsearch

from shipper.embedded import (
    NodeAlreadyRunning,
    find_node,
    node_log_tail,
    remove_node,
    start_node,
    stop_node,
)
from shipper.embedded.paths import NodePaths
from shipper.embedded.state import lock_holder
from shipper.errors import EmbeddedNodeError
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture
def cache() -> Path:
    """The machine's cache of jars, shared with the session's node."""
    return Settings.load().cache


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose node, if one is left, ends with the test."""
    yield tmp_path / "home"
    remove_node(tmp_path / "home")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The only Maven repository is a port that nobody listens on."""
    (tmp_path / "jgo.conf").write_text("[repositories]\ncentral = http://127.0.0.1:9/maven\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.usefixtures("no_network")
def test_killed_and_started_again_it_has_its_documents(home: Path, cache: Path) -> None:
    """After kill -9 the leftovers don't hinder a start, which needs no network; the address and documents are the same."""
    killed = start_node(home, cache_dir=cache)
    with Elasticsearch(killed.url) as client:
        for number in range(100):
            client.index(index="kept", id=str(number), document={"n": number})
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: find_node(home) is None)
    assert NodePaths.of_home(home).node_file.exists()

    again = start_node(home, cache_dir=cache)
    assert again.pid != killed.pid
    assert again.url == killed.url
    with Elasticsearch(again.url) as client:
        client.indices.refresh(index="kept")
        assert client.count(index="kept")["count"] == 100

    began = time.monotonic()
    assert stop_node(home) is True
    assert time.monotonic() - began < 25  # before it would be killed
    assert node_log_tail(home, 1).endswith("closed")
    assert find_node(home) is None
    assert stop_node(home) is False


def test_of_two_starts_at_once_exactly_one_wins(home: Path, cache: Path) -> None:
    """Two processes start the same home: one node runs, the other process is told about it. Removing it leaves nothing."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    with closing(results):
        starters = [context.Process(target=start_and_tell, args=(home, cache, results)) for _ in range(2)]
        for starter in starters:
            starter.start()
        told = [results.get(timeout=120) for _ in starters]
        for starter in starters:
            starter.join()
    running = find_node(home)
    assert running is not None
    assert sorted(told) == [("refused", running.pid), ("started", running.pid)]

    remove_node(home)
    assert not is_alive(running.pid)
    assert list(home.iterdir()) == []
    assert (cache / "jars").is_dir()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(running.url)), timeout=5)


def start_and_tell(home: Path, cache: Path, results: Any) -> None:
    try:
        results.put(("started", start_node(home, cache_dir=cache).pid))
    except NodeAlreadyRunning as refused:
        results.put(("refused", refused.info.pid))


def is_alive(pid: int) -> bool:
    try:
        return (
            psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        )  # an ended one that nobody has asked about
    except psutil.NoSuchProcess:
        return False


def test_a_start_that_takes_too_long_goes_on_and_the_next_waits_for_it(home: Path, cache: Path) -> None:
    """A time-out says that the node goes on; the next start waits for the same node. Its taken port is replaced.

    Then its folder is deleted under it, and it ends by itself.
    """
    paths = NodePaths.of_home(home)
    paths.create()
    with socket.socket() as other_program:
        other_program.bind(("127.0.0.1", 0))
        other_program.listen()
        taken = other_program.getsockname()[1]
        paths.port_file.write_text(str(taken))
        with pytest.raises(EmbeddedNodeError, match="goes on in the background"):
            start_node(home, cache_dir=cache, timeout_s=0.2)
        assert find_node(home) is None
        pid = lock_holder(paths.node_lock)
        with pytest.raises(NodeAlreadyRunning) as caught:
            start_node(home, cache_dir=cache)
        info = caught.value.info
        assert info.pid == pid
        assert port_of(info.url) != taken
        assert paths.port_file.read_text() == str(port_of(info.url))

    shutil.rmtree(home)
    wait_until(lambda: not is_alive(info.pid))


def test_damaged_indices_are_named_and_the_others_work(home: Path, cache: Path) -> None:
    """A start that can't open an index says which one; the node runs, is found, and serves the rest."""
    first = start_node(home, cache_dir=cache)
    with Elasticsearch(first.url) as client:
        for index in ("damaged", "whole"):
            client.index(index=index, id="1", document={"text": "words " * 100}, refresh=True)
        damaged = client.indices.get(index="damaged")["damaged"]["settings"]["index"]["uuid"]
    stop_node(home)
    segments = list((NodePaths.of_home(home).data / "indices" / damaged / "0" / "index").glob("segments_*"))
    for segment in segments:
        segment.write_bytes(b"not a segment file")
    assert segments

    with pytest.raises(EmbeddedNodeError, match=r"can't open damaged: their files are damaged"):
        start_node(home, cache_dir=cache)
    running = find_node(home)
    assert running is not None
    with Elasticsearch(running.url) as client:
        assert client.get(index="whole", id="1")["found"]


def test_a_failed_start_says_the_cause_from_its_log(home: Path, cache: Path) -> None:
    """A heap larger than any address space, and a damaged cluster state, end the start with their sentences; nothing runs."""
    with pytest.raises(EmbeddedNodeError, match="too little free memory") as caught:
        start_node(home, cache_dir=cache, heap_mb=200_000_000)
    assert str(NodePaths.of_home(home).logs) in str(caught.value)
    assert find_node(home) is None
    assert lock_holder(NodePaths.of_home(home).node_lock) is None

    state = NodePaths.of_home(home).data / "_state"
    state.mkdir()
    (state / "node-1.st").write_bytes(b"not a state file")
    with pytest.raises(EmbeddedNodeError, match="Files in the data folder are damaged"):
        start_node(home, cache_dir=cache)
    assert stop_node(home) is False
