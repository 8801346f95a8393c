"""One batch, from its lines to a decision for each: the only place that acts on a sink's answers."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

from shipper import notice
from shipper.send.backoff import backoff_s
from shipper.send.prepare import Item, prepare, refuse
from shipper.sink.base import Outcome, Result
from shipper.spool.ledger import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from shipper.settings import Settings
    from shipper.sink.base import Sink
    from shipper.spool.batch import Batch

CONFLICT = "conflicting"
_COLUMNS = {
    Outcome.DELIVERED: "delivered",
    Outcome.DUPLICATE: "duplicate",
}


class Delivery:
    """Sends batches through a sink until every event is decided."""

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        *,
        at_store: AbstractContextManager[object],
        wait: Callable[[float], bool],
        keep_refused: Callable[[Item], bool],
    ) -> None:
        """Prepare.

        Args:
            settings: partition and retry interval.
            sink: where to.
            at_store: held while the sink sends: the bound on how many do so at once.
            wait: sleeps that many seconds, or less when somebody is in a hurry; False: the sender stops.
            keep_refused: writes a dead letter to the disk when the store takes not even that; False if it can't.
        """
        self._settings = settings
        self._sink = sink
        self._at_store = at_store
        self._wait = wait
        self._keep_refused = keep_refused
        self.trouble = ""  # why nothing moves, for people; empty while all is well
        self.failures = 0  # tries that left something open
        self.unknown_answers = 0  # of them, tries that were answered as no rule covers

    def deliver(self, batch: Batch) -> Tally | None:
        """Send a batch until every event in it is decided.

        Returns:
            What became of them; None when the sender was stopped before all were decided (what the store has
            got by then it recognises when they are sent again).

        Never raises.
        """
        now_ns = time.time_ns()
        open_items = [prepare(line, now_ns, self._settings.partition) for line in batch.lines]
        counts: Counter[str] = Counter()
        attempt = 0
        while open_items:
            with self._at_store:
                results = self._sink.send([item.document for item in open_items])
            open_items, troubles = self._decide(open_items, results, counts)
            if not troubles:
                self.trouble = ""
                continue  # all decided, or dead letters to be sent at once
            attempt += 1
            self._report(troubles[0])
            if not self._wait(backoff_s(attempt, self._settings.retry_max_interval_s, random.random())):
                return None
        return Tally(**counts)

    def _decide(
        self, items: list[Item], results: list[Result], counts: Counter[str]
    ) -> tuple[list[Item], list[Result]]:
        """Sort the answers: count what is decided; what stays open goes into the next round."""
        still_open: list[Item] = []
        troubles: list[Result] = []
        for item, result in zip(items, results, strict=True):
            item.attempts += 1
            outcome = result.outcome
            if outcome in (Outcome.RETRY, Outcome.PAUSE):
                still_open.append(item)
                troubles.append(result)
            elif item.fault:
                if outcome is Outcome.REFUSED and not self._keep_refused(item):
                    still_open.append(item)
                    troubles.append(result)
                else:
                    counts["conflicting" if item.fault == CONFLICT else "dead_lettered"] += 1
            elif outcome in _COLUMNS:
                counts[_COLUMNS[outcome]] += 1
            else:
                still_open.append(self._dead_letter(item, result))
        return still_open, troubles

    def _dead_letter(self, item: Item, result: Result) -> Item:
        if result.outcome is Outcome.CONFLICTING:
            reason = CONFLICT
            message = (
                f"The id {item.document.id} was used before for other content; the first document stays."
            )
        else:
            reason = result.error_type or "refused"
            message = result.reason
        notice.warn(
            f"dead-letter {reason}",
            f"The store refused an event ({reason}: {message[:300]}). It is kept in the dead letters: "
            "`shipper deadletter list`.",
        )
        return refuse(
            item,
            time.time_ns(),
            self._settings.partition,
            status=result.status,
            reason=reason,
            message=message,
        )

    def _report(self, result: Result) -> None:
        self.failures += 1
        self.unknown_answers += result.unknown
        said = result.reason or result.error_type or f"status {result.status}"
        self.trouble = f"an answer that no rule covers: {said}" if result.unknown else said
        kind = "is paused" if result.outcome is Outcome.PAUSE else "will try again"
        notice.warn(
            "sending",
            f"Sending {kind}: {self.trouble.rstrip('.')}. Nothing is lost: events wait.",
        )
