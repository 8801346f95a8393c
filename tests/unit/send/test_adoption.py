"""Folders of dead processes: who finishes them."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

import shipper
from shipper.send.sender import Sender
from shipper.sink.base import Outcome, Result
from shipper.spool.folder import create_folder

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
