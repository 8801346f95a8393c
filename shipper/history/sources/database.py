"""SQLite: the logs of the `llm` command, the one format that comes in a database."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import orjson

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Queries = Callable[[dict[str, frozenset[str]]], Iterable[str]]

MAGIC = b"SQLite format 3\x00"


def no_queries(_tables: dict[str, frozenset[str]]) -> tuple[str, ...]:
    """Nothing is asked for: no database is expected."""
    return ()


def sqlite_rows(
    stream: BinaryIO, path: Path | None, source: str, queries: Queries, start: Place = START
) -> Iterator[Row]:
    """A row for each row that the queries find; `start` and `end` are numbers of rows.

    Args:
        stream: the database's bytes, for one that is packed or remote.
        path: the database's file, when it is one: read where it is.
        source: its name.
        queries: chooses what is asked for by what tables there are, with which columns.
        start: where to begin.

    Raises:
        UsageError: it is damaged, or there is no query for it.
    """
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        if path is None:
            shutil.copyfileobj(stream, copy)
            copy.flush()
        where = path.absolute().as_uri() if path is not None else f"file://{copy.name}"
        try:
            with closing(sqlite3.connect(f"{where}?mode=ro", uri=True)) as database:
                database.row_factory = sqlite3.Row
                chosen = list(queries(_tables(database)))
                if not chosen:
                    raise UsageError(
                        f"{source} is no database of the llm command: it has none of its tables."
                    )
                found = chain.from_iterable(map(database.execute, chosen))
                for number, record in enumerate(found, 1):
                    if number > start.line:
                        values = {name: value for name, value in dict(record).items() if value is not None}
                        text = orjson.dumps(values, default=str)
                        yield Row(source, number, number, text, orjson.loads(text))
        except sqlite3.Error as error:
            raise UsageError(f"{source} can't be read as a database of the llm command: {error}.") from None


def _tables(database: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """All tables, with their columns."""
    names = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = "SELECT name FROM pragma_table_info(?)"
    return {name: frozenset(row["name"] for row in database.execute(columns, (name,))) for name in names}
