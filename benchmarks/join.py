"""Joining feedback, against the least that a join can be, and against one request after the other.

    python -m benchmarks.join [completions] [events]

`minimal loop` searches for 1,000 keys with one `terms` query and writes one partial update for each hit with one
`_bulk`: nothing is merged, checked, marked or tried again, and the events are in memory beforehand. The joiner does
all of that. Each run judges other completions of the same store; nine of ten events have one.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.measure import REQUEST, RESPONSE, machine, table
from shipper.embedded import remove_node, start_node
from shipper.feedback.joiner import Joiner
from shipper.record import build
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.setup import setup
from shipper.store.transport import JSON_TYPE, NDJSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from elasticsearch import Elasticsearch

RESULTS = Path(__file__).parent / "results" / "join.md"

_ROUNDS = 3
_BATCH = 1000
_START = 1_795_000_000  # seconds since the epoch
_HEADERS = {"accept": JSON_TYPE, "content-type": NDJSON_TYPE}


class Store:
    """A node with completions in a number of indices, and events that judge them."""

    def __init__(self, client: Elasticsearch, completions: int, indices: int) -> None:
        self.client = client
        self.completions = completions
        self.indices = indices
        self._run = 0

    def fill(self) -> None:
        """Start anew."""
        names = sorted(self.client.indices.get(index="llm-*", features="aliases"))
        for start in range(0, len(names), 20):
            self.client.indices.delete(index=names[start : start + 20])
        self._write(self._completion(number) for number in range(self.completions))

    def events(self, count: int) -> list[tuple[str, str]]:
        """Write events that judge completions which no run before has judged; their keys and ids."""
        self._run += 1
        rng = random.Random(self._run)
        keys: list[tuple[str, str]] = []
        for number in range(count):
            number_of = rng.randrange(self._run, self.completions, 16)  # other completions in every run
            key = f"c{number_of}" if rng.random() < 0.9 else f"nobody-{self._run}-{number}"
            if number % 20 == 19:
                key = keys[-1][0]  # some are judged twice
            keys.append((key, f"e{self._run}-{number}"))
        self._write(self._event(key, event_id, rng) for key, event_id in keys)
        return keys

    def _completion(self, number: int) -> bytes:
        entry = {
            "at": (_START + number % 5000) * 10**9,
            "id": f"c{number}",
            "dataset": "llm.completion",
            "app": {"name": "bench", "version": str(number % self.indices)},
            "call": {"request": REQUEST, "response": {**RESPONSE, "id": f"chatcmpl-{number}"}},
        }
        return _create(f"llm-completions-bench@{number % self.indices}-2026.11", build(entry))

    def _event(self, key: str, event_id: str, rng: random.Random) -> bytes:
        entry = {
            "at": (_START + 6000) * 10**9,
            "id": event_id,
            "dataset": "llm.feedback",
            "app": {"name": "bench"},
            "call": {
                "join_keys": [key],
                "name": "helpful",
                "value": rng.random() < 0.7,
                "author": f"u{rng.randrange(1000)}",
                "author_kind": "human",
            },
        }
        return _create("llm-feedback-bench@2026.11", build(entry))

    def _write(self, actions: Iterable[bytes]) -> None:
        lines: list[bytes] = []
        for action in actions:
            lines.append(action)
            if len(lines) == 2000:
                _bulk(self.client, lines)
                lines = []
        if lines:
            _bulk(self.client, lines)
        self.client.indices.refresh(index="llm-*")


def main(completions: int = 1_000_000, events: int = 200_000) -> str:
    """Measure on one warm node; the report."""
    folder = Path(tempfile.mkdtemp(prefix="join-"))
    settings = Settings(home=folder)
    start_node(folder, heap_mb=1024, cache_dir=settings.cache)
    try:
        with connect(settings) as client:
            setup(client)
            speed = _speed(Store(client, completions, 30), settings, events // _ROUNDS)
            curve = _curve(client, settings, completions // 5, events // 10)
    finally:
        remove_node(folder)
    first = f"{completions:,} completions in 30 indices, {events:,} events in {_ROUNDS} runs of each; median."
    then = f"{completions // 5:,} completions, {events // 10:,} events in each run; median of {_ROUNDS}."
    parts = [
        "# Joining feedback",
        f"Written by `python -m benchmarks.join {completions} {events}`. {machine()}; the node on the same machine.",
        "## Against the least and the simplest",
        first,
        speed,
        "## As the number of indices grows",
        then,
        curve,
    ]
    return "\n\n".join(parts)


def _speed(store: Store, settings: Settings, events: int) -> str:
    store.fill()
    rates = _rates(store, settings, events)
    single = _one_by_one(store.client, store.events(300))
    least = statistics.median(rates["minimal"])
    rows = [["minimal loop", f"{least:,.0f}", "1.00"]]
    joined = statistics.median(rates["joiner"])
    rows.append(["joiner", f"{joined:,.0f}", f"{joined / least:.2f}"])
    rows.append(["one search and one update for each event", f"{single:,.0f}", f"{single / least:.2f}"])
    return table(["", "events/s", "of the minimal loop"], rows)


def _curve(client: Elasticsearch, settings: Settings, completions: int, events: int) -> str:
    rows: list[list[str]] = []
    for indices in (3, 30, 300):
        store = Store(client, completions, indices)
        store.fill()
        rates = _rates(store, settings, events)
        least, joined = (statistics.median(rates[name]) for name in ("minimal", "joiner"))
        rows.append([str(indices), f"{joined:,.0f}", f"{least:,.0f}", f"{joined / least:.2f}"])
    return table(["indices", "joiner, events/s", "minimal loop, events/s", "ratio"], rows)


def _rates(store: Store, settings: Settings, events: int) -> dict[str, list[float]]:
    """Events per second of both, in turn; a first pair warms the node up and doesn't count."""
    rates: dict[str, list[float]] = {"minimal": [], "joiner": []}
    for round_ in range(_ROUNDS + 1):
        size = events if round_ else min(events, 5000)
        keys = store.events(size)
        minimal = _minimal(store.client, keys)
        store.client.indices.delete(index="llm-feedback-bench@2026.11")
        store.events(size)
        joined = _join(store.client, settings, size)
        store.client.indices.delete(index="llm-feedback-bench@2026.11")
        if round_:
            rates["minimal"].append(minimal)
            rates["joiner"].append(joined)
    return rates


def _minimal(client: Elasticsearch, events: list[tuple[str, str]]) -> float:
    began = time.perf_counter()
    for start in range(0, len(events), _BATCH):
        by_key: dict[str, list[str]] = {}
        for key, event_id in events[start : start + _BATCH]:
            by_key.setdefault(key, []).append(event_id)
        hits = client.search(
            index="llm-completions-*",
            size=_BATCH,
            query={"terms": {"llm.join.key": list(by_key)}},
            source_includes=["llm.join.key"],
            seq_no_primary_term=True,
        )["hits"]["hits"]
        _bulk(client, [_update(hit, by_key) for hit in hits])
    return len(events) / (time.perf_counter() - began)


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


def _join(client: Elasticsearch, settings: Settings, events: int) -> float:
    joiner = Joiner(client, settings, now_ns=lambda: (_START + 7000) * 10**9)
    began = time.perf_counter()
    report = joiner.run()
    rate = events / (time.perf_counter() - began)
    assert report.events == events, report
    assert not report.failed, report
    return rate


def _one_by_one(client: Elasticsearch, events: list[tuple[str, str]]) -> float:
    began = time.perf_counter()
    for key, event_id in events:
        found = client.search(index="llm-completions-*", size=1, query={"term": {"llm.join.key": key}})
        for hit in found["hits"]["hits"]:
            doc = {"llm": {"feedback": {"entries": [{"id": event_id, "score": 1.0}], "positive": True}}}
            client.update(index=hit["_index"], id=hit["_id"], doc=doc)
    return len(events) / (time.perf_counter() - began)


def _create(index: str, document: dict[str, Any]) -> bytes:
    document["event"]["ingested"] = document["@timestamp"]
    about = {"create": {"_index": index, "_id": document["event"]["id"]}}
    return orjson.dumps(about) + b"\n" + orjson.dumps(document) + b"\n"


def _bulk(client: Elasticsearch, lines: list[bytes]) -> None:
    client.perform_request("POST", "/_bulk?filter_path=errors", headers=_HEADERS, body=b"".join(lines))


def _numbers() -> Iterator[int]:
    return (int(argument) for argument in sys.argv[1:])


if __name__ == "__main__":
    report = main(*_numbers())
    print(report)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report + "\n", "utf-8")
