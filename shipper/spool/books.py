"""Add up the books of a home's processes, living and dead, from what lies on the disk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.record.entry import highest_sequence
from shipper.spool.folder import InstanceFolder, instance_folders
from shipper.spool.ledger import Balance, Ledger, load_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_KEEP_FINISHED_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class ProcessBooks:
    """How one process's books stand."""

    instance: str
    alive: bool
    pid: int | None
    command: str
    spool_bytes: int
    oldest_pending_at: float | None  # epoch seconds: when the oldest segment with pending events was begun
    balance: Balance


def read_books(root: Path) -> list[ProcessBooks]:
    """The books of every process that still has a folder in the spool.

    Raises:
        OSError: the spool can't be read.
    """
    return [
        _process_books(folder)
        for folder in instance_folders(root)
        if not folder.finished_ledger().exists()  # else it is being removed, or who did so was killed
    ]


def finished_balance(root: Path) -> Balance:
    """The sum over the processes of which everything is decided. Raises OSError if it can't be read."""
    return Balance.total(finished_books(root).values())


def finished_books(root: Path) -> dict[str, Balance]:
    """The last books of each process of which everything is decided. Raises OSError if they can't be read."""
    folder = root / "finished"
    if not folder.is_dir():
        return {}
    return {path.stem: Balance(**load_json(path)) for path in sorted(folder.glob("*.json"))}


def forget_finished(root: Path, now: float) -> None:
    """Drop the sums of processes that finished more than 30 days before `now` (epoch seconds).

    Raises:
        OSError: the spool can't be changed.
    """
    folder = root / "finished"
    if folder.is_dir():
        for path in folder.glob("*.json"):
            if path.stat().st_mtime < now - _KEEP_FINISHED_S:
                path.unlink(missing_ok=True)


def dead_balance(folder: InstanceFolder, ledger: Ledger) -> Balance:
    """The books of a process from its ledger, its drops and what is still in its segments.

    Raises:
        OSError: the folder can't be read.
    """
    drops = load_json(folder.dropped)
    dropped = dict(ledger.dropped)
    for reason, count in drops.get("dropped", {}).items():
        dropped[reason] = dropped.get(reason, 0) + count
    pending, highest = count_lines(undecided_lines(folder, ledger), ledger.sequence_high)
    return Balance(
        accepted=max(highest, int(drops.get("sequence_high", 0))),
        delivered=ledger.delivered,
        duplicate=ledger.duplicate,
        conflicting=ledger.conflicting,
        dead_lettered=ledger.dead_lettered,
        dropped=dropped,
        pending=pending,
    )


def undecided_lines(folder: InstanceFolder, ledger: Ledger) -> Iterator[bytes]:
    """Complete lines behind the confirmed position.

    Raises:
        OSError: the folder can't be read.
    """
    for number in folder.segments():
        if number >= ledger.segment:
            yield from complete_lines(folder, number, ledger.offset if number == ledger.segment else 0)


def complete_lines(folder: InstanceFolder, number: int, offset: int) -> Iterator[bytes]:
    """Those of a segment behind an offset.

    Raises:
        OSError: it can't be read; one that is gone has no lines.
    """
    with suppress(FileNotFoundError), folder.segment(number).open("rb", buffering=1 << 20) as file:
        file.seek(offset)
        yield from (line for line in file if line.endswith(b"\n"))


def count_lines(lines: Iterable[bytes], highest: int) -> tuple[int, int]:
    """How many there are, and the highest sequence number with that known before. Raises OSError as reading them does."""
    count = 0
    for line in lines:
        count += 1
        highest = highest_sequence((line,), highest)
    return count, highest


def _process_books(folder: InstanceFolder) -> ProcessBooks:
    ledger = Ledger.load(folder.ledger)
    process = folder.process()
    pid = process.get("pid")
    waiting = [number for number in folder.segments() if number >= ledger.segment]
    balance = dead_balance(folder, ledger)
    oldest = None
    if balance.pending and waiting:
        try:
            oldest = folder.segment(waiting[0]).stat().st_mtime
        except FileNotFoundError:
            oldest = None
    return ProcessBooks(
        instance=folder.instance,
        alive=folder.writer_lives(),
        pid=pid if isinstance(pid, int) else None,
        command=str(process.get("command", "")),
        spool_bytes=folder.size(),
        oldest_pending_at=oldest,
        balance=balance,
    )
