"""A backlog from the spool to searchable documents, against ready bytes and against the client's own helpers.

All of them write the same documents into a fresh index of the same template on the same node, one after the other;
each time includes the refresh that makes them searchable. `ready bytes` is the limit: `_bulk` bodies made
beforehand and posted over plain HTTP connections, answers not even parsed.
"""

from __future__ import annotations

import http.client
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from elasticsearch import helpers

import shipper
from benchmarks.measure import REQUEST, RESPONSE, machine, table
from shipper.embedded import remove_node, start_node
from shipper.process import close_all
from shipper.send.prepare import prepare
from shipper.send.sender import Sender
from shipper.sink import make_sink
from shipper.spool.folder import instance_folders
from shipper.store.client import connect
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticsearch import Elasticsearch

_CONNECTIONS = 2
_BATCH = 1000


def main(events: int = 200_000, rounds: int = 3) -> str:
    """Measure all on one warm node, in turn, several times; the report."""
    folder = Path(tempfile.mkdtemp(prefix="backlog-"))
    settings = shipper.Settings(home=folder, connections=_CONNECTIONS, batch_max_events=_BATCH)
    node = start_node(folder, heap_mb=1024, cache_dir=settings.cache)
    rates: dict[str, list[float]] = {}
    try:
        with connect(settings) as client:
            setup(client)
            fill(settings, events)
            ready = list(ready_documents(settings))
            size = sum(len(body) for _, body in ready[:1000]) // 1000
            runs: list[tuple[str, Callable[[], None]]] = [
                ("ready bytes by http.client, 2 connections", lambda: _raw(node.url, ready)),
                ("shipper drain: spool → documents → _bulk, 2 connections", lambda: drain(settings)),
                (
                    "elasticsearch.helpers.parallel_bulk from dicts, 2 threads",
                    lambda: _parallel(client, ready),
                ),
                ("elasticsearch.helpers.bulk from dicts", lambda: _bulk(client, ready)),
            ]
            _rate(client, runs[0][1], events)  # a node that has just started compiles its code first
            for round_ in range(rounds):
                if round_:
                    fill(settings, events)
                for name, run in runs:
                    rates.setdefault(name, []).append(_rate(client, run, events))
    finally:
        close_all()
        remove_node(folder)
        shutil.rmtree(folder, ignore_errors=True)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    limit = next(iter(middle.values()))
    rows = [[name, f"{rate:,.0f}", f"{rate / limit:.0%}"] for name, rate in middle.items()]
    return (
        f"## A backlog of {events:,} records, from spool to searchable ({size} byte documents)\n\n{machine()}; "
        f"the node runs on the same cores; median of {rounds} rounds\n\n"
        + table(["what", "records/s", "of the limit"], rows)
        + "\n\nBoth sides share the cores, so that what the drain computes is taken from the store."
    )


def fill(settings: shipper.Settings, events: int) -> None:
    """Leave a backlog in the spool, as a process that ended would."""
    spooled = settings.replace(send="none")
    app = shipper.Application("backlog", version="1", settings=spooled)
    for _ in range(events):
        app.log_completion(REQUEST, RESPONSE)
    close_all()


def _rate(client: Elasticsearch, run: Callable[[], None], events: int) -> float:
    clear(client)
    began = time.perf_counter()
    run()
    client.indices.refresh(index="llm-completions-backlog@1-*")
    seconds = time.perf_counter() - began
    stored = client.count(index="llm-completions-backlog@1-*")["count"]
    if stored != events:
        raise RuntimeError(f"{stored} documents instead of {events}")
    return events / seconds


def clear(client: Elasticsearch) -> None:
    """Remove what an earlier run has stored."""
    for name in list(client.indices.get(index="llm-completions-backlog*").body):
        client.indices.delete(index=name)


def ready_documents(settings: shipper.Settings) -> Iterator[tuple[str, bytes]]:
    """Id and body of each document that the spool's lines come to."""
    for folder in instance_folders(settings.spool_dir):
        for number in folder.segments():
            for line in folder.segment(number).read_bytes().splitlines():
                item = prepare(line, time.time_ns(), "month")
                yield item.document.id, item.document.body


def _index(ready: list[tuple[str, bytes]]) -> str:
    return f"llm-completions-backlog@1-{orjson.loads(ready[0][1])['@timestamp'][:7].replace('-', '.')}"


def _raw(url: str, ready: list[tuple[str, bytes]]) -> None:
    index = _index(ready)
    bodies = [
        b"".join(
            b'{"create":{"_index":"%b","_id":"%b"}}\n%b\n' % (index.encode(), event_id.encode(), body)
            for event_id, body in ready[start : start + _BATCH]
        )
        for start in range(0, len(ready), _BATCH)
    ]
    place = urlsplit(url)
    waiting = iter(bodies)
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection(place.hostname or "", place.port)
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            headers = {"Content-Type": "application/x-ndjson"}
            connection.request("POST", "/_bulk?filter_path=errors", body, headers)
            if connection.getresponse().read() != b'{"errors":false}':
                raise RuntimeError("the limit's own writes failed")

    threads = [threading.Thread(target=work) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def drain(settings: shipper.Settings) -> None:
    """Send what lies in the spool; returns when the sink has taken it."""
    sender = Sender(settings, make_sink(settings), role="drain", instance="bench", adopt_living=True)
    sender.adopt()
    sender.start()
    while not sender.is_drained():
        time.sleep(0.01)
    sender.stop(10)


def _actions(ready: list[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
    index = _index(ready)
    for event_id, body in ready:
        yield {"_op_type": "create", "_index": index, "_id": event_id, "_source": orjson.loads(body)}


def _parallel(client: Elasticsearch, ready: list[tuple[str, bytes]]) -> None:
    for _ in helpers.parallel_bulk(client, _actions(ready), thread_count=_CONNECTIONS, chunk_size=_BATCH):
        pass


def _bulk(client: Elasticsearch, ready: list[tuple[str, bytes]]) -> None:
    helpers.bulk(client, _actions(ready), chunk_size=_BATCH)


if __name__ == "__main__":
    print(main(*map(int, sys.argv[1:])))
