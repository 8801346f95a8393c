"""What people think of the answers: share of good ones and scores, over time, by version, by prompt, by evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.read.query import INDICES, query_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from elasticsearch import Elasticsearch

    from shipper.read.query import Query

By = Literal["time", "version", "prompt", "model"]
Interval = Literal["hour", "day", "week", "month"]

EVENTS: Final = "llm-feedback-*@*"
_MAX_GROUPS = 200
_NONE = "–"
_KEY_CHARS = {"hour": 13, "day": 10, "week": 10, "month": 7}  # of 2026-11-21T07:00:00.000Z


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What was said of a group of completions."""

    name: str
    """The group: a day, a version, `prompt@version` (`no prompt` where there is none), a model."""
    completions: int
    judged: int
    """Completions with a verdict, good or bad."""
    positive: int
    scored: int
    """Completions that a person gave a score."""
    score_avg: float | None
    """Mean of their mean scores, 0 to 1."""

    @property
    def unjudged(self) -> int:
        """Completions without a verdict."""
        return self.completions - self.judged

    @property
    def positive_share(self) -> float | None:
        """Good ones among the judged, 0 to 1; None where nothing was judged."""
        return self.positive / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one evaluation for one version."""

    evaluation: str
    version: str
    count: int
    score_avg: float | None


def verdicts(client: Elasticsearch, query: Query, *, by: By, interval: Interval = "day") -> list[Verdicts]:
    """Verdicts by group; in the order of time, else the largest group first.

    Args:
        client: the store.
        query: which completions; its limit doesn't count.
        by: what makes a group.
        interval: length of a group of time, in UTC.

    Raises:
        UsageError: the query's text has too many words.
        ApiError, TransportError: the store refused or did not answer.
    """
    figures: dict[str, Any] = {
        "judged": {"filter": {"exists": {"field": "llm.feedback.positive"}}},
        "positive": {"filter": {"term": {"llm.feedback.positive": True}}},
        "score": {"stats": {"field": "llm.feedback.score_avg"}},
    }
    answer = client.search(
        index=INDICES,
        ignore_unavailable=True,
        allow_no_indices=True,
        size=0,
        query=query_of(query),
        aggs={"groups": _grouping(by, interval, figures)},
    )
    found = answer.get("aggregations")
    if found is None:  # no index at all
        return []
    buckets = found["groups"]["buckets"]
    if by == "time":
        return [_verdicts(one["key_as_string"][: _KEY_CHARS[interval]], one) for one in buckets]
    if by != "prompt":
        return [_verdicts(one["key"], one) for one in buckets]
    return [
        _verdicts(prompt_group(name["key"], version["key"]), version)
        for name in buckets
        for version in name["versions"]["buckets"]
    ]


def prompt_group(name: str, version: str) -> str:
    """What calls with this prompt are called, for people. Pure; never raises.

    Args:
        name: the prompt's, or `–` where the calls have none.
        version: its version, or `–`.
    """
    if name == version == _NONE:
        return "no prompt"
    if version == _NONE:
        return f"{name}, no version"
    return f"{'no name' if name == _NONE else name}@{version}"


def scores(
    client: Elasticsearch,
    *,
    app: str | None = None,
    version: str | None = None,
    model: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Scores]:
    """Mean score by evaluation and version, of the joined events: each as it was given, also when replaced since.

    Args:
        client: the store.
        app: of this application only.
        version: of completions of this version.
        model: of completions that this model answered.
        since: of completions that began at or after.
        until: of completions that began before.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    filters: list[dict[str, Any]] = [{"exists": {"field": "gen_ai.evaluation.score.value"}}]
    filters.append({"term": {"llm.join.status": "joined"}})
    exact = {"llm.application.name": app, "llm.target.version": version, "llm.target.model": model}
    filters += [{"term": {field: value}} for field, value in exact.items() if value is not None]
    span = {
        name: moment.isoformat() for name, moment in (("gte", since), ("lt", until)) if moment is not None
    }
    if span:
        filters.append({"range": {"llm.target.timestamp": span}})
    average = {"score": {"avg": {"field": "gen_ai.evaluation.score.value"}}}
    answer = client.search(
        index=EVENTS,
        ignore_unavailable=True,
        allow_no_indices=True,
        size=0,
        query={"bool": {"filter": filters, "must_not": [{"term": {"llm.feedback.withdrawn": True}}]}},
        aggs={
            "names": {
                **_terms("gen_ai.evaluation.name"),
                "aggs": {"versions": {**_terms("llm.target.version"), "aggs": average}},
            }
        },
    )
    found = answer.get("aggregations")
    if found is None:
        return []
    return [
        Scores(name["key"], version["key"], version["doc_count"], version["score"]["value"])
        for name in found["names"]["buckets"]
        for version in name["versions"]["buckets"]
    ]


def chart(rows: list[Verdicts], width: int = 80) -> Iterator[str]:
    """The share of good answers as bars of characters, each line at most `width` wide. Pure.

    The bar of a group without a verdict is empty, and says so: no verdict is not a bad one.
    """
    if not rows:
        return
    names = min(max(len(row.name) for row in rows), max(8, width // 4))
    counts = max(len(_of(row)) for row in rows)
    bar = max(5, width - names - counts - len("    100 %  0.00  "))
    head = f"{'':<{names}}  {'positive':<{bar + 6}}  score  judged"
    yield head[:width]
    for row in rows:
        share = row.positive_share
        filled = 0 if share is None else round(share * bar)
        drawn = "█" * filled + ("░" if share is not None else " ") * (bar - filled)
        percent = f"{share:>5.0%}" if share is not None else f"{_NONE:>5}"
        score = f"{row.score_avg:.2f}" if row.score_avg is not None else f"{_NONE:>4}"
        name = row.name if len(row.name) <= names else row.name[: names - 1] + "…"
        yield f"{name:<{names}}  {drawn} {percent}  {score}  {_of(row):>{counts}}"[:width]


def _of(row: Verdicts) -> str:
    return f"{row.judged:,} of {row.completions:,}"


def _grouping(by: By, interval: Interval, figures: dict[str, Any]) -> dict[str, Any]:
    if by == "time":
        histogram = {"field": "@timestamp", "calendar_interval": interval, "min_doc_count": 0}
        return {"date_histogram": histogram, "aggs": figures}
    if by == "prompt":
        versions = {**_terms("gen_ai.prompt.version"), "aggs": figures}
        return {**_terms("gen_ai.prompt.name"), "aggs": {"versions": versions}}
    field = {"version": "service.version", "model": "gen_ai.response.model"}[by]
    return {**_terms(field), "aggs": figures}


def _terms(field: str) -> dict[str, Any]:
    return {"terms": {"field": field, "size": _MAX_GROUPS, "missing": _NONE}}


def _verdicts(name: str, bucket: Mapping[str, Any]) -> Verdicts:
    score = bucket["score"]
    return Verdicts(
        name=name,
        completions=bucket["doc_count"],
        judged=bucket["judged"]["doc_count"],
        positive=bucket["positive"]["doc_count"],
        scored=score["count"],
        score_avg=score["avg"],
    )
