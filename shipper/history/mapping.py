"""CSV, Parquet or any JSON rows with a mapping: which column means what, in a TOML file.

    zone = "Europe/Berlin"          # of times that say none; UTC unless told
    time_format = "%d.%m.%Y %H:%M"  # of times that are not made like 2024-05-31 12:00 (https://docs.python.org/3/library/datetime.html#format-codes)

    [columns]                       # field of the call → column (a dotted name looks into objects)
    id = "call_id"
    started_at = "TIMESTAMP"
    "request.model" = "model"
    "response.usage.prompt_tokens" = "ContextTokens"

    [constants]                     # field of the call → value for every row
    "request.model" = "gpt-4"

    [feedback]                      # name of an evaluation → column with its value
    rating = "stars"

Fields are `id`, `app`, `version`, `environment`, `stated_cost`, `duration_ms`, and the arguments of
`Application.log_completion` with dots for what is inside them; `input` and `output` stand for a plain prompt and answer.
Columns that are not mapped are kept as the request's attributes.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shipper.capture.call import body_of
from shipper.errors import UsageError
from shipper.feedback.rows import Cell, plain
from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share, source_of
from shipper.history.formats.pairs import ARGUMENTS
from shipper.history.formats.times import ended_at, time_ns
from shipper.route.nested import at, put

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.history.event import Lookup

_OWN = ("id", "app", "version", "environment", "stated_cost", "duration_ms", "input", "output")
_TIMES = ("started_at", "ended_at", "created_at")
_TEXTS = frozenset(
    {"id", "app", "version", "environment", "input", "output", "user_id", "session_id", *_TIMES}
)
_SECTIONS = {"zone", "time_format", "title", "columns", "constants", "feedback"}


@dataclass(frozen=True, slots=True)
class Columns:
    """A mapping file, checked."""

    columns: Mapping[str, str]
    constants: Mapping[str, Any]
    feedback: Mapping[str, str]
    zone: ZoneInfo
    time_format: str | None = None


def shipped() -> dict[str, Path]:
    """The mappings that come with the package, by name."""
    folder = Path(str(files("shipper") / "history" / "mappings"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def mapped_format(given: str) -> Format:
    """The format that a mapping file describes.

    Args:
        given: the file's path, or the name of a mapping that comes with the package.

    Raises:
        UsageError: it can't be read, or says what can't be meant.
    """
    path = shipped().get(given, Path(given))
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        known = ", ".join(shipped())
        raise UsageError(
            f"The mapping {given} can't be read: {error}. It is a TOML file, or one of {known}."
        ) from None
    mapping = _checked(read, given)
    name = f"mapped-{path.stem}" if path.stem in shipped() else "mapped"
    return Format(name, partial(_recognise, mapping), partial(_events, mapping), takes_hits=True)


def _checked(read: Json, given: str) -> Columns:
    if unknown := read.keys() - _SECTIONS:
        raise UsageError(
            f"The mapping {given}: unknown {', '.join(sorted(unknown))}; it has {', '.join(sorted(_SECTIONS))}."
        )
    columns, constants = read.get("columns", {}), read.get("constants", {})
    feedback = read.get("feedback", {})
    for field in (*columns, *constants):
        if field.partition(".")[0] not in (*_OWN, *ARGUMENTS):
            known = ", ".join((*_OWN, *sorted(ARGUMENTS)))
            raise UsageError(f"The mapping {given}: {field} is no field of a call. They are {known}.")
    for column in (*columns.values(), *feedback.values()):
        if not isinstance(column, str):
            raise UsageError(f"The mapping {given}: {column!r} is no name of a column.")
    try:
        zone = ZoneInfo(read.get("zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise UsageError(f"The mapping {given}: there is no time zone {read['zone']!r}.") from None
    time_format = read.get("time_format")
    if time_format is not None and not isinstance(time_format, str):
        raise UsageError(f"The mapping {given}: time_format is a text such as '%d.%m.%Y %H:%M'.")
    return Columns(columns, constants, feedback, zone, time_format)


def _recognise(mapping: Columns, sample: Sequence[Any]) -> float:
    wanted = set(mapping.columns.values())
    return share([_columns_of(one) for one in sample], lambda row: wanted <= row.keys()) if wanted else 0.0


def _columns_of(value: Any) -> Any:
    """The columns of a row; a hit of Elasticsearch has its `_id` beside its fields."""
    source = source_of(value)
    return source if source is value else {"_id": value.get("_id"), **source}


def _events(mapping: Columns, value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    value = _columns_of(value)
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a row has columns")
    fields: Json = {}
    for field, constant in mapping.constants.items():
        put(fields, constant, *field.split("."))
    for field, column in mapping.columns.items():
        cell = value.get(column, at(value, *column.split(".")))
        if cell is not None and cell != "":
            put(fields, _read(cell, field, mapping), *field.split("."))
    _write_plain_texts(fields)
    own = {name: fields.pop(name, None) for name in _OWN}
    if own["duration_ms"] is not None and (start := time_ns(fields.get("started_at"))) is not None:
        fields["ended_at"] = ended_at(start, float(own["duration_ms"]))
    others = {
        name: plain(cell) if isinstance(cell, Cell) else cell
        for name, cell in _unmapped(value, mapping).items()
        if cell is not None and cell != "" and cell != {}
    }
    if others:
        fields["request_attributes"] = {**others, **(fields.get("request_attributes") or {})}
    event = Event(
        body_of(fields),
        id=own["id"],
        app=own["app"],
        version=own["version"],
        environment=own["environment"],
        stated_cost=own["stated_cost"],
    )
    yield event
    for name, column in mapping.feedback.items():
        cell = value.get(column, at(value, *column.split(".")))
        if cell is not None and cell != "":
            verdict = plain(cell) if isinstance(cell, Cell) else cell
            yield Event(
                {"name": name, "value": verdict}, FEEDBACK, None, event.app, event.version, event.environment
            )


def _unmapped(row: Json, mapping: Columns) -> Json:
    """The columns that nothing was said about, and what stands beside a mapped one in an object."""
    rest = dict(row)
    for column in (*mapping.columns.values(), *mapping.feedback.values()):
        first, *others = column.split(".")
        if column in rest or not others:
            rest.pop(column, None)
        elif isinstance(inner := rest.get(first), dict):
            rest[first] = _without(inner, others)
    return rest


def _without(value: Json, path: list[str]) -> Json:
    first, *others = path
    if not others:
        return {name: one for name, one in value.items() if name != first}
    inner = value.get(first)
    return {**value, first: _without(inner, others)} if isinstance(inner, dict) else value


def _read(cell: Any, field: str, mapping: Columns) -> Any:
    first = field.partition(".")[0]
    if first in _TIMES:
        return _moment(cell, mapping)
    if first in _TEXTS:
        return str(cell)
    return plain(cell) if isinstance(cell, Cell) else cell


def _moment(cell: Any, mapping: Columns) -> Any:
    """A time without a zone as the moment that is meant; anything else as it is."""
    text = str(cell).strip()
    moment = None
    if mapping.time_format is not None:
        with suppress(ValueError):
            moment = datetime.strptime(text, mapping.time_format)  # noqa: DTZ007 - the mapping says the zone
    if moment is None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return plain(cell) if isinstance(cell, Cell) else cell
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=mapping.zone)).isoformat()


def _write_plain_texts(fields: Json) -> None:
    """A prompt and an answer that are nothing but texts, as a chat."""
    if (text := fields.pop("input", None)) is not None:
        put(fields, [{"role": "user", "content": text}], "request", "messages")
    if (text := fields.pop("output", None)) is not None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        put(fields, [choice], "response", "choices")
