"""One process's folder in the spool: its names, its segments, and who holds it."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shipper._version import __version__
from shipper.spool.ledger import load_json, save_json
from shipper.spool.lock import FileLock, is_locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT = re.compile(r"^(\d{6,})\.ndjson$")
_RESERVED = {"finished", "refused"}


@dataclass(frozen=True, slots=True)
class InstanceFolder:
    """Paths of one process's part of the spool."""

    path: Path

    @property
    def instance(self) -> str:
        """The process's name in the store: `llm.shipper.instance`."""
        return self.path.name

    @property
    def writer_lock(self) -> Path:
        """Held while the writing process lives."""
        return self.path / "writer.lock"

    @property
    def drain_lock(self) -> Path:
        """Held by whoever sends what lies here."""
        return self.path / "drain.lock"

    @property
    def ledger(self) -> Path:
        """The drainer's confirmed position and counts."""
        return self.path / "ledger.json"

    @property
    def dropped(self) -> Path:
        """The writer's drops by reason."""
        return self.path / "dropped.json"

    def segment(self, number: int) -> Path:
        """The file of a segment."""
        return self.path / f"{number:06d}.ndjson"

    def segments(self) -> list[int]:
        """Numbers of the segments that exist, ascending. Empty when the folder is gone."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for name in names if (match := _SEGMENT.match(name)))

    def segment_size(self, number: int) -> int:
        """Bytes of a segment; 0 when it is gone."""
        try:
            return self.segment(number).stat().st_size
        except FileNotFoundError:
            return 0

    def writer_lives(self) -> bool:
        """Whether the writing process still runs. Raises OSError if the lock can't be looked at."""
        return is_locked(self.writer_lock)

    def size(self) -> int:
        """Bytes of its segments."""
        return sum(self.segment_size(number) for number in self.segments())

    def finished_ledger(self) -> Path:
        """Where the last ledger goes when everything here is decided."""
        return self.path.parent / "finished" / f"{self.instance}.json"

    def process(self) -> dict[str, object]:
        """Who wrote it: pid, host, command, start time."""
        return load_json(self.path / "process.json")


def instance_name() -> str:
    """A name for this process in the spool and in the store; unique even if the pid comes again."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:60].lstrip(".") or "host"
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"


def create_folder(root: Path, name: str) -> tuple[InstanceFolder, FileLock, FileLock]:
    """This process's folder, with both of its locks held.

    It gets its name only when the locks are held, so that nobody can adopt it in between.

    Raises:
        OSError: the spool can't be written.
    """
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.mkdir(mode=0o700, exist_ok=True)
    hidden = InstanceFolder(root / f".{name}")
    hidden.path.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as held:  # a lock that stays behind would keep this very process out at its next try
        writer, drain = _taken(hidden.writer_lock, held), _taken(hidden.drain_lock, held)
        save_json(
            hidden.path / "process.json",
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "command": Path(sys.argv[0]).name if sys.argv else "",
                "started_at": time.time(),
                "shipper": __version__,
            },
        )
        folder = InstanceFolder(root / name)
        hidden.path.rename(folder.path)
        held.pop_all()
    return folder, writer, drain


def _taken(path: Path, held: ExitStack) -> FileLock:
    lock = FileLock.acquire(path)
    if lock is None:  # a fresh random name: nobody else can hold it
        raise BlockingIOError(f"{path} is locked by another process")
    held.callback(lock.release)
    return lock


def instance_folders(root: Path) -> Iterator[InstanceFolder]:
    """The folders of all processes, living and dead, oldest name order. None when there is no spool."""
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return
    for name in names:
        if not name.startswith(".") and name not in _RESERVED and (root / name).is_dir():
            yield InstanceFolder(root / name)


def spool_size(root: Path) -> int:
    """Bytes in the spool over all processes; files that vanish meanwhile count as gone."""
    return sum(folder.size() for folder in instance_folders(root))
