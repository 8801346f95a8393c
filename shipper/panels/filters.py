"""Which documents: a small algebra with two readings, Elasticsearch's query and Kibana's KQL. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Is:
    """The field has one of these values."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value."""

    field: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The field is this large, or this late."""

    field: str
    bound: int | float | str


@dataclass(frozen=True, slots=True)
class Below:
    """The field is smaller, or earlier; a date may be relative, such as `now-1h`."""

    field: str
    bound: int | float | str


@dataclass(frozen=True, slots=True)
class Within:
    """One of the objects of a nested field fits."""

    path: str
    inner: Filter


@dataclass(frozen=True, slots=True)
class Not:
    """The filter does not fit."""

    inner: Filter


@dataclass(frozen=True, slots=True)
class All:
    """All of them fit."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them fits."""

    parts: tuple[Filter, ...]


Filter = Is | Exists | AtLeast | Below | Within | Not | All | AnyOf


def equals(field: str, *values: Value) -> Is:
    """The field has one of the values."""
    return Is(field, values)


def query(one: Filter, path: str = "") -> dict[str, Any]:
    """The filter in Elasticsearch's language; inside a nested field its `path` ends with a dot."""
    match one:
        case Is(field, (value,)):
            return {"term": {path + field: value}}
        case Is(field, values):
            return {"terms": {path + field: list(values)}}
        case Exists(field):
            return {"exists": {"field": path + field}}
        case AtLeast(field, bound):
            return {"range": {path + field: {"gte": bound}}}
        case Below(field, bound):
            return {"range": {path + field: {"lt": bound}}}
        case Within(within, inner):
            return {"nested": {"path": within, "query": query(inner, within + "."), "ignore_unmapped": True}}
        case Not(inner):
            return {"bool": {"must_not": [query(inner, path)]}}
        case All(parts):
            return {"bool": {"filter": [query(part, path) for part in parts]}}
        case AnyOf(parts):
            return {"bool": {"should": [query(part, path) for part in parts], "minimum_should_match": 1}}


def kql(one: Filter | None) -> str:
    """The filter in Kibana's query language; empty for none."""
    if one is None:
        return ""
    match one:
        case Is(field, (value,)):
            return f"{field}: {_literal(value)}"
        case Is(field, values):
            return f"{field}: ({' or '.join(_literal(value) for value in values)})"
        case Exists(field):
            return f"{field}: *"
        case AtLeast(field, bound):
            return f"{field} >= {_literal(bound)}"
        case Below(field, bound):
            return f"{field} < {_literal(bound)}"
        case Within(path, inner):
            return f"{path}: {{ {kql(inner)} }}"
        case Not(inner):
            return f"not {_grouped(inner)}"
        case All(parts):
            return " and ".join(_grouped(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)


def fields_of(one: Filter | None, path: str = "") -> Iterator[str]:
    """Every field that the filter names, nested ones by their whole name."""
    match one:
        case None:
            return
        case Is(field) | Exists(field) | AtLeast(field) | Below(field):
            yield path + field
        case Within(within, inner):
            yield from fields_of(inner, within + ".")
        case Not(inner):
            yield from fields_of(inner, path)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from fields_of(part, path)


def _grouped(one: Filter) -> str:
    return f"({kql(one)})" if isinstance(one, All | AnyOf) else kql(one)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
