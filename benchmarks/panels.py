"""How long each panel takes as documents grow.

    python -m benchmarks.panels [documents …]

A demo month is logged through the real road; its completions are then written again and again, each with an id, a
time and a user of its own, until there are so many. Each question is asked anew over 30 days, with a window that no
question had before, so that no cache answers.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import psutil

from benchmarks.join_store import bulk, tell
from benchmarks.measure import machine, table
from shipper.demo.month.road import log_month
from shipper.embedded import remove_node, start_node
from shipper.panels.catalogue import PANELS
from shipper.panels.model import Window
from shipper.panels.run import run, run_panels
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.setup import setup

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.panels.model import Panel

RESULTS = Path(__file__).parent / "results" / "panels.md"

_CALLS = 2000
_USERS = 20_000
_DAYS = 30
_RUNS = 11
_BATCH = 1000
_SLOWEST = 15
_COMPLETIONS = "llm-completions-*"
_HEAD = [
    "completions",
    "median panel",
    "slowest panel",
    "below 500 ms",
    "median CPU",
    "dearest CPU",
    "all panels at once, s",
]


def main(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> str:
    """Grow the store from size to size; the report."""
    home = Path(tempfile.mkdtemp(prefix="panels-"))
    settings = Settings(home=home)
    node = start_node(home, heap_mb=1024, cache_dir=settings.cache)
    process = psutil.Process(node.pid)
    times: dict[int, dict[str, Timed]] = {}
    pages: dict[int, float] = {}
    try:
        with connect(settings.replace(elasticsearch_url=(node.url,), request_timeout_s=120)) as client:
            setup(client)
            log_month(
                client, settings.replace(elasticsearch_url=(node.url,)), seed=1, days=_DAYS, calls=_CALLS
            )
            documents = _completions(client)
            stored = len(documents)
            for size in sizes:
                _write(client, documents, size - stored)
                stored = max(stored, size)
                tell(f"{stored:,} completions")
                times[size] = {panel.id: _timed(client, process, panel) for panel in PANELS.values()}
                pages[size] = _page(client)
    finally:
        remove_node(home)
    return _report(times, pages)


class Timed(NamedTuple):
    """Milliseconds of one panel."""

    p95: float
    cpu: float
    """Of the node, for one question."""


def _timed(client: Elasticsearch, node: psutil.Process, panel: Panel) -> Timed:
    """All runs but the first, which reads from disk what the others find in memory."""
    run(client, panel, _window(0))
    found: list[float] = []
    spent = sum(node.cpu_times()[:2])
    for number in range(1, _RUNS + 1):
        window = _window(number)
        began = time.perf_counter()
        run(client, panel, window)
        found.append((time.perf_counter() - began) * 1000)
    spent = sum(node.cpu_times()[:2]) - spent
    return Timed(sorted(found)[round(0.95 * (_RUNS - 1))], spent * 1000 / _RUNS)


def _page(client: Elasticsearch) -> float:
    """Seconds of all panels in one request, as the report asks them; the median of three."""
    found: list[float] = []
    for number in range(3):
        began = time.perf_counter()
        run_panels(client, PANELS.values(), _window(1000 + number))
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def _window(number: int) -> Window:
    end = datetime.now(UTC)
    return Window(end - timedelta(days=_DAYS, seconds=number), end)


def _completions(client: Elasticsearch) -> list[tuple[str, dict[str, Any]]]:
    hits = client.search(index=_COMPLETIONS, size=10_000)["hits"]["hits"]
    return [(hit["_index"], hit["_source"]) for hit in hits]


def _write(client: Elasticsearch, documents: list[tuple[str, dict[str, Any]]], count: int) -> None:
    """Copies of the documents at other times of the same month."""
    rng = random.Random(count)
    lines: list[bytes] = []
    now = datetime.now(UTC)
    for number in range(count):
        index, document = documents[rng.randrange(len(documents))]
        moment = datetime.fromisoformat(document["@timestamp"])
        latest = min(now, (moment.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1))
        moment = latest - timedelta(seconds=rng.random() * 86_400 * min(latest.day - 1, _DAYS))
        copied = {**document, "@timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        name = f"copy-{count}-{number}"
        copied["event"] = {**document["event"], "id": name}
        copied["user"] = {"id": f"user-{rng.randrange(_USERS)}"}
        lines.append(orjson.dumps({"create": {"_index": index, "_id": name}}) + b"\n")
        lines.append(orjson.dumps(copied) + b"\n")
        if len(lines) == 2 * _BATCH:
            bulk(client, lines)
            lines = []
    if lines:
        bulk(client, lines)
    client.indices.refresh(index=_COMPLETIONS)


def _report(times: dict[int, dict[str, Timed]], pages: dict[int, float]) -> str:
    largest = max(times)
    slowest = sorted(times[largest], key=lambda name: -times[largest][name].cpu)
    rows = [
        [f"`{name}`", *(f"{times[size][name].p95:.0f} ({times[size][name].cpu:.0f})" for size in times)]
        for name in slowest[:_SLOWEST]
    ]
    growth = [
        [
            f"{size:,}",
            f"{statistics.median(one.p95 for one in found.values()):.0f}",
            f"{max(one.p95 for one in found.values()):.0f}",
            f"{sum(one.p95 < 500 for one in found.values())} of {len(found)}",
            f"{statistics.median(one.cpu for one in found.values()):.0f}",
            f"{max(one.cpu for one in found.values()):.0f}",
            f"{pages[size]:.1f}",
        ]
        for size, found in times.items()
    ]
    words = " ".join(str(size) for size in times)
    return "\n\n".join(
        [
            "# Panels",
            _measured(words),
            "## As completions grow",
            table(
                _HEAD,
                growth,
            ),
            f"## The {_SLOWEST} dearest: p95 (CPU)",
            table(["panel", *(f"{size:,}" for size in times)], rows),
        ]
    )


def _measured(words: str) -> str:
    return (
        f"Written by `python -m benchmarks.panels {words}`. {machine()}, embedded Elasticsearch with 1 GB of heap, other "
        f"work beside (load average {os.getloadavg()[1]:.0f}). p95 of {_RUNS} questions over {_DAYS} days, milliseconds; no question is asked twice. CPU is what "
        "the node spent on one question, on average: it doesn't depend on what else the machine does."
    )


if __name__ == "__main__":
    report = main(tuple(int(one) for one in sys.argv[1:])) if sys.argv[1:] else main()
    print(report)
    RESULTS.write_text(report + "\n", "utf-8")
