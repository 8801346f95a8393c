"""Joining feedback, against the least that a join can be, and against one request after the other.

    python -m benchmarks join [completions] [events]

`minimal loop` searches for 1,000 keys with one `terms` query and writes one partial update for each hit with one
`_bulk`: nothing is merged, checked, marked or tried again, and the events are in memory beforehand. The joiner does
all of that: it reads the events from the store, and writes to each of them where it went. Of the events of a run nine
of ten have a completion; one in twenty is there before its completion, one in twenty judges a call for the second
time. Each run judges other completions of the same store.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import orjson

from benchmarks.join_store import START, Store, bulk, tell
from benchmarks.measure import machine, table
from shipper.embedded import remove_node, start_node
from shipper.feedback.joiner import Joiner
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.join_store import Events

HEAP_MB = 1536
LEAST: Final = 15_000
"""Events of a run of the minimal loop: its rate doesn't depend on how many there are."""

_ROUNDS = 3
_WARM_UP = 3000
_BATCH = 1000
_SINGLE = 200


class Run(NamedTuple):
    """How fast a run was, and how much of the processors it took: other work on the machine changes that less."""

    rate: float
    """Events per second."""
    cpu_us: float
    """Time of the node's and the client's processes for an event, microseconds."""
    searches: float
    """Searches of one shard, for a thousand events."""
    refreshes: float
    """Refreshes of one shard, for a thousand events."""


class Clock:
    """Times what is measured, and leaves out what comes between."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stat = Path(f"/proc/{store.node_pid}/stat")
        self._seconds = self._cpu = 0.0
        self._searches = self._refreshes = 0

    def __enter__(self) -> Self:
        self._count(-1)
        self._cpu -= self._cpu_s()
        self._seconds -= time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds += time.perf_counter()
        self._cpu += self._cpu_s()
        self._count(1)

    def run(self, events: int) -> Run:
        """Of so many events."""
        thousands = events / 1000
        return Run(
            events / self._seconds,
            self._cpu / events * 1e6,
            self._searches / thousands,
            self._refreshes / thousands,
        )

    def _count(self, sign: int) -> None:
        searches, refreshes = self._store.shard_work()
        self._searches += sign * searches
        self._refreshes += sign * refreshes

    def _cpu_s(self) -> float:
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()


@contextmanager
def filled(completions: int, indices: int) -> Generator[tuple[Store, Settings]]:
    """A node of its own with so many completions, removed afterwards; and how it is reached."""
    folder = Path(tempfile.mkdtemp(prefix="join-"))
    settings = Settings(home=folder, request_timeout_s=600)
    node = start_node(folder, heap_mb=HEAP_MB, cache_dir=settings.cache)
    try:
        with connect(settings) as client:
            setup(client)
            store = Store(client, node.pid, completions, indices)
            store.fill()
            yield store, settings
    finally:
        remove_node(folder)


def main(completions: int = 1_000_000, events: int = 200_000) -> str:
    """Measure on one warm node; the report."""
    with filled(completions, 30) as (store, settings):
        runs = turns(store, settings, events // _ROUNDS, _ROUNDS)
        single = _one_by_one(store, store.events(_SINGLE))
    rows = [
        _row("minimal loop", runs["minimal"], runs["minimal"]),
        _row("joiner", runs["joiner"], runs["minimal"]),
        _row("one search and one update an event", [single], runs["minimal"]),
    ]
    headers = ["", "events/s, median", "of each run", "of the minimal loop", "processor time an event"]
    least = min(events // _ROUNDS, LEAST)
    parts = [
        "# Joining feedback",
        (
            f"Written by `python -m benchmarks join`. {machine()}; the node, with a heap of {HEAP_MB:,} MB, is on the same "
            f"machine. A completion has {store.document_bytes:,} bytes. Processes that wanted to run at the end, those of "
            f"other work among them: {os.getloadavg()[1]:.0f}."
        ),
        (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
        (
            f"{completions:,} completions in 30 indices; {events:,} events joined in {_ROUNDS} runs, in turn with as many "
            f"runs of the minimal loop with {least:,} each; {_SINGLE} one after the other."
        ),
        table(headers, rows),
        f"The joiner is {median(runs['joiner']).rate / single.rate:.0f} times as fast as one event after the other.",
    ]
    return "\n\n".join(parts)


def _row(name: str, runs: list[Run], least: list[Run]) -> list[str]:
    middle = median(runs)
    every = ", ".join(f"{run.rate:,.0f}" for run in runs)
    share = middle.rate / median(least).rate
    return [name, f"{middle.rate:,.0f}", every, f"{share:.2f}", f"{middle.cpu_us:,.0f} µs"]


def median(runs: list[Run]) -> Run:
    """The middle one of each figure."""
    return Run(*(statistics.median(figures) for figures in zip(*runs, strict=True)))


def turns(store: Store, settings: Settings, events: int, rounds: int) -> dict[str, list[Run]]:
    """Both in turn; a first pair warms the node up and doesn't count."""
    runs: dict[str, list[Run]] = {"minimal": [], "joiner": []}
    for round_ in range(rounds + 1):
        for name in sorted(runs, reverse=bool(round_ % 2)):
            most = LEAST if name == "minimal" else events
            judged = store.events(min(events, most if round_ else _WARM_UP))
            run = _minimal(store, judged) if name == "minimal" else _join(store, settings, judged)
            tell(f"{name}: {run.rate:,.0f} events/s, {run.cpu_us:,.0f} µs of processors")
            if round_:
                runs[name].append(run)
    return runs


def _minimal(store: Store, events: Events) -> Run:
    with Clock(store) as clock:
        for start in range(0, len(events.keys), _BATCH):
            by_key: dict[str, list[str]] = {}
            for key, event_id in events.keys[start : start + _BATCH]:
                by_key.setdefault(key, []).append(event_id)
            hits = store.client.search(
                index="llm-completions-*",
                size=_BATCH,
                query={"terms": {"llm.join.key": list(by_key)}},
                source_includes=["llm.join.key"],
                seq_no_primary_term=True,
            )["hits"]["hits"]
            bulk(store.client, [_update(hit, by_key) for hit in hits])
    return clock.run(len(events.keys))


def _update(hit: dict[str, Any], by_key: dict[str, list[str]]) -> bytes:
    events = [one for key in hit["_source"]["llm"]["join"]["key"] for one in by_key.get(key, ())]
    about = {
        "_index": hit["_index"],
        "_id": hit["_id"],
        "if_seq_no": hit["_seq_no"],
        "if_primary_term": hit["_primary_term"],
    }
    entries = [{"id": one, "name": "helpful", "score": 1.0} for one in events]
    group = {"entries": entries, "count": len(entries), "positive": True}
    return (
        orjson.dumps({"update": about}) + b"\n" + orjson.dumps({"doc": {"llm": {"feedback": group}}}) + b"\n"
    )


def _join(store: Store, settings: Settings, events: Events) -> Run:
    """Two runs: the completions that are late come between them. Every event has to be where it belongs."""
    store.write_events(events)
    clock = Clock(store)
    joined = 0
    for later_s in (7000, 100_000):
        joiner = Joiner(store.client, settings, now_ns=lambda at=START + later_s: at * 10**9)
        with clock:
            report = joiner.run()
        joined += report.joined
        if report.failed:
            raise RuntimeError(f"the store refused: {report.failed}")
        if joined < events.matching:
            store.write_late(events)
    if joined != events.matching:
        raise RuntimeError(f"{joined} events of {events.matching} were joined")
    return clock.run(len(events.keys))


def _one_by_one(store: Store, events: Events) -> Run:
    with Clock(store) as clock:
        for key, event_id in events.keys:
            found = store.client.search(
                index="llm-completions-*", size=1, query={"term": {"llm.join.key": key}}
            )
            for hit in found["hits"]["hits"]:
                doc = {"llm": {"feedback": {"entries": [{"id": event_id, "score": 1.0}], "positive": True}}}
                store.client.update(index=hit["_index"], id=hit["_id"], doc=doc)
    return clock.run(len(events.keys))
