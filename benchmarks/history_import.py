"""A large history from a file to searchable documents, against ready bytes and against the client's own helpers.

All of them write the same documents into a fresh index of the same template on the same node, one after the other, each
index without refreshes while it loads, as an import makes it; each time includes the refresh at the end. `ready bytes`
is the limit: `_bulk` bodies on the disk, posted over plain HTTP connections, answers not even parsed. The importer is
the command, as a process of its own: its start is in the time (and said apart), and its memory is the operating
system's word for it.
`elasticdump's way` is what that loader does with its defaults, without Node.js: a line is parsed and written again, a
hundred go into a request, and the next is sent when the answer is read. The loaders that are only there to be compared
with load the first 100,000 of more.
The CPU is that of loader and node together: where both share the cores it bounds the rate, and it can be compared on a
machine that has other things to do.

    python -m benchmarks history_import [records] [rounds]
"""

from __future__ import annotations

import http.client
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from elasticsearch import helpers

import shipper
from benchmarks.measure import REQUEST, RESPONSE, machine, table
from shipper.embedded import remove_node, start_node
from shipper.history import import_history
from shipper.store.client import connect
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from elasticsearch import Elasticsearch

_CONNECTIONS = 2
_BATCH = 1000
_DUMP_BATCH = 100  # elasticdump's --limit, unless told
_BYTES = 1800
_LONG_MB = 200
_COMPARED = 100_000  # at most: others' loaders would need longer for a million than all the rest
_INDEX = "llm-completions-history@1-2024.11"
_LIMIT = "ready bytes by http.client, 2 connections"
_OWN = "shipper import of our own documents"
_PAIRS = "shipper import of request/response pairs"
_PARALLEL = "elasticsearch.helpers.parallel_bulk from dicts, 2 threads"
_BULK = "elasticsearch.helpers.bulk from dicts"
_DUMP = "elasticdump's way, 1 connection"
_COLUMNS = [
    "what",
    "records/s",
    "of the limit",
    "CPU a record",
    "limit's CPU to it",
    "of the limit without the start",
    "resident",
]
_COMMAND = [sys.executable, "-c", "from shipper.cli import main; main()", "import"]

_MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""  # a process begins with the highest memory of the one that forks it: a small one does


def main(records: int = 100_000, rounds: int = 2) -> str:
    """Measure all on one warm node, in turn, several times; the report."""
    folder = Path(tempfile.mkdtemp(prefix="history-"))
    settings = shipper.Settings(home=folder / "home")
    node = start_node(settings.home, heap_mb=1024, cache_dir=settings.cache)
    few = min(records, _COMPARED)
    part = f", the first {few:,}" if few < records else ""
    rates: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    memory: dict[str, int] = {}  # of each import's process, KiB
    try:
        pairs, own, ready = _prepare(folder, settings, records)
        with connect(settings) as client:
            setup(client)
            runs: list[tuple[str, int, Callable[[], None]]] = [
                (_LIMIT, records, lambda: _raw(client, node.url, ready, records)),
                (_OWN, records, lambda: memory.update({_OWN: _import(settings, node.url, own)})),
                (_PAIRS, records, lambda: memory.update({_PAIRS: _import(settings, node.url, pairs)})),
                (f"{_PARALLEL}{part}", few, lambda: _parallel(client, _actions(own, few))),
                (f"{_BULK}{part}", few, lambda: _bulk(client, _actions(own, few))),
                (f"{_DUMP}{part}", few, lambda: _dump(client, node.url, own, few)),
            ]
            for _ in range(2):  # a node that has just started compiles its code first
                _rate(client, lambda: _raw(client, node.url, ready, few), few)
            for _ in range(rounds):
                for name, count, run in runs:
                    before = _cpu_s(node.pid)
                    rates.setdefault(name, []).append(_rate(client, run, count))
                    spent.setdefault(name, []).append((_cpu_s(node.pid) - before) / count * 1e6)
            start = _start_s(folder, settings, node.url, pairs)
        sizes = [path.stat().st_size / records for path in (pairs, own)]
        flat = _memory(folder, settings, node.url, pairs, records)
    finally:
        remove_node(settings.home)
        shutil.rmtree(folder, ignore_errors=True)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    limit = next(iter(middle.values()))
    least = {name: statistics.median(found) for name, found in spent.items()}
    bound = next(iter(least.values()))
    rows = [
        [
            name,
            f"{rate:,.0f}",
            f"{rate / limit:.0%}",
            f"{least[name]:,.0f} µs",
            f"{bound / least[name]:.0%}",
            f"{records / (records / rate - start) / limit:.0%}" if name in memory else "",
            f"{memory[name] / 1024:,.0f} MB" if name in memory else "",
        ]
        for name, rate in middle.items()
    ]
    return (
        f"## {records:,} records: pairs of {sizes[0]:,.0f} bytes, documents of {sizes[1]:,.0f} bytes\n\n{machine()}; the "
        f"node runs on the same cores; median of {rounds} rounds\n\n"
        + table(_COLUMNS, rows)
        + f"\n\nOf each import's time {start:.1f} s are its process's start. {flat}"
    )


def _prepare(folder: Path, settings: shipper.Settings, records: int) -> tuple[Path, Path, Path]:
    """The same records as pairs, as our own documents, and as bodies of `_bulk`."""
    pairs, own, ready = _pairs(folder, records), folder / "own.ndjson", folder / "ready.ndjson"
    import_history(pairs, app="history", version="1", to=str(own), settings=settings)
    with own.open("rb") as lines, ready.open("wb") as out:
        for line in lines:
            out.write(b'{"create":{"_index":"%b","_id":"%b"}}\n%b' % (_INDEX.encode(), _id_of(line), line))
    return pairs, own, ready


def _pairs(folder: Path, records: int) -> Path:
    path = folder / "pairs.jsonl"
    request, response = deepcopy(REQUEST), deepcopy(RESPONSE)
    with path.open("wb") as file:
        for number in range(records):
            response["id"] = f"chatcmpl-{number:020}"
            row: dict[str, Any] = {
                "timestamp": 1_731_000_000 + number,
                "request": request,
                "response": response,
                "user": f"user-{number % 1000}",
                "latency_ms": 100 + number % 900,
            }
            longer = _BYTES - len(orjson.dumps(row))
            words = f"{number} What about order {number * 7919 % 1_000_003}? "
            said: str = request["messages"][1]["content"]
            request["messages"][1]["content"] = (words * 40)[: max(40, len(said) + longer)]
            file.write(orjson.dumps(row) + b"\n")
    return path


def _cpu_s(node_pid: int) -> float:
    """CPU that the loader and the node have used: the rate that two busy cores allow, whoever else uses them."""
    fields = Path(f"/proc/{node_pid}/stat").read_text().rpartition(")")[2].split()
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") + sum(one.ru_utime + one.ru_stime for one in own)


def _id_of(line: bytes) -> bytes:
    return orjson.loads(line)["event"]["id"].encode()


def _rate(client: Elasticsearch, run: Callable[[], None], records: int) -> float:
    if client.indices.exists(index=_INDEX):
        client.indices.delete(index=_INDEX)
    began = time.perf_counter()
    run()
    client.indices.refresh(index=_INDEX)
    seconds = time.perf_counter() - began
    stored = client.count(index=_INDEX)["count"]
    if stored != records:
        raise RuntimeError(f"{stored} documents instead of {records}")
    return records / seconds


def _environment(settings: shipper.Settings, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
    return {**kept, "SHIPPER_HOME": str(settings.home), "SHIPPER_ELASTICSEARCH_URL": url}


def _import(
    settings: shipper.Settings, url: str, source: Path, to: str = "elasticsearch", *, rejects: bool = False
) -> int:
    """Import a file; the most memory that the process had, KiB."""
    command = [*_COMMAND, str(source), "--app", "history", "--version", "1", "--to", to]
    measured = [sys.executable, "-c", _MEASURED, *command]
    done = subprocess.run(measured, env=_environment(settings, url), stdout=subprocess.PIPE, check=False)
    if done.returncode != int(rejects):
        raise RuntimeError(f"the import ended with {done.returncode}")
    return int(done.stdout)


def _start_s(folder: Path, settings: shipper.Settings, url: str, pairs: Path) -> float:
    """How long an import of one record takes, into a file."""
    one = folder / "one.jsonl"
    with pairs.open("rb") as file:
        one.write_bytes(file.readline())
    began = time.perf_counter()
    _import(settings, url, one, str(folder / "out-one.ndjson"))
    return time.perf_counter() - began


def _memory(folder: Path, settings: shipper.Settings, url: str, pairs: Path, records: int) -> str:
    """What imports into a file need: of a tenth of the records, of all, and of one line that is too long."""
    few, long = folder / "few.jsonl", folder / "long.jsonl"
    with pairs.open("rb") as file, few.open("wb") as out:
        out.writelines(itertools.islice(file, records // 10))
    with long.open("wb") as out:
        out.writelines([b'{"request":"', *[b"x" * 1_000_000] * _LONG_MB, b'"}\n'])
    needed = [
        _import(settings, url, path, str(folder / f"out-{path.name}"), rejects=path is long) / 1024
        for path in (few, pairs, long)
    ]
    return (
        f"Memory, of imports into a file: {needed[0]:,.0f} MB with {records // 10:,} pairs, {needed[1]:,.0f} MB with "
        f"{records:,}; {needed[2]:,.0f} MB for a line of {_LONG_MB} MB, which is rejected."
    )


def _make_index(client: Elasticsearch) -> None:
    client.indices.create(index=_INDEX, settings={"refresh_interval": "-1"})


def _raw(client: Elasticsearch, url: str, ready: Path, records: int) -> None:
    _make_index(client)
    place = urlsplit(url)
    lock = threading.Lock()
    with ready.open("rb") as file:
        lines = itertools.islice(file, 2 * records)

        def next_body() -> bytes:
            with lock:
                return b"".join(itertools.islice(lines, 2 * _BATCH))

        def work() -> None:
            connection = http.client.HTTPConnection(place.hostname or "", place.port)
            headers = {"Content-Type": "application/x-ndjson"}
            while body := next_body():
                connection.request("POST", "/_bulk?filter_path=errors", body, headers)
                if connection.getresponse().read() != b'{"errors":false}':
                    raise RuntimeError(f"the limit's own writes failed, of {records}")

        threads = [threading.Thread(target=work) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _actions(own: Path, records: int) -> Iterator[dict[str, Any]]:
    with own.open("rb") as file:
        for line in itertools.islice(file, records):
            document = orjson.loads(line)
            yield {
                "_op_type": "create",
                "_index": _INDEX,
                "_id": document["event"]["id"],
                "_source": document,
            }


def _parallel(client: Elasticsearch, actions: Iterator[dict[str, Any]]) -> None:
    _make_index(client)
    for _ in helpers.parallel_bulk(client, actions, thread_count=_CONNECTIONS, chunk_size=_BATCH):
        pass


def _bulk(client: Elasticsearch, actions: Iterator[dict[str, Any]]) -> None:
    _make_index(client)
    helpers.bulk(client, actions, chunk_size=_BATCH)


def _dump(client: Elasticsearch, url: str, own: Path, records: int) -> None:
    _make_index(client)
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    with own.open("rb") as file:
        documents = map(orjson.loads, itertools.islice(file, records))
        while batch := list(itertools.islice(documents, _DUMP_BATCH)):
            lines: list[bytes] = []
            for document in batch:
                meta = {"_index": _INDEX, "_id": document["event"]["id"]}
                lines += (orjson.dumps({"index": meta}), orjson.dumps(document))
            headers = {"Content-Type": "application/x-ndjson"}
            connection.request("POST", "/_bulk", b"\n".join(lines) + b"\n", headers)
            if orjson.loads(connection.getresponse().read())["errors"]:
                raise RuntimeError("the loader's own writes failed")
    connection.close()
