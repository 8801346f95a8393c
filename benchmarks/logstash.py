"""Logstash in between: filters alone, and the whole road against shipping directly and against a Logstash without filters.

"A core" is processor time: what one core does in a second that it has for this process alone, whatever else runs.
Needs LOGSTASH_HOME, the folder of an official distribution. Both roads lead through the same forwarding proxy to the same
node: Logstash asks `GET /` first, which the embedded node does not answer. Records are the backlog's; the time of each
road ends when all of them are searchable. Everything shares the machine's cores.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psutil

import shipper
from benchmarks.backlog import clear, drain, fill, ready_documents
from benchmarks.measure import machine, table
from shipper.embedded import remove_node, start_node
from shipper.process import close_all
from shipper.store.client import connect
from shipper.store.setup import setup
from tests.logstash.real import PASSWORD, USER, RealLogstash, until
from tests.plugins.proxy import ForwardingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

JAVA = "-XX:+UseParallelGC -XX:NewRatio=1 -Xms512m -Xmx512m"  # as docker-compose.yml has it
_PIPELINES = Path(__file__).resolve().parents[1] / "logstash" / "pipeline"
_INDEX = "llm-completions-backlog@1-*"
# What a Logstash takes that does nothing but take in JSON and hand it on: no dead letters, no record of other clients.
_BARE = """
input {
  http {
    host => "127.0.0.1"
    port => "${LLM_HTTP_PLAIN_PORT}"
    user => "${LLM_HTTP_USER}"
    password => "${LLM_HTTP_PASSWORD}"
    additional_codecs => { "application/x-ndjson" => "json_lines" }
    ecs_compatibility => disabled
    request_headers_target_field => "[@metadata][client]"
    remote_host_target_field => "[@metadata][client]"
  }
}
filter { mutate { remove_field => ["@version"] } }
output {
  elasticsearch {
    hosts => ["${LLM_ELASTICSEARCH_HOSTS}"]
    user => "${LLM_ELASTICSEARCH_USER}"
    password => "${LLM_ELASTICSEARCH_PASSWORD}"
    action => "create"
    index => "llm-completions-%{[llm][application][name]}@%{[service][version]}-%{+yyyy.MM}"
    document_id => "%{[event][id]}"
    manage_template => false
    ilm_enabled => false
    data_stream => false
    compression_level => 0
    ecs_compatibility => disabled
  }
}
"""
_WARM, _MEASURED = 100_000, 200_000  # events: Java compiles what it has done often


def main(events: int = 100_000, rounds: int = 2) -> str:
    """Measure both; the report. Raises KeyError without LOGSTASH_HOME."""
    home = Path(os.environ["LOGSTASH_HOME"])
    folder = Path(tempfile.mkdtemp(prefix="logstash-bench-"))
    try:
        parts = ["# Logstash", machine(), _filters(home, folder), _roads(home, folder, events, rounds)]
        return "\n\n".join(parts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _filters(home: Path, folder: Path) -> str:
    settings = shipper.Settings(home=folder / "one")
    fill(settings, 1)
    (_, body), *_ = ready_documents(settings)
    shipped = json.loads(body)
    bare = {name: shipped[name] for name in ("@timestamp", "service", "gen_ai")}
    records = {"the shipper's": shipped, "the shipper's, shorter": _shorter(shipped), "a bare client's": bare}
    rows: list[list[str]] = []
    for name, record in records.items():
        message = json.dumps(record, ensure_ascii=False)
        rate, core, megabytes = _filter_rate(home, folder / f"filters-{len(rows)}", message)
        figures = [len(message.encode()), rate, core, 2 * core, megabytes]
        rows.append([name, *(f"{figure:,.0f}" for figure in figures)])
        print(rows[-1], file=sys.stderr)
    return "## records.conf alone: generator → filters → null\n\n" + table(
        ["record", "bytes", "events/s", "events/s of a core", "of two", "resident, MiB"], rows
    )


def _shorter(value: Any) -> Any:
    """The same record of a conversation with few words."""
    if isinstance(value, dict):
        return {name: _shorter(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_shorter(one) for one in cast("list[Any]", value)]
    return value[:80] if isinstance(value, str) else value


def _filter_rate(home: Path, folder: Path, message: str) -> tuple[float, float, float]:
    """Events a second once it is warm, events a second of a core, and the memory then."""
    one = RealLogstash(home, folder, "http://127.0.0.1:9", "", java_options=JAVA)
    around = folder / "around"
    around.mkdir()
    (folder / "message.txt").write_text(message, "utf-8")
    # `generator` would read quotes and backslashes of an option as its own; a codec's file has none.
    quoted = message.replace("'", "\\u0027")
    (around / "a.conf").write_text(
        f"input {{ generator {{ codec => plain message => '{quoted}' }} }}", "utf-8"
    )
    shutil.copy(_PIPELINES / "records.conf", around / "b.conf")
    (around / "c.conf").write_text("output { null { } }", "utf-8")
    (one.settings / "pipelines.yml").write_text(
        f'- pipeline.id: records\n  path.config: "{around}/*.conf"\n  queue.type: memory\n', "utf-8"
    )
    one.start(wait=False)
    try:
        until("it is warm", lambda: _filtered(one) > _WARM, 1800, 1)
        began, used, before = time.perf_counter(), _core_seconds(one), _filtered(one)
        until("it has done enough", lambda: _filtered(one) - before > _MEASURED, 1800, 1)
        done, used = _filtered(one) - before, _core_seconds(one) - used
        return done / (time.perf_counter() - began), done / used, one.resident_mb()
    finally:
        one.kill()


def _core_seconds(one: RealLogstash) -> float:
    assert one.process is not None
    times = psutil.Process(one.process.pid).cpu_times()
    return times.user + times.system


def _filtered(one: RealLogstash) -> int:
    events = one.stats()["pipelines"].get("records", {}).get("events") or {}  # null while it starts
    return events.get("out", 0)


def _roads(home: Path, folder: Path, events: int, rounds: int) -> str:
    settings = shipper.Settings(home=folder / "roads", connections=2, batch_max_events=1000)
    node = start_node(settings.home, heap_mb=1024, cache_dir=settings.cache)
    rows: list[list[str]] = []
    try:
        with ForwardingProxy(node.url) as proxy, connect(settings) as client:
            setup(client)
            direct = settings.replace(elasticsearch_url=[proxy.url])
            _rate(client, direct, events)  # warms up the node
            for name, bare in (("ours", False), ("without filters", True)):
                logstash = RealLogstash(
                    home, folder / f"bare-{bare}", proxy.url, "http-plain", java_options=JAVA
                )
                if bare:
                    _strip(logstash)
                rows += [[name, *row] for row in _road(client, direct, logstash.start(), events, rounds)]
    finally:
        close_all()
        remove_node(settings.home)
    return f"## The whole road: a backlog of {events:,} records, from spool to searchable\n\n" + table(
        [
            "Logstash's pipeline",
            "direct, records/s",
            "taken by Logstash, records/s",
            "through Logstash, records/s",
            "of direct",
            "records/s of a core of Logstash",
            "Logstash resident before → after, MiB",
        ],
        rows,
    )


def _strip(logstash: RealLogstash) -> None:
    """Have it run without the logic."""
    (logstash.folder / "bare.conf").write_text(_BARE, "utf-8")
    (logstash.settings / "pipelines.yml").write_text(
        f"- pipeline.id: records\n  path.config: {logstash.folder / 'bare.conf'}\n", "utf-8"
    )


def _road(
    client: Elasticsearch, direct: shipper.Settings, logstash: RealLogstash, events: int, rounds: int
) -> Iterator[list[str]]:
    """Figures of each round through a Logstash that has just been started; it is ended after them."""
    through = direct.replace(
        logstash_url=[logstash.plain_url], logstash_username=USER, logstash_password=PASSWORD
    )
    try:
        _rate(client, through, 2 * events)  # warms it up
        for _ in range(rounds):
            straight = _rate(client, direct, events)
            before, used = logstash.resident_mb(), _core_seconds(logstash)
            taken, stored = _rates(client, through, events)
            core = events / (_core_seconds(logstash) - used)
            memory = f"{before:,.0f} → {logstash.resident_mb():,.0f}"
            figures = [f"{figure:,.0f}" for figure in (straight, taken, stored)]
            yield [*figures, f"{stored / straight:.0%}", f"{core:,.0f}", memory]
            print(*figures, file=sys.stderr)
    finally:
        logstash.kill()


def _rate(client: Elasticsearch, settings: shipper.Settings, events: int) -> float:
    return _rates(client, settings, events)[1]


def _rates(client: Elasticsearch, settings: shipper.Settings, events: int) -> tuple[float, float]:
    """Records a second until the sink has taken them, and until they are searchable."""
    clear(client)
    fill(settings, events)
    began = time.perf_counter()
    drain(settings)
    taken = time.perf_counter() - began
    until("all are stored", lambda: _indexed(client) >= events, 600, 0.1)
    client.indices.refresh(index=_INDEX)
    found, needed = client.count(index=_INDEX)["count"], time.perf_counter() - began
    if found != events:
        raise RuntimeError(f"{found:,} records are searchable of {events:,}")
    return events / taken, events / needed


def _indexed(client: Elasticsearch) -> int:
    """What was written since the index was made. To count what is searchable would be work of its own for the node."""
    total = client.indices.stats(index=_INDEX, metric="indexing")["_all"]["total"]
    return total["indexing"]["index_total"] if total else 0  # there may be no index yet


if __name__ == "__main__":
    print(main(*map(int, sys.argv[1:])))
