"""Who runs: file locks, `node.json` and the remembered port.

The truth is the lock on `node.lock`: the kernel drops it when the node's process ends, however it ends. `node.json`
only adds the address, so a file left over by a killed node, or a process id used again, is never believed.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shipper.embedded.paths import NodePaths
from shipper.errors import EmbeddedNodeError

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A running node."""

    url: str
    """Address, `http://127.0.0.1:PORT`."""
    pid: int
    """Process id; also its process group."""
    data_dir: Path
    """Folder of the indices."""
    version: str
    """Elasticsearch's version."""
    started_at: datetime
    """When the process was started, UTC."""


class NodeAlreadyRunning(EmbeddedNodeError):
    """A node of this home runs already; `info` says where."""

    def __init__(self, info: NodeInfo) -> None:
        super().__init__(
            f"The embedded node is already running at {info.url} (process {info.pid}, data in {info.data_dir}). "
            "One folder has one node: use this one, or stop it with `shipper down`."
        )
        self.info = info

    def __reduce__(self) -> tuple[type[NodeAlreadyRunning], tuple[NodeInfo]]:
        return type(self), (self.info,)


@dataclass(frozen=True, slots=True)
class NodeState:
    """What the node's process says about itself in `node.json`."""

    info: NodeInfo
    ready: bool
    """Whether every index can be read and written, or is known to be broken."""
    status: str
    """`green`, `yellow`, `red` as of start, or `starting`."""
    recovered_percent: float
    """Share of the shards that are back, 0 to 100."""


class FileLock:
    """An exclusive lock on a file, between processes and between threads; released when its holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, timeout_s: float | None = 0) -> bool:
        """Take the lock; False if somebody else has it for longer than `timeout_s` (None: wait for ever).

        Raises:
            OSError: the file can't be made, or its file system has no locks.
        """
        give_up_at = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._try():
                return True
            if give_up_at is not None and time.monotonic() >= give_up_at:
                return False
            time.sleep(_POLL_S)

    def _try(self) -> bool:
        import fcntl

        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The file may have been removed, or replaced, between the two calls: then this lock guards nothing.
            if os.path.samestat(os.fstat(fd), os.stat(self._path)):
                os.ftruncate(fd, 0)  # the last holder's process id
                self._fd, fd = fd, -1
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return False

    @property
    def fd(self) -> int:
        """Descriptor of the locked file; a process that inherits it keeps the lock."""
        assert self._fd is not None
        return self._fd

    def hand_over(self) -> None:
        """Close our descriptor; a child that inherited it holds the lock from now on."""
        os.close(self.fd)
        self._fd = None

    def release(self) -> None:
        """Give the lock back. Never raises."""
        import fcntl

        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)  # explicit, so that a copy in a forked child doesn't keep it
            self.hand_over()


def lock_holder(path: Path) -> int | None:
    """Process id noted in a file that is locked right now, 0 if none is noted; None if it isn't locked.

    Asks with a shared lock, so that two who ask at once don't take each other for the holder. Never raises.
    """
    try:
        import fcntl
    except ImportError:  # Windows: the node doesn't run there
        return None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(fd, 32, 0).strip()
        return int(text) if text.isdigit() else 0
    except OSError:  # a file system without locks: no node can have started here
        return None
    else:
        fcntl.flock(fd, fcntl.LOCK_UN)
        return None
    finally:
        os.close(fd)


def find_node(home: Path) -> NodeInfo | None:
    """The running node of a home, or None. Two small file reads, no network; never raises."""
    state = read_state(NodePaths.of_home(home))
    return state.info if state is not None and state.ready else None


def read_state(paths: NodePaths) -> NodeState | None:
    """What the living node of this folder says, ready or not; None if none lives. Never raises."""
    try:
        raw: dict[str, Any] = json.loads(paths.node_file.read_bytes())
        state = NodeState(
            info=NodeInfo(
                url=str(raw["url"]),
                pid=int(raw["pid"]),
                data_dir=paths.data,
                version=str(raw["version"]),
                started_at=datetime.fromisoformat(raw["started_at"]),
            ),
            ready=bool(raw["ready"]),
            status=str(raw["status"]),
            recovered_percent=float(raw["recovered_percent"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if lock_holder(paths.node_lock) == state.info.pid else None


def remembered_port(paths: NodePaths) -> int | None:
    """The port of the latest start, or None. Never raises."""
    try:
        port = int(paths.port_file.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return port if 0 < port < 65536 else None
