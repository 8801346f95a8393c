"""Spool writer and sender of one process, for one set of settings: the road from a log call to the store."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from shipper import notice
from shipper.send.imports import import_what_openai_looks_at
from shipper.send.sender import Sender
from shipper.sink import make_sink
from shipper.spool.buffer import MemoryBuffer
from shipper.spool.ledger import Balance, Tally
from shipper.spool.reader import FolderReader
from shipper.spool.writer import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.settings import Settings
    from shipper.spool.folder import InstanceFolder
    from shipper.spool.lock import FileLock

_POLL_S = 0.01


class Pipeline:
    """The road for one set of settings in this process. Thread-safe; its log path never raises."""

    def __init__(self, settings: Settings, *, sending: bool) -> None:
        """Nothing is started or written before the first `append`.

        Args:
            settings: how to keep and send.
            sending: whether this process sends by itself; else `shipper drain` does.
        """
        self.settings = settings
        self._lock = threading.Lock()
        self._application = ""
        self._reset(sending=sending)

    def _reset(self, *, sending: bool, writer: SpoolWriter | None = None) -> None:
        self._reader: FolderReader | None = None
        self._from_memory = Tally()  # sent from memory before there was a folder to enter it
        self._sender: Sender | None = None
        self._sending = sending
        self._deferred: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.writer = writer or self._new_writer(self.settings)

    def _new_writer(self, settings: Settings) -> SpoolWriter:
        return SpoolWriter(
            settings,
            on_open=self._opened,
            make_room=self._make_room,
            buffer=MemoryBuffer(settings.memory_max_bytes, self._sent_from_memory),
        )

    def serve(self, application: str) -> None:
        """An application logs here; the first one names this process's heartbeats. Never raises."""
        self._application = self._application or application

    def append(self, rest: bytes) -> None:
        """Keep one event (see `SpoolWriter.append`) and see to it that it is sent. Never raises."""
        full = self.writer.append(rest)
        if self._sender is None and self._sending:
            self._start()
        if full and self._sender is not None:
            self._sender.wake()

    def defer(self, job: Callable[[], None]) -> None:
        """Do a job that keeps an event, soon: at the sender's next tick, or before a flush or the end.

        Callable from anywhere, also from a destructor within a garbage collection, where `append` could wait for a
        lock that this very thread holds. The job must not raise. Never raises.
        """
        self._deferred.put(job)

    def start(self) -> None:
        """Start to send, if this process does, before there is an event; `defer` relies on it. Never raises."""
        if self._sender is None and self._sending:
            self._start()

    def balance(self) -> Balance:
        """This process's books as they stand now."""
        accepted, dropped = self.writer.accepted, self.writer.dropped
        counts = self._from_memory
        if self._reader is not None:
            ledger = self._reader.ledger
            counts = Tally(ledger.delivered, ledger.duplicate, ledger.conflicting, ledger.dead_lettered)
            for reason, count in ledger.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        decided = counts.delivered + counts.duplicate + counts.conflicting + counts.dead_lettered
        return Balance(
            accepted,
            counts.delivered,
            counts.duplicate,
            counts.conflicting,
            counts.dead_lettered,
            dropped,
            max(0, accepted - decided - sum(dropped.values())),
        )

    def flush(self, timeout_s: float, *, patient: bool = True) -> bool:
        """Wait until everything logged so far is decided.

        Args:
            timeout_s: longest wait, seconds.
            patient: False gives up as soon as a try has failed (the store is away: the spool keeps).

        Returns:
            Whether nothing is pending.

        Never raises.
        """
        deadline = time.monotonic() + timeout_s
        self._do_deferred()
        goal = self.writer.accepted
        if goal == 0:
            return True
        if not self._sending:
            self.writer.tick()
            return self.balance().pending == 0
        if self._sender is None and not self._start():
            return self.balance().pending == 0
        sender = self._sender
        if sender is None:
            return False
        tries = sender.delivery.failures
        sender.wake()
        while True:
            balance = self.balance()
            if balance.accepted - balance.pending >= goal or balance.pending == 0:
                return True
            if time.monotonic() >= deadline:
                return False
            if not patient and sender.delivery.failures > tries:
                return False
            time.sleep(_POLL_S)

    def close(self, timeout_s: float) -> None:
        """Deliver what can be delivered in time, leave the rest in the spool, let go of it. Never raises."""
        deadline = time.monotonic() + timeout_s
        self._do_deferred()
        if self.writer.accepted:
            self.flush(timeout_s, patient=False)
        sender, self._sender = self._sender, None
        self._sending = False
        # Who still logs while the interpreter ends writes to a new folder: nobody would send from memory.
        on_disk = "process" if self.settings.durability == "memory" else self.settings.durability
        later = self._new_writer(self.settings.model_copy(update={"durability": on_disk}))
        self.writer.close(later)
        if sender is not None:
            sender.stop(max(0.1, deadline - time.monotonic()))
        elif self._reader is not None:
            self._reader.close()
        if lost := self.writer.buffer.pending:
            notice.warn(
                "lost",
                f"{lost} events could be neither sent nor written to {self.settings.spool_dir}: they end with this "
                "process. `shipper doctor` looks at the folder and the store.",
            )
        self._reset(sending=False, writer=later)

    def after_fork(self) -> None:
        """In the child: the parent's folder, threads and sequence are not ours; start afresh. Never raises."""
        self.writer.abandon()
        if self._reader is not None:
            self._reader.close()
        self._lock = threading.Lock()
        self._reset(sending=self.settings.send == "background")

    def _tick(self) -> None:
        self._do_deferred()
        self.writer.tick()

    def _do_deferred(self) -> None:
        while True:
            try:
                job = self._deferred.get_nowait()
            except queue.Empty:
                return
            job()

    def _start(self) -> bool:
        with self._lock:
            if self._sender is None and self._sending:
                import_what_openai_looks_at()
                sender = Sender(
                    self.settings,
                    make_sink(self.settings),
                    role="app",
                    tick=self._tick,
                    balance=self.balance,
                    instance=self.writer.instance,
                    application=self._application,
                )
                sender.add_source(self.writer.buffer)
                if self._reader is not None:
                    sender.add_source(self._reader)
                if not sender.start():
                    return False
                self._sender = sender
        return self._sender is not None

    def _opened(self, folder: InstanceFolder, drain_lock: FileLock) -> None:
        """The writer has made its folder."""
        if not self._sending:
            drain_lock.release()  # `shipper drain` sends
            return
        self._reader = FolderReader(folder, drain_lock)
        if self._sender is not None:
            self._sender.add_source(self._reader)
        if self._from_memory != Tally():
            with suppress(OSError):  # the counts in memory stand
                self._reader.absorb(self._from_memory, self.writer.accepted)

    def _make_room(self) -> bool:
        try:
            return self._reader is not None and self._reader.drop_oldest()
        except OSError:
            return False

    def _sent_from_memory(self, tally: Tally) -> None:
        if self._reader is not None:
            self._reader.absorb(tally, self.writer.accepted)
        else:
            total = self._from_memory
            self._from_memory = Tally(
                total.delivered + tally.delivered,
                total.duplicate + tally.duplicate,
                total.conflicting + tally.conflicting,
                total.dead_lettered + tally.dead_lettered,
            )
