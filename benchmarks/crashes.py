"""kill -9, many rounds: of four writing processes, and of the node under two writers. Lost and doubled must be 0."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from elasticsearch import Elasticsearch

import shipper
from benchmarks.measure import machine, table
from shipper.embedded import find_node, remove_node, start_node
from shipper.store.setup import setup
from tests.faults.programs import Program, books, drain, stored_ids, wait_until


def main(writer_rounds: int = 50, node_rounds: int = 20) -> str:
    """Run both; the report."""
    home = Path(tempfile.mkdtemp(prefix="crashes-"))
    cache = shipper.Settings(home=home).cache
    node = start_node(home, heap_mb=512, cache_dir=cache)
    rows: list[list[str]] = []
    try:
        with Elasticsearch(node.url) as client:
            setup(client)
        logged = kill_writers(home, writer_rounds)
        rows.append(_row(f"{writer_rounds} rounds: kill -9 of 4 writing processes", home, logged, logged))
        more = kill_nodes(home, node_rounds)
        rows.append(
            _row(f"{node_rounds} rounds: kill -9 of the node under 2 writers", home, more, logged + more)
        )
    finally:
        remove_node(home)
        shutil.rmtree(home, ignore_errors=True)
    return f"## Crashes\n\n{machine()}\n\n" + table(
        ["what", "log calls that returned", "lost", "doubled", "books' difference"], rows
    )


def kill_writers(home: Path, rounds: int) -> list[str]:
    """The ids whose log calls had returned."""
    logged: list[str] = []
    for round_ in range(rounds):
        go = home / f"go{round_}"
        code = f"n = 0\nwhile not os.path.exists({str(go)!r}): time.sleep(.001)\nwhile True: log(f'w{round_}-{{0}}-{{n}}'); n += 1"
        writers = [Program(code.replace("{0}", str(w)), home, None) for w in range(4)]
        time.sleep(
            1.5
        )  # all have started, so that they write at the same time and not longer than it takes to kill
        go.touch()
        for writer in writers:
            writer.wait_for(100)
        random.shuffle(writers)
        for writer in writers:
            time.sleep(random.random() / 50)
            writer.process.kill()
        for writer in writers:
            logged += writer.finish()
    return logged


def kill_nodes(home: Path, rounds: int) -> list[str]:
    """The ids whose log calls had returned; the node runs again at the end."""
    cache = shipper.Settings(home=home).cache
    (home / "stop").unlink(missing_ok=True)
    code = f"n = 0\nwhile not os.path.exists({str(home / 'stop')!r}):\n    log(f'n{{0}}-{{n}}'); n += 1; time.sleep(.002)"
    writers = [Program(code.replace("{0}", str(w)), home, None) for w in range(2)]
    for _ in range(rounds):
        time.sleep(1)
        node = find_node(home)
        if node is None:
            raise RuntimeError("the node ended by itself")
        os.kill(node.pid, signal.SIGKILL)
        wait_until(lambda: find_node(home) is None)
        start_node(home, heap_mb=512, cache_dir=cache)
    (home / "stop").touch()
    return [event_id for writer in writers for event_id in writer.finish()]


def _row(what: str, home: Path, logged: list[str], all_logged: list[str]) -> list[str]:
    drain(home, None, timeout_s=900)
    node = find_node(home)
    if node is None:
        raise RuntimeError("no node")
    with Elasticsearch(node.url, request_timeout=60) as client:
        stored = stored_ids(client)
    lost = len(set(all_logged) - set(stored))
    doubled = len(stored) - len(set(stored))
    return [what, f"{len(logged):,}", str(lost), str(doubled), str(books(home).difference)]


if __name__ == "__main__":
    rounds = [int(one) for one in sys.argv[1:3]] or [50, 20]
    print(main(*rounds))
