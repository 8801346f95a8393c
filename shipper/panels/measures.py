"""What is measured: aggregates of a field, and arithmetic of them. Pure data.

Nothing known is never zero: arithmetic with an absent value, or a division by zero, has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shipper.panels.filters import Filter, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = Literal["count", "sum", "average", "min", "max", "percentile", "unique"]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A figure of the documents of a bucket, or of those of them that a filter lets through."""

    function: Function
    field: str = ""
    """Empty for `count`."""
    where: Filter | None = None
    percentile: float = 0.0
    """0 to 100, for `percentile` only."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Operation:
    """Arithmetic of two measures."""

    sign: Literal["+", "-", "*", "/"]
    left: Measure
    right: Measure


@dataclass(frozen=True, slots=True)
class RunningSum:
    """The sum of a measure over this bucket of time and all before it."""

    of: Aggregate


Measure = Aggregate | Constant | Operation | RunningSum


def count(where: Filter | None = None) -> Aggregate:
    """How many documents."""
    return Aggregate("count", where=where)


def total(field: str, where: Filter | None = None) -> Aggregate:
    """Sum of a field."""
    return Aggregate("sum", field, where)


def average(field: str, where: Filter | None = None) -> Aggregate:
    """Mean of a field."""
    return Aggregate("average", field, where)


def lowest(field: str, where: Filter | None = None) -> Aggregate:
    """Smallest value of a field, or its earliest time."""
    return Aggregate("min", field, where)


def highest(field: str, where: Filter | None = None) -> Aggregate:
    """Largest value of a field, or its latest time."""
    return Aggregate("max", field, where)


def percentile(field: str, percent: float, where: Filter | None = None) -> Aggregate:
    """The value that so many percent are below, by Elasticsearch's t-digest."""
    return Aggregate("percentile", field, where, percent)


def unique(field: str, where: Filter | None = None) -> Aggregate:
    """How many different values, exact up to a few thousand."""
    return Aggregate("unique", field, where)


def ratio(part: Measure, whole: Measure) -> Operation:
    """One measure by another."""
    return Operation("/", part, whole)


def share(part: Filter, of: Filter | None = None) -> Operation:
    """How much of the documents fit `part`, 0 to 1; those of `of` are all.

    Args:
        part: implies `of`.
        of: None takes all documents of the bucket.
    """
    return ratio(count(part), count(of))


def minus(left: Measure, *rights: Measure) -> Measure:
    """One measure less others."""
    for right in rights:
        left = Operation("-", left, right)
    return left


def times(left: Measure, factor: float) -> Operation:
    """A measure, so many times."""
    return Operation("*", left, Constant(factor))


def leaves(measure: Measure) -> Iterator[Aggregate]:
    """The aggregates that a measure is made of, from left to right."""
    match measure:
        case Aggregate():
            yield measure
        case Constant():
            return
        case Operation(_, left, right):
            yield from leaves(left)
            yield from leaves(right)
        case RunningSum(of):
            yield of


def fields_in(measure: Measure) -> Iterator[str]:
    """Every field that a measure reads, its filters included."""
    for leaf in leaves(measure):
        if leaf.field:
            yield leaf.field
        yield from fields_of(leaf.where)
