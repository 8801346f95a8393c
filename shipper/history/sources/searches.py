"""A search's answer, as somebody has saved it: a row for each of its hits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from shipper.history.event import START, Place, Row
from shipper.history.sources.values import json_values

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_search(head: bytes) -> bool:
    """Whether a file begins like an answer of `_search`. Pure; never raises."""
    return head.startswith(b"{") and b'"took"' in head[:200] and b'"hits"' in head


def search_rows(stream: BinaryIO, source: str, start: Place = START) -> Iterator[Row]:
    """A row for each hit of one answer, or of several that follow each other; `start` and `end` are numbers of rows.

    Raises:
        OSError: the stream can't be read on.
    """
    number = 0
    for answer in json_values(stream, source, level=0):
        if (hits := _hits_of(answer)) is None:
            number += 1
            if number > start.line:
                yield Row(source, number, number, answer.original, answer.value, answer.fault, answer.message)
            continue
        for hit in hits:
            number += 1
            if number > start.line:
                yield Row(source, number, number, orjson.dumps(hit), hit)


def _hits_of(row: Row) -> list[Any] | None:
    outer: Any = row.value.get("hits") if not row.fault and isinstance(row.value, dict) else None
    inner: Any = outer.get("hits") if isinstance(outer, dict) else None
    return inner if isinstance(inner, list) else None
