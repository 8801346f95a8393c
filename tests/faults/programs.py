"""Small programs that tests run as real processes, and what they left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from shipper.spool.books import finished_balance, read_books
from shipper.spool.ledger import Balance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from elasticsearch import Elasticsearch

PRELUDE = """
import atexit, logging, os, signal, sys, threading, time
import shipper
app = shipper.get_application("faults", version="1", **{options!r})
def log(event_id):
    app.log_completion({{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": event_id}}]}},
                       {{"id": "r-" + event_id, "model": "gpt-4o-mini-2024-07-18", "object": "chat.completion",
                         "choices": [{{"index": 0, "message": {{"role": "assistant", "content": "ok"}},
                                       "finish_reason": "stop"}}]}}, event_id=event_id)
    os.write(1, event_id.encode() + b"\\n")
"""


class Program:
    """A Python process that logs; what it printed are the ids whose log call had returned."""

    def __init__(self, code: str, home: Path, url: str | None, **options: object) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
        environment["SHIPPER_HOME"] = str(home)
        if url is not None:
            environment["SHIPPER_ELASTICSEARCH_URL"] = url
        defaults: dict[str, object] = {
            "flush_interval_s": 0.05,
            "retry_max_interval_s": 0.5,
            "exit_timeout_s": 30.0,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE.format(options={**defaults, **options}) + code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.errors = ""
        """What it wrote to its error stream, once it has ended."""
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._collect)
        self._reader.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.decode().strip())
                self._changed.notify_all()

    def finish(self, timeout_s: float = 60) -> list[str]:
        """Wait for the end; all ids that were logged. Fails the test on an unexpected exit code."""
        assert self.process.stderr is not None
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.errors = self.process.stderr.read().decode()
            self._reader.join()
            self.process.stderr.close()
        assert self.process.returncode in (0, -signal.SIGTERM, -signal.SIGKILL), self.errors
        assert "Traceback" not in self.errors, self.errors
        return self._lines

    @property
    def logged(self) -> int:
        """How many events it has logged so far."""
        return len(self._lines)

    def wait_for(self, count: int) -> None:
        """Wait until it has logged so many events."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self._lines) >= count, timeout=120)
        assert enough, f"{len(self._lines)} events of {count}; exit code {self.process.poll()}"

    def kill(self) -> list[str]:
        """Kill -9; the ids that it had logged by then."""
        self.process.kill()
        return self.finish()


def shipper_command(
    home: Path, url: str | None, *arguments: str, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this home."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
    environment["SHIPPER_HOME"] = str(home)
    if url is not None:
        environment["SHIPPER_ELASTICSEARCH_URL"] = url
    return subprocess.run(
        [sys.executable, "-c", "from shipper.cli import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def wait_until(condition: Callable[[], bool], timeout_s: float = 30) -> bool:
    """Whether it became true in time."""
    pause = threading.Event()
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


def drain(home: Path, url: str | None, timeout_s: float = 120) -> None:
    """Send everything that dead processes left."""
    done = shipper_command(home, url, "drain", "--timeout", "30", timeout_s=timeout_s)
    assert done.returncode == 0, done.stderr


def books(home: Path) -> Balance:
    """The sum over all processes of the home."""
    spool = home / "spool"
    return Balance.total([finished_balance(spool), *(one.balance for one in read_books(spool))])


def assert_balanced(home: Path, *, delivered: int | None = None) -> None:
    """The books balance; and so many were delivered, and nothing else happened to any."""
    balance = books(home)
    assert balance.difference == 0, balance
    if delivered is not None:
        assert balance == Balance(accepted=delivered, delivered=delivered), balance


def stored_ids(es: Elasticsearch) -> list[str]:
    """The ids of all completions in the store; one that is there twice comes twice."""
    es.indices.refresh(index="llm-*")
    found: list[str] = []
    after = None
    while True:
        page = es.search(
            index="llm-completions-*", size=1000, sort=["event.id"], search_after=after, source=False
        )["hits"]["hits"]
        if not page:
            return found
        found += [hit["_id"] for hit in page]
        after = page[-1]["sort"]
