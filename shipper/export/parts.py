"""An export on its way: a part for each slice, and how far each one is, so that a killed export goes on.

::

    calls.csv.parts/            only its owner can read it: it holds prompts
        job.json                what was asked, the snapshot, the slices
        0.part 0.json           a slice's pages, and its position after them: replaced in one step
        1.part 1.json           …
        lock                    held while somebody writes here

A page is appended to its part first and counted then: what a killed process has appended and not counted is cut off.
The file itself appears in one step when all parts are there.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import orjson

from shipper.errors import UsageError
from shipper.read.scan import Position
from shipper.spool.lock import FileLock

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from shipper.export.formats import Encoded

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


@dataclass(slots=True)
class Part:
    """One slice's pages."""

    number: int
    file: BinaryIO
    position: Position = field(default_factory=Position)
    size: int = 0
    written: int = 0
    skipped: dict[str, int] = field(default_factory=dict[str, int])


class Parts:
    """The folder beside the output. One process at a time."""

    def __init__(self, folder: Path, lock: FileLock, job: dict[str, Any], parts: list[Part]) -> None:
        self._folder = folder
        self._lock = lock
        self.job = job
        """What was asked, and of which snapshot."""
        self.parts = parts

    @classmethod
    def open(
        cls,
        output: Path,
        asked: Mapping[str, Any],
        begin: Callable[[], dict[str, Any]],
        *,
        restart: bool = False,
    ) -> Self:
        """What an earlier process has left for the same export, else a new folder.

        Args:
            output: the file that is made.
            asked: what makes two exports the same.
            begin: makes the job of a new export; it has `slices`.
            restart: begin anew in any case.

        Raises:
            UsageError: another process is at it, or what lies there is of an export of something else.
            OSError: the folder can't be written.
        """
        asked = orjson.loads(orjson.dumps(asked))  # as it is read back
        folder = output.with_name(output.name + ".parts")
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        lock = FileLock.acquire(folder / "lock")
        if lock is None:
            raise UsageError(f"Another process is exporting to {output}.")
        job: dict[str, Any] | None = None if restart else _read(folder / "job.json")
        if job is not None and job.get("asked") != asked:
            lock.release()
            raise UsageError(
                f"An export of something else to {output} was interrupted. Finish it by giving its command again, or "
                "give --restart to drop it."
            )
        if job is None:
            try:
                job = {"asked": asked, **begin()}
                _clear(folder)
                _replace(folder / "job.json", job)
            except BaseException:
                lock.release()
                raise
        slices: int = job["slices"]
        return cls(folder, lock, job, [_part(folder, number) for number in range(slices)])

    def add(self, part: Part, encoded: Encoded, position: Position) -> None:
        """Append a page and count it.

        Raises:
            OSError: it can't be written.
        """
        part.file.write(encoded.data)
        part.file.flush()
        part.size += len(encoded.data)
        part.written += encoded.written
        for reason, count in encoded.skipped.items():
            part.skipped[reason] = part.skipped.get(reason, 0) + count
        part.position = position
        counted = {
            "position": asdict(position),
            "size": part.size,
            "written": part.written,
            "skipped": part.skipped,
        }
        _replace(self._folder / f"{part.number}.json", counted)

    def remember(self, snapshot_id: str) -> None:
        """The snapshot's id, which the store may change.

        Raises:
            OSError: it can't be written.
        """
        if self.job["snapshot"] != snapshot_id:
            self.job["snapshot"] = snapshot_id
            _replace(self._folder / "job.json", self.job)

    def finish(
        self, output: Path, header: bytes, assemble: Callable[[Iterable[io.BufferedReader], BinaryIO], None]
    ) -> int:
        """Make the file of all parts, put it in its place and remove the folder; the file's size in bytes.

        Raises:
            OSError: it can't be written.
        """
        whole = self._folder / "whole"
        with ExitStack() as stack:
            out = stack.enter_context(open(whole, "wb", opener=_private))
            out.write(header)
            names = [self._folder / f"{part.number}.part" for part in self.parts]
            assemble((stack.enter_context(name.open("rb")) for name in names), out)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        whole.replace(output)
        self.close()
        shutil.rmtree(self._folder)
        return size

    def close(self) -> None:
        """Leave everything for the next process. Never raises."""
        for part in self.parts:
            part.file.close()
        self._lock.release()


def _part(folder: Path, number: int) -> Part:
    counted = _read(folder / f"{number}.json") or {}
    file = open(folder / f"{number}.part", "ab", opener=_private)  # noqa: SIM115 - the part's, until it is closed
    size = int(counted.get("size", 0))
    file.truncate(size)
    position = Position(**counted["position"]) if counted else Position()
    return Part(
        number, file, position, size, int(counted.get("written", 0)), dict(counted.get("skipped", {}))
    )


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        if file.name != "lock":
            file.unlink()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None


def _replace(path: Path, value: Mapping[str, Any]) -> None:
    new = path.with_suffix(".new")
    with open(new, "wb", opener=_private) as file:
        file.write(orjson.dumps(value))
    new.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_MODE)
