"""What a sink takes and what it answers: one result per document, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outcome(StrEnum):
    """What became of one document, and so what the sender does next."""

    DELIVERED = "delivered"  # the store has it: the checkpoint moves
    DUPLICATE = "duplicate"  # the id is taken and its content could not be compared: counted, never resent
    CONFLICTING = "conflicting"  # the id is taken by other content: to the dead letters
    REFUSED = "refused"  # the document's own fault: to the dead letters
    RETRY = "retry"  # the store's trouble: send it again later
    PAUSE = "pause"  # the configuration's fault: wait, say why, lose nothing


@dataclass(slots=True)  # frozen takes twice as long to make, and one is made for each event
class Prepared:
    """One document, ready to be written.

    `body` is one line of JSON without a newline. `given_id` says that the caller chose the id, so that it may
    have been used twice. `content_hash` tells a resend from a reused id. `aliases` belong to `index`.
    """

    id: str
    index: str
    body: bytes
    given_id: bool
    content_hash: str | None
    dataset: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The answer for one document.

    `status` is the HTTP status of the item, or of the request where that failed as a whole; None without an
    answer. `unknown` marks an answer that no rule covers: it is retried, and counted apart.
    """

    outcome: Outcome
    status: int | None = None
    error_type: str = ""
    reason: str = ""
    unknown: bool = False


class Sink(Protocol):
    """A place that documents are sent to."""

    name: str

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        """One result per document, in the same order. Thread-safe. Never raises."""
        ...

    def close(self) -> None:
        """Release the connections. Never raises."""
        ...
