"""One process's books as a document, so that a gap is a query."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from shipper._version import __version__
from shipper.record.ids import new_event_id
from shipper.send.prepare import timestamp

if TYPE_CHECKING:
    from shipper.spool.ledger import Balance


def heartbeat_document(
    balance: Balance, *, application: str, instance: str, role: str, paused_reason: str, now_ns: int
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
            "application": {"name": application},
            "shipper": {"version": __version__, "instance": instance},
            "delivery": delivery,
        },
    }
