"""The joiner beside the embedded node: one for each home folder, started and stopped, and gone with the folder."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

import shipper
from shipper.feedback import background
from shipper.feedback.background import joiner_pid, remove_joiner, start_joiner, stop_joiner
from tests.plugins.feedback import REQUEST, RESPONSE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.plugins.feedback import Road


def is_alive(pid: int) -> bool:
    """Whether the process runs; a child of ours that has ended is waited for."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


@pytest.fixture
def home_of_node(node_home: Path) -> Iterator[Path]:
    """The node's home, without a joiner before and after."""
    yield node_home
    remove_joiner(node_home)


def test_it_joins_what_comes(road: Road, home_of_node: Path) -> None:
    """Started once and no more, it works until it is stopped."""
    call = road.app().log_completion(REQUEST, RESPONSE, feedback={"thumbs_up": True})
    road.arrive()
    pid = start_joiner(home_of_node)
    assert pid is not None
    assert joiner_pid(home_of_node) == pid
    assert start_joiner(home_of_node) is None
    assert (home_of_node / "joiner.log").stat().st_mode & 0o777 == 0o600
    [hit] = road.store.search(index="llm-completions-join")["hits"]["hits"]
    deadline = time.monotonic() + 30
    while "feedback" not in road.store.get(index=hit["_index"], id=call.event_id)["_source"]["llm"]:
        assert time.monotonic() < deadline, (home_of_node / "joiner.log").read_text()
    assert stop_joiner(home_of_node) is True
    assert joiner_pid(home_of_node) is None
    assert not is_alive(pid)
    assert (home_of_node / "joiner.log").read_text() == ""
    assert stop_joiner(home_of_node) is False


def test_a_killed_one_leaves_no_lock(road: Road, home_of_node: Path) -> None:
    """The next `shipper up` starts another."""
    assert road.join().events == 0
    pid = start_joiner(home_of_node)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert joiner_pid(home_of_node) is None
    assert start_joiner(home_of_node) is not None


def test_it_ends_with_its_folder(tmp_path: Path) -> None:
    """A home that is deleted leaves no process behind."""
    beside = background.Beside(tmp_path)
    assert beside.is_over()
    (tmp_path / "joiner.lock").touch()
    assert not beside.is_over()


def test_it_outlives_a_restart_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits a minute for the node to come back, then ends."""
    (tmp_path / "joiner.lock").touch()
    beside = background.Beside(tmp_path)
    monkeypatch.setattr(background, "_GRACE_S", 0.0)
    assert beside.is_over()


def test_without_a_folder_there_is_none(tmp_path: Path) -> None:
    """Asking changes nothing."""
    assert joiner_pid(tmp_path / "nowhere") is None
    assert stop_joiner(tmp_path / "nowhere") is False
    assert shipper.flush(0.1)
