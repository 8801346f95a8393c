"""Batches to where they belong, over several connections; confirmed in the order in which they were read."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from shipper.errors import SettingsError, StoreError, StoreUnauthorised, StoreUnreachable, TemplatesMissing
from shipper.send.backoff import backoff_s
from shipper.sink.base import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from shipper.history.event import Row
    from shipper.sink.base import Prepared, Result, Sink

PATIENCE_S = 300.0
"""How long a store that is away is waited for; the import can go on later."""


class Origin(NamedTuple):
    """The row that a document is from, its format, and the first line of its file if that is CSV."""

    row: Row
    form: str
    header: bytes


@dataclass(slots=True)
class Batch:
    """Documents, where each is from, and what was decided before anything is sent. `last` is the last row read."""

    documents: list[Prepared] = field(default_factory=list["Prepared"])
    origins: list[Origin] = field(default_factory=list[Origin])
    rejects: list[bytes] = field(default_factory=list[bytes])
    reasons: list[str] = field(default_factory=list[str])
    passed_over: int = 0
    size: int = 0
    source: str = ""
    last: Row | None = None


class Delivery:
    """Sends batches. `submit` and `finish` are for one thread, in which `confirm` is called too."""

    def __init__(
        self,
        sink: Sink,
        confirm: Callable[[Batch, list[Result]], None],
        *,
        connections: int,
        retry_max_interval_s: float,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Prepare.

        Args:
            sink: where to.
            confirm: takes a batch whose every document is decided.
            connections: batches on their way at the same time; one more is ready.
            retry_max_interval_s: longest pause between tries.
            patience_s: how long nothing may move before it is given up.
        """
        self._sink = sink
        self._confirm = confirm
        self._ahead = connections + 1
        self._longest_s = retry_max_interval_s
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="shipper-import")
        self._under_way: deque[tuple[Batch, Future[list[Result]]]] = deque()
        self._stopped = threading.Event()

    def submit(self, batch: Batch) -> None:
        """Send a batch, after waiting for an earlier one when enough are on their way.

        Raises:
            StoreError, SettingsError: the store is away for too long, or refuses to take anything.
        """
        self._under_way.append((batch, self._pool.submit(self._send, batch.documents)))
        while len(self._under_way) > self._ahead or (self._under_way and self._under_way[0][1].done()):
            self._confirm_first()

    def finish(self) -> None:
        """Wait for all of them.

        Raises:
            StoreError, SettingsError: as `submit`.
        """
        while self._under_way:
            self._confirm_first()

    def close(self) -> None:
        """Give up what is on its way. Never raises."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _confirm_first(self) -> None:
        batch, future = self._under_way[0]
        results = future.result()
        self._under_way.popleft()
        self._confirm(batch, results)

    def _send(self, documents: list[Prepared]) -> list[Result]:
        decided: list[Result | None] = [None] * len(documents)
        waiting = list(range(len(documents)))
        moved, attempt, trouble = time.monotonic(), 0, None
        while waiting:
            answers = self._sink.send([documents[position] for position in waiting])
            still: list[int] = []
            for position, answer in zip(waiting, answers, strict=True):
                if answer.outcome is Outcome.PAUSE:
                    raise _refusal(answer)
                if answer.outcome is Outcome.RETRY:
                    still.append(position)
                    trouble = answer
                else:
                    decided[position] = answer
            if len(still) < len(waiting):
                moved, attempt = time.monotonic(), 0
            waiting = still
            if trouble is None or not waiting:
                continue
            attempt += 1
            if time.monotonic() - moved > self._patience_s or self._stopped.wait(
                backoff_s(attempt, self._longest_s, random.random())
            ):
                raise _absence(trouble)
        return [result for result in decided if result is not None]


def _absence(result: Result) -> StoreError:
    what = result.reason or result.error_type or f"status {result.status}"
    return StoreUnreachable(
        f"The import stopped: {what}. What the store has is not lost; --resume goes on from there."
    )


def _refusal(result: Result) -> StoreError | SettingsError:
    what = result.reason or result.error_type or f"status {result.status}"
    text = f"The import stopped: {what.rstrip('.')}. --resume goes on from there."
    if result.error_type == "templates_missing":
        return TemplatesMissing(text)
    if result.status in (401, 403):
        return StoreUnauthorised(text)
    return SettingsError(text) if result.error_type == "SettingsError" else StoreError(text)
