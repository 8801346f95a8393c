"""One import: rows in, documents out, books and place kept after each batch, rejects aside."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from shipper.errors import UsageError
from shipper.history.build import Builder
from shipper.history.delivery import Batch, Delivery, Origin
from shipper.history.event import START, Place, Rejected, Row
from shipper.history.formats.registry import format_named
from shipper.history.inputs import identified
from shipper.history.plan import Seen
from shipper.history.referred import keep_referred
from shipper.history.rejects import RejectsFile, read_again, reject
from shipper.history.side import SideTable
from shipper.history.target import FileTarget
from shipper.sink.base import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.history.checkpoint import Books, Checkpoint, Progress
    from shipper.history.event import Format
    from shipper.history.inputs import Input
    from shipper.history.plan import Plan
    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Sink

_TAKEN = 409
_BATCH_EVENTS = 1000  # nobody waits for the single event: larger requests cost the store less
_WOULD_BE_DELIVERED = Result(Outcome.DELIVERED, 201)


class Job:
    """Runs one plan. For one thread."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        sink: Sink | None,
        checkpoint: Checkpoint | None,
        progress: Progress,
        observe: Callable[[Seen, Books], None],
    ) -> None:
        """Prepare.

        Args:
            plan: what to do.
            settings: batches, privacy, names.
            sink: where to; None only tells what would be done.
            checkpoint: keeps the progress; None: nobody can resume.
            progress: where to begin; it is changed.
            observe: is told after each batch that was read.
        """
        self._plan, self._settings = plan, settings
        self._sink, self._checkpoint, self._progress = sink, checkpoint, progress
        self._observe = observe
        self._builder = Builder(
            settings,
            app=plan.app,
            version=plan.version,
            batch_id=progress.batch_id,
            now_ns=time.time_ns(),
            since_ns=plan.since_ns,
            until_ns=plan.until_ns,
        )
        self._keeping = threading.RLock()  # an index is written down from the thread that sends
        self._side = SideTable()
        self._batch = Batch()
        self._left = plan.limit if plan.limit is None else plan.limit - progress.books.accepted
        self._rows = self._bytes_before = 0
        sizes = [one.size for one in plan.inputs]
        self._total = None if None in sizes else sum(size for size in sizes if size is not None)
        self._delivery = Delivery(
            sink or _Nowhere(),
            self._confirm,
            connections=settings.connections,
            retry_max_interval_s=settings.retry_max_interval_s,
        )
        self._rejects = RejectsFile(plan.rejects, progress.rejects_bytes)

    def run(self) -> Books:
        """Import everything.

        Raises:
            UsageError: a source can't be read, or its format can't be told.
            StoreError, SettingsError: the store is away for too long, or refuses to take anything.
            OSError: the disk is full.
        """
        try:
            keep_referred(self._plan, self._side)
            begun = not self._progress.source
            for one in self._plan.inputs:
                if begun or one.name == self._progress.source:
                    start = START if begun else Place(self._progress.line, self._progress.offset)
                    begun = True
                    self._import(one, start)
                self._bytes_before += one.size or 0
            self._send()
            self._delivery.finish()
        finally:
            self._delivery.close()
            self._rejects.close()
            self._side.close()
        return self._progress.books

    def _import(self, one: Input, start: Place) -> None:
        rows = one.rows(start)
        form: Format | None = self._plan.form
        if not self._plan.are_rejects:
            try:
                form, rows = identified(rows, one.name, form, self._plan.also)
            except UsageError as error:
                if len(self._plan.inputs) == 1:
                    raise
                self._batch.source, self._batch.last = one.name, None  # a batch may hold nothing but this
                self._reject(Row(one.name, 1, 0, b""), "", Rejected("unknown_format", str(error)), b"")
                return
        most, most_bytes = _batch_of(self._settings), self._settings.batch_max_bytes
        for row in rows:
            if self._left is not None and self._left <= 0:
                return
            self._take(row, form, one)
            batch = self._batch
            if len(batch.documents) >= most or batch.size >= most_bytes:
                self._send()
                read = self._bytes_before + one.progress()
                self._observe(Seen(one.name, self._rows, read, self._total), self._progress.books)

    def _take(self, row: Row, form: Format | None, one: Input) -> None:
        """Build what a row holds, into the batch."""
        self._rows += 1
        batch = self._batch
        batch.source, batch.last = one.name, row
        name = form.name if form is not None else ""
        try:
            if self._plan.are_rejects:
                row, name = read_again(row)
                form = self._plan.form or (format_named(name) if name and not row.fault else None)
            elif form is None and not row.fault:
                form, _ = identified(iter([row]), one.name, None, self._plan.also)
            if form is None:
                raise Rejected(row.fault or "unknown_format", row.message or "its format is not known")
            self._side.asking = row.source
            found = self._builder.build(row, form, self._side, one.modified_ns)
        except UsageError as error:
            self._reject(row, name, Rejected("unknown_format", str(error)), one.header)
        except Rejected as fault:
            self._reject(row, name, fault, one.header)
        else:
            row.forget()  # it is in the documents now
            self._add(Origin(row, name, one.header), found)

    def _add(self, origin: Origin, found: list[Prepared]) -> None:
        batch = self._batch
        if not found:
            batch.passed_over += 1
            return
        batch.documents += found
        batch.origins += [origin] * len(found)
        for document in found:
            batch.size += len(document.body)
        if self._left is not None:
            self._left -= len(found)

    def _reject(self, row: Row, form: str, fault: Rejected, header: bytes) -> None:
        self._batch.rejects.append(reject(row, form, fault.reason, str(fault), header))
        self._batch.reasons.append(fault.reason)
        self._batch.size += len(row.original)

    def _send(self) -> None:
        batch, self._batch = self._batch, Batch()
        if batch.source:
            self._delivery.submit(batch)

    def _confirm(self, batch: Batch, results: list[Result]) -> None:
        """A batch is decided: count it, keep what was rejected, and move the place."""
        progress, rejects, reasons = self._progress, batch.rejects, Counter(batch.reasons)
        place = START if batch.last is None else batch.last.next
        told: set[int] = set()
        delivered = duplicate = 0
        for origin, result in zip(batch.origins, results, strict=True):
            if result.outcome is Outcome.DELIVERED and result.status != _TAKEN:
                delivered += 1
            elif result.outcome in (Outcome.DELIVERED, Outcome.DUPLICATE):
                duplicate += 1
            else:
                reason = result.error_type or result.outcome.value
                reasons[reason] += 1
                if id(origin) not in told:  # a row with several events is kept once
                    told.add(id(origin))
                    rejects.append(reject(origin.row, origin.form, reason, result.reason, origin.header))
        with self._keeping:
            # The files first: if one can't be written, the books stay where the place does.
            written = self._sink.keep(batch.documents) if isinstance(self._sink, FileTarget) else 0
            self._rejects.write(rejects)
            progress.output_bytes, progress.rejects_bytes = written, self._rejects.size
            books = progress.books
            books.accepted += len(results) + len(batch.reasons)
            books.delivered += delivered
            books.duplicate += duplicate
            books.rejected += reasons.total()
            books.passed_over += batch.passed_over
            for reason, count in reasons.items():
                books.reasons[reason] = books.reasons.get(reason, 0) + count
            progress.source, (progress.line, progress.offset) = batch.source, place
            self.keep()

    def quicken(self, index: str, had: dict[str, Any]) -> None:
        """Write down what an index's settings were; for the threads that send.

        Raises:
            OSError: the disk is full.
        """
        with self._keeping:
            self._progress.quickened[index] = had
            self.keep()

    def keep(self) -> None:
        """Write the progress down.

        Raises:
            OSError: the disk is full.
        """
        if self._checkpoint is not None:
            with self._keeping:
                self._checkpoint.save(self._progress)


def _batch_of(settings: Settings) -> int:
    """Events in one request: more than a sender takes, unless somebody has set it."""
    return settings.batch_max_events if "batch_max_events" in settings.model_fields_set else _BATCH_EVENTS


class _Nowhere:
    """Takes everything and keeps nothing: what a dry run sends to."""

    name = "nowhere"

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        """All of it would be delivered."""
        return [_WOULD_BE_DELIVERED] * len(batch)

    def close(self) -> None:
        """Nothing to close."""
