"""Tell the store how one process's books stand, so that a gap is a query."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import orjson

from shipper._version import __version__
from shipper.record.ids import new_event_id
from shipper.route import aliases, destination
from shipper.send.prepare import timestamp
from shipper.sink.base import Prepared

if TYPE_CHECKING:
    from shipper.settings import Settings
    from shipper.sink.base import Sink
    from shipper.spool.ledger import Balance


def send_heartbeat(
    settings: Settings, sink: Sink, balance: Balance, instance: str, role: str, paused_reason: str
) -> None:
    """Send one `llm.delivery` document, straight to the sink: it is a report, not an event. Never raises."""
    document = heartbeat_document(settings, balance, instance, role, paused_reason, time.time_ns())
    place = destination(document, settings.partition)
    sink.send(
        [
            Prepared(
                id=place.id,
                index=place.index,
                body=orjson.dumps(document),
                given_id=False,
                content_hash=None,
                dataset="llm.delivery",
                aliases=aliases(document),
            )
        ]
    )


def heartbeat_document(
    settings: Settings, balance: Balance, instance: str, role: str, paused_reason: str, now_ns: int
) -> dict[str, Any]:
    """The report as a document. Never raises."""
    now = timestamp(now_ns)
    delivery: dict[str, Any] = {
        "accepted": balance.accepted,
        "delivered": balance.delivered,
        "duplicate": balance.duplicate,
        "conflicting": balance.conflicting,
        "dead_lettered": balance.dead_lettered,
        "dropped": sum(balance.dropped.values()),
        "pending": balance.pending,
        "sequence_high": balance.accepted,
        "role": role,
    }
    if paused_reason:
        delivery["paused_reason"] = paused_reason[:1000]
    return {
        "@timestamp": now,
        "event": {"id": new_event_id(), "kind": "metric", "dataset": "llm.delivery", "ingested": now},
        "ecs": {"version": "9.0.0"},
        "host": {"name": socket.gethostname()},
        "process": {"pid": os.getpid()},
        "llm": {
            "schema": {"version": "1"},
            "application": {"name": settings.application},
            "shipper": {"version": __version__, "instance": instance},
            "delivery": delivery,
        },
    }
