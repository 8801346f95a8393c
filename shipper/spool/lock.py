"""Advisory file locks that end with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class FileLock:
    """An exclusive lock on a file (flock): the kernel releases it however the holder dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> Self | None:
        """The lock, or None when another holder has it.

        Raises:
            OSError: the file can't be opened or made.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back. In a forked child too: closing the child's copy leaves the parent's lock alone.

        Never raises.
        """
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # the application may have closed all descriptors
            os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock. A missing file is not locked.

    Raises:
        OSError: the file exists but can't be opened.
    """
    if not path.exists():
        return False
    try:
        lock = FileLock.acquire(path)
    except FileNotFoundError:  # its folder is gone by now
        return False
    if lock is None:
        return True
    lock.release()
    return False
