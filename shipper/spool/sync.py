"""Group commit: threads that wait for the disk at the same time share one fdatasync."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipper.spool.segment import SegmentFile


class GroupSync:
    """Knows up to which sequence number the disk has everything."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._segment: SegmentFile | None = None
        self._written = 0
        self._synced = 0
        self._failed = 0
        self._busy = False

    def written(self, sequence: int, segment: SegmentFile) -> None:
        """The event is in the file. Called with the writer's lock held."""
        self._written = sequence
        self._segment = segment

    def rotated(self, sequence: int) -> None:
        """Everything up to here was synced with its segment before that was closed."""
        with self._condition:
            self._synced = max(self._synced, sequence)
            self._condition.notify_all()

    def wait_for(self, sequence: int) -> bool:
        """Wait until the event is on the disk; the first to come syncs for all who wait. False if the disk failed."""
        while True:
            with self._condition:
                while self._busy and self._synced < sequence:
                    self._condition.wait()
                if self._synced >= sequence:
                    return self._failed < sequence
                if self._written < sequence:  # kept in memory, since the disk could not be written
                    return False
                self._busy = True
                goal, segment = self._written, self._segment
            failed = False
            try:
                if segment is not None:
                    segment.sync()
            except OSError:  # rotated away meanwhile (then it is synced already), or a failing disk
                failed = True
            with self._condition:
                self._busy = False
                if not failed:
                    self._synced = max(self._synced, goal)
                elif self._synced < sequence:
                    self._failed = self._synced = max(self._synced, goal)
                self._condition.notify_all()
