"""Writing the merges: each completion with all events that a batch has for it, until it holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from shipper.feedback.amend import amend
from shipper.feedback.merge import entry_of, merge
from shipper.feedback.writes import Write
from shipper.record.amendment import value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shipper.feedback.documents import Event, Place, Stored
    from shipper.feedback.requests import Requests
    from shipper.feedback.writes import Written

NO_UNICODE: Final = "its text is no Unicode, and an amendment needs the whole of it"

_ROUNDS: Final = 10  # of conflicts; who loses so often leaves it to the others


class Outcome(Enum):
    """What became of a completion that was to be written."""

    HOLDS = "holds"  # it holds the events, written now or before
    GONE = "gone"  # it was deleted since it was found
    FAILED = "failed"  # the store did not take it, for the reason given


@dataclass(slots=True)
class Target:
    """A completion, and the events that are about it."""

    stored: Stored
    events: list[Event] = field(default_factory=list["Event"])
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def is_amended(self) -> bool:
        """Whether the whole document is needed."""
        return any(event.is_amendment for event in self.events)

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        """It has an outcome now."""
        self.outcome, self.reason = outcome, reason


class Counts:
    """Completions that were changed, and writes that somebody else was before."""

    __slots__ = ("changed", "conflicts")

    def __init__(self) -> None:
        self.changed = 0
        self.conflicts = 0


def apply(requests: Requests, targets: Sequence[Target], lower_is_better: frozenset[str]) -> Counts:
    """Write the merge of each completion; over and over for those that somebody else wrote to meanwhile.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    counts = Counts()
    partial = [target for target in targets if target.is_amended and not target.stored.is_whole]
    _read_again(requests, partial, whole=True)
    for _ in range(_ROUNDS):
        written: list[Target] = []
        answers = requests.write(_writes(targets, lower_is_better, written))
        for target, answer in zip(written, answers, strict=True):
            _settle(target, answer)
        counts.changed += sum(target.outcome is Outcome.HOLDS for target in written)
        targets = [target for target in written if target.outcome is None]
        if not targets:
            return counts
        counts.conflicts += len(targets)
        for whole in (True, False):
            _read_again(requests, [target for target in targets if target.is_amended is whole], whole=whole)
    for target in targets:
        target.settle(Outcome.FAILED, "too many writers at once")
    return counts


def _writes(
    targets: Iterable[Target], lower_is_better: frozenset[str], written: list[Target]
) -> Iterator[Write]:
    """One after the other, as they are sent: the bodies of a round take much memory. `written` gets their targets."""
    for target in targets:
        if target.outcome is not None:
            continue
        if (write := merged(target, lower_is_better)) is None:
            target.settle(Outcome.HOLDS)
        else:
            written.append(target)
            yield write


def _settle(target: Target, answer: Written) -> None:
    """What the store's answer means; after a conflict the target stays open."""
    if answer.done:
        target.settle(Outcome.HOLDS)
    elif answer.is_gone:
        target.settle(Outcome.GONE)
    elif answer.refusal:
        target.settle(Outcome.FAILED, answer.refusal)


def merged(target: Target, lower_is_better: frozenset[str]) -> Write | None:
    """The write that makes the completion hold its events; None when it holds them already. Pure."""
    stored, source = target.stored, target.stored.source
    entries = [entry_of(event.stored.source) for event in target.events if not event.is_amendment]
    before: dict[str, Any] = value_at(source, "llm.feedback") or {}
    group = before
    if entries:
        ended_at = value_at(source, "event.end") or source.get("@timestamp")
        group = {**before, **merge(before, entries, ended_at=ended_at, lower_is_better=lower_is_better)}
    if target.is_amended:
        body = amend(source, [event.stored.source for event in target.events if event.is_amendment])
        if group:
            body["llm"]["feedback"] = group
        return Write(stored.place, body, stored, partial=False) if body != source else None
    if group == before:
        return None
    change = {"llm": {"feedback": group}}
    if not stored.is_whole:
        return Write(stored.place, change, stored)
    body = {**source, "llm": {**source["llm"], "feedback": group}}
    return Write(stored.place, body, stored, partial=False, change=change)


def _read_again(requests: Requests, targets: Sequence[Target], *, whole: bool) -> None:
    """The completions as they are now: a search shows them as of the last refresh."""
    if not targets:
        return
    now: dict[Place, Stored] = {}
    for batch in requests.read([target.stored.place for target in targets], whole=whole):
        now |= batch
    for target in targets:
        stored = now.get(target.stored.place)
        if stored is None:
            target.settle(Outcome.GONE)
        elif stored.is_whole or not whole:
            target.stored = stored
        elif len(targets) > 1:  # the fault may be another's
            _read_again(requests, [target], whole=True)
        else:
            target.settle(Outcome.FAILED, NO_UNICODE)
