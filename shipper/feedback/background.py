"""The joiner beside the embedded node: `shipper up` starts it, `shipper down` stops it, and it ends with the node.

It is a process of its own, known by a locked file in the home folder. Whoever starts it takes the lock and hands it
over with the open file, so that there is no moment without: the lock tells whether it lives, the text is its pid.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from shipper.embedded import find_node
from shipper.spool.lock import is_locked
from shipper.spool.private import private

if TYPE_CHECKING:
    from pathlib import Path

INTERVAL_S: Final = 5.0
"""Less than the default: who tries things out wants to see the verdict, and one search costs next to nothing."""

_LOCK = "joiner.lock"
_LOG = "joiner.log"
_PROGRAM = "from shipper.cli import main; main()"
_GRACE_S = 60.0  # a node that is started anew within it keeps its joiner
_POLL_S = 0.05


def start_joiner(home: Path) -> int | None:
    """Start the joiner of this home folder, unless one runs; returns at once.

    Returns:
        The process id of the new one; None when one runs already.

    Raises:
        OSError: the home folder can't be written.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            pid = _start(home, lock)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(pid).encode(), 0)
            return pid
        return None
    finally:
        os.close(lock)  # the child has a copy, and with it the lock


def stop_joiner(home: Path, timeout_s: float = 10.0) -> bool:
    """Stop the joiner of this home folder and wait until it has ended; whether there was one.

    It ends after the batch that it works on. One that does not end in time is killed: nothing is lost by that.

    Raises:
        OSError: the home folder can't be read.
    """
    pid = joiner_pid(home)
    if pid is None:
        return False
    for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not is_locked(home / _LOCK):
                return True
            time.sleep(_POLL_S)
    return True


def remove_joiner(home: Path) -> None:
    """Stop the joiner of this home folder, and delete its files.

    Raises:
        OSError: the home folder can't be read or written.
    """
    stop_joiner(home)
    for name in (_LOCK, _LOG):
        (home / name).unlink(missing_ok=True)


def joiner_pid(home: Path) -> int | None:
    """The process id of the joiner that runs for this home folder; None when there is none.

    Raises:
        OSError: the home folder can't be read.
    """
    path = home / _LOCK
    if not is_locked(path):
        return None
    text = path.read_text("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


class Beside:
    """Tells the joiner's process when it has nothing to do any more. Not thread-safe."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen_at = time.monotonic()

    def is_over(self) -> bool:
        """Whether the home folder is gone, or the node has been for a minute."""
        if not (self._home / _LOCK).exists():
            return True
        if find_node(self._home) is not None:
            self._seen_at = time.monotonic()
        return time.monotonic() - self._seen_at > _GRACE_S


def _start(home: Path, lock: int) -> int:
    with open(home / _LOG, "ab", opener=private) as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, "join", "--follow", "--beside-node"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env={**os.environ, "SHIPPER_HOME": str(home)},
            pass_fds=[lock],
            start_new_session=True,
        )
    return process.pid
