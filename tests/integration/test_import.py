"""History into a real store: counts, times, the same twice, the same back, and nothing lost by a kill."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import shipper
from shipper.errors import UsageError
from shipper.feedback.joiner import Joiner
from shipper.history import import_history
from shipper.history.checkpoint import Checkpoint, Progress
from shipper.history.quicken import put_back_abandoned
from shipper.process import pipeline_for
from shipper.read.joins import join_state
from shipper.settings import Settings
from shipper.store.client import open_store
from shipper.store.setup import setup
from tests.faults.programs import shipper_command

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

ROUNDS = int(os.environ.get("IMPORT_KILL_ROUNDS", "3"))


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """An empty store with our templates."""
    setup(clean_store)
    return clean_store


@pytest.fixture
def to_node(settings: Settings, node: NodeInfo, store: Elasticsearch) -> Settings:
    """Settings of this test's home and the session's store."""
    del store
    return settings.replace(elasticsearch_url=node.url)


def everything(es: Elasticsearch, index: str = "llm-*") -> dict[str, dict[str, Any]]:
    """Every document by index and id."""
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=10_000, query={"match_all": {}})["hits"]["hits"]
    return {f"{hit['_index']}/{hit['_id']}": hit["_source"] for hit in hits}


def write_pairs(path: Path, count: int) -> Path:
    with path.open("wb") as file:
        for number in range(count):
            row = {
                "timestamp": f"2024-0{1 + number % 2}-03T00:00:00Z",
                "request": {
                    "model": "gpt-4o",
                    "messages": [{"role": "user", "content": f"question {number} " * 20}],
                },
                "response": {"choices": [{"message": {"role": "assistant", "content": "answer"}}]},
            }
            file.write(orjson.dumps(row) + b"\n")
    return path


def test_the_production_trace(shared_data: Path, to_node: Settings, store: Elasticsearch) -> None:
    """28,185 requests of 2023 by the mapping that we bring: counts, sums and requests a minute are the files'."""
    folder = shared_data / "azure-llm-trace"
    report = import_history(folder, app="trace", version="2023", settings=to_node)
    rows: list[tuple[str, int, int]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            rows += [
                (
                    row["TIMESTAMP"][:16].replace(" ", "T"),
                    int(row["ContextTokens"]),
                    int(row["GeneratedTokens"]),
                )
                for row in csv.DictReader(file)
            ]
    assert report.books.delivered == report.books.accepted == len(rows) == 28_185
    store.indices.refresh(index="llm-completions-trace@*")
    figures = store.search(
        index="llm-completions-trace@2023-2023.11",
        size=0,
        track_total_hits=True,
        aggs={
            "input": {"sum": {"field": "gen_ai.usage.input_tokens"}},
            "output": {"sum": {"field": "gen_ai.usage.output_tokens"}},
            "minutes": {
                "date_histogram": {"field": "@timestamp", "fixed_interval": "1m", "min_doc_count": 1}
            },
        },
    )
    assert figures["hits"]["total"]["value"] == len(rows)
    found = figures["aggregations"]
    assert found["input"]["value"] == sum(row[1] for row in rows)
    assert found["output"]["value"] == sum(row[2] for row in rows)
    minutes = {one["key_as_string"][:16]: one["doc_count"] for one in found["minutes"]["buckets"]}
    assert minutes == Counter(row[0] for row in rows)


def test_there_and_back(to_node: Settings, node: NodeInfo, store: Elasticsearch, tmp_path: Path) -> None:
    """Completions, feedback and amendments, exported and imported into an empty store, are the same documents."""
    app = shipper.Application("round", version="1", settings=to_node)
    for number in range(20):
        logged = app.log_completion(
            {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{number} \ud83d"}]},
            {
                "id": f"c{number}",
                "choices": [{"message": {"content": "a"}}, {"index": 1, "message": {"content": "b"}}],
            },
            started_at=datetime(2024, 1 + number % 3, 1, tzinfo=UTC),
        )
        shipper.send_feedback(logged.event_id, value=number % 2 == 0, author="me", application=app)
        shipper.amend(logged.event_id, attributes={"n": number}, application=app)
    assert pipeline_for(to_node).flush(60)
    before = everything(store)
    assert len(before) >= 60
    out = tmp_path / "all.ndjson"
    done = shipper_command(to_node.home, node.url, "export", "--dataset", "all", "-o", str(out))
    assert done.returncode == 0, done.stderr
    for name in store.indices.get(index="llm-*"):
        store.indices.delete(index=name)
    first = import_history(out, settings=to_node)
    assert everything(store) == before
    again = import_history(out, settings=to_node)
    assert (first.books.delivered, first.books.duplicate) == (len(before), 0)
    assert (again.books.delivered, again.books.duplicate) == (0, len(before))
    assert everything(store) == before


def test_an_index_as_a_source(to_node: Settings, store: Elasticsearch, tmp_path: Path) -> None:
    """Any index is read as of one moment: our own documents as they are, others by a mapping, their ids kept."""
    for number in range(30):
        call = {"asked": f"question {number}", "when": "2024-02-03T00:00:00Z", "words": number}
        store.index(index="llm-old-calls", id=f"old-{number}", document=call)
    store.indices.refresh(index="llm-old-calls")
    (tmp_path / "map.toml").write_text('[columns]\nid = "_id"\nstarted_at = "when"\ninput = "asked"\n')
    options: dict[str, Any] = {"map": tmp_path / "map.toml", "app": "old", "settings": to_node}
    report = import_history("elasticsearch:llm-old-calls", **options)
    assert report.books.delivered == 30
    found = everything(store, "llm-completions-old@*")
    assert found["llm-completions-old@unversioned-2024.02/old-7"]["llm"]["input"]["text"] == "question 7"
    out = tmp_path / "copy.ndjson"
    import_history("elasticsearch:llm-completions-old@*", to=str(out), settings=to_node)
    assert {orjson.loads(line)["event"]["id"] for line in out.read_bytes().splitlines()} == {
        f"old-{number}" for number in range(30)
    }
    with pytest.raises(UsageError, match="no such index"):
        import_history("elasticsearch:llm-nowhere", **options)


def test_the_command(to_node: Settings, node: NodeInfo, store: Elasticsearch, tmp_path: Path) -> None:
    """In a pipe the summary is JSON; the exit code tells rejects; doing it twice changes nothing."""
    source = write_pairs(tmp_path / "pairs.jsonl", 50)
    first = shipper_command(to_node.home, node.url, "import", str(source), "--app", "cli")
    summary = orjson.loads(first.stdout)
    assert first.returncode == 0, first.stderr
    assert (summary["delivered"], summary["duplicate"], summary["rejected"]) == (50, 0, 0)
    stored = everything(store, "llm-completions-*")
    with source.open("ab") as file:
        file.write(b"{broken\n")
    second = shipper_command(to_node.home, node.url, "import", str(source), "--app", "cli")
    assert second.returncode == 1
    summary = orjson.loads(second.stdout)
    assert (summary["delivered"], summary["duplicate"], summary["reasons"]) == (0, 50, {"malformed_json": 1})
    assert everything(store, "llm-completions-*") == stored
    assert len(stored) == 50


def killed(command: list[str], environment: dict[str, str], checkpoints: Path, batches: int) -> bool:
    """Whether a command was still running when it was killed, after so many more batches were confirmed."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seen: set[int] = set()
    while process.poll() is None:
        seen.update(path.stat().st_mtime_ns for path in checkpoints.glob("*.json"))
        if len(seen) > batches:
            process.send_signal(signal.SIGKILL)
            break
    _, error = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), error
    return process.returncode != 0


def test_kills(to_node: Settings, node: NodeInfo, store: Elasticsearch, tmp_path: Path) -> None:
    """However often an import is killed, the last run leaves each row in the store once, and balanced books."""
    events = 190 * (ROUNDS + 1)
    source = write_pairs(tmp_path / "pairs.jsonl", events)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
    environment |= {
        "SHIPPER_HOME": str(to_node.home),
        "SHIPPER_ELASTICSEARCH_URL": node.url,
        "SHIPPER_BATCH_MAX_EVENTS": "10",
    }
    program = "from shipper.cli import main; main()"
    command = [sys.executable, "-c", program, "import", str(source), "--app", "kill"]
    folder = to_node.home / "imports"
    kills = sum(killed(command, environment, folder, random.randint(1, 12)) for _ in range(ROUNDS))
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    summary = orjson.loads(done.stdout)
    assert kills == ROUNDS
    assert summary["resumed_at"]
    assert summary["accepted"] == events
    assert summary["delivered"] + summary["duplicate"] == events
    stored = everything(store, "llm-completions-kill@*")
    assert len(stored) == events
    assert sorted(one["llm"]["import"]["line"] for one in stored.values()) == list(range(1, events + 1))


def test_indices_are_put_back_after_a_crash(
    to_node: Settings, store: Elasticsearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that a large import makes has no refresh while it loads, and its own again afterwards, even after a kill."""
    index = "llm-completions-large@unversioned-2024.01"
    monkeypatch.setattr("shipper.history.run.LARGE_BYTES", 1)
    seen: list[Any] = []
    save = Checkpoint.save

    def spy(self: Checkpoint, progress: Progress) -> None:
        if progress.line:
            seen.append(
                store.indices.get_settings(index=index)[index]["settings"]["index"].get("refresh_interval")
            )
        save(self, progress)

    def crash(*_: Any) -> list[str]:
        raise KeyboardInterrupt

    source = write_pairs(tmp_path / "pairs.jsonl", 50)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", spy)
        import_history(source, app="large", settings=to_node)
    own = store.indices.get_settings(index=index)[index]["settings"]["index"].get("refresh_interval")
    assert seen[0] == "-1"
    assert own != "-1"
    with monkeypatch.context() as patch:
        patch.setattr("shipper.history.run.put_back", crash)
        store.indices.delete(index=index)
        with pytest.raises(KeyboardInterrupt):
            import_history(source, app="large", settings=to_node)
    assert store.indices.get_settings(index=index)[index]["settings"]["index"]["refresh_interval"] == "-1"
    assert index in put_back_abandoned(to_node)
    assert store.indices.get_settings(index=index)[index]["settings"]["index"].get("refresh_interval") == own
    assert put_back_abandoned(to_node) == []


def test_imported_feedback_is_in_no_figure_of_how_joins_lag(
    to_node: Settings, node: NodeInfo, store: Elasticsearch, tmp_path: Path
) -> None:
    """It is joined like any other; that it is years late says nothing of the joiner."""
    mapping = tmp_path / "columns.toml"
    mapping.write_text(
        '[columns]\nid = "id"\nstarted_at = "when"\ninput = "asked"\noutput = "said"\n[feedback]\nstars = "stars"\n'
    )
    rows = [
        {"id": f"imported-call-{n}", "when": f"2024-05-0{n}", "asked": "?", "said": "!", "stars": 1}
        for n in (1, 2)
    ]
    assert import_history(rows=rows, map=mapping, app="shop", settings=to_node).books.delivered == 4
    everything(store)
    with open_store(to_node) as client:
        assert Joiner(client, to_node).run().joined == 2
    everything(store)
    with open_store(to_node) as client:
        state = join_state(client, datetime.now(UTC))
    assert (state.total.events, state.total.joined) == (2, 2)
    assert state.lag_p95_s is None
    assert state.lag_s(datetime.now(UTC)) == 0


def test_feedback_that_is_carried_letter_by_letter_is_in_no_figure_of_how_joins_lag(
    to_node: Settings, store: Elasticsearch
) -> None:
    """Its arrival is that of the store it came from, a month ago: only what arrived within the day tells of the joiner."""
    call = {
        "@timestamp": "2026-01-02T00:00:00.000000Z",
        "event": {
            "id": "carried-call",
            "kind": "event",
            "dataset": "llm.completion",
            "ingested": "2026-01-02T00:00:01Z",
        },
        "llm": {"application": {"name": "shop"}, "content_hash": "b2:1", "join": {"key": ["carried-call"]}},
        "service": {"name": "shop", "version": "1"},
    }
    verdict = {
        "@timestamp": "2026-01-02T00:01:00.000000Z",
        "event": {
            "id": "carried-word",
            "kind": "event",
            "dataset": "llm.feedback",
            "ingested": "2026-01-02T00:01:01Z",
        },
        "llm": {
            "application": {"name": "shop"},
            "content_hash": "b2:2",
            "join": {"key": ["carried-call"]},
            "feedback": {"name": "rating", "score": 1.0},
        },
        "service": {"name": "shop"},
    }
    assert import_history(rows=[call, verdict], settings=to_node).books.delivered == 2
    everything(store)
    with open_store(to_node) as client:
        assert Joiner(client, to_node).run().joined == 1
    everything(store)
    with open_store(to_node) as client:
        state = join_state(client, datetime.now(UTC))
    assert state.total.joined == 1
    assert (state.lag_p50_s, state.lag_p95_s) == (None, None)
    assert state.lag_s(datetime.now(UTC)) == 0
