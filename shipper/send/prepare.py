"""From a line of the spool to a document that a sink can send. No I/O, and the time is a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from shipper.record import build
from shipper.record.ids import content_hash, hash_of, new_event_id
from shipper.record.pricing import apply_cost
from shipper.record.times import format_time as timestamp
from shipper.route import destination
from shipper.send.forms import Forms
from shipper.sink.base import Prepared

if TYPE_CHECKING:
    from shipper.route import Partition

_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Item:
    """One event on its way: its line as spooled, and what is sent for it.

    `fault` is set once the event has been refused: then `document` is its dead letter, and the fault says in
    which column of the ledger the event is counted.
    """

    line: bytes
    document: Prepared
    fault: str = ""
    attempts: int = 0


def prepare(line: bytes, now_ns: int, partition: Partition) -> Item:
    """A line as a document with its place; a line that can't be read becomes a dead letter.

    Args:
        line: an entry as it lies in the spool, without the newline.
        now_ns: when it is sent, ns since the epoch.
        partition: `month` or `day`.

    Never raises.
    """
    try:
        ready = _FORMS.fill(line, now_ns, partition)
        if ready is None:
            entry = orjson.loads(line)
            _FORMS.learn(line, entry, now_ns)
            document = document_when_sent(entry, now_ns)
            ready = prepared(document, partition, given_id=bool(entry.get("given_id")))
    except Exception as error:
        return refuse_line(line, now_ns, partition, stage="build", reason=f"{type(error).__name__}: {error}")
    return Item(line, ready)


def prepared(
    document: dict[str, Any], partition: Partition, *, given_id: bool = False, body: bytes | None = None
) -> Prepared:
    """A document with its place, ready for a sink.

    Args:
        document: what is stored.
        partition: `month` or `day`.
        given_id: whether the caller chose its id.
        body: the document as JSON, where that is known.

    Raises:
        Exception: the document is not one.
    """
    place = destination(document, partition)
    return Prepared(
        id=place.id,
        index=place.index,
        body=orjson.dumps(document) if body is None else body,
        given_id=given_id,
        content_hash=document["llm"].get("content_hash"),
        dataset=document["event"]["dataset"],
        aliases=place.aliases,
    )


def document_of(entry: dict[str, Any]) -> dict[str, Any]:
    """The document that an entry becomes, but for what only sending knows (`event.ingested`, the lag).

    Raises:
        Exception: the entry is not one.
    """
    document = build(entry)
    if document["event"]["dataset"] == "llm.completion":
        apply_cost(document)
    document["llm"]["content_hash"] = content_hash(entry["call"], entry.get("truncated", ()))
    return document


def document_when_sent(entry: dict[str, Any], now_ns: int) -> dict[str, Any]:
    """The document of an entry that is sent now."""
    document = document_of(entry)
    event = document["event"]
    event["ingested"] = timestamp(now_ns)
    if event["dataset"] == "llm.completion":
        lag = max(0, now_ns - int(entry["at"])) // _NS_PER_MS
        document["llm"].setdefault("ship", {})["lag_ms"] = lag
    return document


_FORMS = Forms(document_when_sent)


def refuse(
    item: Item, now_ns: int, partition: Partition, *, status: int | None, reason: str, message: str
) -> Item:
    """The dead letter of an event that the store refused. Never raises."""
    return _dead_letter(
        item.line,
        now_ns,
        partition,
        stage="store",
        reason=reason,
        message=message,
        status=status,
        place=item.document,
        attempts=item.attempts,
    )


def refuse_line(line: bytes, now_ns: int, partition: Partition, *, stage: str, reason: str) -> Item:
    """The dead letter of a line that could not even become a document. Never raises."""
    return _dead_letter(line, now_ns, partition, stage=stage, reason="unreadable_entry", message=reason)


def _dead_letter(
    line: bytes,
    now_ns: int,
    partition: Partition,
    *,
    stage: str,
    reason: str,
    message: str,
    status: int | None = None,
    place: Prepared | None = None,
    attempts: int = 0,
) -> Item:
    application, first_at, shipped = _origin(line)
    now = timestamp(now_ns)
    letter: dict[str, Any] = {
        "reason": reason,
        "stage": stage,
        "first_at": timestamp(first_at) if first_at else now,
        "attempts": attempts,
    }
    if status is not None:
        letter["status"] = status
    if place is not None:
        letter |= {"original_id": place.id, "original_index": place.index}
    document = {
        "@timestamp": now,
        "event": {
            "id": hash_of(line) if shipped else new_event_id(),
            "kind": "event",
            "dataset": "llm.deadletter",
            "ingested": now,
            "original": line.decode("utf-8", "backslashreplace"),
        },
        "ecs": {"version": "9.0.0"},
        "error": {"message": message[:8000]},
        "llm": {
            "schema": {"version": "1"},
            "application": {"name": application},
            **({"shipper": shipped} if shipped else {}),
            "deadletter": letter,
        },
    }
    return Item(line, prepared(document, partition), fault=reason, attempts=attempts)


def _origin(line: bytes) -> tuple[str, int, dict[str, Any]]:
    """Application and time of an entry that may be broken, and which of whose events it is."""
    try:
        entry = orjson.loads(line)
        app, at = entry["app"], entry["at"]
        application, instance = app["name"], app.get("instance")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return "default", 0, {}
    number = entry.get("seq")
    shipped = (
        {"instance": instance, "sequence": number}
        if isinstance(instance, str) and type(number) is int
        else {}
    )
    return str(application), at if isinstance(at, int) else 0, shipped
