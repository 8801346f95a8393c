"""Delivery: whether everything that was logged is here, how late it came, and who still has something."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.filters import Exists, Not, equals
from shipper.panels.measures import Constant, Operation, count, highest, lowest, minus, percentile, unique
from shipper.panels.model import TIME_FIELD, Dashboard, Metric, Panel, Terms
from shipper.panels.searches import DEAD_LETTERS
from shipper.panels.sources import DEADLETTERS, DELIVERY, EVENTS, FEEDBACK

_SEQUENCE = "llm.shipper.sequence"
_INSTANCE = "llm.shipper.instance"
_WAITING = Not(Exists("llm.deadletter.replayed_at"))
_ACCEPTED = highest("llm.delivery.accepted")
_SETTLED = tuple(
    highest(f"llm.delivery.{name}")
    for name in ("delivered", "duplicate", "conflicting", "dead_lettered", "dropped")
)
_OPEN = Not(equals("llm.join.status", "joined", "expired"))
_LAG = (
    Metric("p50", "p50", "ms", percentile("llm.ship.lag_ms", 50), "lower"),
    Metric("p95", "p95", "ms", percentile("llm.ship.lag_ms", 95), "lower"),
    Metric("p99", "p99", "ms", percentile("llm.ship.lag_ms", 99), "lower"),
)
_NO_REPORT = "No process has reported in this period: none ran for a minute, or its reports don't arrive."
_NO_LETTER = "Nothing was refused in this period."

DELIVERED: Final = Dashboard(
    "llm-delivery",
    "LLM delivery",
    "Whether everything that was logged has arrived, how late, and what was refused.",
    (
        Panel(
            "delivery-lag",
            "Ingest lag p95",
            "How late do calls arrive?",
            "figure",
            (_LAG[1],),
            where=common.NOT_IMPORTED,
            width=12,
            note="From the log call to the first sending; imports are left out.",
        ),
        Panel(
            "delivery-dead-letters",
            "Dead letters",
            "How many events were refused and wait to be sent again?",
            "figure",
            (Metric("letters", "Dead letters", "documents", count(), "lower"),),
            source=DEADLETTERS,
            where=_WAITING,
            empty=_NO_LETTER,
            width=12,
        ),
        Panel(
            "delivery-dropped",
            "Most drops of a process",
            "Did a process run out of room?",
            "figure",
            (Metric("dropped", "Dropped", "events", highest("llm.delivery.dropped"), "lower"),),
            source=DELIVERY,
            empty=_NO_REPORT,
            width=12,
            note="Since the process began.",
        ),
        Panel(
            "delivery-processes",
            "Processes that report",
            "How many processes ship?",
            "figure",
            (Metric("processes", "Processes", "processes", unique(_INSTANCE)),),
            source=DELIVERY,
            empty=_NO_REPORT,
            width=12,
        ),
        Panel(
            "delivery-books",
            "Books of each process",
            "What became of the events that each process accepted?",
            "table",
            (
                Metric("accepted", "Accepted", "events", _ACCEPTED),
                Metric("delivered", "Delivered", "events", _SETTLED[0]),
                Metric("duplicate", "Had already", "events", _SETTLED[1]),
                Metric("conflicting", "Conflicting", "events", _SETTLED[2], "lower"),
                Metric("dead_lettered", "Dead letters", "events", _SETTLED[3], "lower"),
                Metric("dropped", "Dropped", "events", _SETTLED[4], "lower"),
                Metric("open", "Not accounted for", "events", minus(_ACCEPTED, *_SETTLED), "lower"),
                Metric("last_report", "Last report", "time", highest(TIME_FIELD)),
            ),
            (Terms(_INSTANCE, "Process", 20, "last_report"),),
            source=DELIVERY,
            empty=_NO_REPORT,
            width=48,
            note="Not accounted for: waits in its spool at its last report, or is lost.",
        ),
        Panel(
            "delivery-gaps",
            "Numbers that are missing",
            "Which numbers of a process's sequence are not in the store?",
            "table",
            (
                Metric(
                    "missing",
                    "Missing",
                    "events",
                    Operation(
                        "+",
                        minus(highest(_SEQUENCE), lowest(_SEQUENCE), count(Exists(_SEQUENCE))),
                        Constant(1),
                    ),
                    "lower",
                ),
                Metric("first", "First number", "events", lowest(_SEQUENCE)),
                Metric("last", "Last number", "events", highest(_SEQUENCE)),
                Metric("documents", "Documents", "documents", count()),
            ),
            (Terms(_INSTANCE, "Process", 20, "last"),),
            source=EVENTS,
            empty="No event in this period has a number.",
            width=48,
            note="An event that was refused, dropped, sent twice or is of another time leaves a gap too: compare the books.",
        ),
        Panel(
            "delivery-lag-over-time",
            "Ingest lag over time",
            "When did calls arrive late?",
            "line",
            _LAG,
            (common.BY_TIME,),
            where=common.NOT_IMPORTED,
        ),
        Panel(
            "delivery-dead-letters-by-reason",
            "Dead letters by reason",
            "Why were events refused?",
            "bar",
            (Metric("letters", "Dead letters", "documents", count(), "lower"),),
            (Terms("llm.deadletter.reason", "Reason", 10),),
            source=DEADLETTERS,
            empty=_NO_LETTER,
            documents=True,
        ),
        Panel(
            "delivery-pending",
            "Waiting events over time",
            "When did events pile up in a spool?",
            "line",
            (Metric("pending", "Waiting", "events", highest("llm.delivery.pending"), "lower"),),
            (Terms(_INSTANCE, "Process", 5, "pending"), common.BY_TIME),
            source=DELIVERY,
            empty=_NO_REPORT,
        ),
        Panel(
            "delivery-paused",
            "Why sending paused",
            "What is wrong with the configuration?",
            "table",
            (
                Metric("reports", "Reports", "documents", count()),
                Metric("last_report", "Last report", "time", highest(TIME_FIELD)),
            ),
            (Terms("llm.delivery.paused_reason", "Reason", 10),),
            source=DELIVERY,
            empty="No process that reports has paused in this period.",
        ),
        Panel(
            "delivery-roles",
            "Processes by role",
            "Does a joiner run, and a drain?",
            "table",
            (
                Metric("processes", "Processes", "processes", unique(_INSTANCE)),
                Metric("waiting", "Most waiting", "events", highest("llm.delivery.pending"), "lower"),
                Metric("last_report", "Last report", "time", highest(TIME_FIELD)),
            ),
            (Terms("llm.delivery.role", "Role", 3),),
            source=DELIVERY,
            empty=_NO_REPORT,
        ),
        Panel(
            "delivery-unjoined",
            "Feedback that waits",
            "Does the joiner keep up?",
            "figure",
            (Metric("open", "Waiting", "events", count(_OPEN), "lower"),),
            source=FEEDBACK,
            empty="No feedback in this period.",
            width=12,
            note="Feedback and amendments that have neither found their call nor been given up.",
        ),
        Panel(
            "delivery-joined",
            "Last join",
            "When was feedback last joined?",
            "figure",
            (Metric("last_join", "Last join", "time", highest("llm.join.matched_at")),),
            source=FEEDBACK,
            empty="No feedback in this period.",
            width=12,
        ),
    ),
    (DEAD_LETTERS,),
)
