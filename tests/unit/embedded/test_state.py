"""Who runs: only the lock is believed."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shipper.embedded import NodeAlreadyRunning, NodeInfo, find_node
from shipper.embedded.child import recovered_percent
from shipper.embedded.paths import NodePaths
from shipper.embedded.state import FileLock, lock_holder, read_state, remembered_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def paths(home: Path) -> NodePaths:
    paths = NodePaths.of_home(home)
    paths.create()
    return paths


@contextmanager
def process_with_lock(paths: NodePaths) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that inherited the node's lock, as the node does."""
    lock = FileLock(paths.node_lock)
    assert lock.acquire()
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.fd,), start_new_session=True
    )
    os.pwrite(lock.fd, str(process.pid).encode(), 0)
    lock.hand_over()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def announce(paths: NodePaths, pid: int, **changes: Any) -> None:
    state = {
        "url": "http://127.0.0.1:4711",
        "pid": pid,
        "version": "9.5.3",
        "started_at": "2026-01-02T03:04:05.678+00:00",
        "ready": True,
        "status": "green",
        "recovered_percent": 100.0,
    }
    paths.node_file.write_text(json.dumps({**state, **changes}))


def test_a_home_without_a_node_has_none(home: Path) -> None:
    """A home that was never made has no node, and asking makes nothing."""
    assert find_node(home) is None
    assert not home.exists()


def test_node_json_is_believed_while_its_process_holds_the_lock(home: Path, paths: NodePaths) -> None:
    """The node is found with all that node.json says, as long as the process that it names has the lock."""
    with process_with_lock(paths) as process:
        announce(paths, process.pid)
        assert find_node(home) == NodeInfo(
            url="http://127.0.0.1:4711",
            pid=process.pid,
            data_dir=paths.data,
            version="9.5.3",
            started_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        )


def test_node_json_of_a_killed_node_is_not_believed(home: Path, paths: NodePaths) -> None:
    """After kill -9 the file is still there, and no node is found."""
    with process_with_lock(paths) as process:
        announce(paths, process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert find_node(home) is None
        assert paths.node_file.exists()


def test_a_living_process_with_the_same_id_is_not_taken_for_the_node(home: Path, paths: NodePaths) -> None:
    """A process id that is used again by another program is not the node."""
    announce(paths, os.getpid())
    assert find_node(home) is None


def test_node_json_of_another_process_than_the_holder_is_not_believed(home: Path, paths: NodePaths) -> None:
    """While a new node starts, the file of the one before it is not believed."""
    with process_with_lock(paths) as process:
        announce(paths, process.pid + 1)
        assert find_node(home) is None


def test_a_node_that_is_not_ready_is_not_found_but_its_state_is(home: Path, paths: NodePaths) -> None:
    """While it recovers, senders don't get its address; whoever waits for it sees how far it is."""
    with process_with_lock(paths) as process:
        announce(paths, process.pid, ready=False, status="red", recovered_percent=37.5)
        assert find_node(home) is None
        state = read_state(paths)
        assert state is not None
        assert (state.status, state.recovered_percent) == ("red", 37.5)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"url": "x", "pid": "y"}', "\x00\xff"])
def test_a_broken_node_json_is_no_node(home: Path, paths: NodePaths, text: str) -> None:
    """Whatever lies in node.json, asking does not raise."""
    paths.node_file.write_text(text)
    with process_with_lock(paths):
        assert find_node(home) is None


def test_a_lock_is_exclusive_and_free_again_after_its_release(tmp_path: Path) -> None:
    """The second one gets the lock only after the first gave it back."""
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_asking_for_the_holder_tells_its_process_and_does_not_take_the_lock(tmp_path: Path) -> None:
    """The noted process id is told while the lock is held, nothing once it is free, and asking locks nobody out."""
    path = tmp_path / "lock"
    assert lock_holder(path) is None
    lock = FileLock(path)
    assert lock.acquire()
    assert lock_holder(path) == 0
    os.pwrite(lock.fd, b"4711", 0)
    assert lock_holder(path) == 4711
    lock.release()
    assert lock_holder(path) is None
    assert lock.acquire()
    lock.release()


def test_a_killed_holders_process_id_is_forgotten(tmp_path: Path) -> None:
    """The next holder is never taken for the one before it: a stop would end some other program."""
    path = tmp_path / "lock"
    path.write_text("4711")
    lock = FileLock(path)
    assert lock.acquire()
    assert lock_holder(path) == 0
    lock.release()


def test_those_who_ask_do_not_hinder_a_start(tmp_path: Path) -> None:
    """While others ask all the time who holds the lock, it can still be had."""
    path = tmp_path / "lock"
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            lock_holder(path)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        for _ in range(50):
            lock = FileLock(path)
            assert lock.acquire(timeout_s=10)
            lock.release()
    finally:
        done.set()
        for thread in asking:
            thread.join()


def test_a_lock_on_a_removed_file_is_worth_nothing(tmp_path: Path) -> None:
    """Whoever waited for a lock whose file was removed locks the new file, not the old one."""
    path = tmp_path / "lock"
    removed = FileLock(path)
    assert removed.acquire()
    path.unlink()
    current = FileLock(path)
    assert current.acquire()
    assert os.path.samestat(os.fstat(current.fd), path.stat())
    removed.release()
    assert not FileLock(path).acquire()
    current.release()


@pytest.mark.parametrize(
    ("text", "port"), [("9200", 9200), ("", None), ("0", None), ("70000", None), ("x", None)]
)
def test_the_remembered_port_is_a_port_or_nothing(paths: NodePaths, text: str, port: int | None) -> None:
    """Only a valid port is remembered; anything else is as if there were none."""
    assert remembered_port(paths) is None
    paths.port_file.write_text(text)
    assert remembered_port(paths) == port


def test_already_running_carries_the_node_and_survives_pickling(home: Path) -> None:
    """The error names the address and the process, and keeps the node's details across processes."""
    info = NodeInfo("http://127.0.0.1:4711", 123, home, "9.5.3", datetime(2026, 1, 1, tzinfo=UTC))
    error = pickle.loads(pickle.dumps(NodeAlreadyRunning(info)))
    assert error.info == info
    assert "http://127.0.0.1:4711 (process 123" in str(error)
    assert "`shipper down`" in str(error)


def test_the_folders_are_private(paths: NodePaths) -> None:
    """Nobody but the user reads the data: it holds prompts and answers."""
    assert {folder.stat().st_mode & 0o777 for folder in (paths.root, paths.data, paths.logs)} == {0o700}


def test_a_home_that_is_made_is_private(tmp_path: Path) -> None:
    """Who could write there could put a node of their own in place of ours."""
    NodePaths.of_home(tmp_path / "new").create()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("said", "percent"), [(37.5, 37.5), ("NaN", 0.0), (float("nan"), 0.0)])
def test_an_unknown_share_of_recovered_shards_is_zero(said: object, percent: float) -> None:
    """In the first moment of a start the node answers NaN, which is no progress to show."""
    assert recovered_percent({"active_shards_percent_as_number": said}) == percent
