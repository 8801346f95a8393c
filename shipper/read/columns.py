"""Flat columns of documents: names and types from the registry of fields, values as the store would index them. Pure.

A column is named like its field. What is an object (a caller's own structure, messages, choices) is a column of JSON
text. A value that is none of its field's kind is left out of the column, as the store leaves it out of its index.
"""

from __future__ import annotations

import difflib
import fnmatch
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from shipper.errors import UsageError
from shipper.record.fields import DATASETS
from shipper.record.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shipper.record.fields import Document, FieldInfo

Kind = Literal["text", "name", "names", "integer", "integers", "small", "number", "boolean", "time", "json"]

_KINDS: Final[dict[str, Kind]] = {
    "text": "text",
    "keyword": "name",
    "long": "integer",
    "short": "small",
    "double": "number",
    "float": "number",
    "boolean": "boolean",
    "date": "time",
}
_STORED_AS: Final[dict[Kind, type]] = {"text": str, "name": str, "number": float, "boolean": bool}
"""Stored values that are the column's as they are: JSON has no infinite numbers."""
_REPEATED: Final[dict[Kind, Kind]] = {"name": "names", "integer": "integers"}
_LONG: Final = range(-(2**63), 2**63)
_SHORT: Final = range(-(2**15), 2**15)
_DIFFERENT: Final = frozenset(  # names that hardly occur twice: nothing to group by
    [
        "event.id",
        "event.original",
        "gen_ai.response.id",
        "http.request.id",
        "llm.content_hash",
        "llm.deadletter.original_id",
        "llm.previous.event_id",
        "parent.id",
        "span.id",
        "trace.id",
    ]
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    """The field's dotted name."""
    kind: Kind
    content: bool
    """Whether it holds what was said."""

    @property
    def read(self) -> Callable[[Any], Any]:
        """From a stored value to the column's; None for a value that is none of its kind. Never raises for JSON."""
        return _READERS[self.kind]


def columns_of(model: type[Document]) -> tuple[Column, ...]:
    """A column for each field of a dataset."""
    return tuple(Column(info.name, _kind(info), info.content) for info in model.fields())


def chosen(dataset: str, patterns: Sequence[str] = (), *, content: bool = True) -> tuple[Column, ...]:
    """The columns that are wanted, in the order of the registry.

    Args:
        dataset: a value of `event.dataset`.
        patterns: names of fields, `*` for any part; none are all columns but those of payloads (which are not
            indexed), as they make a table many times as large.
        content: also those that hold what was said.

    Raises:
        UsageError: a pattern meets no field.
    """
    columns = columns_of(DATASETS[dataset])
    if patterns:
        wanted = set[str]()
        for pattern in patterns:
            found = [column.name for column in columns if fnmatch.fnmatchcase(column.name, pattern)]
            if not found:
                raise UsageError(_unknown(pattern, [column.name for column in columns]))
            wanted.update(found)
    else:
        wanted = {info.name for info in DATASETS[dataset].fields() if info.stored.type != "object"}
    return tuple(column for column in columns if column.name in wanted and (content or not column.content))


class Table:
    """Documents as columns of plain values, None where a document has none."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._plan: dict[str, Any] = {}
        for place, column in enumerate(columns):
            *path, last = column.name.split(".")
            branch = self._plan
            for key in path:
                branch = branch.setdefault(key, {})
            branch[last] = (place, _STORED_AS.get(column.kind), column.read)

    def of(self, documents: Iterable[Mapping[str, Any]], count: int) -> list[list[Any]]:
        """A list of values for each column, of so many documents. Never raises for JSON."""
        out: list[list[Any]] = [[None] * count for _ in self._columns]
        for row, document in enumerate(documents):
            _fill(out, row, document, self._plan)
        return out


def _fill(out: list[list[Any]], row: int, branch: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    for key in plan if len(plan) < len(branch) else branch:
        value, wanted = branch.get(key), plan.get(key)
        if value is None or wanted is None:
            continue
        if type(wanted) is tuple:
            place, stored_as, read = wanted
            out[place][row] = value if type(value) is stored_as else read(value)
        elif type(value) is dict:
            _fill(out, row, value, wanted)


def _kind(info: FieldInfo) -> Kind:
    kind = "text" if info.name in _DIFFERENT else _KINDS.get(info.stored.type, "json")
    return _REPEATED.get(kind, "json") if info.repeated else kind


def _unknown(pattern: str, names: list[str]) -> str:
    close = [name for name in names if pattern in name.split(".")] or difflib.get_close_matches(
        pattern, names, n=1
    )
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"No field is called {pattern}.{hint} docs/fields.md lists them; * stands for any part of a name."


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return _json(value)


def _name(value: Any) -> str | None:
    """Of several, which a field may hold, the first."""
    if isinstance(value, list):
        value = next((item for item in value if item is not None), None)
        return None if value is None else _text(value)
    return _text(value)


def _names(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [text for item in items if item is not None and (text := _text(item)) is not None]


def _integer(value: Any) -> int | None:
    number = _number(value)
    if number is None:
        return None
    whole = value if isinstance(value, int) else int(number)
    return whole if whole in _LONG else None


def _small(value: Any) -> int | None:
    whole = _integer(value)
    return whole if whole is not None and whole in _SHORT else None


def _integers(value: Any) -> list[int]:
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return [number for item in items if (number := _integer(item)) is not None]


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def _time(value: Any) -> int | None:
    """Microseconds since 1970, UTC."""
    nanoseconds = parse_time(value, "", []) if isinstance(value, (str, int, float)) else None
    return None if nanoseconds is None else nanoseconds // 1000


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_READERS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _text,
    "name": _name,
    "names": _names,
    "integer": _integer,
    "integers": _integers,
    "small": _small,
    "number": _number,
    "boolean": _boolean,
    "time": _time,
    "json": _json,
}
