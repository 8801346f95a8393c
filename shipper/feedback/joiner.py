"""The joiner: events that wait, their completions, the merge, and the mark that says so.

    events that are due ─▶ find ─▶ apply: completions written ─▶ mark: events written

The order makes it safe to be killed anywhere: an event is marked after its completions hold it, and to merge it once
more changes nothing. Any number of joiners may run: a write names the version that it was made from, and after a
conflict the completion is read anew, not from the search, which may be behind.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shipper.feedback import mark, plan
from shipper.feedback.apply import Outcome, Target, apply
from shipper.feedback.find import find
from shipper.feedback.requests import PAGE_MAX, Requests
from shipper.record.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from elasticsearch import Elasticsearch

    from shipper.feedback.documents import Place
    from shipper.feedback.find import Found
    from shipper.feedback.mark import Mark
    from shipper.settings import Settings

_FIRST_PAGE = 500
_ROUND = 20_000  # events
_ROUND_BYTES = 32 * 1024 * 1024  # of events: one may carry a megabyte
_ANSWERS = 4  # full of completions, 24 MB each


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
    """Events whose completion could not be written, by the store's reason; they are tried again."""

    def add(self, other: Report) -> None:
        """Count another part of the run too."""
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
        return self._run(_due(format_time(self._now_ns())), stopped, anywhere=False)

    def rejoin(
        self, *, application: str | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Report:
        """Look once more, and in every partition, for the completions of events that were given up.

        Raises:
            ApiError, TransportError: as `run`.
        """
        return self._run(_given_up(application), stopped, anywhere=True)

    def findable(self, *, application: str | None = None) -> list[Found]:
        """The events that were given up and that `rejoin` would join now. Changes nothing.

        Raises:
            ApiError, TransportError: as `run`.
        """
        out: list[Found] = []
        after: list[Any] | None = None
        while True:
            events, after = self._requests.events(_given_up(application), _FIRST_PAGE, after)
            found = find(self._requests, events, None)
            out += [one for one in found if one.completions and not one.refused]
            if after is None:
                return out

    def _run(self, query: dict[str, Any], stopped: Callable[[], bool], *, anywhere: bool) -> Report:
        """All rounds of a query: while one is written, the next one is looked up."""
        total = Report()
        with ThreadPoolExecutor(self._at_once) as writers:
            begun: deque[Future[Report]] = deque()
            for found in self._rounds(query, stopped, anywhere=anywhere):
                begun.append(writers.submit(self._join, found, anywhere=anywhere))
                if len(begun) >= self._at_once:
                    total.add(begun.popleft().result())
            for one in begun:
                total.add(one.result())
        return total

    def _rounds(
        self, query: dict[str, Any], stopped: Callable[[], bool], *, anywhere: bool
    ) -> Iterator[list[Found]]:
        """The events with their completions, as many at once as there is memory for.

        A round takes several pages of events: whatever it writes to a shard costs that one a refresh, a sync and a
        segment, be it one completion or a hundred.
        """
        window = None if anywhere else self._window
        found: list[Found] = []
        event_bytes = completions = 0
        after: list[Any] | None = None
        size = _FIRST_PAGE
        while not stopped():
            events, after = self._requests.events(query, size, after)
            page = find(self._requests, events, window)
            found += page
            event_bytes += sum(event.stored.pack() for event in events)
            completions += sum(len(one.completions) for one in page)
            most = round_of(len(found), event_bytes, completions, self._requests.hits_at_once)
            if after is None or len(found) > most * 3 // 4:
                yield found
                found, event_bytes, completions = [], 0, 0
            if after is None:
                return
            size = max(1, min(PAGE_MAX, 4 * size, most - len(found)))
        if found:
            yield found

    def _join(self, found: Sequence[Found], *, anywhere: bool) -> Report:
        """Merge a round of events into their completions, then mark them."""
        report = Report(len(found))
        targets: dict[Place, Target] = {}
        for one in found:
            for place, completion in one.completions.items():
                targets.setdefault(place, Target(completion.stored)).events.append(one.event)
        by_index = [targets[place] for place in sorted(targets)]  # so that few bulks go to a shard
        counts = apply(self._requests, by_index, self._lower_is_better)
        report.completions, report.conflicts = counts.changed, counts.conflicts
        marks = (self._mark(one, targets, report, anywhere=anywhere) for one in found)
        self._write_marks([one for one in marks if one is not None])
        return report

    def _mark(
        self, found: Found, targets: dict[Place, Target], report: Report, *, anywhere: bool
    ) -> Mark | None:
        """What the event is to say about itself; None: what it says already."""
        event, now_ns = found.event, self._now_ns()
        if found.refused:
            report.expired += not anywhere
            return None if anywhere else mark.expired(event, now_ns, found.refused)
        own = [targets[place] for place in found.completions]
        fault = next((target.reason for target in own if target.outcome is Outcome.FAILED), None)
        if fault is not None:
            report.failed[fault] += 1
            return None if anywhere else mark.waiting(event, now_ns, self._window)
        holding = [
            completion
            for place, completion in found.completions.items()
            if targets[place].outcome is Outcome.HOLDS
        ]
        if holding:
            report.joined += not event.is_joined
            return mark.joined(event, holding, now_ns, look_again=found.by_own_key)
        if anywhere:
            return None
        if event.is_joined:  # the second look was for nothing
            return mark.settled(event)
        if now_ns >= plan.expires_ns(event.arrived_ns, self._window):
            report.expired += 1
            return mark.expired(event, now_ns)
        report.waiting += 1
        return mark.waiting(event, now_ns, self._window)

    def _write_marks(self, marks: Sequence[Mark]) -> None:
        """A mark that another joiner was before gives way, unless it is firm."""
        answers = self._requests.write(one.write() for one in marks)
        beaten = [
            one for one, answer in zip(marks, answers, strict=True) if answer.is_conflict and one.is_firm
        ]
        self._requests.write(one.again() for one in beaten)


def round_of(events: int, event_bytes: int, completions: int, hits_at_once: int) -> int:
    """How many events a round may have, being like those that it has. Pure.

    Args:
        events: those that it has.
        event_bytes: their JSON, all together.
        completions: those found for them.
        hits_at_once: of how many completions one answer of the store may consist, being as large as they are.
    """
    by_bytes = _ROUND_BYTES * events // max(1, event_bytes)
    by_completions = _ANSWERS * hits_at_once * events // completions if completions else _ROUND
    return min(_ROUND, by_bytes, by_completions)


def _due(now: str) -> dict[str, Any]:
    """Events that are neither settled nor to be looked for later; one that says nothing of itself has just come."""
    settled = {
        "bool": {
            "filter": [{"terms": {"llm.join.status": ["joined", "expired"]}}],
            "must_not": [{"exists": {"field": "llm.join.next_attempt_at"}}],
        }
    }
    later = {"range": {"llm.join.next_attempt_at": {"gt": now}}}
    return {"bool": {"must_not": [settled, later]}}


def _given_up(application: str | None) -> dict[str, Any]:
    filters: list[dict[str, Any]] = [{"term": {"llm.join.status": "expired"}}]
    if application is not None:
        filters.append({"term": {"llm.application.name": application}})
    return {"bool": {"filter": filters}}
