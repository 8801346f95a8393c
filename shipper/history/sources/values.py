"""JSON values one after the other: elements of an array, or texts of several lines, split without parsing the whole.

A conversation export is one array of gigabytes. Only brackets and strings are looked at here, so that one element at a
time is in memory, as the bytes that it is made of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from shipper.history.event import START, Place, Row
from shipper.history.sources.lines import KEPT_OF_TOO_LONG, LONGEST_LINE, read, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 256 * 1024
_MARK = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'(?>(?:[^"\\]|\\.)*)', re.DOTALL)


class _Splitter:
    """Finds where values begin and end, `level` brackets deep."""

    def __init__(self, stream: BinaryIO, level: int, offset: int) -> None:
        self._stream = stream
        self._level = level
        self._base = offset  # of the buffer's first byte
        self._buffer = b""
        self._at = 0
        self._depth = level if offset else 0
        self._in_string = False
        self._begin: int | None = None
        self._dropped = 0  # bytes of a value that is too long
        self._beginning = b""

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        """Text of a value, its length, and where it ends; a text that is shorter than its length is a beginning."""
        while chunk := self._stream.read(_CHUNK):
            self._buffer += chunk
            yield from self._scan()
            self._shorten()
        if self._depth > 0:
            yield self._beginning or self._buffer[self._begin or 0 :], -1, self._base + len(self._buffer)

    def _scan(self) -> Iterator[tuple[bytes, int, int]]:
        buffer = self._buffer
        while True:
            if self._in_string:
                found = _IN_STRING.match(buffer, self._at)
                self._at = found.end() if found else self._at
                if buffer[self._at : self._at + 1] != b'"':
                    return
                self._at += 1
                self._in_string = False
            mark = _MARK.search(buffer, self._at)
            if mark is None:
                self._at = len(buffer)
                return
            self._at = mark.end()
            sign = buffer[mark.start()]
            if sign == 0x22:
                self._in_string = True
            elif sign in b"{[":
                if self._depth == self._level:
                    self._begin = mark.start()
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == self._level and self._begin is not None:
                    yield self._cut()

    def _cut(self) -> tuple[bytes, int, int]:
        text = self._buffer[self._begin : self._at]
        length = len(text) + self._dropped
        if length > LONGEST_LINE:
            text = self._beginning or text[:KEPT_OF_TOO_LONG]
        self._begin, self._dropped, self._beginning = None, 0, b""
        return text, length, self._base + self._at

    def _shorten(self) -> None:
        """Keep only what is still needed; of a value that is too long, only its beginning."""
        if self._begin is None:
            keep = self._at
        elif len(self._buffer) - self._begin + self._dropped > LONGEST_LINE:
            if not self._dropped:
                self._beginning = self._buffer[self._begin : self._begin + KEPT_OF_TOO_LONG]
            keep = self._at
            self._dropped += keep - self._begin
        else:
            keep = self._begin
        if keep:
            self._buffer = self._buffer[keep:]
            self._base += keep
            self._at -= keep
            if self._begin is not None:
                self._begin = 0


def json_values(stream: BinaryIO, source: str, start: Place = START, *, level: int) -> Iterator[Row]:
    """A row for each value; scalars between them are skipped.

    Args:
        stream: stands at `start`.
        source: its name.
        start: where to begin.
        level: 1 for the elements of an array, 0 for values that follow each other.

    Raises:
        OSError: the stream can't be read on.
    """
    number = start.line
    for text, length, end in _Splitter(stream, level, start.offset):
        number += 1
        if length < 0:
            message = "the file ends in the middle of it"
            yield Row(source, number, end, text[:KEPT_OF_TOO_LONG], None, "truncated", message)
        elif length > len(text):
            yield too_long(source, number, end, text, length)
        else:
            yield Row(source, number, end, text, read=read)
