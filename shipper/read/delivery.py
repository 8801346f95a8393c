"""What the store says about delivery: counts, and each process's last heartbeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shipper.errors import StoreError
from shipper.spool.ledger import Balance
from shipper.store.explain import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticsearch import Elasticsearch

_COLUMNS = ("delivered", "duplicate", "conflicting", "dead_lettered", "dropped", "pending")
_MAX_PROCESSES = 10_000


@dataclass(frozen=True, slots=True)
class Gap:
    """A process whose last heartbeat shows events that are not delivered."""

    instance: str
    at: str
    accepted: int
    accounted: int
    pending: int
    dropped: int
    paused_reason: str


@dataclass(frozen=True, slots=True)
class StoreBooks:
    """Counts of the store's documents, and the processes that still have something to deliver or lost something."""

    completions: int
    feedback: int
    dead_letters: int
    processes: int
    gaps: list[Gap] = field(default_factory=list[Gap])


def read_store_books(client: Elasticsearch) -> StoreBooks:
    """Ask the store.

    Raises:
        StoreError: the store refused to count.
        ApiError, TransportError: the store refused all or did not answer.
    """
    answer = client.msearch(
        searches=[
            line
            for pattern in ("llm-completions-*", "llm-feedback-*", "llm-deadletter-*")
            for line in (
                {"index": pattern, "ignore_unavailable": True, "allow_no_indices": True},
                {"size": 0, "track_total_hits": True},
            )
        ]
    )
    for one in answer["responses"]:
        if "error" in one:
            raise StoreError(f"The store can't count its documents: {': '.join(error_of(one))}.")
    counts = [one["hits"]["total"]["value"] for one in answer["responses"]]
    last = _last_heartbeats(client)
    gaps = [gap for heartbeat in last if (gap := _gap(heartbeat)) is not None]
    return StoreBooks(*counts, processes=len(last), gaps=gaps)


def heartbeat_books(client: Elasticsearch) -> dict[str, Balance]:
    """The books of each process as its last heartbeat of seven days tells them, by its name.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    books: dict[str, Balance] = {}
    for heartbeat in _last_heartbeats(client):
        delivery = heartbeat["llm"]["delivery"]
        counts = {name: delivery.get(name, 0) for name in ("accepted", *_COLUMNS) if name != "dropped"}
        dropped = {"as reported": delivery["dropped"]} if delivery.get("dropped") else {}
        books[heartbeat["llm"]["shipper"]["instance"]] = Balance(**counts, dropped=dropped)
    return books


def _last_heartbeats(client: Elasticsearch) -> list[dict[str, Any]]:
    hits = client.search(
        index="llm-delivery-*",
        ignore_unavailable=True,
        allow_no_indices=True,
        size=_MAX_PROCESSES,
        query={"range": {"@timestamp": {"gte": "now-7d"}}},
        collapse={"field": "llm.shipper.instance"},
        sort=[{"@timestamp": "desc"}],
    )["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def _gap(heartbeat: Mapping[str, Any]) -> Gap | None:
    delivery = heartbeat["llm"]["delivery"]
    accepted = delivery["accepted"]
    accounted = sum(delivery.get(name, 0) for name in _COLUMNS)
    if accepted == accounted and not delivery.get("pending") and not delivery.get("dropped"):
        return None
    return Gap(
        instance=heartbeat["llm"]["shipper"]["instance"],
        at=heartbeat["@timestamp"],
        accepted=accepted,
        accounted=accounted,
        pending=delivery.get("pending", 0),
        dropped=delivery.get("dropped", 0),
        paused_reason=delivery.get("paused_reason", ""),
    )
