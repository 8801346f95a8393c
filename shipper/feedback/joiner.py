"""The joiner: events that wait, their completions, the merge, and the mark that says so.

    events that are due ─▶ find: where their completions lie ─▶ read, merge, write each of these ─▶ mark the events

The order makes it safe to be killed anywhere: an event is marked after its completions hold it, and to merge it once
more changes nothing. Any number of joiners may run: a write names the version that it was made from, and after a
conflict the completion is read anew, not from the search, which may be behind.

A round takes up to a hundred thousand events, which are kept until they are marked. Of their completions only the
places are, so that all can be written index by index: whatever a shard is asked or given costs it a search, a sync, a
refresh and a segment, be it for one completion or a thousand. What is read of completions is a thousand at once.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shipper.feedback import mark, plan
from shipper.feedback.apply import Outcome, Target, apply
from shipper.feedback.documents import Completion, Match
from shipper.feedback.find import Found, find
from shipper.feedback.requests import Requests
from shipper.feedback.rounds import due, rounds, unjoined
from shipper.record.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from elasticsearch import Elasticsearch

    from shipper.feedback.documents import Event, Place
    from shipper.feedback.find import About
    from shipper.feedback.mark import Mark
    from shipper.settings import Settings

_PART = 1000  # completions, or events, that are written by one thread at once


@dataclass(slots=True)
class Report:
    """What one run did."""

    events: int = 0
    """Events that were looked at."""
    joined: int = 0
    """Of these, the ones that are on their completions now and were not before."""
    waiting: int = 0
    expired: int = 0
    completions: int = 0
    """Completions that were changed."""
    conflicts: int = 0
    """Writes that somebody else was before; they were merged again."""
    failed: Counter[str] = field(default_factory=Counter[str])
    """Events whose completion, or whose mark, could not be written, by the store's reason; they are tried again."""

    def add(self, *others: Report) -> None:
        """Count other parts of the run too."""
        for other in others:
            for name in ("events", "joined", "waiting", "expired", "completions", "conflicts"):
                setattr(self, name, getattr(self, name) + getattr(other, name))
            self.failed += other.failed


class Joiner:
    """Joins what waits. Not thread-safe; run several instead."""

    def __init__(
        self, client: Elasticsearch, settings: Settings, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Prepare.

        Args:
            client: the store.
            settings: which evaluations are better when low, and how long completions are kept.
            now_ns: the clock, ns since the epoch.
        """
        self._requests = Requests(client)
        self._lower_is_better = frozenset(settings.lower_is_better)
        self._window = plan.window_days(settings.retention_days)
        self._at_once = settings.connections
        self._now_ns = now_ns

    def run(self, *, stopped: Callable[[], bool] = lambda: False) -> Report:
        """Look for the completions of every event that is due, once.

        Args:
            stopped: asked between batches; True ends the run early.

        Raises:
            ApiError, TransportError: the store refused or did not answer. What was done until then stays, and the
                next run goes on from there.
        """
        return self._run(due(format_time(self._now_ns())), stopped, anywhere=False)

    def rejoin(
        self, *, application: str | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Report:
        """Look once more, and in every partition, for the completions of events that were given up or wait.

        Raises:
            ApiError, TransportError: as `run`.
        """
        return self._run(unjoined(application), stopped, anywhere=True)

    def findable(self, *, application: str | None = None) -> list[Event]:
        """The events that were given up, or wait, and that `rejoin` would join now. Changes nothing.

        Raises:
            ApiError, TransportError: as `run`.
        """
        out: list[Event] = []
        for events in rounds(self._requests, unjoined(application), lambda: False):
            for one in self._looked_up(events, None):
                there: set[Found] = set()
                for part in _parts(one.about):
                    for batch in self._read(part, whole=False):
                        there.update(found for _, own in batch for found in own)
                out += [found.event for found in one.found if found in there]
        return out

    def _run(self, query: dict[str, Any], stopped: Callable[[], bool], *, anywhere: bool) -> Report:
        """All rounds of a query: while the events of one are marked, those of the next are looked up."""
        total = Report()
        window = None if anywhere else self._window
        marking: list[Future[Report]] = []
        workers = ThreadPoolExecutor(self._at_once)
        try:
            begun = rounds(self._requests, query, stopped)
            for one in (one for events in begun for one in self._looked_up(events, window)):
                total.add(*(future.result() for future in marking))
                marking = []
                if not self._write(workers, one.about, total, stopped):
                    break
                marking = [
                    workers.submit(self._mark, one.found[start : start + _PART], one.at_ns, anywhere=anywhere)
                    for start in range(0, len(one.found), _PART)
                ]
                one.forget()
            total.add(*(future.result() for future in marking))
        finally:
            workers.shutdown(cancel_futures=True)
        return total

    def _looked_up(self, events: list[Event], window: int | None) -> Iterator[_Round]:
        """The events with their places: at once, or in halves if these are too many."""
        at_ns = self._now_ns()
        found = [Found(event) for event in events]
        events.clear()
        about = find(self._requests, found, window)
        if about is not None:
            yield _Round(found, about, at_ns)
            return
        half = len(found) // 2
        for part in (found[:half], found[half:]):
            yield from self._looked_up([one.event for one in part], window)

    def _write(
        self, workers: ThreadPoolExecutor, about: About, total: Report, stopped: Callable[[], bool]
    ) -> bool:
        """Merge events into their completions; whether all were done before it was stopped."""
        begun = [workers.submit(self._merge, part) for part in _parts(about)]
        for number, one in enumerate(begun):
            if stopped():
                running = [rest for rest in begun[number:] if not rest.cancel()]
                total.add(*(rest.result() for rest in running))
                return False
            total.add(one.result())
        return True

    def _merge(self, part: Sequence[tuple[Place, list[Found]]]) -> Report:
        """Merge events into some completions, in a thread of its own."""
        report = Report()
        for batch in self._read(part, whole=True):
            targets = [Target(completion.stored, [one.event for one in own]) for completion, own in batch]
            counts = apply(self._requests, targets, self._lower_is_better)
            report.completions += counts.changed
            report.conflicts += counts.conflicts
            for (completion, own), target in zip(batch, targets, strict=True):
                match = Match(completion)
                for one in own:
                    if target.outcome is Outcome.HOLDS:
                        one.holding[match.place] = match
                        one.by_own_key |= one.has_own_key_of(completion)
                    elif target.outcome is Outcome.FAILED:
                        one.fault = target.reason
        return report

    def _read(
        self, part: Sequence[tuple[Place, list[Found]]], *, whole: bool
    ) -> Iterator[list[tuple[Completion, list[Found]]]]:
        """Completions as they are now, and the events that are about them, batch by batch."""
        about = dict(part)
        for batch in self._requests.read([place for place, _ in part], whole=whole):
            read: list[tuple[Completion, list[Found]]] = []
            for place, stored in batch.items():
                completion = Completion(stored)
                own = [one for one in dict.fromkeys(about[place]) if one.is_about(completion)]
                if own:
                    read.append((completion, own))
            yield read

    def _mark(self, found: Sequence[Found], looked_ns: int, *, anywhere: bool) -> Report:
        """Write to each event what became of it, in a thread of its own."""
        report = Report(len(found))
        what = (self._mark_of(one, looked_ns, report, anywhere=anywhere) for one in found)
        marks = [one for one in what if one is not None]
        answers = self._requests.write(one.write() for one in marks)
        beaten = [  # a mark that another joiner was before gives way, unless it is firm
            one for one, answer in zip(marks, answers, strict=True) if answer.is_conflict and one.is_firm
        ]
        answers += self._requests.write(one.again() for one in beaten)
        report.failed.update(answer.refusal for answer in answers if answer.refusal)
        return report

    def _mark_of(self, found: Found, looked_ns: int, report: Report, *, anywhere: bool) -> Mark | None:
        """What the event is to say about itself; None: what it says already."""
        event = found.event
        if found.refused:
            report.expired += not anywhere
            return None if anywhere else mark.expired(event, looked_ns, found.refused)
        if found.fault:
            report.failed[found.fault] += 1
            return None if anywhere else mark.waiting(event, looked_ns, self._window)
        if found.holding:
            report.joined += not event.is_joined
            now_ns = self._now_ns()
            matches = found.holding.values()
            return mark.joined(event, matches, now_ns, looked_ns=looked_ns, look_again=found.by_own_key)
        if anywhere:
            return None
        if event.is_joined:  # the second look was for nothing
            return mark.settled(event)
        if looked_ns >= plan.expires_ns(event.arrived_ns, self._window):
            report.expired += 1
            return mark.expired(event, looked_ns)
        report.waiting += 1
        return mark.waiting(event, looked_ns, self._window)


@dataclass(slots=True)
class _Round:
    """Events, where their completions lie, and when that was looked for."""

    found: list[Found]
    about: About
    at_ns: int

    def forget(self) -> None:
        """Make room for the next one."""
        self.found, self.about = [], {}


def _parts(about: About) -> Iterator[list[tuple[Place, list[Found]]]]:
    """The completions in order, a thread's work each; where it can be, of an index all together."""
    part: list[tuple[Place, list[Found]]] = []
    for place in sorted(about):
        ends = part and part[-1][0].index != place.index and len(part) >= _PART // 2
        if ends or len(part) == _PART:
            yield part
            part = []
        part.append((place, about[place]))
    if part:
        yield part
