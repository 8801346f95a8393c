"""Folders of dead processes: who finishes them."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

import shipper
from shipper.send.sender import Sender
from shipper.sink.base import Outcome, Result
from shipper.spool.folder import create_folder, instance_folders
from tests.faults.programs import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shipper.sink.base import Prepared

FOLDERS = 30
THREADS = 6


class Taking:
    """A sink that takes everything, and counts what it was told."""

    name = "taking"

    def __init__(self) -> None:
        self.taken: list[str] = []

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        self.taken += [one.dataset for one in batch]
        return [Result(Outcome.DELIVERED, 201) for _ in batch]

    def close(self) -> None:
        pass


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_a_dead_process_is_finished_once(home: Path) -> None:
    """Several threads of a sender may look at the same time; each folder is finished, and reported, by one of them."""
    settings = shipper.Settings(home=home)
    for number in range(FOLDERS):
        _, writer, lock = create_folder(settings.spool_dir, f"dead-{number}")
        writer.release()
        lock.release()
    sink = Taking()
    sender = Sender(settings, sink, role="drain", instance="drainer")
    sender.adopt()
    assert len(sender.sources) == FOLDERS
    failures: list[BaseException] = []

    def look() -> None:
        try:
            sender.adopt()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sender.sources == ()
    assert sink.taken == ["llm.delivery"] * FOLDERS


@pytest.mark.parametrize("broken", ["drain.lock", "ledger.json", "000001.ndjson"])
def test_a_folder_that_cannot_be_read_keeps_nobody_else_waiting(home: Path, broken: str) -> None:
    """What lies in the others is sent; the sender is not done, and says why."""
    settings = shipper.Settings(home=home, flush_interval_s=0.01)
    for number in range(4):
        folder, writer, lock = create_folder(settings.spool_dir, f"dead-{number}")
        folder.segment(1).write_bytes(b'{"seq":1}\n')
        writer.release()
        lock.release()
        if number in (0, 2):
            (folder.path / broken).unlink(missing_ok=True)
            (folder.path / broken).mkdir()
    sink = Taking()
    sender = Sender(settings, sink, role="drain", instance="drainer")
    sender.adopt()
    sender.start()
    assert wait_until(lambda: sink.taken.count("llm.deadletter") == 2)
    sender.adopt()
    sender.stop(5)
    assert [folder.instance for folder in instance_folders(settings.spool_dir)] == ["dead-0", "dead-2"]
    assert not sender.is_drained()
    assert "dead-0" in sender.trouble
