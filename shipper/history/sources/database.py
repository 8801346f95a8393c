"""SQLite: the logs of the `llm` command, the one format that comes in a database."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

import orjson

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = b"SQLite format 3\x00"


def sqlite_rows(
    stream: BinaryIO, path: Path | None, source: str, queries: tuple[str, ...], start: Place = START
) -> Iterator[Row]:
    """A row for each row that a query finds; `start` and `end` are numbers of rows.

    Args:
        stream: the database's bytes, for one that is packed or remote.
        path: the database's file, when it is one: read where it is.
        source: its name.
        queries: tried in turn, since tables grew columns over the years; the first that fits is taken.
        start: where to begin.

    Raises:
        UsageError: it is damaged, or no query fits it.
    """
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        if path is None:
            shutil.copyfileobj(stream, copy)
            copy.flush()
        where = path.absolute().as_uri() if path is not None else f"file://{copy.name}"
        try:
            with closing(sqlite3.connect(f"{where}?mode=ro", uri=True)) as database:
                database.row_factory = sqlite3.Row
                found = _first_that_fits(database, queries)
                for number, record in enumerate(found, 1):
                    if number > start.line:
                        values = {name: value for name, value in dict(record).items() if value is not None}
                        text = orjson.dumps(values, default=str)
                        yield Row(source, number, number, text, orjson.loads(text))
        except sqlite3.Error as error:
            raise UsageError(f"{source} can't be read as a database of the llm command: {error}.") from None


def _first_that_fits(database: sqlite3.Connection, queries: tuple[str, ...]) -> sqlite3.Cursor:
    for query in queries[:-1]:
        try:
            return database.execute(query)
        except sqlite3.OperationalError:
            continue
    return database.execute(queries[-1])
