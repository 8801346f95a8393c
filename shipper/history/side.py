"""Rows that other rows refer to, on the disk while an import runs: a million of them take no memory."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from shipper.history.event import Lookup, Rejected

if TYPE_CHECKING:
    from shipper.history.event import Kept

_WORD = re.compile(r"[a-z]+|[0-9]+")
_PARTS = frozenset(
    [
        *("input", "inputs", "in", "request", "requests", "req", "output", "outputs", "out", "response"),
        *("responses", "result", "results", "answer", "answers", "error", "errors", "err", "failed", "batch"),
    ]
)
"""What the names of files that belong together differ in."""


class SideTable(Lookup):
    """Rows by table and key. Not thread-safe."""

    def __init__(self) -> None:
        """Begin with none; nothing is on the disk before the first."""
        self._file = tempfile.NamedTemporaryFile(prefix="shipper-import-", suffix=".db")  # noqa: SIM115
        self._database = sqlite3.connect(self._file.name, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE kept (name TEXT, key TEXT, digest BLOB, source TEXT, value BLOB, "
            "PRIMARY KEY (name, key, digest)) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")
        self._empty = True
        self.asking = ""
        """The source of the row that is being read."""

    def put(self, place: Kept, value: Any, source: str = "") -> None:
        """Keep a row, or the part of it that is wanted; equal ones under one key are one."""
        self._empty = False
        text = orjson.dumps(value if place.value is None else place.value)
        digest = blake2b(text, digest_size=12).digest()
        row = (place.table, place.key, digest, source, text)
        self._database.execute("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?)", row)

    def find(self, table: str, key: str) -> Any:
        """The row that was kept under a key; None when there is none.

        Of several, it is the only one of the same folder as the row that asks, else the only one of a file whose name
        says that they belong together.

        Raises:
            Rejected: there are several, and nothing says which.
        """
        if self._empty:
            return None
        query = "SELECT source, value FROM kept WHERE name = ? AND key = ?"
        found: list[tuple[str, bytes]] = self._database.execute(query, (table, key)).fetchall()
        for part_of in (_folder, _group):
            if len(found) > 1:
                wanted = part_of(self.asking)
                found = [one for one in found if part_of(one[0]) == wanted] or found
        if len(found) > 1:
            raise Rejected(
                "ambiguous_reference", f"several rows that differ are {table} {key!r}: import them apart"
            )
        return orjson.loads(found[0][1]) if found else None

    def close(self) -> None:
        """Remove it from the disk. Never raises."""
        self._database.close()
        self._file.close()


def _folder(source: str) -> str:
    return str(PurePosixPath(source).parent)


def _group(source: str) -> list[str]:
    """The words of a file's name without those that tell requests from answers: `may_2_input` is of `may`, `2`."""
    return [word for word in _WORD.findall(PurePosixPath(source).stem.lower()) if word not in _PARTS]
