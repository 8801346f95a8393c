"""What a panel asks the store, and the rows that the answer means. Pure: no client, no clock."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shipper.panels.filters import query
from shipper.panels.measures import Aggregate, leaves
from shipper.panels.model import TIME_FIELD, Lengths, Terms, Time, Words
from shipper.panels.values import Slots, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipper.panels.model import Breakdown, Panel, Search, Window
    from shipper.panels.sources import Filters, Source

Key = str | int | float | datetime

_BUCKETS: Final = "b"
_SHARD_SIZE: Final = 1000
"""Terms that each shard names: with the ten that are shown alone, an index a version would miss some."""
_SAMPLE: Final = 300
"""Documents of each shard whose words are compared: their text is read again, which takes its time."""
_LENGTHS_OF: Final = 10_000
"""Values whose documents are counted; they come first in the field's order, so that every shard names the same."""
_LENGTHS: Final = (
    *((str(length), length) for length in range(1, 7)),
    *(("7 to 10", 10), ("11 to 20", 20), ("21 to 50", 50), ("51 to 100", 100), ("over 100", math.inf)),
)
"""Buckets of lengths, and the longest in each."""
_INTERVALS: Final = (
    (timedelta(hours=3), {"fixed_interval": "5m"}),
    (timedelta(days=3), {"calendar_interval": "hour"}),
    (timedelta(days=120), {"calendar_interval": "day"}),
    (timedelta(days=1100), {"calendar_interval": "week"}),
)
_LONGEST: Final = {"calendar_interval": "month"}


@dataclass(frozen=True, slots=True)
class Row:
    """One bucket of a panel, or all of it where it has no breakdown."""

    keys: tuple[Key, ...]
    """A key for each breakdown: a term, a word, or the beginning of a span of time."""
    values: Mapping[str, float | None]
    """By the metric's id; None where nothing is known. A metric of unit `time` is ms since the epoch."""
    documents: int


def interval(window: Window) -> dict[str, str]:
    """Length of a bucket of time for a window, as a date histogram has it."""
    length = window.end - window.start
    return next((found for longest, found in _INTERVALS if length <= longest), _LONGEST)


def aggregation(panel: Panel, window: Window, filters: Filters) -> dict[str, Any]:
    """The body of the panel's `_search` request."""
    if panel.of_month:
        window = window.month()
    everything = restrict(panel.source, window, filters)
    narrowed = [*everything, query(panel.where)] if panel.where is not None else everything
    slots = Slots.of(leaf for metric in panel.metrics for leaf in leaves(metric.measure))
    aggs = slots.requests()
    for breakdown in reversed(panel.breakdowns):
        aggs = _bucketed(panel, breakdown, window, aggs, slots, everything)
    body: dict[str, Any] = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": narrowed}}}
    return {**body, "aggs": aggs} if aggs else body


def rows(panel: Panel, answer: Mapping[str, Any]) -> list[Row]:
    """What the answer says, in the store's order of buckets; empty where there is no index at all.

    A panel without a breakdown has one row, which counts no document if there is none.
    """
    slots = Slots.of(leaf for metric in panel.metrics for leaf in leaves(metric.measure))
    found = answer.get("aggregations")
    if found is None:
        if panel.breakdowns or not answer.get("_shards", {}).get("total"):
            return []
        found = {}
    top: dict[str, Any] = {**found, "doc_count": answer["hits"]["total"]["value"]}
    made: list[Row] = []
    running: dict[str, float] = {}
    for keys, bucket in _walk(panel.breakdowns, top, ()):
        if panel.breakdowns and isinstance(panel.breakdowns[-1], Time) and _begins(made, keys):
            running = {}
        values = {
            metric.id: value_of(metric.measure, bucket, slots, running, metric.id) for metric in panel.metrics
        }
        made.append(Row(keys, values, bucket["doc_count"]))
    return made


def search_body(search: Search, window: Window, filters: Filters, size: int) -> dict[str, Any]:
    """The body of a `_search` request for the documents of a saved search."""
    clauses = restrict(search.source, window, filters)
    if search.where is not None:
        clauses.append(query(search.where))
    return {
        "size": size,
        "track_total_hits": True,
        "query": {"bool": {"filter": clauses}},
        "sort": [{field: {"order": order}} for field, order in search.sort],
    }


def restrict(source: Source, window: Window, filters: Filters) -> list[dict[str, Any]]:
    """The clauses that every question has: the span of time, and the controls."""
    span = {"gte": window.start.isoformat(), "lt": window.end.isoformat()}
    return [{"range": {TIME_FIELD: span}}, *(query(one) for one in filters.of(source))]


def _bucketed(
    panel: Panel,
    breakdown: Breakdown,
    window: Window,
    inner: dict[str, Any],
    slots: Slots,
    everything: list[dict[str, Any]],
) -> dict[str, Any]:
    match breakdown:
        case Time():
            bounds = {"min": window.start.isoformat(), "max": _last(window).isoformat()}
            histogram = {
                "field": TIME_FIELD,
                **interval(window),
                "min_doc_count": 0,
                "extended_bounds": bounds,
            }
            made: dict[str, Any] = {"date_histogram": histogram}
        case Terms():
            order, needed = _order(panel, breakdown, slots)
            made = {
                "terms": {
                    "field": breakdown.field,
                    "size": breakdown.size,
                    "shard_size": _SHARD_SIZE,
                    "order": order,
                }
            }
            inner = {**needed, **inner}
        case Lengths():
            ordered = {"field": breakdown.field, "size": _LENGTHS_OF, "order": {"_key": "asc"}}
            return {_BUCKETS: {"terms": ordered}}
        case Words():
            words = {
                "field": breakdown.field,
                "size": breakdown.size,
                "filter_duplicate_text": True,
                "background_filter": {"bool": {"filter": everything}},
            }
            made = {"significant_text": words, **({"aggs": inner} if inner else {})}
            return {_BUCKETS: {"sampler": {"shard_size": _SAMPLE}, "aggs": {_BUCKETS: made}}}
    return {_BUCKETS: {**made, **({"aggs": inner} if inner else {})}}


def _order(panel: Panel, terms: Terms, slots: Slots) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """The order of the buckets, and what has to be asked for in them if it is only asked for further in."""
    if terms.by_value:
        return [{"_key": "asc"}], {}
    if not terms.order_by:
        return [{"_count": "desc"}, {"_key": "asc"}], {}
    measure = panel.metric(terms.order_by).measure
    if not isinstance(measure, Aggregate):
        raise TypeError(f"{panel.id}: buckets can't be in the order of a computed metric ({terms.order_by})")
    return [{slots.path(measure): "desc"}, {"_key": "asc"}], slots.request(measure)


def _last(window: Window) -> datetime:
    return window.end - timedelta(milliseconds=1)


def _walk(
    breakdowns: tuple[Breakdown, ...], bucket: dict[str, Any], keys: tuple[Key, ...]
) -> Iterator[tuple[tuple[Key, ...], dict[str, Any]]]:
    if not breakdowns:
        yield keys, bucket
        return
    found = bucket[_BUCKETS]
    if isinstance(breakdowns[0], Words):
        found = found[_BUCKETS]
    buckets = found["buckets"]
    if isinstance(breakdowns[0], Lengths):
        buckets = _by_length([one["doc_count"] for one in buckets])
    for one in buckets:
        yield from _walk(breakdowns[1:], one, (*keys, _key(breakdowns[0], one)))


def _by_length(lengths: list[int]) -> list[dict[str, Any]]:
    """How many there are of each length, up to the longest."""
    places = [bisect_left([most for _, most in _LENGTHS], length) for length in lengths]
    last = max(places, default=-1)
    return [
        {"key": name, "doc_count": places.count(place)}
        for place, (name, _) in enumerate(_LENGTHS[: last + 1])
    ]


def _key(breakdown: Breakdown, bucket: dict[str, Any]) -> Key:
    if isinstance(breakdown, Time):
        return datetime.fromtimestamp(bucket["key"] / 1000, UTC)
    return bucket.get("key_as_string", bucket["key"])


def _begins(made: list[Row], keys: tuple[Key, ...]) -> bool:
    """Whether a new run of time begins: the keys outside it are others than in the row before."""
    return not made or made[-1].keys[:-1] != keys[:-1]
