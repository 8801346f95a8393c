"""One process's books as a document, so that a gap is a query."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from shipper._version import __version__
from shipper.record.ids import new_event_id
from shipper.send.prepare import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.spool.ledger import Balance


def heartbeat_document(
    balance: Balance,
    *,
    application: str,
    instance: str,
    role: str,
    paused_reason: str,
    now_ns: int,
    process: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The report as a document.

    Args:
        balance: the books of one process.
        application: under which the report is stored.
        instance: the process's name.
        role: what kind of process reports: `app`, `drain` or `joiner`.
        paused_reason: why nothing is sent; empty if something is.
        now_ns: ns since the epoch.
        process: whose books these are (`host`, `pid`), where another process reports them; None is this one.

    Never raises.
    """
    now = timestamp(now_ns)
    process = process if process is not None else {"host": socket.gethostname(), "pid": os.getpid()}
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
        "host": {"name": process.get("host")},
        "process": {"pid": process.get("pid")},
        "llm": {
            "schema": {"version": "1"},
            "application": {"name": application},
            "shipper": {"version": __version__, "instance": instance},
            "delivery": delivery,
        },
    }
