"""Find the spool folders that nobody sends for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipper.spool.folder import instance_folders
from shipper.spool.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from shipper.spool.folder import InstanceFolder


def adoptable(
    root: Path, held: Collection[str], *, living: bool, unread: Callable[[InstanceFolder, OSError], None]
) -> Iterator[tuple[InstanceFolder, FileLock]]:
    """Folders without a sender, with their drain lock taken.

    Args:
        root: the spool.
        held: instances that this process sends for already.
        living: also folders whose writer lives (it was told not to send by itself).
        unread: is told of a folder that can't be looked at; the others have nothing to do with that.

    Raises:
        OSError: the spool can't be read.
    """
    for folder in instance_folders(root):
        if folder.instance in held:
            continue
        try:
            if not living and folder.writer_lives():
                continue
            lock = FileLock.acquire(folder.drain_lock)
        except FileNotFoundError:
            continue  # somebody else has just finished it
        except OSError as error:
            unread(folder, error)
            continue
        if lock is None:
            continue
        if not folder.path.exists():
            lock.release()
            continue
        yield folder, lock
