"""Two versions against each other: how far apart, and can the difference be chance?

Of shares the intervals are Wilson's and Newcombe's (`shipper.evaluate.compare`). Of means it is the normal interval
of the difference (Welch), from count, mean and deviation of all calls, which the store adds up: with the hundreds of
calls that it takes to see anything, the mean is as good as normal even where single latencies are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.evaluate.compare import CONFIDENCE, TOO_FEW, compare_shares, estimate_share
from shipper.panels import common
from shipper.panels.filters import AnyOf, Exists, equals, query
from shipper.panels.request import restrict
from shipper.panels.sources import COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from elasticsearch import Elasticsearch

    from shipper.panels.filters import Filter
    from shipper.panels.model import Unit
    from shipper.panels.run import Result
    from shipper.report.selection import Selection

_Z: Final = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_ANSWERED: Final = equals("event.outcome", "success")
_PROMPTS: Final = 20
_TABLE: Final = "versions-table"


@dataclass(frozen=True, slots=True)
class _Share:
    id: str
    label: str
    hits: Filter
    of: Filter | None
    words: tuple[str, str]
    """What the second version is when its share is higher, and when it is lower."""


@dataclass(frozen=True, slots=True)
class _Mean:
    id: str
    label: str
    field: str
    unit: Unit
    of: Filter | None
    words: tuple[str, str]
    factor: float = 1.0
    """What the mean is shown of: so many calls."""


_SHARES: Final = (
    _Share("failed", "Failed", common.FAILED, None, ("fails more", "fails less")),
    _Share("cut_off", "Cut off", common.CUT_OFF, _ANSWERED, ("is cut off more", "is cut off less")),
    _Share("positive", "Positive", common.GOOD, common.JUDGED, ("is liked more", "is liked less")),
)
_MEANS: Final = (
    _Mean("latency", "Latency", "llm.latency_ms", "ms", _ANSWERED, ("is slower", "is quicker")),
    _Mean(
        "first_chunk",
        "First chunk",
        "gen_ai.response.time_to_first_chunk",
        "s",
        None,
        ("begins to answer later", "begins to answer sooner"),
    ),
    _Mean(
        "cost",
        "Cost of 1,000",
        "gen_ai.usage.cost.amount",
        "USD",
        common.DOLLARS,
        ("is dearer", "is cheaper"),
        1000.0,
    ),
    _Mean(
        "output",
        "Output tokens",
        "gen_ai.usage.output_tokens",
        "tokens",
        _ANSWERED,
        ("answers at more length", "answers more briefly"),
    ),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One version's figure."""

    value: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The second version's figure against the first's."""

    id: str
    label: str
    unit: Unit
    first: Side
    second: Side
    low: float
    """Lower end of the difference's interval."""
    high: float
    words: tuple[str, str]
    prompt: str = ""
    """Of the calls of this prompt only; empty: of all."""

    @property
    def difference(self) -> float:
        """The second less the first."""
        return self.second.value - self.first.value

    @property
    def enough(self) -> bool:
        """Whether both have calls enough to say anything."""
        return min(self.first.count, self.second.count) >= TOO_FEW

    @property
    def verdict(self) -> Literal["clear", "none", "too few"]:
        """Whether the difference means anything: zero is outside the interval."""
        if not self.enough:
            return "too few"
        return "clear" if self.low > 0 or self.high < 0 else "none"

    @property
    def said(self) -> str:
        """What the second version is, if the difference is clear."""
        word = self.words[0] if self.difference > 0 else self.words[1]
        return f"{word} at {self.prompt}" if self.prompt else word


@dataclass(frozen=True, slots=True)
class VersionPair:
    """What `shipper report versions A B` shows."""

    versions: tuple[str, str]
    calls: tuple[int, int]
    seen: tuple[tuple[float | None, float | None], tuple[float | None, float | None]]
    """First and last call of each, ms since the epoch."""
    differences: list[Difference]

    @property
    def sentence(self) -> str:
        """What it all means."""
        first, second = self.versions
        for version, calls in zip(self.versions, self.calls, strict=True):
            if not calls:
                return f"There is no call of version {version} in this period: nothing to compare."
        clear = [one.said for one in self.differences if one.verdict == "clear"]
        if not clear:
            return f"No difference between {first} and {second} is shown: chance can make all of these."
        return f"{second} {_listed(clear)} than {first}. Chance alone shows such a difference once in twenty times or less."


def compare_versions(client: Elasticsearch, versions: tuple[str, str], selection: Selection) -> VersionPair:
    """Ask the store for both.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    answer = client.search(
        index=COMPLETIONS.pattern,
        ignore_unavailable=True,
        allow_no_indices=True,
        **request(versions, selection),
    )
    return pair_of(versions, answer.get("aggregations") or {})


def latest_two(results: Sequence[Result]) -> tuple[str, str] | None:
    """The two versions that were released last, the newer one second; None if there are no two. Pure."""
    rows = [row for result in results if result.panel.id == _TABLE for row in result.rows]
    rows.sort(key=lambda row: row.values["first_seen"] or 0.0)
    return (str(rows[-2].keys[0]), str(rows[-1].keys[0])) if len(rows) > 1 else None


def request(versions: tuple[str, str], selection: Selection) -> dict[str, Any]:
    """The body of the request: a bucket for each version, and in it for each prompt. Pure."""
    clauses = restrict(COMPLETIONS, selection.window, selection.filters)
    positive = next(one for one in _SHARES if one.id == "positive")
    aggs: dict[str, Any] = {
        "first": {"min": {"field": "@timestamp"}},
        "last": {"max": {"field": "@timestamp"}},
        "prompts": {
            "terms": {"field": "gen_ai.prompt.name", "size": _PROMPTS},
            "aggs": {positive.id: _share_request(positive)},
        },
    }
    aggs |= {one.id: _share_request(one) for one in _SHARES}
    for mean in _MEANS:
        aggs[mean.id] = {
            "filter": query(mean.of or Exists(mean.field)),
            "aggs": {"stats": {"extended_stats": {"field": mean.field}}},
        }
    filters = {
        str(place): query(equals("service.version", version)) for place, version in enumerate(versions)
    }
    wanted = AnyOf(tuple(equals("service.version", version) for version in versions))
    return {
        "size": 0,
        "query": {"bool": {"filter": [*clauses, query(wanted)]}},
        "aggs": {"versions": {"filters": {"filters": filters}, "aggs": aggs}},
    }


def pair_of(versions: tuple[str, str], found: Mapping[str, Any]) -> VersionPair:
    """The comparison that an answer's aggregations mean. Pure."""
    buckets = found.get("versions", {}).get("buckets", {})
    one, other = (buckets.get(str(place)) or {"doc_count": 0} for place in (0, 1))
    differences: list[Difference | None] = []
    if one["doc_count"] and other["doc_count"]:
        differences += [_share_of(share, one, other) for share in _SHARES]
        differences += [_mean_of(mean, one, other) for mean in _MEANS]
        differences += _by_prompt(one, other)
    return VersionPair(
        versions,
        (one["doc_count"], other["doc_count"]),
        (_seen(one), _seen(other)),
        [difference for difference in differences if difference is not None],
    )


def _share_request(share: _Share) -> dict[str, Any]:
    of: dict[str, Any] = {"match_all": {}} if share.of is None else query(share.of)
    return {"filter": of, "aggs": {"hits": {"filter": query(share.hits)}}}


def _share_of(
    share: _Share, one: Mapping[str, Any], other: Mapping[str, Any], prompt: str = ""
) -> Difference | None:
    counts = [(side[share.id]["hits"]["doc_count"], side[share.id]["doc_count"]) for side in (one, other)]
    if not all(count for _, count in counts):
        return None
    first, second = (estimate_share(hits, count) for hits, count in counts)
    found = compare_shares(first, second)
    return Difference(
        share.id,
        share.label,
        "share",
        Side(first.mean, first.count),
        Side(second.mean, second.count),
        found.low,
        found.high,
        share.words,
        prompt,
    )


def _mean_of(mean: _Mean, one: Mapping[str, Any], other: Mapping[str, Any]) -> Difference | None:
    sides = [side[mean.id]["stats"] for side in (one, other)]
    if not all(side["count"] > 1 for side in sides):
        return None
    first, second = (Side(mean.factor * side["avg"], side["count"]) for side in sides)
    error = mean.factor * math.sqrt(sum(side["variance_sampling"] / side["count"] for side in sides))
    apart = second.value - first.value
    return Difference(
        mean.id, mean.label, mean.unit, first, second, apart - _Z * error, apart + _Z * error, mean.words
    )


def _by_prompt(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference | None]:
    positive = next(share for share in _SHARES if share.id == "positive")
    theirs = {bucket["key"]: bucket for bucket in other["prompts"]["buckets"]}
    return [
        _share_of(positive, bucket, theirs[bucket["key"]], bucket["key"])
        for bucket in one["prompts"]["buckets"]
        if bucket["key"] in theirs
    ]


def _seen(bucket: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return bucket.get("first", {}).get("value"), bucket.get("last", {}).get("value")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
