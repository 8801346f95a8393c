"""A panel's rows in plain Python from the documents themselves: no aggregation, no query."""

from __future__ import annotations

import functools
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from shipper.panels.filters import All, AnyOf, AtLeast, Below, Exists, Is, Not, Within
from shipper.panels.measures import Aggregate, Constant, Operation, RunningSum
from shipper.panels.model import Lengths, Terms, Time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.panels.filters import Filter
    from shipper.panels.measures import Measure
    from shipper.panels.model import Panel, Window
    from shipper.panels.sources import Filters

Json = dict[str, Any]
Span = tuple[float, float]
"""What a percentile may be: an estimate lies between two values that are near it in rank."""


def values_at(document: Any, path: str) -> list[Any]:
    """Every value of a field; of an array each element, of objects in an array each one's."""
    if isinstance(document, str | int | float):
        return [] if path else [document]
    if isinstance(document, list):
        return [value for one in document for value in values_at(one, path)]
    if not path:
        return [] if document is None else [document]
    if not isinstance(document, dict):
        return []
    found = values_at(document[path], "") if path in document else []
    head, _, rest = path.partition(".")
    return found + (values_at(document[head], rest) if rest and head in document else [])


def milliseconds(text: str) -> int:
    """A stored time as Elasticsearch counts it."""
    if text.startswith("now-"):
        assert text == "now-1h"
        return int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000)
    return _since_epoch(text)


@functools.cache
def _since_epoch(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def fits(one: Filter | None, document: Any) -> bool:
    """Whether a document fits a filter."""
    match one:
        case None:
            return True
        case Is(field, wanted):
            return any(
                value in wanted and type(value) is type(wanted[0]) for value in values_at(document, field)
            )
        case Exists(field):
            return values_at(document, field) != []
        case AtLeast(field, bound):
            return any(_number(value) >= _number(bound) for value in values_at(document, field))
        case Below(field, bound):
            return any(_number(value) < _number(bound) for value in values_at(document, field))
        case Within(path, inner):
            return any(fits(inner, item) for item in _items(document, path))
        case Not(inner):
            return not fits(inner, document)
        case All(parts):
            return all(fits(part, document) for part in parts)
        case AnyOf(parts):
            return any(fits(part, document) for part in parts)


def inside(documents: list[Json], window: Window) -> list[Json]:
    """The documents of a span of time."""
    begin, end = (moment.timestamp() * 1000 for moment in (window.start, window.end))
    return [one for one in documents if begin <= milliseconds(one["@timestamp"]) < end]


def rows(
    panel: Panel, documents: list[Json], window: Window, filters: Filters
) -> list[tuple[tuple[Any, ...], Json]]:
    """Keys and the value of each metric, as the panel has them; times as epoch ms."""
    chosen = inside(documents, window)
    for one in (panel.where, *filters.of(panel.source)):
        chosen = [document for document in chosen if fits(one, document)]
    found = []
    running: dict[tuple[Any, ...], float] = {}
    for keys, bucket in _buckets(panel, panel.breakdowns, chosen, window):
        figures: Json = {}
        for metric in panel.metrics:
            figures[metric.id] = measured(metric.measure, bucket)
            if isinstance(metric.measure, RunningSum):
                running[keys[:-1]] = running.get(keys[:-1], 0.0) + (figures[metric.id] or 0.0)
                figures[metric.id] = running[keys[:-1]]
        found.append((keys, figures))
    return found


def measured(measure: Measure, documents: list[Json]) -> float | Span | None:
    """A measure's value; of a percentile a span that it has to be in."""
    match measure:
        case Constant(value):
            return value
        case RunningSum(of):
            return measured(of, documents)
        case Operation(sign, left, right):
            first, second = measured(left, documents), measured(right, documents)
            if first is None or second is None or (sign == "/" and second == 0):
                return None
            assert not isinstance(first, tuple)
            assert not isinstance(second, tuple)
            return {
                "+": first + second,
                "-": first - second,
                "*": first * second,
                "/": first / (second or 1),
            }[sign]
        case Aggregate():
            return _aggregate(measure, [one for one in documents if fits(measure.where, one)])


def _aggregate(one: Aggregate, documents: list[Json]) -> float | Span | None:
    if one.function == "count":
        return len(documents)
    found = [value for document in documents for value in values_at(document, one.field)]
    if one.function == "unique":
        return len(set(found))
    numbers = [_number(value) for value in found]
    if not numbers:
        return None
    match one.function:
        case "sum":
            return math.fsum(numbers)
        case "average":
            return math.fsum(numbers) / len(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case _:
            near = 0.01 + 1 / len(numbers)
            share = one.percentile / 100
            low, high = np.quantile(numbers, [max(0.0, share - near), min(1.0, share + near)])
            return float(low), float(high)


def _buckets(
    panel: Panel, breakdowns: tuple[Any, ...], documents: list[Json], window: Window
) -> Iterator[tuple[tuple[Any, ...], list[Json]]]:
    if not breakdowns:
        yield (), documents
        return
    first, *rest = breakdowns
    if isinstance(first, Lengths):
        yield from _lengths(first, documents)
        return
    if isinstance(first, Time):
        groups: Any = _days(documents, window)
    else:
        assert isinstance(first, Terms)
        groups = _groups(panel, first, documents)
    for key, inner in groups:
        for keys, bucket in _buckets(panel, tuple(rest), inner, window):
            yield (key, *keys), bucket


def _groups(panel: Panel, terms: Terms, documents: list[Json]) -> list[tuple[Any, list[Json]]]:
    groups: dict[Any, list[Json]] = {}
    for one in documents:
        for value in set(values_at(one, terms.field)):
            groups.setdefault(value, []).append(one)
    ordered = sorted(groups.items(), key=lambda group: group[0])
    if not terms.by_value:
        measure = panel.metric(terms.order_by).measure if terms.order_by else Aggregate("count")
        ordered.sort(key=lambda group: -_rank(measured(measure, group[1])))
    return ordered[: terms.size]


def _lengths(lengths: Lengths, documents: list[Json]) -> Iterator[tuple[tuple[str], list[Json]]]:
    """A document for each conversation of so many calls."""
    calls = Counter(value for one in documents for value in values_at(one, lengths.field)).values()
    spans = {
        **{str(length): (length, length) for length in range(1, 7)},
        "7 to 10": (7, 10),
        "11 to 20": (11, 20),
    }
    assert max(calls) <= 20
    for name, (low, high) in spans.items():
        if low <= max(calls):
            yield (name,), [{}] * sum(low <= found <= high for found in calls)


def _rank(value: Any) -> float:
    return value if isinstance(value, int | float) else -math.inf


def _days(documents: list[Json], window: Window) -> Iterator[tuple[int, list[Json]]]:
    day = 86_400_000
    begin = milliseconds(window.start.isoformat()) // day * day
    end = milliseconds(window.end.isoformat())
    by_day: dict[int, list[Json]] = {}
    for one in documents:
        by_day.setdefault(milliseconds(one["@timestamp"]) // day * day, []).append(one)
    for start in range(begin, end, day):
        yield start, by_day.get(start, [])


def _number(value: Any) -> float:
    return milliseconds(value) if isinstance(value, str) else value


def _items(document: Any, path: str) -> list[Any]:
    found = document
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []
