"""CSV: a row for each record, whatever lines it takes. Cells are read by `shipper.feedback.rows`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, BinaryIO

from shipper.feedback.rows import rows_of
from shipper.history.event import START, Place, Row
from shipper.history.sources.lines import LONGEST_LINE, lines_of, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Feed:
    """Lines for the CSV reader, which takes no more than it needs: what it took since the last row is the row."""

    def __init__(self, stream: BinaryIO, source: str, start: Place, header: bytes) -> None:
        self._lines = lines_of(stream, start)
        self._source = source
        self._header = header
        self.line, self.end = start
        self.taken: list[bytes] = []
        self.faults: list[Row] = []

    def __iter__(self) -> Iterator[bytes]:
        if self.line:
            yield self._header + b"\n"
        for number, end, text, length, complete in self._lines:
            self.line, self.end = number, end
            if not complete:
                self.faults.append(too_long(self._source, number, end, text, length))
                continue
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                message = f"not UTF-8 ({error.reason} at byte {error.start})"
                self.faults.append(Row(self._source, number, end, text, None, "wrong_encoding", message))
                continue
            if number > 1:
                self.taken.append(text)
            yield text + b"\n"


def csv_rows(stream: BinaryIO, source: str, start: Place = START, *, header: bytes = b"") -> Iterator[Row]:
    """A row for each record of a CSV file, its cells by their columns' names.

    Args:
        stream: stands at `start`.
        source: its name.
        start: where to begin.
        header: the first line, when `start` is behind it.

    Raises:
        OSError: the stream can't be read on.
    """
    csv.field_size_limit(LONGEST_LINE)  # prompts are longer than the 128 KiB that Python allows a cell
    feed = _Feed(stream, source, start, header)
    for record in rows_of(feed, "csv"):
        yield from feed.faults
        feed.faults.clear()
        original = b"\n".join(feed.taken)
        number = feed.line - original.count(b"\n")
        feed.taken.clear()
        row = Row(source, number, feed.end, original, record.values, last=feed.line)
        if record.fault:
            row.value = None
            row.fail("malformed_csv", record.fault)
        yield row
    yield from feed.faults


def header_of(stream: BinaryIO) -> bytes:
    """The first line of a CSV file, without its end and byte order mark."""
    return next((line.text for line in lines_of(stream)), b"")
