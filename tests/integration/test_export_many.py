"""Exports of more than a page: what is read only, so that all tests share the documents."""

from __future__ import annotations

import csv
import gzip
import io
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard

import shipper.read
from shipper.errors import SnapshotGone, UsageError
from shipper.export import Plan, export
from shipper.export.parts import Parts
from shipper.read.query import Query
from shipper.route import destination
from shipper.store.setup import setup
from tests.fixtures.exports import Json, by_id, lines_of, store, stored
from tests.plugins.node import remove_indices

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def many(es: Elasticsearch) -> dict[str, Json]:
    """More documents than a page of each slice has, in three indices; by id."""
    remove_indices(es)
    setup(es)
    documents = [
        stored(number, {"user_id": f"u{number % 7}", "tags": ["even"] if number % 2 == 0 else ["odd"]})
        for number in range(300)
    ]
    for number, document in enumerate(documents):
        document["service"]["version"] = f"{number % 3}.0"
    store(es, *documents)
    return {document["event"]["id"]: document for document in documents}


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_every_document_is_there_once(
    many: dict[str, Json], run_export: Any, tmp_path: Path, ending: str
) -> None:
    """Whatever the slices and pages, each document is in the file once, with its place; compressed by its name."""
    output = tmp_path / f"all.ndjson{ending}"
    result = run_export("--output", output)
    assert result.exit_code == 0, result.output
    data = output.read_bytes()
    if ending == ".gz":
        data = gzip.decompress(data)
    elif ending:
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    rows = by_id(lines_of(data))
    assert {key: row["_source"] for key, row in rows.items()} == many
    assert {row["_index"] for row in rows.values()} == {destination(one).index for one in many.values()}
    summary = orjson.loads(result.stdout_bytes)
    assert summary["documents"] == 300
    assert summary["bytes"] == output.stat().st_size
    assert output.stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("*.parts"))


def test_filters_are_those_of_search(many: dict[str, Json], run_export: Any) -> None:
    """What `search` filters by, `export` does too; nothing found is exit code 1."""
    for options, count in (
        (["--version", "1.0"], 100),
        (["--user", "u3"], 43),
        (["--tag", "even", "--user", "u3"], 21),
        (["--outcome", "failure"], 0),
        (["--until", "2025-11-21T07:31:42.000Z"], 60),
        (["--limit", "10"], 10),
        (["nothingislikethis"], 0),
    ):
        result = run_export("--format", "ndjson", *options)
        assert len(lines_of(result.stdout_bytes)) == count, options
        assert result.exit_code == (0 if count else 1)
        assert orjson.loads(result.stderr.splitlines()[-1])["documents"] == count


def test_the_newest_come_first_when_few_are_wanted(many: dict[str, Json], run_export: Any) -> None:
    """A limit takes the newest, in their order."""
    ids = [row["_id"] for row in lines_of(run_export("--format", "ndjson", "--limit", 130).stdout_bytes)]
    assert ids == sorted(many, reverse=True)[:130]


def test_tables(many: dict[str, Json], run_export: Any, tmp_path: Path) -> None:
    """CSV and Parquet have the same rows, columns by the registry's names, and types that fit."""
    fields = "@timestamp,event.id,user.id,tags,gen_ai.usage.*,gen_ai.request.stream,labels"
    for name in ("t.csv", "t.parquet"):
        assert run_export("--output", tmp_path / name, "--fields", fields).exit_code == 0
    table = pq.read_table(tmp_path / "t.parquet")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text("utf-8"))))
    assert table.column_names == list(rows[0])
    assert str(table.schema.field("@timestamp").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("gen_ai.usage.input_tokens").type) == "int64"
    assert str(table.schema.field("tags").type).startswith("list")
    found = {row["event.id"]: row for row in table.to_pylist()}
    assert set(found) == {row["event.id"] for row in rows} == set(many)
    for row in rows[:50]:
        document, other = many[row["event.id"]], found[row["event.id"]]
        assert row["@timestamp"] == document["@timestamp"] == f"{other['@timestamp']:%Y-%m-%dT%H:%M:%S.%fZ}"
        assert orjson.loads(row["tags"]) == other["tags"] == document["tags"]
        tokens = document["gen_ai"]["usage"]["input_tokens"]
        assert int(row["gen_ai.usage.input_tokens"]) == other["gen_ai.usage.input_tokens"] == tokens


def test_every_field_of_a_table_can_be_written(
    many: dict[str, Json], run_export: Any, tmp_path: Path
) -> None:
    """Without a choice of fields a table has all but payloads."""
    assert run_export("--output", tmp_path / "t.parquet", "--limit", 5).exit_code == 0
    names = pq.read_table(tmp_path / "t.parquet").column_names
    assert "llm.input.text" in names
    assert "gen_ai.input.messages" not in names


PROGRAM = """
import os, signal, sys
from pathlib import Path
from shipper.export import Plan, export
from shipper.export.parts import Parts
from shipper.settings import Settings
from shipper.store.client import open_store
url, output, after = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
add = Parts.add
calls = 0
def counted(self, number, encoded, position):
    global calls
    calls += 1
    if calls == after:
        self.pages.write(encoded.data[: len(encoded.data) // 2])
        self.pages.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, number, encoded, position)
Parts.add = counted
with open_store(Settings(elasticsearch_url=url)) as client:
    print(export(client, Plan(sys.argv[4]), output).resumed)
"""


@pytest.mark.parametrize(("name", "kills"), [("x.ndjson.gz", [3, 4]), ("x.parquet", [4])])
def test_a_killed_export_goes_on_to_the_same_file(
    many: dict[str, Json],
    node: NodeInfo,
    connected: Elasticsearch,
    tmp_path: Path,
    name: str,
    kills: list[int],
) -> None:
    """Killed in the middle of a page, more than once, an export ends with every document once."""
    form: Any = name.split(".")[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHIPPER_")}
    output = tmp_path / name
    for after in kills:
        killed = subprocess.run(
            [sys.executable, "-c", PROGRAM, node.url, output, str(after), form],
            env={**environment, "SHIPPER_HOME": str(tmp_path)},
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        assert not output.exists()
    summary = export(connected, Plan(form), output)
    assert summary.resumed
    assert summary.documents == 300
    assert not output.with_name(name + ".parts").exists()
    if form == "ndjson":
        assert set(by_id(lines_of(gzip.decompress(output.read_bytes())))) == set(many)
    else:
        assert sorted(pq.read_table(output)["event.id"].to_pylist()) == sorted(many)


def test_an_interrupted_export_is_not_mixed_with_another(
    many: dict[str, Json], connected: Elasticsearch, tmp_path: Path
) -> None:
    """What lies there of another export is not gone on with; one whose snapshot is gone says so; anew works."""
    output = tmp_path / "x.ndjson"

    def stop(read: int, total: int) -> None:
        assert 0 < read <= total == 300
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(connected, Plan("ndjson"), output, progress=stop)
    with pytest.raises(UsageError, match="something else"):
        export(connected, Plan("ndjson", Query(user="u1")), output)
    job = orjson.loads((tmp_path / "x.ndjson.parts" / "job.json").read_bytes())
    connected.close_point_in_time(id=job["snapshot"])
    with pytest.raises(SnapshotGone, match="--restart"):
        export(connected, Plan("ndjson"), output)
    assert export(connected, Plan("ndjson"), output, restart=True).documents == 300
    assert len(lines_of(output.read_bytes())) == 300


def test_two_exports_to_one_file_do_not_meet(
    connected: Elasticsearch, many: dict[str, Json], tmp_path: Path
) -> None:
    """The second is told that there is a first."""
    output = tmp_path / "x.ndjson"
    first = Parts.open(output, {}, lambda: {"slices": 1, "snapshot": "", "selection": {}, "total": 0})
    with pytest.raises(UsageError, match="Another process"):
        export(connected, Plan("ndjson"), output)
    first.close()


@pytest.fixture
def tables(node: NodeInfo, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`shipper.read`, on the session's node."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", node.url)
    return shipper.read


FIELDS = [
    "@timestamp",
    "event.id",
    "user.id",
    "tags",
    "gen_ai.usage.*",
    "gen_ai.request.stream",
    "llm.latency_ms",
]


def test_data_frame(many: dict[str, Json], tables: Any) -> None:
    """A row for each call; times are UTC, whole numbers and truth values nullable, names categories."""
    frame = tables.completions(fields=FIELDS)
    assert len(frame) == 300
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "@timestamp": "datetime64[us, UTC]",
        "event.id": "str",
        "llm.latency_ms": "float64",
        "user.id": "category",
        "tags": "object",
        "gen_ai.request.stream": "boolean",
        "gen_ai.usage.input_tokens": "Int64",
        "gen_ai.usage.output_tokens": "Int64",
        "gen_ai.usage.cache_read.input_tokens": "Int64",
        "gen_ai.usage.cache_write.input_tokens": "Int64",
        "gen_ai.usage.reasoning.output_tokens": "Int64",
        "gen_ai.usage.cost.amount": "float64",
        "gen_ai.usage.cost.currency": "category",
        "gen_ai.usage.cost.source": "category",
    }
    for row in frame.to_dict("records"):
        document = many[row["event.id"]]
        assert row["@timestamp"].isoformat().replace("+00:00", "Z") == document["@timestamp"]
        assert row["gen_ai.usage.input_tokens"] == document["gen_ai"]["usage"]["input_tokens"]
        assert list(row["tags"]) == document["tags"]


def test_filters_of_a_frame(many: dict[str, Json], tables: Any) -> None:
    """The words and filters of `search` restrict a table, and none that there is not."""
    frame = tables.completions(user="u3", tags=["even"], until="2025-11-21T07:31:42Z", fields=["event.id"])
    wanted = [
        key
        for key, one in many.items()
        if one["user"]["id"] == "u3" and one["tags"] == ["even"] and one["@timestamp"] < "2025-11-21T07:31:42"
    ]
    assert sorted(frame["event.id"]) == wanted
    assert len(tables.completions("nothingislikethis")) == 0
    with pytest.raises(UsageError, match="usr: no such filter"):
        tables.completions(usr="u3")


def test_batches_and_other_tables(many: dict[str, Json], tables: Any) -> None:
    """Batches have one schema and make the same table; polars and DuckDB take it as it is."""
    batches = list(tables.completions_batches(fields=FIELDS))
    assert len(batches) >= 3
    assert len({str(batch.schema) for batch in batches}) == 1
    calls = tables.completions_arrow(fields=FIELDS)
    assert calls.num_rows == sum(batch.num_rows for batch in batches) == 300
    counts = pl.from_arrow(calls).group_by("user.id").len()
    assert counts["len"].sum() == 300
    ((users,),) = duckdb.sql('SELECT count(DISTINCT "user.id") FROM calls').fetchall()
    assert users == 7
    newest = tables.completions_arrow(limit=5, fields=["event.id"])["event.id"].to_pylist()
    assert newest == sorted(many, reverse=True)[:5]


def test_tables_are_loaded_when_they_are_used() -> None:
    """Who imports shipper does not wait for pandas, pyarrow or the store's client."""
    program = "import sys, shipper.read; assert not {'pandas', 'pyarrow', 'elasticsearch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_progress_on_a_terminal(many: dict[str, Json], node: NodeInfo, tmp_path: Path) -> None:
    """People see how many of how many, and in the end a sentence; the file is whole."""
    main, other = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "from shipper.cli import main; main()", "export", "-o", "x.csv"],
        env={**os.environ, "SHIPPER_HOME": str(tmp_path), "SHIPPER_ELASTICSEARCH_URL": node.url},
        stdout=other,
        stderr=other,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    os.close(other)
    seen = os.read(main, 10_000).decode()
    os.close(main)
    assert done.returncode == 0, seen
    assert "of 300 documents" in seen
    assert "300 documents, " in seen.splitlines()[-1]
    assert len((tmp_path / "x.csv").read_bytes().splitlines()) >= 301


def test_a_file_that_can_not_be_written(many: dict[str, Json], run_export: Any, tmp_path: Path) -> None:
    """A folder that is not there, and a name that tells no format, end in a sentence."""
    result = run_export("-o", tmp_path / "nowhere" / "x.csv")
    assert isinstance(result.exception, UsageError)
    assert "can't be written: No such file or directory" in str(result.exception)
    assert "Give --format" in str(run_export("-o", tmp_path / "x").exception)
