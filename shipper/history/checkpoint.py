"""How far an import has come, on the disk: replaced as a whole after each batch that the store has."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from shipper.errors import UsageError
from shipper.spool.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@dataclass(slots=True)
class Books:
    """What became of everything so far: accepted = delivered + duplicate + rejected."""

    accepted: int = 0
    delivered: int = 0
    duplicate: int = 0
    rejected: int = 0
    passed_over: int = 0
    """Rows outside the wanted time, or with nothing to import in them."""
    reasons: dict[str, int] = field(default_factory=dict[str, int])
    """Rejected, by reason."""


@dataclass(slots=True)
class Progress:
    """Everything before this place is decided. `quickened` are indices whose settings have to be put back."""

    batch_id: str
    source: str = ""
    line: int = 0
    offset: int = 0
    rejects_bytes: int = 0
    output_bytes: int = 0
    finished: bool = False
    books: Books = field(default_factory=Books)
    quickened: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


class Checkpoint:
    """One import's file, locked while it runs."""

    def __init__(self, path: Path) -> None:
        """Take it.

        Raises:
            UsageError: the same import is running.
            OSError: the folder can't be written to.
        """
        path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock.acquire(path.with_suffix(".lock"))
        if lock is None:
            raise UsageError("This import is running already, in another process.")
        self._lock = lock
        self.path = path

    def load(self) -> Progress | None:
        """How far it came; None when it never began, or its file can't be read. Never raises."""
        return _read(self.path)

    def save(self, progress: Progress) -> None:
        """Replace the file.

        Raises:
            OSError: the disk is full, or the folder is gone.
        """
        text = orjson.dumps(asdict(progress))
        temporary = self.path.with_suffix(".new")
        temporary.write_bytes(text)
        os.replace(temporary, self.path)  # noqa: PTH105 - one system call

    def close(self) -> None:
        """Let go of it. Never raises."""
        self._lock.release()


def path_of(folder: Path, sources: Sequence[str], *wanted: str | None) -> Path:
    """Where the progress of an import is kept: the same sources and options have the same file. Pure."""
    seed = orjson.dumps([list(sources), list(wanted)])
    return folder / "imports" / f"{blake2b(seed, digest_size=12).hexdigest()}.json"


def abandoned(folder: Path) -> Iterator[tuple[Checkpoint, Progress]]:
    """Imports that ended without putting back what they changed, each locked for the caller. Never raises OSError."""
    for path in sorted((folder / "imports").glob("*.json")):
        progress = _read(path)
        if progress is None or not progress.quickened:
            continue
        try:
            yield Checkpoint(path), progress
        except (UsageError, OSError):
            continue


def _read(path: Path) -> Progress | None:
    try:
        kept: Any = orjson.loads(path.read_bytes())
        kept["books"] = Books(**kept["books"])
        return Progress(**kept)
    except (OSError, ValueError, TypeError, KeyError):
        return None
