"""From a file to its rows: how it is made is told by how it begins, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import orjson

from shipper.history.event import START, Place, Row
from shipper.history.sources import database
from shipper.history.sources.columns import parquet_rows
from shipper.history.sources.files import STDIN, is_utf16
from shipper.history.sources.lines import json_lines
from shipper.history.sources.packing import unpacked
from shipper.history.sources.searches import is_search, search_rows
from shipper.history.sources.tables import csv_rows, header_of
from shipper.history.sources.values import json_values

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from shipper.history.sources.database import Queries
    from shipper.history.sources.member import Member
    from shipper.history.sources.packing import Unpacked

Container = Literal["lines", "array", "values", "search", "csv", "parquet", "sqlite", "utf-16", "empty"]
_BY_NUMBER: frozenset[Container] = frozenset(["parquet", "sqlite", "search"])
_HEAD = 64 * 1024


class Reader:
    """The rows of one member. `header` is the first line, once a CSV file is being read."""

    def __init__(self, member: Member, queries: Queries = database.no_queries) -> None:
        """Read from a member.

        Args:
            member: which.
            queries: for a database.
        """
        self.member = member
        self.name, self.size, self.modified_ns = member.name, member.size, member.modified_ns
        self.repeatable = member.name != STDIN and (member.path is None or member.path.is_file())
        self.header = b""
        self.container: Container = "empty"
        self._raw: Unpacked | None = None
        self._queries = queries

    def rows(self, start: Place = START) -> Iterator[Row]:
        """Its rows from a place on; what ends it too early is a row with a fault.

        Raises:
            UsageError: it can't be opened or read at all.
        """
        header = b""
        if start.offset:
            with unpacked(self.member) as (reader, _):
                self.container = container_of(reader.peek(_HEAD)[:_HEAD])
                header = header_of(reader) if self.container == "csv" else b""
        begin = 0 if self.container in _BY_NUMBER else start.offset
        with unpacked(self.member, begin) as (reader, raw):
            self._raw = raw
            if not start.offset:
                self.container = container_of(reader.peek(_HEAD)[:_HEAD])
                if self.container == "csv":
                    header = b""
            last: Row | None = None
            for last in self._rows(reader, start, header):
                yield last
            yield from _ending(self.member.name, start if last is None else last.next, raw)

    def progress(self) -> int:
        """Bytes of the file that were read so far, as it lies there. Never raises."""
        return self._raw.progress() if self._raw is not None else 0

    def _rows(self, reader: io.BufferedReader[Any], start: Place, header: bytes) -> Iterator[Row]:
        name = self.member.name
        if self.container == "lines":
            return json_lines(reader, name, start)
        if self.container in ("array", "values"):
            return json_values(reader, name, start, level=1 if self.container == "array" else 0)
        if self.container == "search":
            return search_rows(reader, name, start)
        if self.container == "csv":
            self.header = header or _first_line(reader.peek(_HEAD)[:_HEAD])
            return csv_rows(reader, name, start, header=header)
        if self.container == "parquet":
            return parquet_rows(reader, name, start)
        if self.container == "sqlite":
            return database.sqlite_rows(reader, self.member.path, name, self._queries, start)
        if self.container == "utf-16":
            message = "the file is UTF-16: convert it to UTF-8, then import it again"
            return iter([Row(name, 1, 0, b"", None, "wrong_encoding", message)])
        return iter(())


def container_of(head: bytes) -> Container:
    """How a file is made, by its beginning. Pure; never raises."""
    if is_utf16(head):
        return "utf-16"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(database.MAGIC):
        return "sqlite"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "empty"
    if text.startswith(b"["):
        return "array"
    if not text.startswith(b"{"):
        return "csv"
    if is_search(text):
        return "search"
    first, newline, _ = text.partition(b"\n")
    if not newline or _is_object(first):
        return "lines"
    # A broken first line is a reject; a text that goes on in the next line is a value of several lines.
    return "values" if first.rstrip().endswith((b"{", b"[", b",")) else "lines"


def _is_object(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _first_line(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].rstrip(b"\r")


def _ending(name: str, last: Place, raw: Unpacked) -> Iterator[Row]:
    if raw.fault:
        message = f"the file is damaged or cut off ({raw.fault}); nothing after this place could be read"
        yield Row(name, last.line + 1, last.offset, b"", None, "truncated", message)
