"""Memory of a process that logs while the store is away, and of one that drains what it left.

Resident memory, as the kernel counts it, against the same process right before.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

import shipper
from benchmarks.measure import REQUEST, RESPONSE, machine, table
from shipper.embedded import remove_node, start_node
from shipper.process import pipeline_for
from shipper.send.imports import import_what_sending_needs
from shipper.send.sender import Sender
from shipper.sink import make_sink
from shipper.store.client import connect
from shipper.store.setup import setup

_SPOOL_BYTES = 1 << 34


def main(events: int = 1_000_000) -> str:
    """Measure both, each in a process of its own; the report."""
    home = Path(tempfile.mkdtemp(prefix="memory-"))
    try:
        logged = _run("log", home, events)
        start_node(home, heap_mb=1024, cache_dir=shipper.Settings(home=home).cache)
        drained = _run("drain", home, events)
    finally:
        remove_node(home)
        shutil.rmtree(home, ignore_errors=True)
    rows = [
        [f"{events:,} log calls, store away", f"{logged['before']:.0f}", f"{logged['growth']:.1f}"],
        [
            f"draining them ({drained['delivered']:,} delivered)",
            f"{drained['before']:.0f}",
            f"{drained['growth']:.1f}",
        ],
    ]
    return f"## Memory\n\n{machine()}\n\n" + table(["what", "before, MiB", "highest growth, MiB"], rows)


def _run(part: str, home: Path, events: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", part, str(home), str(events)],
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, float] = orjson.loads(done.stdout.splitlines()[-1])
    return report


def _log(home: Path, events: int) -> dict[str, float]:
    settings = shipper.Settings(home=home, spool_max_bytes=_SPOOL_BYTES, exit_timeout_s=0)
    app = shipper.Application("memory", version="1", settings=settings)
    for _ in range(2000):
        app.log_completion(REQUEST, RESPONSE)
    pipeline_for(settings).flush(3, patient=False)  # everything is imported and the sender has met its fate
    before = _resident()
    highest = before
    for number in range(events - 2000):
        app.log_completion(REQUEST, RESPONSE)
        if number % 10_000 == 0:
            highest = max(highest, _resident())
    return {"before": before, "growth": max(highest, _resident()) - before}


def _drain(home: Path) -> dict[str, float]:
    settings = shipper.Settings(home=home, spool_max_bytes=_SPOOL_BYTES)
    with connect(settings) as client:
        setup(client)
    sender = Sender(settings, make_sink(settings), role="drain", instance="memory", adopt_living=True)
    sender.adopt()
    import_what_sending_needs()
    before = _resident()
    highest = before
    sender.start()
    while not sender.is_drained():
        time.sleep(0.1)
        highest = max(highest, _resident())
    sender.stop(10)
    with connect(settings) as client:
        client.indices.refresh(index="llm-completions-memory@*")
        delivered = client.count(index="llm-completions-memory@*")["count"]
    return {"before": before, "growth": highest - before, "delivered": delivered}


def _resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    if len(sys.argv) > 2:
        folder = Path(sys.argv[2])
        print(
            orjson.dumps(_log(folder, int(sys.argv[3])) if sys.argv[1] == "log" else _drain(folder)).decode()
        )
    else:
        print(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
