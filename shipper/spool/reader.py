"""Read one folder's segments in order, and keep the position up to which everything is decided.

Several threads may take batches and commit them in any order: the ledger moves only over batches of which
all earlier ones are committed. Only the holder of the folder's drain lock may read it.
"""

from __future__ import annotations

import shutil
import threading
from collections import deque
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING

from shipper.record.entry import highest_sequence
from shipper.spool.batch import Batch
from shipper.spool.books import complete_lines, count_lines, dead_balance, undecided_lines
from shipper.spool.ledger import Balance, Ledger, load_json, save_json

if TYPE_CHECKING:
    from shipper.spool.folder import InstanceFolder
    from shipper.spool.ledger import Tally
    from shipper.spool.lock import FileLock

_BUFFER = 256 * 1024  # bytes read at a time: a batch of small events should not cost reading a large one


class FolderReader:
    """The drainer's view of one folder."""

    def __init__(self, folder: InstanceFolder, drain_lock: FileLock) -> None:
        """Start behind the confirmed position.

        Args:
            folder: what to read.
            drain_lock: its held drain lock; the reader owns it from now on.
        """
        self.folder = folder
        self._drain_lock = drain_lock
        self._lock = threading.Lock()
        self._ledger = Ledger.load(folder.ledger)
        self._segment = self._ledger.segment
        self._offset = self._ledger.offset
        self._given_up = 0  # the last segment that was dropped, though something of it may be under way
        self._in_flight: deque[Batch] = deque()  # taken, in order
        self._decided: dict[Batch, Tally] = {}  # committed, but something before them is not

    @property
    def ledger(self) -> Ledger:
        """Counts of everything decided so far."""
        return self._ledger

    def take(self, max_events: int, max_bytes: int) -> Batch | None:
        """The next complete lines that nobody has taken yet, or None.

        Raises:
            OSError: a segment can't be read.
        """
        with self._lock:
            while True:
                following = [number for number in self.folder.segments() if number > self._segment]
                lines, size = self._read(max_events, max_bytes)
                if lines:
                    self._offset += size
                    batch = Batch(self, lines, size, self._segment, self._offset)
                    self._in_flight.append(batch)
                    return batch
                # The list of later segments was read before the end of this one was seen: the writer only
                # starts a new segment when it is done with the old one, so that this one is complete.
                if not following:
                    return None
                self._segment, self._offset = following[0], 0

    def commit(self, batch: Batch, tally: Tally) -> None:
        """A batch is decided; move the ledger as far as everything before it is decided too.

        Raises:
            OSError: the ledger could not be written (the counts in memory stand; sent events may be sent again).
        """
        with self._lock:
            self._decided[batch] = tally
            moved = False
            while self._in_flight and self._in_flight[0] in self._decided:
                first = self._in_flight.popleft()
                self._ledger = self._ledger.after(
                    self._decided.pop(first),
                    segment=first.segment,
                    offset=first.offset,
                    sequence_high=highest_sequence(first.lines, self._ledger.sequence_high),
                )
                moved = True
            if moved:
                self._keep(self._ledger.segment)

    def absorb(self, tally: Tally, sequence_high: int) -> None:
        """Enter events of this process that were sent from memory.

        Raises:
            OSError: the ledger could not be written (the counts in memory stand).
        """
        with self._lock:
            ledger = self._ledger
            self._ledger = ledger.after(
                tally, segment=ledger.segment, offset=ledger.offset, sequence_high=sequence_high
            )
            self._save()

    def put_back(self, batch: Batch) -> None:
        """Nothing to do: what is not committed is read again by the next reader."""

    def drop_oldest(self) -> bool:
        """Give up the oldest segment, counting its events that nobody has taken. False when there is only one.

        Raises:
            OSError: the folder can't be changed.
        """
        with self._lock:
            numbers = self.folder.segments()
            if len(numbers) < 2:
                return False
            oldest = numbers[0]
            if oldest >= self._segment:
                start = self._offset if oldest == self._segment else 0
                lines = complete_lines(self.folder, oldest, start)
                count, highest = count_lines(lines, self._ledger.sequence_high)
                self._ledger = replace(self._ledger.with_dropped("drop_old", count), sequence_high=highest)
                self._segment, self._offset = numbers[1], 0
            if oldest >= self._ledger.segment:
                self._ledger = replace(self._ledger, segment=numbers[1], offset=0)
            self._given_up = oldest
            self._keep(numbers[1])
            return True

    def exhausted(self) -> bool:
        """Whether everything that was ever written here is decided: the writer is dead and nothing is left.

        Raises:
            OSError: the folder can't be read.
        """
        if self.folder.writer_lives():
            return False
        with self._lock:
            return not self._in_flight and next(undecided_lines(self.folder, self._ledger), None) is None

    def unsent_bytes(self) -> int:
        """Bytes behind the confirmed position. Raises OSError if the folder can't be read."""
        ledger = self._ledger
        sizes = [
            self.folder.segment_size(number) for number in self.folder.segments() if number > ledger.segment
        ]
        return sum(sizes) + max(0, self.folder.segment_size(ledger.segment) - ledger.offset)

    def finish(self) -> Balance:
        """Keep the last ledger, remove the folder and let go of the lock. Only when `exhausted`.

        Raises:
            OSError: the folder can't be changed.
        """
        with self._lock:
            last = self.folder.finished_ledger()
            if last.exists():  # whoever finished it was killed before the folder was gone
                balance = Balance(**load_json(last))
            else:
                balance = dead_balance(self.folder, self._ledger)
                # All in them is decided; on a full disk this makes room for the books.
                for number in self.folder.segments():
                    self.folder.segment(number).unlink(missing_ok=True)
                last.parent.mkdir(mode=0o700, exist_ok=True)
                save_json(last, asdict(balance))
            gone = self.folder.path.with_name(f".{self.folder.instance}")
            self.folder.path.rename(gone)  # at once: nobody may take over what is half removed
            shutil.rmtree(gone, ignore_errors=True)
            self._drain_lock.release()
        return balance

    def close(self) -> None:
        """Let go of the folder; what is not committed stays for the next reader. Never raises."""
        self._drain_lock.release()

    def _read(self, max_events: int, max_bytes: int) -> tuple[list[bytes], int]:
        """Complete lines from the current position on, without their ends, and the bytes that they take."""
        lines: list[bytes] = []
        size = 0
        try:
            file = self.folder.segment(self._segment).open("rb", buffering=_BUFFER)
        except FileNotFoundError:
            return lines, size
        with file:
            file.seek(self._offset)
            for line in islice(file, max_events):
                whole = line[-1:] == b"\n"
                if not whole or (lines and size + len(line) > max_bytes):  # one line may exceed a batch
                    break
                size += len(line)
                lines.append(line[:-1])
        return lines, size

    def _keep(self, segment: int) -> None:
        """Write the ledger down, then remove the segments before this one; on a full disk that has to come first."""
        try:
            self._save()
        except OSError:
            self._remove_before(segment)
            self._save()
        else:
            self._remove_before(segment)

    def _save(self) -> None:
        """Write the ledger as it would be if the process died now: with what is under way and can't be read again."""
        lost = sum(len(batch.lines) for batch in self._in_flight if batch.segment <= self._given_up)
        ledger = self._ledger.with_dropped("drop_old", lost) if lost else self._ledger
        ledger.save(self.folder.ledger)

    def _remove_before(self, segment: int) -> None:
        for number in self.folder.segments():
            if number < segment:
                self.folder.segment(number).unlink(missing_ok=True)
