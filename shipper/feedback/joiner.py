"""The joiner: events that wait, their completions, the merge, and the mark that says so.

    events that are due ─▶ find ─▶ merge ─▶ completions written ─▶ events marked

The order makes it safe to be killed anywhere: an event is marked after its completions hold it, and to merge it once
more changes nothing. Any number of joiners may run: a write names the version that it was made from, and after a
conflict the completion is read anew, not from the search, which may be behind.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from shipper.feedback import plan
from shipper.feedback.amend import amend
from shipper.feedback.find import find
from shipper.feedback.mark import expired_mark, is_joined, joined_mark, settled_mark, waiting_mark
from shipper.feedback.merge import entry_of, merge
from shipper.feedback.requests import Place, Requests, Stored, Write
from shipper.record.amendment import value_at
from shipper.record.feedback import AMENDMENT
from shipper.record.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elasticsearch import Elasticsearch

    from shipper.feedback.find import Found
    from shipper.settings import Settings

_PAGE = 1000
_PAGE_BYTES = 16 * 1024 * 1024  # amendments may carry a megabyte each
_ROUNDS: Final = 10  # of conflicts; who loses so often leaves it to the others


@dataclass(slots=True)
class Report:
    """What one run did."""

    events: int = 0
    joined: int = 0
    waiting: int = 0
    expired: int = 0
    completions: int = 0
    """Completions that were changed."""
    conflicts: int = 0
    """Writes that somebody else was before."""
    failed: Counter[str] = field(default_factory=Counter[str])
    """Events whose completion could not be written, by the store's reason; they are tried again."""


@dataclass(slots=True)
class _Target:
    """A completion and the events that are about it."""

    stored: Stored
    events: list[Stored] = field(default_factory=list[Stored])
    outcome: str = ""
    """`written`, `gone`, or the reason why not."""

    @property
    def is_amended(self) -> bool:
        return any(value_at(event.source, "event.dataset") == AMENDMENT for event in self.events)


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
        self._now_ns = now_ns

    def run(self, *, stopped: Callable[[], bool] = lambda: False) -> Report:
        """Look for every event that is due, once.

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
        return self._run(_expired(application), stopped, anywhere=True)

    def findable(self, *, application: str | None = None, limit: int = 10_000) -> list[Found]:
        """The events that were given up and that `rejoin` would join now. Changes nothing.

        Raises:
            ApiError, TransportError: as `run`.
        """
        out: list[Found] = []
        after: list[Any] | None = None
        while len(out) < limit:
            events, after = self._requests.events(_expired(application), _PAGE, after)
            found = find(self._requests, events, (plan.EVERYWHERE,)) if events else []
            out += [one for one in found if one.completions and not one.refused]
            if after is None:
                break
        return out[:limit]

    def _run(self, query: dict[str, Any], stopped: Callable[[], bool], *, anywhere: bool) -> Report:
        report = Report()
        after: list[Any] | None = None
        size = _PAGE
        while not stopped():
            events, after = self._requests.events(query, size, after)
            if events:
                self._join(events, report, anywhere=anywhere)
                size = next_page(len(events), sum(len(orjson.dumps(event.source)) for event in events))
            if after is None:
                break
        return report

    def _join(self, events: Sequence[Stored], report: Report, *, anywhere: bool) -> None:
        patterns = (
            (plan.EVERYWHERE,)
            if anywhere
            else plan.patterns_of(plan.span_of(event.source, self._window) for event in events)
        )
        found = find(self._requests, events, patterns)
        targets: dict[Place, _Target] = {}
        for one in found:
            for place, completion in one.completions.items():
                targets.setdefault(place, _Target(completion)).events.append(one.event)
        self._write(targets, report)
        marks = [mark for one in found if (mark := self._mark(one, targets, report, anywhere=anywhere))]
        self._requests.write(marks)  # a mark that somebody else was before is as good

    def _write(self, targets: dict[Place, _Target], report: Report) -> None:
        """Write the merges, over and over for those that somebody else wrote to meanwhile."""
        left = targets
        self._reread([target for target in left.values() if target.is_amended], whole=True)
        for _ in range(_ROUNDS):
            writes = [
                write
                for target in left.values()
                if not target.outcome and (write := self._merged(target)) is not None
            ]
            answers = self._requests.write(writes)
            conflicting: dict[Place, _Target] = {}
            for write, answer in zip(writes, answers, strict=True):
                target = left[write.place]
                if answer.is_conflict:
                    conflicting[write.place] = target
                elif answer.done:
                    target.outcome = "written"
                    report.completions += 1
                else:
                    target.outcome = "gone" if answer.is_gone else answer.reason or f"status {answer.status}"
            report.conflicts += len(conflicting)
            if not conflicting:
                return
            left = conflicting
            amended = [target for target in left.values() if target.is_amended]
            self._reread(amended, whole=True)
            self._reread([target for target in left.values() if not target.is_amended], whole=False)
        for target in left.values():
            target.outcome = "too many writers at once"

    def _reread(self, targets: list[_Target], *, whole: bool) -> None:
        if not targets:
            return
        now = self._requests.read([target.stored.place for target in targets], whole=whole)
        for target in targets:
            stored = now.get(target.stored.place)
            if stored is None:
                target.outcome = "gone"
            else:
                target.stored = stored

    def _merged(self, target: _Target) -> Write | None:
        """The write that the completion needs; None, and `written`, when it holds the events already."""
        stored = target.stored
        source = stored.source
        events = [event.source for event in target.events]
        amendments = [event for event in events if value_at(event, "event.dataset") == AMENDMENT]
        entries = [entry_of(event) for event in events if value_at(event, "event.dataset") != AMENDMENT]
        before = value_at(source, "llm.feedback") or {}
        group = before
        if entries:
            ended_at = value_at(source, "event.end") or source.get("@timestamp")
            group = merge(before, entries, ended_at=ended_at, lower_is_better=self._lower_is_better)
        if amendments:
            body = amend(source, amendments)
            if group:
                body["llm"]["feedback"] = group
            if body != source:
                return Write(stored.place, body, stored, partial=False)
        elif group != before:
            return Write(stored.place, {"llm": {"feedback": group}}, stored)
        target.outcome = "written"
        return None

    def _mark(
        self, found: Found, targets: dict[Place, _Target], report: Report, *, anywhere: bool
    ) -> Write | None:
        """What the event is to say about itself; None: what it says already."""
        event, now_ns = found.event, self._now_ns()
        report.events += 1
        if found.refused:
            report.expired += 1
            return None if anywhere else expired_mark(event, now_ns, found.refused)
        outcomes = [targets[place].outcome for place in found.completions]
        holding = [
            targets[place].stored for place in found.completions if targets[place].outcome == "written"
        ]
        faults = [outcome for outcome in outcomes if outcome not in ("written", "gone")]
        if faults:
            report.failed[faults[0]] += 1
            return None if anywhere else waiting_mark(event, now_ns, self._window)
        if holding:
            report.joined += not is_joined(event)
            return joined_mark(event, holding, now_ns, look_again=found.by_own_key)
        if anywhere:
            return None
        if is_joined(event):  # the second look was for nothing
            return settled_mark(event)
        if now_ns >= plan.expires_ns(event.source, self._window):
            report.expired += 1
            return expired_mark(event, now_ns, "")
        report.waiting += 1
        return waiting_mark(event, now_ns, self._window)


def next_page(size: int, page_bytes: int) -> int:
    """How many events to read next, after `size` of them weighed about `page_bytes`. Pure."""
    return max(1, min(_PAGE, size * 2, _PAGE_BYTES * size // max(1, page_bytes)))


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


def _expired(application: str | None) -> dict[str, Any]:
    filters: list[dict[str, Any]] = [{"term": {"llm.join.status": "expired"}}]
    if application is not None:
        filters.append({"term": {"llm.application.name": application}})
    return {"bool": {"filter": filters}}
