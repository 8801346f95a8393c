"""Which events a joiner takes on, and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.feedback.requests import PAGE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipper.feedback.documents import Event
    from shipper.feedback.requests import Requests

_FIRST_PAGE = 500
_ROUND = 100_000  # events
_ROUND_BYTES = 96 * 1024 * 1024  # of events: one may carry a megabyte


def rounds(requests: Requests, query: dict[str, Any], stopped: Callable[[], bool]) -> Iterator[list[Event]]:
    """The events in the order of their arrival, as many at once as there is memory for.

    Who takes them empties the list.

    Args:
        requests: the store.
        query: which events.
        stopped: asked before each page; True ends it, and what was read of a round is left.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    events: list[Event] = []
    event_bytes = 0
    after: list[Any] | None = None
    size = _FIRST_PAGE
    while not stopped():
        page, after = requests.events(query, size, after)
        event_bytes += sum(event.stored.pack() for event in page)
        events += page
        most = round_of(len(events), event_bytes)
        if after is None or most - len(events) < most / 20:
            yield events
            events, event_bytes = [], 0
        if after is None:
            return
        size = max(1, min(PAGE_MAX, 4 * size, most - len(events)))


def round_of(events: int, event_bytes: int) -> int:
    """How many events a round may have, being like those that it has. Pure.

    Args:
        events: those that it has.
        event_bytes: their JSON, all together.
    """
    return min(_ROUND, _ROUND_BYTES * events // max(1, event_bytes)) if events else _ROUND


def due(now: str) -> dict[str, Any]:
    """Events that are neither settled nor to be looked for later; one that says nothing of itself has just come."""
    settled = {
        "bool": {
            "filter": [{"terms": {"llm.join.status": ["joined", "expired"]}}],
            "must_not": [{"exists": {"field": "llm.join.next_attempt_at"}}],
        }
    }
    later = {"range": {"llm.join.next_attempt_at": {"gt": now}}}
    return {"bool": {"must_not": [settled, later]}}


def unjoined(application: str | None) -> dict[str, Any]:
    """Events without a completion: not looked for any more, or in vain where their time says that it has to be."""
    filters: list[dict[str, Any]] = [{"terms": {"llm.join.status": ["expired", "pending"]}}]
    if application is not None:
        filters.append({"term": {"llm.application.name": application}})
    return {"bool": {"filter": filters}}
