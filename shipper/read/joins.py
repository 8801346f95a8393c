"""How joining stands: what waits, what was joined how quickly, what was given up, and what has never matched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from shipper.read.figures import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticsearch import Elasticsearch

EVENTS: Final = "llm-feedback-*@*"
ORPHAN_AGE: Final = timedelta(hours=1)
"""An event without a completion is early up to this age, and an orphan after it."""

Status = Literal["pending", "joined", "expired"]

_AGES = (
    ("up to an hour", timedelta(0), timedelta(hours=1)),
    ("up to a day", timedelta(hours=1), timedelta(days=1)),
    ("up to a week", timedelta(days=1), timedelta(days=7)),
    ("up to 30 days", timedelta(days=7), timedelta(days=30)),
    ("up to 90 days", timedelta(days=30), timedelta(days=90)),
    ("older", timedelta(days=90), None),
)
_MAX_APPLICATIONS = 1000
_PAGE = 1000
_LAG_SPAN = timedelta(days=1)
_PENDING: dict[str, Any] = {"bool": {"must_not": [{"terms": {"llm.join.status": ["joined", "expired"]}}]}}
_STATUS: dict[str, dict[str, Any]] = {
    "pending": _PENDING,
    "joined": {"term": {"llm.join.status": "joined"}},
    "expired": {"term": {"llm.join.status": "expired"}},
}


@dataclass(frozen=True, slots=True)
class Group:
    """The events of an application, of an age, or all."""

    name: str
    events: int
    joined: int
    pending: int
    expired: int
    orphans: int
    """Pending or expired, and older than `ORPHAN_AGE`."""
    settled: int
    """Events older than `ORPHAN_AGE`: what the orphans are a share of."""

    @property
    def orphan_share(self) -> float | None:
        """Orphans among events that are old enough, 0 to 1; None when there are none of these."""
        return self.orphans / self.settled if self.settled else None


@dataclass(frozen=True, slots=True)
class JoinState:
    """What `shipper feedback status` shows."""

    total: Group
    applications: list[Group] = field(default_factory=list[Group])
    ages: list[Group] = field(default_factory=list[Group])
    lag_p50_s: float | None = None
    """From an event's arrival to its join, of what arrived and was joined within the last day; imports are left out.

    What an export of another store brings says when it arrived there.
    """
    lag_p95_s: float | None = None
    oldest_pending: datetime | None = None
    oldest_unseen: datetime | None = None
    """When the oldest event came that no joiner has looked at: it tells that none runs."""

    def lag_s(self, now: datetime) -> float:
        """The lag to be alarmed by: what the slowest joins took, or how long events have waited for a first look."""
        waiting = (now - self.oldest_unseen).total_seconds() if self.oldest_unseen else 0.0
        return max(self.lag_p95_s or 0.0, waiting)


def join_state(client: Elasticsearch, now: datetime, *, app: str | None = None) -> JoinState:
    """Ask the store.

    Args:
        client: the store.
        now: the present, with a zone.
        app: of this application only.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    counts: dict[str, Any] = {name: {"filter": query} for name, query in _STATUS.items()}
    old = {"range": {"event.ingested": {"lt": (now - ORPHAN_AGE).isoformat()}}}
    counts["settled"] = {"filter": old}
    counts["orphans"] = {
        "filter": {"bool": {"filter": [old], "must_not": [{"term": {"llm.join.status": "joined"}}]}}
    }
    recent = [
        {"range": {name: {"gte": (now - _LAG_SPAN).isoformat()}}}
        for name in ("event.ingested", "llm.join.matched_at")
    ]
    aggregations = {
        **counts,
        "applications": {
            "terms": {"field": "llm.application.name", "size": _MAX_APPLICATIONS, "missing": "default"},
            "aggs": counts,
        },
        "ages": {
            "date_range": {"field": "event.ingested", "ranges": list(_ranges(now)), "keyed": True},
            "aggs": counts,
        },
        "recent": {
            "filter": {"bool": {"filter": recent, "must_not": [{"exists": {"field": "llm.import.source"}}]}},
            "aggs": {"lag": {"percentiles": {"field": "llm.join.lag_ms", "percents": [50, 95]}}},
        },
        "waiting": {"filter": _PENDING, "aggs": {"oldest": {"min": {"field": "event.ingested"}}}},
        "unseen": {
            "filter": {"bool": {"must_not": [{"exists": {"field": "llm.join.status"}}]}},
            "aggs": {"oldest": {"min": {"field": "event.ingested"}}},
        },
    }
    answer = client.search(
        index=EVENTS,
        ignore_unavailable=True,
        allow_no_indices=True,
        size=0,
        track_total_hits=True,
        query=_of(app),
        aggs=aggregations,
    )
    found = answer.get("aggregations")
    if found is None:  # no index at all
        return JoinState(Group("all", 0, 0, 0, 0, 0, 0))
    lag, ages = found["recent"]["lag"]["values"], found["ages"]["buckets"]
    return JoinState(
        total=_group("all", answer["hits"]["total"]["value"], found),
        applications=[_group(one["key"], one["doc_count"], one) for one in found["applications"]["buckets"]],
        ages=[_group(name, ages[name]["doc_count"], ages[name]) for name, _, _ in _AGES],
        lag_p50_s=_seconds(lag["50.0"]),
        lag_p95_s=_seconds(lag["95.0"]),
        oldest_pending=_moment(found["waiting"]["oldest"]["value"], now),
        oldest_unseen=_moment(found["unseen"]["oldest"]["value"], now),
    )


def events(
    client: Elasticsearch, status: Status, *, app: str | None = None, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Stored events of a status, oldest first.

    Args:
        client: the store.
        status: where they stand; an event that no joiner has looked at is pending.
        app: of this application only.
        limit: at most so many; None: all.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    yield from _pages(client, {"bool": {"filter": [_STATUS[status], _of(app)]}}, limit)


def events_about(
    client: Elasticsearch, completion: Mapping[str, Any], limit: int = _PAGE
) -> list[dict[str, Any]]:
    """The feedback and amendments that name a completion, joined or not yet, oldest first.

    A caller's own key counts within its application, the ids everywhere.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    keys = value_at(completion, "llm.join.key") or []
    ids = [
        one for name in ("event.id", "gen_ai.response.id") if (one := value_at(completion, name)) is not None
    ]
    own = {
        "bool": {
            "filter": [{"terms": {"llm.join.key": keys}}, _of(value_at(completion, "llm.application.name"))]
        }
    }
    query = {"bool": {"should": [own, {"terms": {"llm.join.key": ids}}], "minimum_should_match": 1}}
    return list(_pages(client, query, limit))


def _pages(client: Elasticsearch, query: dict[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
    after: list[Any] | None = None
    left = limit
    while left is None or left > 0:
        page = client.search(
            index=EVENTS,
            ignore_unavailable=True,
            allow_no_indices=True,
            size=_PAGE if left is None else min(left, _PAGE),
            query=query,
            sort=[
                {"@timestamp": {"order": "asc", "unmapped_type": "date"}},
                {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
            ],
            search_after=after,
        )["hits"]["hits"]
        if not page:
            return
        for hit in page:
            yield hit["_source"]
        after = page[-1]["sort"]
        left = None if left is None else left - len(page)


def _of(app: str | None) -> dict[str, Any]:
    return {"match_all": {}} if app is None else {"term": {"llm.application.name": app}}


def _ranges(now: datetime) -> Iterator[dict[str, str]]:
    for name, younger, older in _AGES:
        bounds = {"key": name, "to": (now - younger).isoformat()}
        if older is not None:
            bounds["from"] = (now - older).isoformat()
        if not younger:
            del bounds["to"]  # what another machine's clock puts into the future is young
        yield bounds


def _group(name: str, events: int, counts: Mapping[str, Any]) -> Group:
    return Group(
        name,
        events,
        **{key: counts[key]["doc_count"] for key in ("joined", "pending", "expired", "orphans", "settled")},
    )


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _moment(epoch_ms: float | None, now: datetime) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, now.tzinfo)
