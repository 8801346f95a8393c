"""One append-only segment file: whole lines or nothing."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SegmentFile:
    """The segment that a process writes. Not locked: its owner does that."""

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            OSError: it exists already, or the disk is full or read-only.
        """
        self.path = path
        self.size = 0
        self._torn = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def append(self, line: bytes) -> None:
        """Write a line with one system call.

        Raises:
            OSError: nothing of the line stays in the file (a part that was written is cut off, before the next line at the latest).
        """
        if self._torn:
            self._cut()
        written = os.write(self._descriptor, line)
        if written != len(line):  # the disk filled up in the middle of the line
            self._torn = True
            self._cut()
            raise OSError(errno.ENOSPC, "No space left on device", str(self.path))
        self.size += written

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self.size)
        self._torn = False

    def sync(self) -> None:
        """Wait until everything written is on the disk. Raises OSError if the disk fails, or if it is closed."""
        descriptor = self._descriptor
        if descriptor < 0:
            raise OSError(errno.EBADF, "The segment is closed", str(self.path))
        os.fdatasync(descriptor)

    def close(self) -> None:
        """Close the file; a second call does nothing. Never raises."""
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # the application may have closed all descriptors
            os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make a new file's name durable. Raises OSError if the disk fails."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
