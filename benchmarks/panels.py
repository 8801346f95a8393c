"""How long each panel takes as documents grow, and the whole page.

    python -m benchmarks panels

A demo month is logged through the real road; its calls and feedback are then written again and again, each with an
id, a time, a user and a conversation of its own, and without the contents that no panel reads, until there are so many
calls. Each question is asked over 30 days, with a window that no question had before, so that no cache answers.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
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
    from collections.abc import Callable

    from elasticsearch import Elasticsearch

    from shipper.panels.model import Panel

_CALLS = 2000
_USERS = 20_000
_CALLS_EACH = 3
"""Of a conversation."""
_DAYS = 30
_RUNS = 20
_WRITERS = 3
_BATCH = 2000
_SLOWEST = 20
_LIMIT_MS = 500
_COMPLETIONS, _FEEDBACK = "llm-completions-*", "llm-feedback-*"
_UNREAD = ("message", "gen_ai.input", "gen_ai.output", "llm.input", "llm.join.key", "llm.feedback.entries")
_WHILE_WRITING = {"refresh_interval": "-1", "translog.durability": "async"}
_PLACES = {"id": b"<id>", "time": b"<time>", "user": b"<user>", "conversation": b"<conversation>"}
_HEAD = [
    "calls",
    "median panel",
    "slowest panel",
    f"below {_LIMIT_MS} ms",
    "median CPU",
    "dearest CPU",
    "all panels at once, s",
    "`shipper report --html`, s",
]


def main(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> str:
    """Grow the store from size to size; the report."""
    home = Path(tempfile.mkdtemp(prefix="panels-"))
    settings = Settings(home=home)
    node = start_node(home, heap_mb=1024, cache_dir=settings.cache)
    settings = settings.replace(elasticsearch_url=(node.url,))
    process = psutil.Process(node.pid)
    found: list[Size] = []
    try:
        with connect(settings.replace(request_timeout_s=120)) as client:
            setup(client)
            log_month(client, settings, seed=1, days=_DAYS, calls=_CALLS)
            templates = {index: _templates(client, index) for index in (_COMPLETIONS, _FEEDBACK)}
            stored = _CALLS
            for size in sizes:
                began = time.monotonic()
                client.indices.put_settings(index="llm-*", settings=_WHILE_WRITING)
                for index, some in templates.items():
                    _write(client, some, (size - stored) * len(some) // _CALLS, f"{index[4:8]}-{size}")
                _settle(client)
                stored = max(stored, size)
                tell(f"{stored:,} calls in the store after {time.monotonic() - began:.0f} s")
                times = {panel.id: _timed(client, process, panel) for panel in PANELS.values()}
                found.append(Size(size, times, _at_once(client), _page(settings)))
    finally:
        remove_node(home)
    return _report(found)


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
    return Timed(sorted(found)[math.ceil(0.95 * _RUNS) - 1], spent * 1000 / _RUNS)


def _at_once(client: Elasticsearch) -> float:
    """Seconds of all panels in one request, as the report asks them; the median of three."""
    return statistics.median(
        _seconds(lambda number=number: run_panels(client, PANELS.values(), _window(1000 + number)))
        for number in range(3)
    )


def _page(settings: Settings) -> float:
    """Seconds of the whole command that writes the page; the median of three."""
    command = [sys.executable, "-c", "from shipper.cli import main; main()", "report", "--html", "page.html"]
    given = {"SHIPPER_HOME": str(settings.home), "SHIPPER_ELASTICSEARCH_URL": settings.elasticsearch_url[0]}
    return statistics.median(
        _seconds(
            lambda: subprocess.run(
                command, cwd=settings.home, env={**os.environ, **given}, check=True, capture_output=True
            )
        )
        for _ in range(3)
    )


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _window(number: int) -> Window:
    end = datetime.now(UTC)
    return Window(end - timedelta(days=_DAYS, seconds=number), end)


class Template(NamedTuple):
    """A document with places for what each copy has of its own."""

    target: str
    body: bytes
    begins: float
    """Since when its index has documents, seconds since the epoch; until when."""
    ends: float


def _templates(client: Elasticsearch, index: str) -> list[Template]:
    hits = client.search(index=index, size=10_000)["hits"]["hits"]
    return [_template(hit["_index"], hit["_source"]) for hit in hits]


def _template(index: str, document: dict[str, Any]) -> Template:
    month = datetime.fromisoformat(document["@timestamp"]).replace(day=1, hour=0, minute=0, second=0)
    now = datetime.now(UTC)
    begins = max(month, now - timedelta(days=_DAYS))
    ends = min(now, (month + timedelta(days=32)).replace(day=1))
    for path in _UNREAD:
        *outer, last = path.split(".")
        inside: dict[str, Any] = document
        for name in outer:
            inside = inside.get(name, {})
        inside.pop(last, None)
    places = {name: place.decode() for name, place in _PLACES.items()}
    document["@timestamp"] = places["time"]
    document["event"]["id"] = places["id"]
    document["user"] = {"id": places["user"]}
    if "conversation" in document.get("gen_ai", {}):
        document["gen_ai"]["conversation"]["id"] = places["conversation"]
    return Template(index, orjson.dumps(document), begins.timestamp(), ends.timestamp())


def _write(client: Elasticsearch, templates: list[Template], count: int, name: str) -> None:
    """Copies at other times of the same month, so many."""

    def write(begin: int) -> None:
        rng = random.Random(f"{name}-{begin}")
        lines: list[bytes] = []
        for number in range(begin, min(begin + _BATCH, count)):
            one = templates[rng.randrange(len(templates))]
            at = datetime.fromtimestamp(rng.uniform(one.begins, one.ends), UTC)
            own = {
                "id": f"{name}-{number}",
                "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "user": f"user-{rng.randrange(_USERS)}",
                "conversation": f"{name}-{rng.randrange(count // _CALLS_EACH + 1)}",
            }
            lines.append(orjson.dumps({"create": {"_index": one.target, "_id": own["id"]}}) + b"\n")
            body = one.body
            for place, value in own.items():
                body = body.replace(_PLACES[place], value.encode())
            lines.append(body + b"\n")
        bulk(client, lines)

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, range(0, max(0, count), _BATCH)))


def _settle(client: Elasticsearch) -> None:
    """Everything can be found, nothing is merged any more, and the settings are the store's own again."""
    client.indices.put_settings(index="llm-*", settings=dict.fromkeys(_WHILE_WRITING))
    client.indices.refresh(index="llm-*")
    while client.indices.stats(index="llm-*", metric="merge")["_all"]["total"]["merges"]["current"]:
        time.sleep(1)


class Size(NamedTuple):
    """What was measured with so many calls in the store."""

    calls: int
    times: dict[str, Timed]
    at_once: float
    page: float


def _report(found: list[Size]) -> str:
    largest = found[-1].times
    dearest = sorted(largest, key=lambda name: -largest[name].cpu)
    rows = [
        [f"`{name}`", *(f"{one.times[name].p95:.0f} ({one.times[name].cpu:.0f})" for one in found)]
        for name in dearest[:_SLOWEST]
    ]
    return "\n\n".join(
        [
            "# Panels",
            _measured(),
            "## As calls grow",
            table(_HEAD, [_growth(one) for one in found]),
            f"## The {_SLOWEST} dearest: p95 (CPU)",
            table(["panel", *(f"{one.calls:,}" for one in found)], rows),
        ]
    )


def _measured() -> str:
    return (
        f"{machine()}, embedded Elasticsearch with 1 GB of heap, load average {os.getloadavg()[1]:.1f}. p95 of "
        f"{_RUNS} questions over {_DAYS} days, in milliseconds; no question is asked twice. CPU is what the node "
        "spent on one question, on average: it doesn't depend on what else the machine does. Feedback grows with "
        "the calls; heartbeats and dead letters are the month's."
    )


def _growth(size: Size) -> list[str]:
    all_of_them = size.times.values()
    return [
        f"{size.calls:,}",
        f"{statistics.median(one.p95 for one in all_of_them):.0f}",
        f"{max(one.p95 for one in all_of_them):.0f}",
        f"{sum(one.p95 < _LIMIT_MS for one in all_of_them)} of {len(all_of_them)}",
        f"{statistics.median(one.cpu for one in all_of_them):.0f}",
        f"{max(one.cpu for one in all_of_them):.0f}",
        f"{size.at_once:.1f}",
        f"{size.page:.1f}",
    ]
