"""The background threads that empty the spool."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from shipper import notice
from shipper.send.adoption import adoptable
from shipper.send.delivery import Delivery
from shipper.send.heartbeat import heartbeat_document
from shipper.send.imports import import_what_sending_needs
from shipper.send.prepare import prepared
from shipper.spool.books import forget_finished
from shipper.spool.reader import FolderReader
from shipper.spool.refused import keep_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipper.send.prepare import Item
    from shipper.settings import Settings
    from shipper.sink.base import Sink
    from shipper.spool.batch import Batch, Source
    from shipper.spool.folder import InstanceFolder
    from shipper.spool.ledger import Balance, Tally

_ADOPT_INTERVAL_S = 10.0
_ADOPT_LIVING_INTERVAL_S = 1.0  # a sidecar is all that its processes have


class Sender:
    """Takes batches from its sources in turn and delivers them; `connections` of them at the same time.

    One thread more prepares the next batch meanwhile, so that the store need not wait for us.
    """

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        *,
        role: str,
        tick: Callable[[], None] = lambda: None,
        balance: Callable[[], Balance] | None = None,
        instance: str = "",
        application: str = "",
        adopt_living: bool = False,
    ) -> None:
        """Prepare; threads start with `start`.

        Args:
            settings: how to send.
            sink: where to; the sender closes it.
            role: `app`, `drain` or `joiner`, for the heartbeats.
            tick: called about once a second by one of the threads.
            balance: this process's books, for its heartbeats; None sends none.
            instance: this process's name.
            application: under which its heartbeats are stored; empty takes the setting.
            adopt_living: also send for living processes that don't send themselves.
        """
        self._settings = settings
        self._sink = sink
        self._role = role
        self._tick = tick
        self._balance = balance
        self._instance = instance
        self._application = application or settings.application
        self._adopt_living = adopt_living
        self._condition = threading.Condition()
        self._sources: list[Source] = []
        self._busy = 0
        self._dry = False  # the last look found nothing to take
        self._unread: dict[str, str] = {}  # folders that can't be read, and why
        self._hurry = 0  # grows when somebody wants no waiting
        self._stopping = False
        self._next: int = 0
        self._housekeeping = threading.Lock()
        self._adopting = threading.Lock()
        self._last_report = threading.Lock()  # taken by the thread that sends it, and never given back
        self._adopt_at = 0.0
        self._tick_at = 0.0
        self._heartbeat_at = time.monotonic() + settings.heartbeat_interval_s
        self._threads: list[threading.Thread] = []
        self.delivery = Delivery(
            settings,
            sink,
            at_store=threading.BoundedSemaphore(settings.connections),
            wait=self._wait,
            keep_refused=self._keep_refused,
        )

    def add_source(self, source: Source) -> None:
        """Send from here too. Thread-safe."""
        with self._condition:
            self._sources.append(source)
            self._condition.notify_all()

    @property
    def sources(self) -> Sequence[Source]:
        """What it sends from at the moment."""
        return tuple(self._sources)

    def start(self) -> bool:
        """Start the threads; False when the interpreter is shutting down and allows no more."""
        for number in range(self._settings.connections + 1):
            thread = threading.Thread(target=self._run, name=f"shipper-sender-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                break
            self._threads.append(thread)
        return bool(self._threads)

    def wake(self) -> None:
        """There is something to send; don't wait for the interval, nor out a pause. Never raises."""
        with self._condition:
            self._hurry += 1
            self._condition.notify_all()

    def stop(self, timeout_s: float) -> None:
        """Take no more batches; batches under way are abandoned between tries, not within one. Never raises."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            for source in self._sources:
                if isinstance(source, FolderReader):
                    self._close(source)
            self._sink.close()

    def is_drained(self) -> bool:
        """Whether the last look found nothing to send and could look everywhere, and no batch is under way."""
        with self._condition:
            return self._dry and self._busy == 0 and not self._unread

    @property
    def trouble(self) -> str:
        """Why something stays where it is, for people; empty while all is well."""
        return self.delivery.trouble or next(iter([*self._unread.values()]), "")

    def backlog_bytes(self) -> int:
        """Bytes in its sources' folders that are not decided yet. Raises OSError if they can't be read."""
        return sum(source.unsent_bytes() for source in self.sources if isinstance(source, FolderReader))

    def _close(self, source: FolderReader) -> None:
        try:
            if source.exhausted():
                source.finish()
                return
        except OSError as error:
            notice.warn("disk", f"The spool folder {source.folder.path} can't be finished: {error}.")
        source.close()

    def _run(self) -> None:
        import_what_sending_needs()
        while not self._stopping:
            try:
                self._housekeep()
                batch = self._take()
                if batch is None:
                    self._wait(self._settings.flush_interval_s)
                else:
                    self._send(batch)
            except OSError as error:
                notice.warn("disk", f"The spool can't be read or written ({error}); the sender tries again.")
                self._wait(self._settings.flush_interval_s)
        if self._last_report.acquire(blocking=False) and not self.delivery.trouble:
            self.heartbeat()

    def _send(self, batch: Batch) -> None:
        try:
            tally = self._deliver(batch)
            if tally is None:
                batch.source.put_back(batch)
            else:
                batch.source.commit(batch, tally)
        finally:
            self._release()

    def _deliver(self, batch: Batch) -> Tally | None:
        """Deliver; a fault of our own must not cost the batch: it is tried again, slowly."""
        while True:
            try:
                return self.delivery.deliver(batch)
            except Exception as error:
                notice.warn("sender", f"The sender failed ({type(error).__name__}: {error}); it tries again.")
                if not self._wait(self._settings.retry_max_interval_s):
                    return None

    def _take(self) -> Batch | None:
        """The next batch, from the sources in turn."""
        with self._condition:
            sources = self._sources[self._next :] + self._sources[: self._next]
            self._busy += 1
        dry = True
        try:
            for source in sources:
                try:
                    batch = source.take(self._settings.batch_max_events, self._settings.batch_max_bytes)
                except OSError as error:  # the other sources have nothing to do with it
                    dry, batch = False, None
                    if isinstance(source, FolderReader):
                        self._pass_over(source.folder, error, self._unread)
                if batch is not None:
                    self._dry = False
                    self._next = (self._sources.index(source) + 1) % len(self._sources)
                    return batch
        except BaseException:
            self._release()
            raise
        with self._condition:
            self._busy -= 1
            self._dry = dry
        return None

    def _pass_over(self, folder: InstanceFolder, error: OSError, unread: dict[str, str]) -> None:
        unread[folder.instance] = f"the spool folder {folder.path} can't be read or written ({error})"
        notice.warn("disk", f"Sending goes on, but {unread[folder.instance]}.")

    def _release(self) -> None:
        with self._condition:
            self._busy -= 1
            self._condition.notify_all()

    def _wait(self, seconds: float) -> bool:
        """Sleep until the time is over, somebody is in a hurry, or the sender stops (then False)."""
        deadline = time.monotonic() + seconds
        with self._condition:
            hurry = self._hurry
            while not self._stopping and hurry == self._hurry:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            return not self._stopping

    def _housekeep(self) -> None:
        """What is due now and then; one thread at a time does it."""
        if not self._housekeeping.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            if now >= self._tick_at:
                self._tick_at = now + 1.0
                self._tick()
            if now >= self._adopt_at:
                self._adopt_at = now + (_ADOPT_LIVING_INTERVAL_S if self._adopt_living else _ADOPT_INTERVAL_S)
                self.adopt()
            if self._balance is not None and now >= self._heartbeat_at:
                self._heartbeat_at = now + self._settings.heartbeat_interval_s
                self.heartbeat()
        finally:
            self._housekeeping.release()

    def heartbeat(self) -> None:
        """Tell the store how this process's books stand; a lost one is followed by another. Never raises."""
        if self._balance is not None:
            self._report(self._balance(), self._instance, self._role, self.delivery.trouble)

    def _report(
        self,
        balance: Balance,
        instance: str,
        role: str,
        trouble: str,
        process: Mapping[str, object] | None = None,
    ) -> None:
        document = heartbeat_document(
            balance,
            application=self._application,
            instance=instance,
            role=role,
            paused_reason=trouble,
            now_ns=time.time_ns(),
            process=process,
        )
        self._sink.send([prepared(document, self._settings.partition)])

    def adopt(self) -> None:
        """Take over what dead processes left, and finish what is done. Raises OSError if the spool can't be read."""
        with self._adopting:  # a source must be finished once
            unread: dict[str, str] = {}
            for source in self.sources:
                if isinstance(source, FolderReader) and source.folder.instance != self._instance:
                    try:
                        self._finish(source)
                    except OSError as error:
                        self._pass_over(source.folder, error, unread)
            forget_finished(self._settings.spool_dir, time.time())
            held = {source.folder.instance for source in self.sources if isinstance(source, FolderReader)}
            for folder, lock in adoptable(
                self._settings.spool_dir,
                held,
                living=self._adopt_living,
                unread=lambda folder, error: self._pass_over(folder, error, unread),
            ):
                try:
                    self.add_source(FolderReader(folder, lock))
                except OSError as error:
                    lock.release()
                    self._pass_over(folder, error, unread)
            self._unread = unread

    def _finish(self, source: FolderReader) -> None:
        """Finish a dead process's folder if everything in it is decided."""
        if not source.exhausted():
            return
        process = source.folder.process()
        balance = source.finish()
        with self._condition:
            self._sources.remove(source)
            self._next = 0
        self._report(balance, source.folder.instance, "drain", "", process)

    def _keep_refused(self, item: Item) -> bool:
        """Write a dead letter to the disk, since the store takes not even that; False if the disk doesn't either."""
        try:
            keep_refused(self._settings.spool_dir, self._instance, item.document.body)
        except OSError as error:
            notice.warn(
                "refused", f"A dead letter can be written neither to the store nor to the disk: {error}."
            )
            return False
        return True
