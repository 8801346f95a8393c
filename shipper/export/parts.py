"""An export on its way: its pages in one file, and how far each slice is, so that a killed export goes on.

::

    calls.csv.parts/    only its owner can read it: it holds prompts
        job.json        what was asked, the snapshot, the slices
        pages           pages of all slices as they came
        counted.json    size of these, and each slice's position: replaced in one step
        lock            held while somebody writes here

A page is appended first and counted then: what a killed process has appended and not counted is cut off. The file itself
appears in one step when all slices are read; mostly it is the file of pages under its own name.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

import orjson

from shipper.errors import UsageError
from shipper.read.scan import Position
from shipper.spool.lock import FileLock
from shipper.spool.private import private

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from shipper.export.formats import Encoded

_FOLDER_MODE: Final = 0o700


@dataclass(slots=True)
class Counted:
    """What the pages hold."""

    positions: list[Position]
    """Of each slice, behind its last page."""
    size: int = 0
    written: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])


class Parts:
    """The folder beside the output. One process at a time."""

    def __init__(
        self, folder: Path, lock: FileLock, job: dict[str, Any], pages: BinaryIO, counted: Counted
    ) -> None:
        self._folder = folder
        self._lock = lock
        self.job = job
        """What was asked, and of which snapshot."""
        self.pages = pages
        self.counted = counted

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
        counted = _counted(folder / "counted.json", job["slices"])
        pages = open(folder / "pages", "ab", opener=private)  # noqa: SIM115 - open until `close`
        pages.truncate(counted.size)
        return cls(folder, lock, job, pages, counted)

    def begin_with(self, header: bytes) -> None:
        """Write what stands before all pages, unless it is there.

        Raises:
            OSError: it can't be written.
        """
        if not self.counted.size:
            self._append(header)

    def add(self, number: int, encoded: Encoded, position: Position) -> None:
        """Append a page of a slice and count it.

        Raises:
            OSError: it can't be written.
        """
        self._append(encoded.data)
        counted = self.counted
        counted.written += encoded.written
        counted.skipped.update(encoded.skipped)
        counted.positions[number] = position
        _replace(self._folder / "counted.json", asdict(counted))

    def remember(self, snapshot_id: str) -> None:
        """The snapshot's id, which the store may change.

        Raises:
            OSError: it can't be written.
        """
        if self.job["snapshot"] != snapshot_id:
            self.job["snapshot"] = snapshot_id
            _replace(self._folder / "job.json", self.job)

    def finish(self, output: Path, assemble: Callable[[io.BufferedReader, BinaryIO], None] | None) -> int:
        """Make the file of all pages, put it in its place and remove the folder; the file's size in bytes.

        Args:
            output: where.
            assemble: makes the file of the pages; None: they are it.

        Raises:
            OSError: it can't be written.
        """
        whole = self._folder / ("pages" if assemble is None else "whole")
        with open(whole, "ab", opener=private) as out:
            if assemble is not None:
                out.truncate(0)  # a killed process may have begun with it
                with open(self._folder / "pages", "rb") as pages:
                    assemble(pages, out)
                out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        whole.replace(output)
        self.close()
        shutil.rmtree(self._folder)
        return size

    def close(self) -> None:
        """Leave everything for the next process. Never raises."""
        self.pages.close()
        self._lock.release()

    def _append(self, data: bytes) -> None:
        self.pages.write(data)
        self.pages.flush()
        _write_back(self.pages, self.counted.size, len(data))
        self.counted.size += len(data)


def _write_back(file: BinaryIO, start: int, size: int) -> None:
    """Let the system begin to write a part of a file to the disk, so that nobody waits for all of it at the end.

    That is what Linux does when it is told that the part won't be read soon. Never raises.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), start, size, os.POSIX_FADV_DONTNEED)


def _counted(path: Path, slices: int) -> Counted:
    found = _read(path)
    if found is None:
        return Counted([Position()] * slices)
    positions = [Position(**one) for one in found["positions"]]
    return Counted(positions, found["size"], found["written"], Counter(found["skipped"]))


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
    with open(new, "wb", opener=private) as file:
        file.write(orjson.dumps(value))
    new.replace(path)
