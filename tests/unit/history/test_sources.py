"""Files of any kind, packed or not, as rows with places."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import tarfile
import threading
import zipfile
from typing import TYPE_CHECKING

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.history.event import START, Place
from shipper.history.sources import lines, values
from shipper.history.sources.files import members, plain
from shipper.history.sources.lines import json_lines
from shipper.history.sources.postgres import SpendLogs, address_of
from shipper.history.sources.postgres import rows_of as postgres_rows
from shipper.history.sources.read import Reader, container_of
from shipper.history.sources.values import json_values

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.history.event import Row

OBJECTS = [{"n": number, "text": 'a "quoted" } \\ { bracket\nand é'} for number in range(5)]
LINES = b"".join(orjson.dumps(one) + b"\n" for one in OBJECTS)


def rows_of(path: Path, start: Place = START) -> list[Row]:
    return [row for member in members([str(path)]) for row in Reader(member).rows(start)]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.jsonl", LINES),
        ("windows.jsonl", b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n")),
        ("blank.jsonl", LINES.replace(b"\n", b"\n\n")),
        ("no-end.jsonl", LINES.rstrip()),
        ("packed.jsonl.gz", gzip.compress(LINES, mtime=0)),
        ("two-members.gz", gzip.compress(LINES[:90], mtime=0) + gzip.compress(LINES[90:], mtime=0)),
        ("packed.jsonl.zst", zstandard.compress(LINES)),
        ("packed.jsonl.bz2", bz2.compress(LINES)),
        ("packed.jsonl.xz", lzma.compress(LINES)),
        ("two-frames.zst", zstandard.compress(LINES[:90]) + zstandard.compress(LINES[90:])),
        ("array.json", orjson.dumps(OBJECTS)),
        ("pretty.json", orjson.dumps(OBJECTS, option=orjson.OPT_INDENT_2)),
        ("values.json", b"\n".join(orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in OBJECTS)),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_every_way_to_keep_objects(tmp_path: Path, name: str, data: bytes) -> None:
    """Lines, arrays and values of several lines, packed or not, are the same rows, and any of them can be gone on from."""
    path = write(tmp_path / name, data)
    rows = rows_of(path)
    assert [row.value for row in rows] == OBJECTS
    for number, row in enumerate(rows, 1):
        assert [one.value for one in rows_of(path, row.next)] == OBJECTS[number:]


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
def test_a_saved_search(tmp_path: Path, option: int) -> None:
    """The answer of a search, or several after each other, is its hits; any of them can be gone on from."""
    hits = [{"_index": "calls", "_id": str(number), "_source": one} for number, one in enumerate(OBJECTS)]
    answers = [{"took": 3, "hits": {"total": {"value": 5}, "hits": some}} for some in (hits[:3], hits[3:])]
    data = b"\n".join(orjson.dumps(one, option=option) for one in answers)
    path = write(tmp_path / "search.json", data)
    rows = rows_of(path)
    assert [row.value for row in rows] == hits
    for number, row in enumerate(rows, 1):
        assert [one.value for one in rows_of(path, row.next)] == hits[number:]


def test_folders_patterns_and_archives(tmp_path: Path) -> None:
    """A folder, a pattern, a zip and a tar hold the same files under the same names; what is no history is left out."""
    folder = tmp_path / "logs" / "a"
    folder.mkdir(parents=True)
    for name in ("one.jsonl", "two.jsonl"):
        write(folder / name, LINES)
    write(folder / "chat.html", b"<html>")
    write(folder / ".hidden.jsonl", LINES)
    zipped, tarred = tmp_path / "logs.zip", tmp_path / "logs.tar.gz"
    with zipfile.ZipFile(zipped, "w") as archive, tarfile.open(tarred, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"a/{path.name}")
            tar.add(path, f"a/{path.name}")
    wanted = ["a/one.jsonl", "a/two.jsonl"]
    for source in (tmp_path / "logs", tmp_path / "logs" / "*" / "*.jsonl", zipped, tarred):
        found = list(members([str(source)]))
        assert [one.name for one in found] == wanted
        assert [row.value for one in found for row in Reader(one).rows()] == OBJECTS * 2


def tarred(mode: str, **files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(f"{name}.jsonl")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.tar.bz2", tarred("w:bz2", one=LINES, two=LINES)),
        ("a.tar.xz", tarred("w:xz", one=LINES, two=LINES)),
        ("a.tar.zst", zstandard.compress(tarred("w", one=LINES, two=LINES))),
        ("no-ending", tarred("w:gz", one=LINES, two=LINES)),
    ],
    ids=["bzip2", "xz", "zstd", "content"],
)
def test_archives_are_told_by_their_beginning(tmp_path: Path, name: str, data: bytes) -> None:
    """Whatever packs a tar archive and whatever it is called, in a folder or named itself, it is opened."""
    found = list(members([str(write(tmp_path / name, data))]))
    assert [one.name for one in found] == ["one.jsonl", "two.jsonl"]
    assert [row.value for one in found for row in Reader(one).rows()] == OBJECTS * 2
    if "." in name:
        assert [one.name for one in members([str(tmp_path)])] == ["one.jsonl", "two.jsonl"]


def test_an_archive_that_was_cut_off(tmp_path: Path) -> None:
    """What is whole is read; the file in which it ends has a row that says so."""
    packed = tarred("w", one=LINES, two=LINES * 100)
    found = list(members([str(write(tmp_path / "a.tar", packed[:4000]))]))
    assert [one.name for one in found] == ["one.jsonl", "two.jsonl"]
    assert [row.value for row in Reader(found[0]).rows()] == OBJECTS
    assert [row.fault for row in Reader(found[1]).rows()][-1] == "truncated"


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """What comes out of a pipe is not there a second time: nothing looks into it before it is imported."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(LINES,))
    writer.start()
    (member,) = members([str(path)])
    reader = Reader(member)
    assert (reader.repeatable, reader.size) == (False, None)
    assert [row.value for row in reader.rows()] == OBJECTS
    writer.join()


def test_a_folder_without_history(tmp_path: Path) -> None:
    """A folder in which nothing may be history is told at once, instead of importing nothing."""
    write(tmp_path / "picture.png", b"x")
    with pytest.raises(UsageError, match="ends like history"):
        list(members([str(tmp_path)]))


def test_folders_and_archives_in_a_store() -> None:
    """A folder of objects, a pattern and an archive there hold the same rows under the names that they have here."""
    store = pytest.importorskip("fsspec").filesystem("memory")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/one.jsonl", LINES)
    store.pipe(
        {"/shipper/logs/a/one.jsonl": LINES, "/shipper/logs/x.html": b"", "/shipper/a.zip": packed.getvalue()}
    )
    try:
        for source in ("logs", "logs/", "logs/*/*.jsonl", "a.zip"):
            (member,) = members([f"memory://shipper/{source}"])
            assert member.name == "a/one.jsonl"
            assert member.modified_ns is not None
            assert [row.value for row in Reader(member).rows()] == OBJECTS
        with pytest.raises(UsageError):
            list(members(["memory://shipper/nothing.jsonl"]))
    finally:
        store.rm("/shipper", recursive=True)


def test_objects_in_a_store(tmp_path: Path) -> None:
    """Addresses that fsspec knows are sources too."""
    write(tmp_path / "far.jsonl.gz", gzip.compress(LINES))
    (member,) = members([f"file://{tmp_path}/far.jsonl.gz"])
    assert member.name == "far.jsonl"
    assert [row.value for row in Reader(member).rows()] == OBJECTS


@pytest.mark.parametrize("source", ["nowhere.jsonl", "*.nothing"])
def test_nothing_there(tmp_path: Path, source: str) -> None:
    """A source that names nothing is told at once."""
    with pytest.raises(UsageError):
        list(members([str(tmp_path / source)]))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"cut": ', "malformed_json"),
        (b'{"latin": "\xe9"}', "wrong_encoding"),
        (b"no json", "malformed_json"),
    ],
)
def test_broken_lines(text: bytes, fault: str) -> None:
    """A broken line is a row with a fault, and the lines around it are read."""
    first, broken, last = json_lines(io.BytesIO(b'{"a":1}\n' + text + b'\n{"a":2}\n'), "x")
    assert (first.value, last.value) == ({"a": 1}, {"a": 2})
    assert (broken.line, broken.fault, broken.original) == (2, fault, text)
    assert last.line == 3


def test_what_python_writes() -> None:
    """NaN and lone surrogates, which Python's writer makes and JSON has not, are made safe, and it is told."""
    (row,) = json_lines(io.BytesIO(b'{"score": NaN, "text": "\\ud83d"}'), "x")
    assert not row.fault
    assert set(row.value) == {"score", "text"}
    assert row.changed


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_truncated_archives(tmp_path: Path, pack: object) -> None:
    """A packed file that was cut off gives what can be unpacked, and a row that says so."""
    data = b"".join(
        orjson.dumps({"n": number, "text": "x" * (number % 97)}) + b"\n" for number in range(20_000)
    )
    path = write(tmp_path / "cut.jsonl", pack(data)[:-20])  # type: ignore[operator]
    rows = rows_of(path)
    assert rows[-1].fault == "truncated"
    assert len(rows) > 100
    assert all(row.value["n"] == number for number, row in enumerate(rows[:-2]))


def test_text_in_utf_16(tmp_path: Path) -> None:
    """A file in UTF-16 is one reject that says what to do."""
    (row,) = rows_of(write(tmp_path / "a.jsonl", LINES.decode().encode("utf-16")))
    assert row.fault == "wrong_encoding"
    assert "UTF-8" in row.message


def test_an_array_that_ends_too_early(tmp_path: Path) -> None:
    """The elements before the end are read, and the end is a reject."""
    rows = rows_of(write(tmp_path / "a.json", orjson.dumps(OBJECTS)[:-5]))
    assert [row.value for row in rows[:-1]] == OBJECTS[:-1]
    assert rows[-1].fault == "truncated"


def test_rows_that_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row beyond the bound is a reject with its beginning and length, whatever it is in; the others are read."""
    long = orjson.dumps({"text": "x" * 5000})
    for module in (lines, values):
        monkeypatch.setattr(module, "LONGEST_LINE", 1000)
        monkeypatch.setattr(module, "KEPT_OF_TOO_LONG", 10)
    for read in (
        list(json_lines(io.BytesIO(b'{"a":1}\n' + long + b'\n{"a":2}\n'), "x")),
        list(json_values(io.BytesIO(b'[{"a":1},' + long + b',{"a":2}]'), "x", level=1)),
    ):
        assert [row.value for row in read] == [{"a": 1}, None, {"a": 2}]
        assert read[1].fault == "too_long"


def test_csv_cells_with_newlines(tmp_path: Path) -> None:
    """A record of several lines is one row; a broken one is a reject; any of them can be gone on from."""
    path = write(tmp_path / "a.csv", b'id,text\n1,"two\nlines"\n2,x\n3,"a","b"\n4,z\n')
    rows = rows_of(path)
    assert [row.value for row in rows] == [
        {"id": "1", "text": "two\nlines"},
        {"id": "2", "text": "x"},
        None,
        {"id": "4", "text": "z"},
    ]
    assert [row.line for row in rows] == [2, 4, 5, 6]
    assert rows[2].fault == "malformed_csv"
    for number, row in enumerate(rows, 1):
        assert [one.value for one in rows_of(path, row.next)] == [one.value for one in rows[number:]]


def test_parquet(tmp_path: Path) -> None:
    """Rows of a Parquet file, without the empty cells."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"id": ["a", "b", None], "n": [1, None, 3]})
    parquet.write_table(table, tmp_path / "t.parquet")
    rows = rows_of(tmp_path / "t.parquet")
    assert [row.value for row in rows] == [{"id": "a", "n": 1}, {"id": "b"}, {"n": 3}]
    assert [row.value for row in rows_of(tmp_path / "t.parquet", rows[0].next)] == [{"id": "b"}, {"n": 3}]


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.lists(st.integers(0, 9))), max_size=5
    ),
    st.sampled_from([1, 2, 7, 64]),
)
def test_values_are_split_where_they_end(objects: list[dict[str, object]], chunk: int) -> None:
    """Whatever strings hold, and wherever a chunk ends, an array is split into its elements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "_CHUNK", chunk)
        text = orjson.dumps(objects, option=orjson.OPT_INDENT_2)
        assert [row.value for row in json_values(io.BytesIO(text), "x", level=1)] == objects


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"PAR1\x15\x04", "parquet"),
        (b"SQLite format 3\x00", "sqlite"),
        (b' \n[{"a"', "array"),
        (b'{"a":1}\n{"b"', "lines"),
        (b'{"a":1}', "lines"),
        (b'{"a":\n{"b"', "lines"),
        (b'{\n "a":1}', "values"),
        (b"a,b\n1,2", "csv"),
        (b"", "empty"),
    ],
)
def test_containers_are_told_by_their_beginning(head: bytes, container: str) -> None:
    """How a file is made shows in its first bytes."""
    assert container_of(head) == container


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://ann:hunter2@host/a.jsonl", "https://host/a.jsonl"),
        ("https://ann@host/a@b.jsonl", "https://host/a@b.jsonl"),
        ("s3://bucket/a?.jsonl", "s3://bucket/a?.jsonl"),
        ("2024/a.jsonl", "2024/a.jsonl"),
    ],
)
def test_an_address_is_named_without_what_opens_it(address: str, name: str) -> None:
    """The name gets into every document, the rejects and messages."""
    assert plain(address) == name


def test_what_an_address_asks_for_is_told_apart_and_not_shown() -> None:
    """A signed address is as good as a key; rows of two pages must not have the same ids."""
    one, other = (plain(f"https://host/a.jsonl?page={page}&signature=hidden") for page in (1, 2))
    assert one != other
    assert re.fullmatch(r"https://host/a\.jsonl\?[0-9a-f]{8}", one)


@pytest.mark.parametrize("password", ["hidden%zz", "hidden secret", "hidden?x", "hidden#x", "[hidden"])
def test_a_password_that_is_not_encoded_is_not_repeated(password: str) -> None:
    """Libpq's own message would hold it."""
    pytest.importorskip("psycopg")
    with pytest.raises(UsageError) as raised:
        list(SpendLogs(f"postgresql://ann:{password}@localhost:1/litellm").rows())
    assert "hidden" not in str(raised.value)
    assert "percent" in str(raised.value)


def test_the_address_of_a_database() -> None:
    """What only Prisma knows is left out of what libpq is given; people see neither user nor password nor options."""
    given = "postgresql://me:p%40ss@db.local:5433/litellm?schema=proxy&sslmode=require&connection_limit=9"
    assert address_of(given) == (
        "postgresql://me:p%40ss@db.local:5433/litellm?sslmode=require",
        "proxy",
        "postgresql://db.local:5433/litellm",
    )
    assert address_of("postgres://h/d") == ("postgres://h/d", "", "postgres://h/d")


def test_rows_of_a_database() -> None:
    """A row is the JSON text that the server makes, and ends at its time; a resumed one is numbered on."""
    found = [('{"request_id":"a","spend":0.1}', 17), ('{"request_id":"b","spend":NaN}', 18)]
    first, second = postgres_rows(found, "postgresql://h/d", Place(3, 17))
    assert (first.line, first.end, first.value) == (4, 17, {"request_id": "a", "spend": 0.1})
    assert second.value == {"request_id": "b", "spend": None}
    assert second.next == Place(5, 18)
