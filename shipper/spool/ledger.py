"""The books: accepted = delivered + duplicate + conflicting + dead-lettered + dropped (by reason) + pending.

`Ledger` is what the drainer of one folder writes down, together with the position up to which everything is
decided: one atomic file, so that position and counts can't disagree after a crash. `Tally` is what one batch
came to. `Balance` is the sum that people read.
"""

from __future__ import annotations

import errno
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one batch."""

    delivered: int = 0
    duplicate: int = 0
    conflicting: int = 0
    dead_lettered: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """Confirmed position in a folder's segments, and what became of everything before it."""

    segment: int = 1
    offset: int = 0
    sequence_high: int = 0
    delivered: int = 0
    duplicate: int = 0
    conflicting: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])

    def after(self, tally: Tally, *, segment: int, offset: int, sequence_high: int) -> Ledger:
        """The ledger once a batch that ends at this position is decided."""
        return replace(
            self,
            segment=segment,
            offset=offset,
            sequence_high=max(self.sequence_high, sequence_high),
            delivered=self.delivered + tally.delivered,
            duplicate=self.duplicate + tally.duplicate,
            conflicting=self.conflicting + tally.conflicting,
            dead_lettered=self.dead_lettered + tally.dead_lettered,
        )

    def with_dropped(self, reason: str, count: int) -> Ledger:
        """The ledger with more events given up by the drainer."""
        return replace(self, dropped={**self.dropped, reason: self.dropped.get(reason, 0) + count})

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """The stored ledger; a missing or unreadable one is a new one (events are then sent again, not lost).

        Never raises on content; OSError only for a folder that can't be read.
        """
        return cls(**_known(load_json(path), cls))

    def save(self, path: Path) -> None:
        """Replace the stored ledger atomically.

        Raises:
            OSError: the disk is full or read-only; the old ledger stays.
        """
        save_json(path, asdict(self))


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of one or many processes. `accepted` counts every log call; the rest says where they are."""

    accepted: int = 0
    delivered: int = 0
    duplicate: int = 0
    conflicting: int = 0
    dead_lettered: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    pending: int = 0

    @property
    def difference(self) -> int:
        """Accepted events that no column accounts for; 0 when the books balance."""
        decided = self.delivered + self.duplicate + self.conflicting + self.dead_lettered
        return self.accepted - decided - sum(self.dropped.values()) - self.pending

    @classmethod
    def total(cls, balances: Iterable[Balance]) -> Balance:
        """The sum of several."""
        accepted = delivered = duplicate = conflicting = dead = pending = 0
        dropped: dict[str, int] = {}
        for one in balances:
            accepted += one.accepted
            delivered += one.delivered
            duplicate += one.duplicate
            conflicting += one.conflicting
            dead += one.dead_lettered
            pending += one.pending
            for reason, count in one.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + count
        return cls(accepted, delivered, duplicate, conflicting, dead, dropped, pending)


def load_json(path: Path) -> dict[str, Any]:
    """A small JSON object from a file; missing or broken is empty. Raises OSError if it can't be read."""
    try:
        loaded = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def save_json(path: Path, value: dict[str, Any]) -> None:
    """Write a small JSON object through a temporary name, so that a reader sees the old or the new one.

    Raises:
        OSError: it could not be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:  # by system calls: file objects can't be made any more while the interpreter shuts down
        text = orjson.dumps(value)
        if os.write(descriptor, text) != len(text):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
    finally:
        os.close(descriptor)
    temporary.replace(path)


def _known(stored: dict[str, Any], cls: type[Ledger]) -> dict[str, Any]:
    return {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
