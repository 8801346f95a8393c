"""Exports against a scan that throws away what it reads, and against the client's own helper; and their memory.

The bare scan is the limit: the same point in time, the same number of slices, pages of as many bytes, over plain HTTP
connections; of each answer only the last sort value is read. All write into files on the same disk, one after the
other, each in a process of its own whose highest resident memory the kernel tells. Rates are from the first request on:
the start of the process, about a second in all of them, is only in its CPU.

python -m benchmarks.history_export [documents] [rounds]
"""

from __future__ import annotations

import http.client
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from benchmarks.measure import RESPONSE, machine, table
from shipper.cli.heap import keep_freed_memory
from shipper.embedded import remove_node, start_node
from shipper.export import Plan, export
from shipper.read.frames import completions_batches
from shipper.read.scan import SLICES
from shipper.record import build
from shipper.record.pricing import apply_cost
from shipper.route import destination
from shipper.settings import Settings
from shipper.store.client import connect, open_store
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

INDICES = "llm-completions-*@*"
_PAGE_BYTES = 8 * 1024 * 1024
_FIELDS = (
    "@timestamp",
    "event.id",
    "user.id",
    "service.version",
    "gen_ai.*.model",
    "gen_ai.usage.*",
    "llm.latency_ms",
)
_LIMIT = "bare scan, nothing kept"
_RUNS = {
    _LIMIT: "bare",
    "shipper export, ndjson": "ndjson",
    "shipper export, ndjson.gz": "ndjson.gz",
    "shipper export, parquet of 14 fields": "parquet",
    "shipper export, csv of 14 fields": "csv",
    "shipper export, parquet of all fields": "all",
    "completions_batches of 14 fields": "batches",
    "elasticsearch.helpers.scan, orjson into a file": "helper",
}


def main(documents: int = 200_000, rounds: int = 3) -> str:
    """Fill a node, measure all of them in turn, several times; the report."""
    folder = Path(tempfile.mkdtemp(prefix="export-"))
    settings = Settings(home=folder)
    node = start_node(folder, heap_mb=1024, cache_dir=settings.cache)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _RUNS}
    try:
        with connect(settings) as client:
            setup(client)
            size = fill(client, documents)
        measure("bare", node.url, folder, size)  # a node that has just started compiles its code first
        for _ in range(rounds):
            for name, what in _RUNS.items():
                one = measure(what, node.url, folder, size)
                assert one["documents"] == documents, (name, one)
                found[name].append(one)
    finally:
        remove_node(folder)
        shutil.rmtree(folder, ignore_errors=True)
    rates = {
        name: statistics.median(documents / one["seconds"] for one in each) for name, each in found.items()
    }
    rows = [
        [
            name,
            f"{rate:,.0f}",
            f"{rate / rates[_LIMIT]:.0%}",
            f"{statistics.median(one['cpu'] for one in found[name]):.1f}",
            f"{max(one['memory'] for one in found[name]):.0f}",
            f"{found[name][0]['bytes'] / 1e6:,.1f}",
        ]
        for name, rate in rates.items()
    ]
    head = ["what", "documents/s", "of the limit", "own CPU s", "highest resident MiB", "file MB"]
    return (
        f"## {documents:,} documents of {size} bytes, out of the store\n\n{machine()}; the node runs on the same cores; "
        f"median of {rounds} rounds, {SLICES} slices\n\n" + table(head, rows)
    )


def fill(client: Elasticsearch, documents: int) -> int:
    """Store completions over a month, in two versions; their mean size in bytes."""
    total = 0
    for start in range(0, documents, 1000):
        lines: list[bytes] = []
        for number in range(start, min(documents, start + 1000)):
            document = _document(number)
            body = orjson.dumps(document)
            total += len(body)
            place = destination(document)
            lines += [orjson.dumps({"create": {"_index": place.index, "_id": place.id}}), body]
        operations: Any = b"\n".join(lines) + b"\n"
        answer = client.bulk(operations=operations, filter_path=["errors"])
        assert not answer["errors"]
    client.indices.refresh(index=INDICES)
    return total // documents


def _document(number: int) -> dict[str, Any]:
    at = 1_761_955_200_000_000_000 + number * 12_000_000_000
    question = f"Order {number} has not arrived yet. Where is it, and can I still change the address?"
    request = {
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "messages": [{"role": "user", "content": question}],
    }
    message = {"role": "assistant", "content": f"Parcel {number} is on its way. " * 3}
    answer = {
        **RESPONSE,
        "id": f"chatcmpl-{number}",
        "choices": [{**RESPONSE["choices"][0], "message": message}],
    }
    call = {
        "request": request,
        "response": answer,
        "started_at": at,
        "ended_at": at + 900_000_000 + number % 1000,
        "user_id": f"u{number % 997}",
    }
    app = {
        "name": "export",
        "version": f"{number % 2}.0",
        "host": "h",
        "pid": 1,
        "instance": "i",
        "shipper": "0",
    }
    entry = {
        "seq": number,
        "v": 1,
        "dataset": "llm.completion",
        "id": f"e{number:09}",
        "at": at,
        "app": app,
        "call": call,
    }
    document = build(entry)
    apply_cost(document)
    return document


def measure(what: str, url: str, folder: Path, size: int) -> dict[str, Any]:
    """One run in a process of its own."""
    arguments = [sys.executable, "-m", "benchmarks.history_export", "run", what, url, str(folder), str(size)]
    done = subprocess.run(arguments, check=True, capture_output=True)
    return orjson.loads(done.stdout)


def run(what: str, url: str, folder: Path, size: int) -> dict[str, Any]:
    """Read everything in this way; time, memory and what came out."""
    settings = Settings(home=folder, elasticsearch_url=url)
    output = folder / f"out.{what}"
    began = time.perf_counter()
    if what == "bare":
        documents = _bare(url, size)
    elif what == "batches":
        documents = sum(batch.num_rows for batch in completions_batches(fields=_FIELDS, settings=settings))
    elif what == "helper":
        documents = _helper(settings, output)
    else:
        keep_freed_memory()  # as the command does
        form: Any = {"ndjson.gz": "ndjson", "all": "parquet"}.get(what, what)
        plan = Plan(form, fields=_FIELDS if what in ("csv", "parquet") else ())
        with open_store(settings) as client:
            documents = export(client, plan, output).documents
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    written = output.stat().st_size if output.exists() else 0
    output.unlink(missing_ok=True)
    return {
        "documents": documents,
        "seconds": seconds,
        "memory": _highest_mib(),
        "cpu": used.ru_utime + used.ru_stime,
        "bytes": written,
    }


def _highest_mib() -> float:
    """Highest resident memory of this program: `ru_maxrss` begins with that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _bare(url: str, size: int) -> int:
    place = urlsplit(url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port)
    opened = orjson.loads(_ask(connection, f"/{INDICES}/_pit?keep_alive=5m", None))
    connection.close()

    def read(number: int) -> int:
        own = http.client.HTTPConnection(str(place.hostname), place.port)
        return sum(_slice(own, opened["id"], number, max(1, min(10_000, _PAGE_BYTES // size))))

    with ThreadPoolExecutor(SLICES) as pool:
        return sum(pool.map(read, range(SLICES)))


def _slice(connection: http.client.HTTPConnection, snapshot: str, number: int, size: int) -> Iterator[int]:
    """Documents of each page of a slice."""
    body: dict[str, Any] = {
        "pit": {"id": snapshot, "keep_alive": "5m"},
        "slice": {"id": number, "max": SLICES},
        "size": size,
        "sort": ["_shard_doc"],
        "track_total_hits": False,
    }
    while True:
        answer = _ask(connection, "/_search", orjson.dumps(body))
        found = answer.count(b',"_source":')
        yield found
        if found < size:
            return
        begin = answer.rindex(b'"sort":[')
        body["search_after"] = orjson.loads(answer[begin + 7 : answer.index(b"]", begin) + 1])


def _ask(connection: http.client.HTTPConnection, target: str, body: bytes | None) -> bytes:
    connection.request("POST", target, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status == 200, data[:500]
    return data


def _helper(settings: Settings, output: Path) -> int:
    from elasticsearch import Elasticsearch, OrjsonSerializer, helpers

    documents = 0
    with (
        Elasticsearch(list(settings.elasticsearch_url), serializer=OrjsonSerializer()) as client,
        output.open("wb") as out,
    ):
        for hit in helpers.scan(client, index=INDICES, size=1000):
            out.write(orjson.dumps(hit, option=orjson.OPT_APPEND_NEWLINE))
            documents += 1
    return documents


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        print(orjson.dumps(run(sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))).decode())
    else:
        print(main(*(int(argument) for argument in sys.argv[1:])))
