"""A bounded buffer in memory: for `memory` durability, and for the time that the disk can't be written."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from shipper.spool.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.spool.ledger import Tally


class MemoryBuffer:
    """Lines waiting in this process's memory; a source of batches like a spool folder."""

    def __init__(self, max_bytes: int, on_commit: Callable[[Tally], None]) -> None:
        """Start empty.

        Args:
            max_bytes: bound of what waits and what is in flight, bytes.
            on_commit: enters a decided batch into the books.
        """
        self._max_bytes = max_bytes
        self._on_commit = on_commit
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._in_flight: dict[Batch, None] = {}  # in the order in which they were taken
        self._bytes = 0  # waiting and in flight
        self._events = 0

    def put(self, line: bytes) -> bool:
        """Keep a line; False when it would pass the bound. Never raises."""
        with self._lock:
            if self._bytes + len(line) > self._max_bytes:
                return False
            self._lines.append(line)
            self._bytes += len(line)
            self._events += 1
            return True

    def take(self, max_events: int, max_bytes: int) -> Batch | None:
        """The next lines, or None. They count against the bound until committed."""
        with self._lock:
            lines: list[bytes] = []
            size = 0
            while (
                self._lines
                and len(lines) < max_events
                and (not lines or size + len(self._lines[0]) <= max_bytes)
            ):
                line = self._lines.popleft()
                lines.append(line)
                size += len(line)
            if not lines:
                return None
            batch = Batch(self, lines, size)
            self._in_flight[batch] = None
        return batch

    def commit(self, batch: Batch, tally: Tally) -> None:
        """These lines are decided; whoever got them by `spill` meanwhile enters them into the books instead."""
        with self._lock:
            if batch not in self._in_flight:
                return
            del self._in_flight[batch]
            self._bytes -= batch.size
            self._events -= len(batch.lines)
        self._on_commit(tally)

    def put_back(self, batch: Batch) -> None:
        """These lines could not be sent before the sender stopped: they wait again."""
        with self._lock:
            if batch in self._in_flight:
                del self._in_flight[batch]
                self._lines.extendleft(reversed(batch.lines))

    def spill(self, *, in_flight: bool = False) -> list[bytes]:
        """Hand over every waiting line (to be written to the disk), and those in flight if asked to. Never raises.

        A line in flight may be sent twice then, which the store sees.
        """
        with self._lock:
            lines: list[bytes] = []
            if in_flight:
                lines += [line for batch in self._in_flight for line in batch.lines]
                self._in_flight.clear()
            lines += self._lines
            self._lines.clear()
            self._bytes -= sum(map(len, lines))
            self._events -= len(lines)
        return lines

    @property
    def pending(self) -> int:
        """Lines that wait or are in flight."""
        return self._events
