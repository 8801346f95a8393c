"""Append this process's events to its own segments: bounded, counted, and never raising.

The caller's line is whole but for its beginning: the writer puts the sequence number and the process in front.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson

from shipper import notice
from shipper._version import __version__
from shipper.spool.folder import InstanceFolder, create_folder, instance_name, spool_size
from shipper.spool.ledger import save_json
from shipper.spool.segment import SegmentFile, sync_folder
from shipper.spool.sync import GroupSync

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.settings import Settings
    from shipper.spool.buffer import MemoryBuffer
    from shipper.spool.lock import FileLock

_RETRY_DISK_S = 1.0  # a disk that failed is not tried again at every log call
_RESCAN_S = 0.1  # neither is a full spool measured again
_BLOCK_STEP_S = 0.02


class SpoolWriter:
    """One per process and spool. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_open: Callable[[InstanceFolder, FileLock], None],
        make_room: Callable[[], bool],
        buffer: MemoryBuffer,
    ) -> None:
        """Nothing is written before the first `append`.

        Args:
            settings: bounds, policy and durability.
            on_open: gets the folder and its drain lock as soon as the folder exists.
            make_room: drops the oldest segment, for the `drop_old` policy; False if it can't.
            buffer: where events wait that are not to be, or can't be, on the disk.
        """
        self.instance = instance_name()
        self.buffer = buffer
        self.process = (
            b'"app":'
            + orjson.dumps(
                {
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "instance": self.instance,
                    "shipper": __version__,
                }
            )[:-1]
            + b","
        )
        self._settings = settings
        self._in_memory = settings.durability == "memory"
        self._on_open = on_open
        self._make_room = make_room
        self._lock = threading.Lock()
        self._sync = GroupSync() if settings.durability == "power" else None
        self._sequence = 0
        self._dropped: dict[str, int] = {}
        self._dropped_saved: dict[str, int] = {}
        self._folder: InstanceFolder | None = None
        self._writer_lock: FileLock | None = None
        self._segment: SegmentFile | None = None
        self._number = 0
        self._spool_bytes = 0
        self._scanned_at = 0.0
        self._disk_retry_at = 0.0
        self._disk_error: OSError | None = None  # why there is no segment
        self._drain_lock: FileLock | None = None  # until it is handed over
        self._heir: SpoolWriter | None = None
        self._unannounced = 0

    @property
    def accepted(self) -> int:
        """Events that were logged; also the highest sequence number."""
        return self._sequence

    @property
    def dropped(self) -> dict[str, int]:
        """Events that found no room, by reason."""
        return dict(self._dropped)

    @property
    def spool_bytes(self) -> int:
        """Size of the whole spool as last measured plus what was written since, bytes."""
        return self._spool_bytes

    def append(self, rest: bytes) -> bool:
        """Keep one event.

        Args:
            rest: the line behind the process's part, newline included (see `shipper.record.entry`).

        Returns:
            Whether a batch's worth has been written since this was last true: time to wake the sender.

        Never raises.
        """
        with self._lock:
            if self._heir is not None:
                return self._heir.append(rest)
            self._sequence += 1
            line = b'{"seq":%d,%b%b' % (self._sequence, self.process, rest)
            segment = self._segment
            if (
                segment is None
                or self._in_memory
                or self._spool_bytes + len(line) > self._settings.spool_max_bytes
                or segment.size >= self._settings.segment_max_bytes
            ):
                problem = self._append_slowly(line)
            else:
                problem = self._write(segment, line)
            self._unannounced += len(line)
            announce = self._unannounced >= self._settings.batch_max_bytes
            if announce:
                self._unannounced = 0
            sequence = self._sequence
        if problem:
            notice.warn(problem[0], problem[1])
        elif self._sync is not None and not self._sync.wait_for(sequence):
            notice.warn(
                "sync", "The disk failed to confirm a write (fdatasync); a power cut may lose these events."
            )
        return announce

    def tick(self) -> None:
        """What needs no caller: move buffered lines to a disk that works again, save the drop counts.

        Called by the sender's thread, and before the process ends. Never raises.
        """
        with self._lock:
            if self.buffer.pending and not self._in_memory and (self._segment or self._open()):
                self._spill()
            self._save_drops()
            error = self._disk_error
        if error is not None:
            notice.warn("disk", _disk_sentence(self._settings, error))

    def close(self, heir: SpoolWriter | None = None) -> None:
        """Write what memory holds, save the counts, let go of the folder. Never raises.

        Args:
            heir: keeps what is appended from now on.
        """
        with self._lock:
            self._heir = heir
            self._disk_retry_at = 0.0  # there is no later
            if self.buffer.pending and (self._segment or self._open()):
                self._spill(in_flight=True)  # the sender may not live to see what became of it
            self._save_drops()
            if self._segment is not None:
                if self._sync is not None:
                    with suppress(OSError):  # who waits for it is told
                        self._segment.sync()
                        self._sync.rotated(self._sequence)
                self._segment.close()
                self._segment = None
            self._release()

    def abandon(self) -> None:
        """In a forked child: close the parent's files here; the parent keeps its locks. Never raises."""
        if self._segment is not None:
            self._segment.close()
        self._release()

    # -- below: with the lock held ------------------------------------------------------------------------

    def _release(self) -> None:
        for lock in (self._writer_lock, self._drain_lock):
            if lock is not None:
                lock.release()
        self._writer_lock = self._drain_lock = None

    def _write(self, segment: SegmentFile, line: bytes) -> tuple[str, str] | None:
        try:
            segment.append(line)
        except OSError as error:
            return self._keep_in_memory(line, error)
        self._spool_bytes += len(line)
        if self._sync is not None:
            self._sync.written(self._sequence, segment)
        return None

    def _append_slowly(self, line: bytes) -> tuple[str, str] | None:
        """The uncommon cases: first event, next segment, spool at its bound, memory durability, bad disk."""
        opened = self._segment is not None or self._open()
        if self._in_memory and self.buffer.put(line):
            return None
        if not opened:
            return self._keep_in_memory(line, self._disk_error)
        if self._spool_bytes + len(line) > self._settings.spool_max_bytes and not self._has_room(len(line)):
            return self._drop(
                "spool_full",
                f"The spool {self._settings.spool_dir} is at its bound of {self._settings.spool_max_bytes} bytes "
                f"(policy {self._settings.spool_policy}): events are dropped and counted. Is the store away? "
                "`shipper status` says; SHIPPER_SPOOL_MAX_BYTES sets the bound.",
            )
        segment = self._segment
        if segment is not None and segment.size >= self._settings.segment_max_bytes:
            try:
                segment = self._rotate()
            except OSError as error:
                return self._keep_in_memory(line, error)
        if segment is None:
            return self._keep_in_memory(line, None)
        if self._in_memory:
            self._spill()
        return self._write(segment, line)

    def _open(self) -> bool:
        """Make the folder and its first segment; False while the disk does not let us."""
        now = time.monotonic()
        if now < self._disk_retry_at:
            return False
        try:
            if self._folder is None:
                self._folder, self._writer_lock, self._drain_lock = create_folder(
                    self._settings.spool_dir, self.instance
                )
            if self._drain_lock is not None:
                self._on_open(self._folder, self._drain_lock)
                self._drain_lock = None
            self._rotate()
            self._scan(now)
        except OSError as error:
            self._disk_retry_at = now + _RETRY_DISK_S
            self._disk_error = error
            return False
        self._disk_error = None
        return True

    def _rotate(self) -> SegmentFile:
        if self._folder is None:
            raise FileNotFoundError(self._settings.spool_dir)
        # Whatever fails, the old segment is written no more, and the number is not used again: a reader that sees
        # a file behind it goes on to that.
        previous, self._segment = self._segment, None
        self._number += 1
        try:
            following = SegmentFile(self._folder.segment(self._number))
            if self._sync is not None:
                self._confirm(self._sync, following, previous)
        finally:
            if previous is not None:
                previous.close()
        self._segment = following
        if previous is not None:
            self._scan(time.monotonic())
        return following

    def _confirm(self, sync: GroupSync, following: SegmentFile, previous: SegmentFile | None) -> None:
        """Make the new segment's name, and all that is in the one before it, durable."""
        try:
            for folder in (following.path.parent, *following.path.parent.parents[:2]):
                sync_folder(folder)
            if previous is not None:
                previous.sync()
                sync.rotated(self._sequence - 1)
        except OSError:
            following.close()
            raise

    def _has_room(self, size: int) -> bool:
        deadline = time.monotonic() + self._settings.spool_block_timeout_s
        while True:
            now = time.monotonic()
            if now - self._scanned_at >= _RESCAN_S:
                self._scan(now)
            if self._spool_bytes + size <= self._settings.spool_max_bytes:
                return True
            if self._settings.spool_policy == "drop_old":
                if not self._drop_old():
                    return False
            elif self._settings.spool_policy == "block" and now < deadline:
                self._lock.release()  # the sender and other threads go on meanwhile
                time.sleep(_BLOCK_STEP_S)
                self._lock.acquire()
            else:
                return False

    def _drop_old(self) -> bool:
        try:
            if self._segment is not None and self._segment.size:
                self._rotate()
        except OSError:
            return False
        made = self._make_room()
        self._scan(time.monotonic())
        return made

    def _scan(self, now: float) -> None:
        try:
            self._spool_bytes = spool_size(self._settings.spool_dir)
        except OSError:
            return
        self._scanned_at = now

    def _keep_in_memory(self, line: bytes, error: OSError | None) -> tuple[str, str] | None:
        sentence = _disk_sentence(self._settings, error) if error else ""
        if self.buffer.put(line):
            return ("disk", sentence) if sentence else None
        return self._drop(
            "disk",
            f"{sentence or 'The spool can not be written'} and memory_max_bytes is full: events are dropped.",
        )

    def _spill(self, *, in_flight: bool = False) -> None:
        if self._segment is None:
            return
        lines = self.buffer.spill(in_flight=in_flight)
        for position, line in enumerate(lines):
            try:
                self._segment.append(line)
            except OSError:
                for rest in lines[position:]:  # there was room for them a moment ago
                    self.buffer.put(rest)
                return
            self._spool_bytes += len(line)

    def _drop(self, reason: str, sentence: str) -> tuple[str, str]:
        self._dropped[reason] = self._dropped.get(reason, 0) + 1
        return reason, sentence

    def _save_drops(self) -> None:
        if self._dropped == self._dropped_saved or self._folder is None:
            return
        try:
            save_json(self._folder.dropped, {"dropped": self._dropped, "sequence_high": self._sequence})
        except OSError:
            return  # the next tick tries again
        self._dropped_saved = dict(self._dropped)


def _disk_sentence(settings: Settings, error: OSError | None) -> str:
    return (
        f"The spool {settings.spool_dir} can't be written ({error}). Events are kept in memory "
        f"(up to {settings.memory_max_bytes} bytes) and sent from there; free the disk or set SHIPPER_HOME "
        "to a folder that can be written."
    )
