"""Lines of a stream of bytes, of bounded length, with their positions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson

from shipper.history.event import START, Place, Row
from shipper.record.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 32 * 1024 * 1024
"""A longer row is rejected; its beginning is kept to find it again."""
KEPT_OF_TOO_LONG = 4096

_SKIP = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end; `end` is where the next one begins. Of one that is too long, only the beginning."""

    number: int
    end: int
    text: bytes
    length: int
    complete: bool


def lines_of(stream: BinaryIO, start: Place = START) -> Iterator[Line]:
    """The lines of a stream that stands at `start`.

    Raises:
        OSError: the stream can't be read on.
    """
    number, end = start
    while True:
        text = stream.readline(LONGEST_LINE)
        if not text:
            return
        number += 1
        length = len(text)
        if length == LONGEST_LINE and not text.endswith(b"\n"):
            text = text[:KEPT_OF_TOO_LONG]
            while more := stream.readline(_SKIP):
                length += len(more)
                if more.endswith(b"\n"):
                    break
        end += length
        if number == 1:
            text = text.removeprefix(_BOM)
        yield Line(number, end, text.rstrip(b"\r\n"), length, length <= LONGEST_LINE)


def json_lines(stream: BinaryIO, source: str, start: Place = START) -> Iterator[Row]:
    """A row for each line that is not blank.

    Raises:
        OSError: the stream can't be read on.
    """
    for number, end, text, length, complete in lines_of(stream, start):
        if not complete:
            yield too_long(source, number, end, text, length)
        elif text and not text.isspace():
            yield Row(source, number, end, text, read=read)


def too_long(source: str, number: int, end: int, beginning: bytes, length: int) -> Row:
    """The row that stands for one that is not read. Never raises."""
    message = f"{length:,} bytes long; {LONGEST_LINE:,} are read at most. Only its beginning is kept here."
    return Row(source, number, end, beginning, None, "too_long", message)


def read(row: Row) -> None:
    """Read a row of JSON: its value, or its fault. Never raises.

    What Python's writer makes of NaN and lone surrogates is read too.
    """
    try:
        row.value = orjson.loads(row.original)
    except ValueError:
        _read_leniently(row)


def _read_leniently(row: Row) -> None:
    try:
        text = row.original.decode("utf-8")
    except UnicodeDecodeError as error:
        row.fail("wrong_encoding", f"not UTF-8 ({error.reason} at byte {error.start})")
        return
    try:
        value: Any = json.loads(text)
        safe, changed = to_json(value)
        row.value, row.changed = orjson.loads(safe), changed
    except (ValueError, RecursionError) as error:
        row.fail("malformed_json", f"not JSON: {error}")
