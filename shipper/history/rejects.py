"""Rows that could not be imported: a file with place, reason and original of each, which can be imported itself."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from shipper.history.event import Place, Row
from shipper.history.sources.lines import json_lines
from shipper.history.sources.tables import csv_rows
from shipper.spool.private import private

if TYPE_CHECKING:
    from pathlib import Path


class RejectsFile:
    """Takes rejects in order. After a crash it is cut back to what the checkpoint knows, so that none is in it twice."""

    def __init__(self, path: Path | None, kept_bytes: int) -> None:
        """Open it.

        Args:
            path: None keeps nothing.
            kept_bytes: its part that counts.

        Raises:
            OSError: it can't be written.
        """
        self._file: BinaryIO | None = None
        self.size = kept_bytes
        if path is not None:
            kept = kept_bytes if path.exists() and path.stat().st_size >= kept_bytes else 0
            self._file = open(path, "r+b" if kept else "wb", opener=private)  # noqa: SIM115 - open until `close`
            self._file.truncate(kept)
            self._file.seek(0, io.SEEK_END)
            self.size = kept

    def write(self, rejects: list[bytes]) -> None:
        """Add some.

        Raises:
            OSError: the disk is full.
        """
        if self._file is None or not rejects:
            return
        self._file.write(b"".join(rejects))
        self._file.flush()
        self.size = self._file.tell()

    def close(self) -> None:
        """Close it. Never raises."""
        if self._file is not None:
            self._file.close()


def reject(row: Row, form: str, reason: str, message: str, header: bytes = b"") -> bytes:
    """The line that is kept of a rejected row. Never raises."""
    out: dict[str, Any] = {
        "source": row.source,
        "line": row.line,
        "format": form,
        "reason": reason,
        "message": message,
    }
    if header:
        out["header"] = header.decode("utf-8", "backslashreplace")
    try:
        out["original"] = row.original.decode("utf-8")
    except UnicodeDecodeError:
        out["original_base64"] = base64.b64encode(row.original).decode("ascii")
    return orjson.dumps(out, option=orjson.OPT_APPEND_NEWLINE)


def read_again(row: Row) -> tuple[Row, str]:
    """What a line of a rejects file is about: the row as it was, or as somebody mended it, and its format.

    Never raises: what can't be read comes back as a row with a fault.
    """
    kept = row.value
    if not isinstance(kept, dict) or not isinstance(kept.get("source"), str):
        row.fail(row.fault or "no_reject", row.message or "not a line of a rejects file")
        return row, ""
    form, line = str(kept.get("format", "")), kept.get("line")
    line = line if isinstance(line, int) else row.line
    try:
        original = _original(kept)
    except (ValueError, TypeError):
        row.fail("no_reject", "the line has no original that can be read")
        return row, form
    stream = io.BytesIO(original)
    header = kept.get("header")
    rows = (
        csv_rows(stream, kept["source"], Place(1), header=header.encode())
        if isinstance(header, str)
        else json_lines(io.BytesIO(original.replace(b"\n", b" ")), kept["source"])
    )
    found = next(iter(rows), None) or Row(
        kept["source"], line, 0, original, None, "empty", "nothing is left of it"
    )
    if found.fault == "too_long" or kept.get("reason") == "too_long":
        found.fail("too_long", "only its beginning was kept: import its source again")
    found.line, found.end, found.last, found.original = line, row.end, row.line, original
    return found, form


def _original(kept: dict[str, Any]) -> bytes:
    if isinstance(text := kept.get("original"), str):
        return text.encode("utf-8", "surrogatepass")
    return base64.b64decode(kept["original_base64"], validate=True)
