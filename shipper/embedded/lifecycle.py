"""Start, stop and remove the node."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shipper.embedded.artifacts import pinned_artifacts
from shipper.embedded.class_archive import ensure_class_archive
from shipper.embedded.diagnosis import diagnose, node_log_tail
from shipper.embedded.download import ensure_artifacts
from shipper.embedded.layout import lay_out
from shipper.embedded.paths import NodePaths
from shipper.embedded.state import (
    FileLock,
    NodeAlreadyRunning,
    NodeInfo,
    find_node,
    lock_holder,
    read_state,
    remembered_port,
)
from shipper.embedded.support import check_support
from shipper.errors import EmbeddedNodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.embedded.download import Progress

_POLL_S = 0.05
_PROBES_S = 5.0  # others who only ask for the lock's holder have it for microseconds
_CHILD = Path(__file__).with_name("child.py")


def start_node(
    home: Path,
    *,
    heap_mb: int = 512,
    port: int | None = None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    timeout_s: float = 120,
) -> NodeInfo:
    """Download what is missing, start the node and wait until its data can be used.

    The node outlives this process; `stop_node` ends it.

    Args:
        home: the folder that owns the node; its data lies in `embedded` below it.
        heap_mb: Java heap, MiB; the process needs about 200 more.
        port: HTTP port on 127.0.0.1; None takes the one of the last start, or else any free one.
        cache_dir: cache of jars shared by homes; None is the user's cache folder.
        progress: called with (stage, done, total): ("download", bytes, bytes), ("start", 0, 1),
            ("recover", percent, 100).
        timeout_s: longest wait for a started node, without the download. It goes on after that.

    Raises:
        NodeAlreadyRunning: it runs already; the exception carries its `NodeInfo`.
        EmbeddedNodeError: it can't run here, be downloaded, started, or open all its indices; the message says why.
    """
    if (running := find_node(home)) is not None:
        raise NodeAlreadyRunning(running)
    check_support()
    paths = NodePaths.of_home(home)
    start_lock = FileLock(paths.start_lock)
    try:
        paths.create()
        start_lock.acquire(timeout_s=None)  # whoever has it ends by itself: each of its steps has a time-out
        try:
            if lock_holder(paths.node_lock) is not None:
                raise NodeAlreadyRunning(_wait_until_ready(home, None, progress, timeout_s))
            cache = cache_dir or _user_cache()
            ensure_artifacts(pinned_artifacts(), cache, progress)
            chosen = choose_port(port, remembered_port(paths))
            archive = ensure_class_archive(cache)
            lay_out(paths, cache, heap_mb=heap_mb, port=chosen, class_archive=archive)
            return _launch(home, progress, timeout_s)
        finally:
            start_lock.release()
    except OSError as error:
        raise EmbeddedNodeError(
            f"The node's folder {paths.root} can't be used ({error}). Choose another home with SHIPPER_HOME."
        ) from error


def _launch(home: Path, progress: Progress | None, timeout_s: float) -> NodeInfo:
    process = _spawn(NodePaths.of_home(home))
    try:
        return _wait_until_ready(home, process, progress, timeout_s)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        # Reaps the node if it ends while this process lives on.
        threading.Thread(target=process.wait, daemon=True, name="shipper-node-reaper").start()


def stop_node(home: Path, timeout_s: float = 30) -> bool:
    """Close the node of this home; False if none ran.

    Args:
        home: the home whose node it is.
        timeout_s: after that it is killed, which loses nothing that was acknowledged.

    Raises:
        EmbeddedNodeError: it belongs to another user, or does not even end when killed.
    """
    paths = NodePaths.of_home(home)
    stopped = False
    for number, wait_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 10.0)):
        pid = _process_of_node(paths)
        if pid is None:
            break
        stopped = True
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        except PermissionError as error:
            raise EmbeddedNodeError(
                f"The node (process {pid}) belongs to another user: stop it as that user."
            ) from error
        _wait_until(lambda: lock_holder(paths.node_lock) is None, wait_s)
    if lock_holder(paths.node_lock) is not None:
        raise EmbeddedNodeError(f"The node of {home} (process {pid}) does not end, not even when killed.")
    paths.node_file.unlink(missing_ok=True)
    return stopped


def _process_of_node(paths: NodePaths) -> int | None:
    """Process id of the node, None if there is none; waits for one that has only just been started."""
    _wait_until(lambda: lock_holder(paths.node_lock) != 0, _PROBES_S)
    pid = lock_holder(paths.node_lock)
    if pid == 0:
        raise EmbeddedNodeError(
            f"{paths.node_lock} is locked by a program that is not the node: end that one."
        )
    return pid


def remove_node(home: Path, *, cache: bool = False, cache_dir: Path | None = None) -> None:
    """Stop the node and delete its data, logs and snapshots; with `cache` the downloaded jars too.

    Raises:
        EmbeddedNodeError: the node can't be stopped, or its files can't be deleted.
    """
    paths = NodePaths.of_home(home)
    if paths.root.exists():
        start_lock = FileLock(paths.start_lock)
        start_lock.acquire(timeout_s=None)
        try:
            stop_node(home)
            shutil.rmtree(paths.root)
        except OSError as error:
            raise EmbeddedNodeError(f"{error.filename} can't be deleted: {error.strerror}.") from error
        finally:
            start_lock.release()
    if cache:
        shutil.rmtree((cache_dir or _user_cache()) / "jars", ignore_errors=True)


def choose_port(wanted: int | None, remembered: int | None) -> int:
    """The port to start with; 0 lets the operating system choose.

    Raises:
        EmbeddedNodeError: the wanted port is taken.
    """
    if wanted is not None:
        if not _is_free(wanted):
            raise EmbeddedNodeError(
                f"Port {wanted} is taken by another program, so the node was not started. "
                "Name another port, or none to have a free one chosen."
            )
        return wanted
    return remembered if remembered is not None and _is_free(remembered) else 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _user_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("llm-shipper")


def _spawn(paths: NodePaths) -> subprocess.Popen[bytes]:
    """Start the child; it inherits the node's lock, so that there is no moment without a holder."""
    lock = FileLock(paths.node_lock)
    if not lock.acquire(timeout_s=_PROBES_S):
        raise EmbeddedNodeError(
            f"{paths.node_lock} is locked by another program: it may be a copy of this node."
        )
    try:
        paths.node_file.unlink(missing_ok=True)  # of a node that was killed
        with paths.console_log.open("wb") as console:
            process = subprocess.Popen(
                [sys.executable, "-P", str(_CHILD), str(paths.launch_file), str(lock.fd)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=paths.root,
                pass_fds=(lock.fd,),
                start_new_session=True,
            )
    finally:
        lock.hand_over()
    return process


def _wait_until_ready(
    home: Path, process: subprocess.Popen[bytes] | None, progress: Progress | None, timeout_s: float
) -> NodeInfo:
    """Wait for the node's word that it is ready.

    Args:
        home: the home whose node it is.
        process: the child, or None if somebody else started it.
        progress: as in `start_node`.
        timeout_s: longest wait.

    Raises:
        EmbeddedNodeError: it ended, takes too long, or came up with broken indices.
    """
    paths = NodePaths.of_home(home)
    give_up_at = time.monotonic() + timeout_s
    reported: tuple[str, int, int] | None = None
    while True:
        state = read_state(paths)
        if state is not None and state.ready:
            if state.status == "red":
                raise EmbeddedNodeError(_broken_indices(state.info))
            return state.info
        now = ("start", 0, 1) if state is None else ("recover", int(state.recovered_percent), 100)
        if progress and now != reported:
            progress(*now)
            reported = now
        ended = process.poll() is not None if process else lock_holder(paths.node_lock) is None
        if ended:
            raise EmbeddedNodeError(_why_it_ended(home, process.returncode if process else None))
        if time.monotonic() >= give_up_at:
            done = f"has {state.recovered_percent:.0f} % of its data back" if state else "is still starting"
            raise EmbeddedNodeError(
                f"The node {done} after {timeout_s:g} s. It goes on in the background: `shipper up` waits for it, "
                f"`shipper down` ends it, {paths.node_log} has its log."
            )
        time.sleep(_POLL_S)


def _why_it_ended(home: Path, returncode: int | None) -> str:
    cause = diagnose(home)
    if cause is None and returncode == -signal.SIGKILL:
        cause = "It was killed from outside; if nobody did it, the machine ran out of memory."
    logs = NodePaths.of_home(home).logs
    tail = node_log_tail(home, 5)
    return f"The embedded node did not start. {cause or 'The cause is not a known one.'} Logs: {logs}\n{tail}"


def _broken_indices(info: NodeInfo) -> str:
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{info.url}/_cat/indices?health=red&h=index", timeout=30) as answer:
        names = answer.read().decode().split()
    return (
        f"The node runs at {info.url}, but can't open {', '.join(names) or 'all of its indices'}: their files are "
        "damaged or missing. Everything else works. Restore these from a snapshot, or delete them."
    )


def _wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(_POLL_S)
