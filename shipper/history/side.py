"""Rows that other rows refer to, on the disk while an import runs: a million of them take no memory."""

from __future__ import annotations

import sqlite3
import tempfile
from typing import TYPE_CHECKING, Any

import orjson

from shipper.history.event import Lookup, Rejected

if TYPE_CHECKING:
    from shipper.history.event import Kept


class SideTable(Lookup):
    """Rows by table and key. Not thread-safe."""

    def __init__(self) -> None:
        """Begin with none; nothing is on the disk before the first."""
        self._file = tempfile.NamedTemporaryFile(prefix="shipper-import-", suffix=".db")  # noqa: SIM115
        self._database = sqlite3.connect(self._file.name, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE kept (name TEXT, key TEXT, value BLOB, PRIMARY KEY (name, key)) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")
        self._empty = True

    def put(self, place: Kept, value: Any) -> None:
        """Keep a row; two different ones under one key count as none."""
        self._empty = False
        text = orjson.dumps(value)
        query = (
            "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = "
            "CASE WHEN value = excluded.value THEN value ELSE x'' END"
        )
        self._database.execute(query, (place.table, place.key, text))

    def find(self, table: str, key: str) -> Any:
        """The row that was kept under a key; None when there is none.

        Raises:
            Rejected: there are several, and they differ.
        """
        if self._empty:
            return None
        found = self._database.execute(
            "SELECT value FROM kept WHERE name = ? AND key = ?", (table, key)
        ).fetchone()
        if found is None:
            return None
        if not found[0]:
            raise Rejected(
                "ambiguous_reference", f"several rows that differ are {table} {key!r}: import them apart"
            )
        return orjson.loads(found[0])

    def close(self) -> None:
        """Remove it from the disk. Never raises."""
        self._database.close()
        self._file.close()
