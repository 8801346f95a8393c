"""Feedback at a glance: share of good answers over time, by version and by prompt version, and scores by evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from shipper.read.feedback import By, Interval, Scores, Verdicts, chart, scores, verdicts
from shipper.read.query import INDICES, query_of
from shipper.read.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.read.query import Query

_LONGEST: tuple[tuple[Interval, timedelta], ...] = (
    ("hour", timedelta(days=2)),
    ("day", timedelta(days=45)),
    ("week", timedelta(days=366)),
)
_TITLES: dict[By, str] = {
    "time": "by {}",
    "version": "by version",
    "prompt": "by prompt version",
    "model": "by model",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What `shipper report feedback` shows."""

    interval: Interval
    groups: dict[By, list[Verdicts]]
    """Verdicts over time, by version, by prompt version (`name@version`) and by model."""
    scores: list[Scores]

    @property
    def total(self) -> Verdicts | None:
        """All completions together; None when there are none."""
        parts = self.groups["time"]
        counts = (
            sum(getattr(one, name) for one in parts)
            for name in ("completions", "judged", "positive", "scored")
        )
        completions, judged, positive, scored = counts
        if not completions:
            return None
        total = sum((one.score_avg or 0) * one.scored for one in parts)
        return Verdicts("all", completions, judged, positive, scored, total / scored if scored else None)


def judged(client: Elasticsearch, query: Query, *, interval: Interval | None = None) -> Judged:
    """What people think of the completions of a query.

    Args:
        client: the store.
        query: which completions; its limit doesn't count.
        interval: length of a group of time; None: so that there are some dozens at most.

    Raises:
        UsageError: the query's text has too many words.
        ApiError, TransportError: the store refused or did not answer.
    """
    chosen = interval or _interval(client, query)
    return Judged(
        chosen,
        {by: verdicts(client, query, by=by, interval=chosen) for by in get_args(By)},
        scores(
            client,
            app=query.app,
            version=query.version,
            model=query.model,
            since=query.since,
            until=query.until,
        ),
    )


def feedback_rows(
    client: Elasticsearch, query: Query, *, interval: Interval | None = None
) -> list[dict[str, Any]]:
    """The same as flat rows, for programs and tables: one for each group, and for each evaluation of a version.

    Every row has `by` (time, version, prompt, model, evaluation) and `group`; `positive_share` and `score_avg` are 0
    to 1, or None where nothing was judged.

    Raises:
        UsageError, ApiError, TransportError: as `judged`.
    """
    return rows_of(judged(client, query, interval=interval))


def rows_of(found: Judged) -> list[dict[str, Any]]:
    """Flat rows. Pure."""
    rows: list[dict[str, Any]] = [
        {
            "by": by,
            "group": one.name,
            "completions": one.completions,
            "judged": one.judged,
            "unjudged": one.unjudged,
            "positive": one.positive,
            "positive_share": one.positive_share,
            "scored": one.scored,
            "score_avg": one.score_avg,
        }
        for by, group in found.groups.items()
        for one in group
    ]
    rows += [
        {
            "by": "evaluation",
            "group": one.evaluation,
            "version": one.version,
            "scored": one.count,
            "score_avg": one.score_avg,
        }
        for one in found.scores
    ]
    return rows


def page_of(found: Judged, width: int = 80) -> Iterator[str]:
    """The rows as charts of characters, each line at most `width` wide. Pure; nothing stored moves the cursor."""
    total = found.total
    if total is None:
        yield "No completions here."
        return
    share = total.positive_share
    verdict = "nobody has judged one" if share is None else f"{share:.0%} of the judged are positive"
    yield f"{total.completions:,} completions: {total.judged:,} judged, {total.unjudged:,} not; {verdict}."[
        :width
    ]
    for by, rows in found.groups.items():
        yield ""
        yield _TITLES[by].format(found.interval)
        yield from chart([replace(row, name=printable(row.name)) for row in rows], width)
    if found.scores:
        yield ""
        yield "scores as they were given, by evaluation and version"
        for one in found.scores:
            name = f"{printable(one.evaluation)} {printable(one.version)}"
            room = max(8, min(40, width - 24))
            average = "–" if one.score_avg is None else f"{one.score_avg:.2f}"
            yield f"{name[:room]:<{room}}  {average:>5}  {one.count:>9,}"[:width]


def _interval(client: Elasticsearch, query: Query) -> Interval:
    """The shortest of which there are not too many."""
    ends = {name: {name: {"field": "@timestamp"}} for name in ("min", "max")}
    answer = client.search(
        index=INDICES,
        ignore_unavailable=True,
        allow_no_indices=True,
        size=0,
        query=query_of(query),
        aggs=ends,
    )
    found = answer.get("aggregations")
    if found is None or found["min"]["value"] is None:  # no index, or nothing in it
        return "day"
    span = timedelta(milliseconds=found["max"]["value"] - found["min"]["value"])
    for name, longest in _LONGEST:
        if span <= longest:
            return name
    return "month"
