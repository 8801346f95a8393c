"""Dead letters: events that the store refused, with the reason and the original. List, show, send again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from shipper.record.ids import new_event_id
from shipper.send.prepare import document_when_sent, prepared, timestamp
from shipper.sink.base import Outcome, Result
from shipper.spool.refused import refused_letters, settle_refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elasticsearch import Elasticsearch

    from shipper.route import Partition
    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Sink

PATTERN = "llm-deadletter-*"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter, as stored."""

    index: str  # empty for one that no store would take: it is on this machine's disk
    id: str
    document: dict[str, Any]

    @property
    def reason(self) -> str:
        """Why it was refused: the store's type of error."""
        return str(self.document["llm"]["deadletter"]["reason"])

    @property
    def message(self) -> str:
        """What the store said."""
        return str(self.document.get("error", {}).get("message", ""))

    @property
    def original(self) -> str:
        """The event as it lay in the spool, or as it was sent."""
        return str(self.document["event"]["original"])


def dead_letters(
    client: Elasticsearch,
    *,
    app: str | None = None,
    reason: str | None = None,
    ids: Sequence[str] = (),
    replayed: bool = False,
    limit: int | None = None,
) -> Iterator[DeadLetter]:
    """Stored dead letters, newest first.

    Args:
        client: the store.
        app: of this application only.
        reason: of this reason only.
        ids: these only.
        replayed: also those that were sent again with success.
        limit: at most so many; None: all.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    filters: list[dict[str, Any]] = []
    for name, value in (("llm.application.name", app), ("llm.deadletter.reason", reason)):
        if value is not None:
            filters.append({"term": {name: value}})
    if ids:
        filters.append({"terms": {"event.id": list(ids)}})
    without = [] if replayed else [{"exists": {"field": "llm.deadletter.replayed_at"}}]
    after: list[Any] | None = None
    left = limit
    while left is None or left > 0:
        page = client.search(
            index=PATTERN,
            ignore_unavailable=True,
            allow_no_indices=True,
            size=_PAGE if left is None else min(left, _PAGE),
            query={"bool": {"filter": filters, "must_not": without}},
            sort=[{"@timestamp": {"order": "desc", "unmapped_type": "date"}}, {"event.id": "desc"}],
            search_after=after,
        )["hits"]["hits"]
        if not page:
            return
        for hit in page:
            yield DeadLetter(hit["_index"], hit["_id"], hit["_source"])
        after = page[-1]["sort"]
        left = None if left is None else left - len(page)


def letters_on_disk(
    settings: Settings, *, app: str | None = None, reason: str | None = None, ids: Sequence[str] = ()
) -> list[DeadLetter]:
    """Those of this machine that no store would take, by the same choice. Raises OSError if they can't be read."""
    letters = [DeadLetter("", one["event"]["id"], one) for one in refused_letters(settings.spool_dir)]
    return [
        one
        for one in letters
        if (app is None or one.document["llm"]["application"]["name"] == app)
        and (reason is None or one.reason == reason)
        and (not ids or one.id in ids)
    ]


def replay(
    client: Elasticsearch, sink: Sink, settings: Settings, letter: DeadLetter, *, new_id: bool = False
) -> Result:
    """Send a dead letter's original again, and mark the letter when the store has taken it.

    Args:
        client: the store, to mark the letter.
        sink: where the event goes.
        settings: partition, and where the disk's letters are.
        letter: which.
        new_id: give the event an id of its own, for one whose id was used by another.

    Raises:
        ApiError, TransportError, OSError: the mark could not be written.
    """
    try:
        ready = _ready(letter, settings.partition, new_id=new_id)
    except Exception:
        return Result(
            Outcome.REFUSED, None, "unreadable_entry", "the original is not an event that can be read"
        )
    result = sink.send([ready])[0]
    if result.outcome in (Outcome.DELIVERED, Outcome.DUPLICATE) and not letter.index:
        settle_refused(settings.spool_dir, letter.id)
    elif result.outcome in (Outcome.DELIVERED, Outcome.DUPLICATE):
        mark = {"llm": {"deadletter": {"replayed_at": timestamp(time.time_ns())}}}
        client.update(index=letter.index, id=letter.id, doc=mark, refresh="wait_for")
    return result


def _ready(letter: DeadLetter, partition: Partition, *, new_id: bool) -> Prepared:
    """What is sent: an entry of a spool as the document that it becomes, what the store refused of Logstash as it is.

    Raises:
        Exception: the original is neither.
    """
    original = orjson.loads(letter.original)
    if "call" in original:
        entry = {**original, "id": new_event_id(), "given_id": False} if new_id else original
        document = document_when_sent(entry, time.time_ns())
        return prepared(document, partition, given_id=bool(entry.get("given_id")))
    if letter.document["llm"]["deadletter"]["stage"] != "store":
        raise ValueError
    if new_id:
        original["event"]["id"] = new_event_id()
    return prepared(original, partition)
