"""What an import reads: files, or an iterator of the caller's, as rows with places."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row
from shipper.history.formats.registry import format_named, recognised
from shipper.history.sources.lines import read
from shipper.record.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shipper.history.event import Format

_SAMPLE_ROWS = 50
_SAMPLE_BYTES = 8 * 1024 * 1024


class Input(Protocol):
    """One thing to read."""

    name: str
    size: int | None
    """Bytes, as it lies there."""
    modified_ns: int | None
    header: bytes
    """The first line, of a CSV file that is being read."""
    repeatable: bool
    """Whether its rows can be read twice."""

    def rows(self, start: Place = START) -> Iterator[Row]:
        """Its rows from a place on."""
        ...

    def progress(self) -> int:
        """Bytes that were read so far, of `size`."""
        ...


class Iterated:
    """Rows of an iterator: objects, or lines of JSON."""

    def __init__(self, rows: Iterable[Mapping[str, Any] | str | bytes], name: str) -> None:
        self.name = name
        self.size: int | None = None
        self.modified_ns: int | None = None
        self.header = b""
        self.repeatable = False
        self._rows = rows

    def rows(self, start: Place = START) -> Iterator[Row]:
        """A row for each item. Raises whatever the iterator raises."""
        for number, item in enumerate(self._rows, 1):
            if number <= start.line:
                continue
            if isinstance(item, (str, bytes)):
                text = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
                yield Row(self.name, number, number, text.strip(), read=read)
            else:
                text, changed = to_json(item)
                yield Row(self.name, number, number, text, orjson.loads(text), changed=changed)

    def progress(self) -> int:
        """Nobody knows how long it is."""
        return 0


def identified(
    rows: Iterator[Row], source: str, forced: Format | None, also: Sequence[Format]
) -> tuple[Format | None, Iterator[Row]]:
    """The format of some rows, and the rows again. None: not one of the first can be read.

    Raises:
        UsageError: no format fits.
    """
    if forced is not None:
        return forced, rows
    head: list[Row] = []
    size = 0
    for row in rows:
        head.append(row)
        size += len(row.original)
        if len(head) == _SAMPLE_ROWS or size > _SAMPLE_BYTES:
            break
    sample = [row.value for row in head if not row.fault]
    form = recognised(sample, source, also) if sample else None
    return form, itertools.chain(head, rows)


def chosen(name: str | None, mapping: Format | None) -> Format | None:
    """The format that was asked for; None: it is to be recognised.

    Raises:
        UsageError: there is none of this name, or it contradicts the mapping.
    """
    if name is None:
        return mapping
    if name == "mapped":
        if mapping is None:
            raise UsageError("--format mapped needs --map FILE, which says what the columns mean.")
        return mapping
    if mapping is not None:
        raise UsageError(f"--format {name} and --map exclude each other: a mapping is a format of its own.")
    return format_named(name)
