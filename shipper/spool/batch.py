"""A batch: consecutive lines of one source, and the source that wants to know what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipper.spool.ledger import Tally


class Source(Protocol):
    """Where batches come from: a spool folder, or the memory buffer."""

    def take(self, max_events: int, max_bytes: int) -> Batch | None:
        """The next lines that nobody has taken yet, or None."""
        ...

    def commit(self, batch: Batch, tally: Tally) -> None:
        """Everything in the batch is decided."""
        ...

    def put_back(self, batch: Batch) -> None:
        """Nothing in the batch is decided; it will be taken again."""
        ...


@dataclass(slots=True, eq=False)
class Batch:
    """Lines taken together. `segment` and `offset` are the position behind the last one."""

    source: Source
    lines: list[bytes]
    size: int
    segment: int = 0
    offset: int = 0
