"""The material of the join benchmarks: a store full of completions, and events that judge them."""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from benchmarks.measure import REQUEST, RESPONSE
from shipper.record import build
from shipper.store.transport import JSON_TYPE, NDJSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elasticsearch import Elasticsearch

START = 1_795_000_000
"""When the calls began, seconds since the epoch."""

_BATCH = 1000
_HEADERS = {"accept": JSON_TYPE, "content-type": NDJSON_TYPE}
_INDEX = "llm-completions-bench@{}-2026.11"
_EVENTS = "llm-feedback-bench@2026.11"
_NUMBER = "1234567890123"  # in the place of a completion's number


class Events(NamedTuple):
    """What a run has to join."""

    keys: list[tuple[str, str]]
    """Join key and id of each event."""
    late: list[int]
    """Numbers of completions that come after their event."""

    @property
    def matching(self) -> int:
        """Events that have a completion, sooner or later."""
        return sum(not key.startswith("nobody") for key, _ in self.keys)


class Store:
    """A node with completions in a number of indices, and events that judge them."""

    def __init__(self, client: Elasticsearch, node_pid: int, completions: int, indices: int) -> None:
        self.client = client
        self.node_pid = node_pid
        self.completions = completions
        self._indices = indices
        self._rng = random.Random(indices)
        self._unjudged = list(range(completions))
        self._next = completions
        self._run = 0
        self._template = orjson.dumps(_completion(_NUMBER))

    def fill(self) -> None:
        """Start anew, each index filled after the other."""
        names = sorted(self.client.indices.get(index="llm-*", features="aliases"))
        for start in range(0, len(names), 20):
            self.client.indices.delete(index=names[start : start + 20])
        self._rng.shuffle(self._unjudged)
        began = time.monotonic()
        for index in range(self._indices):
            quick = {"refresh_interval": "-1", "translog.durability": "async"}
            self.client.indices.create(index=_INDEX.format(index), settings=quick)
        with ThreadPoolExecutor(3) as writers:
            list(writers.map(self._fill, range(self._indices)))
        usual = {"refresh_interval": None, "translog.durability": None}
        self.client.indices.put_settings(index=_INDEX.format("*"), settings=usual)
        self.client.indices.refresh(index="llm-*")
        tell(f"{self.completions:,} completions in {self._indices} indices after {_since(began)}")

    def _fill(self, index: int) -> None:
        self._write(self._action(number) for number in range(index, self.completions, self._indices))

    @property
    def document_bytes(self) -> int:
        """Length of a completion's JSON."""
        return len(self._template)

    def events(self, count: int) -> Events:
        """Events that judge completions which no run before has judged; not written yet."""
        if count > len(self._unjudged):
            raise ValueError(f"{len(self._unjudged):,} completions are left for {count:,} events: take more")
        self._run += 1
        found = Events([], [])
        for number in range(count):
            if number % 10 == 9:
                key = f"nobody-{self._run}-{number}"
            elif number % 20 == 8 and number > 20:
                key = found.keys[number - 18][0]
            elif number % 20 == 3:
                found.late.append(self._next)
                key, self._next = f"c{self._next}", self._next + 1
            else:
                key = f"c{self._unjudged.pop()}"
            found.keys.append((key, f"e{self._run}-{number}"))
        self._rng.shuffle(found.keys)
        return found

    def write_events(self, events: Events) -> None:
        """In place of those of the run before."""
        self.client.indices.delete(index=_EVENTS, ignore_unavailable=True)
        self._write(self._event(key, event_id) for key, event_id in events.keys)
        self.client.indices.refresh(index="llm-*")

    def write_late(self, events: Events) -> None:
        """The completions that come after their event."""
        self._write(self._action(number) for number in events.late)
        self.client.indices.refresh(index="llm-*")

    def shard_work(self) -> tuple[int, int]:
        """How often a shard of completions was searched and refreshed, all together, since the node began."""
        answer = self.client.indices.stats(index=_INDEX.format("*"), metric=["search", "refresh"])
        found = answer["_all"]["total"]
        return found["search"]["query_total"], found["refresh"]["external_total"]

    def _action(self, number: int) -> bytes:
        about = {"_index": _INDEX.format(number % self._indices), "_id": f"c{number}"}
        document = self._template.replace(_NUMBER.encode(), str(number).encode())
        return orjson.dumps({"create": about}) + b"\n" + document + b"\n"

    def _event(self, key: str, event_id: str) -> bytes:
        entry = {
            "at": (START + 6000) * 10**9,
            "id": event_id,
            "dataset": "llm.feedback",
            "app": {"name": "bench"},
            "call": {
                "join_keys": [key],
                "name": "helpful",
                "value": self._rng.random() < 0.7,
                "author": f"u{self._rng.randrange(1000)}",
                "author_kind": "human",
            },
        }
        document = build(entry)
        document["event"]["ingested"] = document["@timestamp"]
        return (
            orjson.dumps({"create": {"_index": _EVENTS, "_id": event_id}})
            + b"\n"
            + orjson.dumps(document)
            + b"\n"
        )

    def _write(self, actions: Iterable[bytes]) -> None:
        lines: list[bytes] = []
        for action in actions:
            lines.append(action)
            if len(lines) == _BATCH:
                bulk(self.client, lines)
                lines = []
        if lines:
            bulk(self.client, lines)


def _completion(number: str) -> dict[str, Any]:
    document = build(
        {
            "at": START * 10**9,
            "id": f"c{number}",
            "dataset": "llm.completion",
            "app": {"name": "bench", "version": "1"},
            "call": {"request": REQUEST, "response": {**RESPONSE, "id": f"chatcmpl-{number}"}},
        }
    )
    document["event"]["ingested"] = document["@timestamp"]
    return document


def bulk(client: Elasticsearch, lines: list[bytes]) -> None:
    """Lines of `_bulk`; refusals are not looked at."""
    client.perform_request("POST", "/_bulk?filter_path=errors", headers=_HEADERS, body=b"".join(lines))


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def tell(text: str) -> None:
    """Progress, for who waits."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
