"""The kinds of field: a Python type and the Elasticsearch type that holds it.

No value of a user may get a whole document refused, so numbers, dates and booleans are `ignore_malformed`,
and terms are bounded well below Lucene's 32,766 bytes. Text is real `text`: a prompt is there to be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from pydantic import JsonValue as Json

MAX_TERM_UNITS = 8191
"""Longest keyword that is indexed, UTF-16 units: 8,191 × 4 bytes stay below Lucene's bound of a term."""

MAX_FLATTENED_DEPTH = 20
"""Levels of a flattened field; Elasticsearch refuses a document that has more."""

DATE_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$"
"""UTC, RFC 3339, with milli-, micro- or nanoseconds; the store keeps milliseconds."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How Elasticsearch holds a field: its mapping type and parameters."""

    type: str
    parameters: tuple[tuple[str, bool | int], ...] = ()


KEYWORD = Stored("keyword", (("ignore_above", MAX_TERM_UNITS),))
_FLATTENED = Stored("flattened", (("ignore_above", MAX_TERM_UNITS), ("depth_limit", MAX_FLATTENED_DEPTH)))
_TEXT = Stored("text")


def _lenient(kind: str) -> Stored:
    return Stored(kind, (("ignore_malformed", True),))


# One value; `Keywords` and its like are arrays, which Elasticsearch maps as their elements.
Keyword = Annotated[str, KEYWORD]
Keywords = Annotated[list[str], KEYWORD]
Text = Annotated[str, _TEXT]
Boolean = Annotated[bool, _lenient("boolean")]
Date = Annotated[str, _lenient("date"), Field(pattern=DATE_PATTERN)]
Double = Annotated[float, _lenient("double"), Field(allow_inf_nan=False)]
Float = Annotated[float, _lenient("float"), Field(allow_inf_nan=False)]
Long = Annotated[int, _lenient("long"), Field(ge=-(2**63), lt=2**63)]
Longs = Annotated[list[Annotated[int, Field(ge=-(2**63), lt=2**63)]], _lenient("long")]
Short = Annotated[int, _lenient("short"), Field(ge=-(2**15), lt=2**15)]

Flattened = Annotated[dict[str, Json] | list[dict[str, Json]], _FLATTENED]
"""A caller's own structure, searchable by any key without growing the mapping."""

Opaque = Annotated[Json, Stored("object", (("enabled", False),))]
"""Any JSON, kept as it is in `_source` and not indexed."""

Original = Annotated[str, Stored("text", (("index", False),))]
"""Text that is kept and shown, never searched."""

Nested = Stored("nested")
"""Marks a list of models that are queried each on its own."""
