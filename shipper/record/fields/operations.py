"""Documents about the road itself: what was refused, and how much was delivered."""

from typing import Annotated, Literal

from shipper.record.fields.common import Envelope
from shipper.record.fields.kinds import KEYWORD, Date, Keyword, Long, Original, Text
from shipper.record.fields.registry import field


class DeadLetter(Envelope):
    """An event that the store refused, kept whole."""

    reason: Keyword = field("llm.deadletter.reason", "Why it was refused: the store's type of error.")
    stage: Keyword = field("llm.deadletter.stage", "Where on the road it was refused.")
    original_id: Keyword = field("llm.deadletter.original_id", "The id that it would have had.")
    original_index: Keyword = field("llm.deadletter.original_index", "The index that it would have gone to.")
    status: Long = field("llm.deadletter.status", "The store's status for it.")
    first_at: Date = field("llm.deadletter.first_at", "When it was first refused.")
    replayed_at: Date = field("llm.deadletter.replayed_at", "When it was sent again with success.")
    attempts: Long = field("llm.deadletter.attempts", "How often it was sent.", unit="attempts")
    error_message: Text = field("error.message", "What the store said.", content=True)
    original: Original = field("event.original", "The event as it was, as text.", content=True)


class Delivery(Envelope):
    """A process's ledger at one moment."""

    accepted: Long = field("llm.delivery.accepted", "Events that log calls accepted.", unit="events")
    delivered: Long = field("llm.delivery.delivered", "Events that the store has taken.", unit="events")
    duplicate: Long = field("llm.delivery.duplicate", "Events that the store had already.", unit="events")
    conflicting: Long = field(
        "llm.delivery.conflicting", "Events whose id was used before with other content.", unit="events"
    )
    dead_lettered: Long = field("llm.delivery.dead_lettered", "Events that the store refused.", unit="events")
    dropped: Long = field("llm.delivery.dropped", "Events that found no room.", unit="events")
    pending: Long = field("llm.delivery.pending", "Events that still wait.", unit="events")
    sequence_high: Long = field("llm.delivery.sequence_high", "Highest number that was given out.")
    spool_bytes: Long = field("llm.delivery.spool_bytes", "Size of the spool.", unit="bytes")
    oldest_pending_s: Long = field(
        "llm.delivery.oldest_pending_s", "Age of the oldest waiting event.", unit="s"
    )
    paused_reason: Keyword = field("llm.delivery.paused_reason", "Why nothing is sent; absent while it is.")
    role: Annotated[Literal["app", "drain", "joiner"], KEYWORD] = field(
        "llm.delivery.role", "`app`, `drain` or `joiner`."
    )
