"""What documents become in a file: the forms that `shipper export` writes. Pure but for Parquet's file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, NamedTuple, Protocol, cast, get_args

import orjson

from shipper.export.batch import request_of
from shipper.export.finetune import example_of
from shipper.export.spans import traces_of
from shipper.read.columns import Table
from shipper.read.frames import batch_of, schema_of
from shipper.read.hits import decoded, documents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from shipper.read.columns import Column
    from shipper.read.hits import Hits

    Change = Callable[[dict[str, Any]], dict[str, Any]]

Name = Literal["ndjson", "csv", "parquet", "openai-finetune", "openai-batch", "otlp-json"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
TABLES: Final = frozenset({"csv", "parquet"})
"""Formats with columns."""

_BY_ENDING: Final[dict[str, Name]] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".parquet": "parquet",
}
_ROW_GROUP_ROWS: Final = 65_536
_ROW_GROUP_BYTES: Final = 64 * 1024 * 1024


class Encoded(NamedTuple):
    """A page as the file's bytes, how many documents are in it, and why others are not."""

    data: bytes
    written: int
    skipped: Mapping[str, int]


class Format(Protocol):
    """A way to write documents. `encode` is called from several threads."""

    header: bytes
    """Before all pages."""

    def encode(self, hits: Hits) -> Encoded:
        """A page. Raises what redaction raises."""
        ...

    @property
    def assemble(self) -> Callable[[io.BufferedReader, BinaryIO], None] | None:
        """Makes the file of the encoded pages, where they are not the file, one after another."""
        ...


def format_of(name: str) -> Name | None:
    """The format that a file's name means, without its compression; None when it means none."""
    return next((form for ending, form in _BY_ENDING.items() if name.endswith(ending)), None)


class Lines:
    """JSON lines made of each document, or not."""

    header = b""
    assemble = None

    def __init__(self, make: Callable[[dict[str, Any]], Any], change: Change | None) -> None:
        self._make = make
        self._change = change

    def encode(self, hits: Hits) -> Encoded:
        """A line for each document that makes one; the reason for the others."""
        lines: list[bytes] = []
        skipped = Counter[str]()
        for document in documents_of(hits):
            made = self._make(document if self._change is None else self._change(document))
            if isinstance(made, str):
                skipped[made] += 1
            else:
                lines.append(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
        return Encoded(b"".join(lines), len(lines), skipped)


class Documents(Lines):
    """Our own documents with their place in the store, byte by byte as they are stored."""

    def __init__(self, change: Change | None) -> None:
        super().__init__(lambda document: document, change)

    def encode(self, hits: Hits) -> Encoded:
        """A line for each document."""
        if self._change is None:
            return Encoded(hits.lines(), len(hits), {})
        lines: list[bytes] = []
        for index_name, document_id, source in hits:
            changed = orjson.dumps(self._change(decoded(source)))
            lines.append(b'{"_index":%b,"_id":%b,"_source":%b}\n' % (index_name, document_id, changed))
        return Encoded(b"".join(lines), len(lines), {})


class Csv:
    """A header and a line for each document. Several values and objects are JSON text, times are RFC 3339."""

    assemble = None

    def __init__(self, columns: Sequence[Column], change: Change | None) -> None:
        self._columns = columns
        self._table = Table(columns)
        self._change = change
        self.header = _rows([[column.name for column in columns]])

    def encode(self, hits: Hits) -> Encoded:
        """A line for each document."""
        values = self._table.of(_changed(hits, self._change), len(hits))
        shown = [
            [
                _CELLS[column.kind](value) if column.kind in _CELLS and value is not None else value
                for value in one
            ]
            for column, one in zip(self._columns, values, strict=True)
        ]
        return Encoded(_rows(zip(*shown, strict=True)), len(hits), {})


class Parquet:
    """One Parquet file. Pages wait as Arrow streams, which are put together in row groups of 65,536 or so."""

    header = b""

    def __init__(self, columns: Sequence[Column], change: Change | None) -> None:
        self._schema = schema_of(columns, categories=False)
        self._table = Table(columns)
        self._change = change

    def encode(self, hits: Hits) -> Encoded:
        """An Arrow stream of one batch."""
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema) as writer:
            writer.write_batch(
                batch_of(self._table.of(_changed(hits, self._change), len(hits)), self._schema)
            )
        return Encoded(sink.getvalue().to_pybytes(), len(hits), {})

    def assemble(self, pages: io.BufferedReader, out: BinaryIO) -> None:
        """All batches as row groups."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        waiting: list[Any] = []
        with pq.ParquetWriter(out, self._schema, compression="zstd") as writer:
            while pages.peek(1):
                waiting.extend(pa.ipc.open_stream(pages))
                rows = sum(batch.num_rows for batch in waiting)
                if rows >= _ROW_GROUP_ROWS or sum(batch.nbytes for batch in waiting) >= _ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting), row_group_size=rows)
                    waiting = []
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting))


def make_format(name: Name, columns: Sequence[Column], change: Change | None) -> Format:
    """The format of this name.

    Args:
        name: which.
        columns: of a table.
        change: what is done to each document before.

    Raises:
        UsageError: Parquet without pyarrow.
    """
    if name == "csv":
        return Csv(columns, change)
    if name == "parquet":
        return Parquet(columns, change)
    if name == "ndjson":
        return Documents(change)
    return Lines(_MAKERS[name], change)


_MAKERS: Final = {"openai-finetune": example_of, "openai-batch": request_of, "otlp-json": traces_of}


def _changed(hits: Hits, change: Change | None) -> Iterator[dict[str, Any]]:
    documents = documents_of(hits)
    return documents if change is None else map(change, documents)


def _rows(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _time_cell(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def _list_cell(values: list[Any]) -> str:
    return orjson.dumps(values).decode()


def _boolean_cell(value: bool) -> str:
    return "true" if value else "false"


_CELLS: Final = cast(
    "dict[str, Callable[[Any], str]]",
    {"time": _time_cell, "names": _list_cell, "integers": _list_cell, "boolean": _boolean_cell},
)
