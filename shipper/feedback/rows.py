"""Feedback in files: CSV and JSON lines, row by row, as arguments of `send_feedback`. Pure but for reading the file.

A row that can't be read is a row with a fault, never the end of the import.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Format = Literal["csv", "jsonl"]

ARGUMENTS: Final = (
    *("key", "name", "value", "rating", "scale", "choice_index", "comment", "better_response"),
    *("ground_truth", "author", "author_kind", "channel", "event_id", "created_at", "target_at"),
)
"""What a column may be mapped to. `target_at` is the time of the call that is judged, if it is long ago."""

_TEXTS = frozenset(
    [
        *("key", "name", "comment", "better_response", "ground_truth"),
        *("author", "author_kind", "channel", "event_id", "created_at", "target_at"),
    ]
)
"""Arguments that a cell is taken for as it stands: 007 may be an id, and yes a label."""

_LONGEST_LINE = 16 * 1024 * 1024
_NUMBER = re.compile(r"[+-]?(?:\d{1,18}|\d{0,18}\.\d{1,18}(?:[eE][+-]?\d{1,2})?)", re.ASCII)
_DELIMITERS = ",;\t"
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as surrogateescape has them
_NO_UTF8 = "not UTF-8: save the file as UTF-8 first; spreadsheets call that CSV UTF-8"
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}


class Cell(str):
    """A cell of a CSV file: text whose type depends on what it is for."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file from 1, and what it holds or why it can't be read."""

    line: int
    values: dict[str, Any]
    fault: str = ""


def rows_of(lines: Iterable[bytes], form: Format) -> Iterator[Row]:
    """The rows of a file.

    Args:
        lines: the file's lines, with their ends.
        form: how they are to be read; CSV has the columns' names in its first row.

    Never raises for readable lines.
    """
    return _csv_rows(lines) if form == "csv" else _json_rows(lines)


def format_of(name: str, beginning: bytes) -> Format:
    """How a file is to be read: by its name, else by how it begins."""
    lowered = name.lower()
    if lowered.endswith((".csv", ".tsv")):
        return "csv"
    if lowered.endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    return "jsonl" if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def arguments_of_row(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """A row as arguments of `send_feedback`, `key` among them. Never raises.

    Columns that are named like an argument mean it, unless another column was mapped to it. The other columns are
    the value when the row has none (each score in them becomes an event), else they are kept beside it.

    Args:
        values: the row by column; a value that is None or empty is not there (but a `value` of None, as only JSON
            has it, takes feedback back), a `Cell` is text that may be a number.
        columns: by argument, the column that holds it.
    """
    taken = {column: argument for argument, column in columns.items()}
    arguments: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for column, value in values.items():
        argument = taken.get(column)
        if argument is None and column in ARGUMENTS and column not in columns:
            argument = column
        if value == "" or (value is None and argument != "value"):
            continue
        if argument is None:
            others[column] = plain(value) if isinstance(value, Cell) else value
        elif isinstance(value, Cell):
            arguments[argument] = str(value) if argument in _TEXTS else plain(value)
        elif argument == "key" and isinstance(value, int) and not isinstance(value, bool):
            arguments[argument] = str(value)  # ids are numbers in many tables
        else:
            arguments[argument] = value
    if (
        arguments.get("value", "") is None
        and {"rating", "ground_truth", "better_response"} & arguments.keys()
    ):
        del arguments["value"]  # every column in every row, and this one says something else
    if others and not {"value", "rating", "ground_truth"} & arguments.keys():
        arguments["value"] = others
    elif others:
        arguments["values"] = others
    return arguments


def plain(text: str) -> Any:
    """A cell's text as a number, or a boolean (true, false, yes, no), or itself; None when empty. Never raises."""
    stripped = text.strip()
    if stripped.lower() in _BOOLEANS:
        return _BOOLEANS[stripped.lower()]
    if _NUMBER.fullmatch(stripped):
        return int(stripped) if stripped.lstrip("+-").isdigit() else float(stripped)
    return str(text) if stripped else None  # a cell is no plain text to those that look at the type


class RowIds:
    """Ids for rows that have none: of the same file always the same, and different for rows that are equal."""

    def __init__(self, application: str) -> None:
        self._application = application
        self._seen: Counter[bytes] = Counter()

    def id_of(self, arguments: Mapping[str, Any]) -> str:
        """The id of the next row with these arguments. Never raises for JSON."""
        content = orjson.dumps([self._application, arguments], default=str, option=orjson.OPT_SORT_KEYS)
        digest = blake2b(content, digest_size=16).digest()
        number = self._seen[digest]
        self._seen[digest] += 1
        return f"row-{digest.hex()}" + (f"-{number}" if number else "")


def _csv_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    texts = _decoded(lines)
    first = next(texts, "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(itertools.chain([first], texts), strict=True, delimiter=delimiter)
    header: list[str] | None = None
    while True:
        before = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(before + 1, {}, f"not CSV: {error}")
            continue
        if cells is None:
            return
        if header is None:
            header = [cell.strip() for cell in cells]
        elif _UNDECODED.search("".join((*header, *cells))):
            yield Row(before + 1, {"cells": [_readable(cell) for cell in cells]}, _NO_UTF8)
        elif len(cells) > len(header):
            yield Row(before + 1, {"cells": cells}, f"{len(cells)} cells, and {len(header)} columns")
        elif any(cell.strip() for cell in cells):
            yield Row(before + 1, {name: Cell(cell) for name, cell in zip(header, cells, strict=False)})


def _readable(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogateescape").replace("\0", "")


def _json_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        text = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
        if not text:
            continue
        if len(text) > _LONGEST_LINE:
            yield Row(number, {}, f"the line has {len(text):,} bytes; {_LONGEST_LINE:,} are read at most")
            continue
        try:
            values: Any = orjson.loads(text)
        except ValueError as error:
            yield Row(number, {"text": text[:2000].decode("utf-8", "backslashreplace")}, f"not JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Row(number, values)
        else:
            yield Row(number, {"text": values}, "not a JSON object")
