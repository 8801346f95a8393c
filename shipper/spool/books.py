"""Add up the books of a home's processes, living and dead, from what lies on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.record.entry import sequence_of
from shipper.spool.folder import InstanceFolder, instance_folders
from shipper.spool.ledger import Balance, Ledger, load_json

if TYPE_CHECKING:
    from pathlib import Path

_NEWLINE = 10
_KEEP_FINISHED_S = 30 * 86_400
_TAIL_BYTES = 1 << 16


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
    return [_process_books(folder) for folder in instance_folders(root)]


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
    return Balance(
        accepted=max(ledger.sequence_high, int(drops.get("sequence_high", 0)), _last_sequence(folder)),
        delivered=ledger.delivered,
        duplicate=ledger.duplicate,
        conflicting=ledger.conflicting,
        dead_lettered=ledger.dead_lettered,
        dropped=dropped,
        pending=pending_lines(folder, ledger),
    )


def pending_lines(folder: InstanceFolder, ledger: Ledger) -> int:
    """Complete lines behind the confirmed position. Raises OSError if the folder can't be read."""
    return sum(
        count_lines(folder, number, ledger.offset if number == ledger.segment else 0)
        for number in folder.segments()
        if number >= ledger.segment
    )


def count_lines(folder: InstanceFolder, number: int, offset: int = 0) -> int:
    """Complete lines of a segment behind an offset; 0 when it is gone. Raises OSError if it can't be read."""
    count = 0
    try:
        with folder.segment(number).open("rb", buffering=0) as file:
            file.seek(offset)
            while block := file.read(1 << 20):
                count += block.count(_NEWLINE)
    except FileNotFoundError:
        return 0
    return count


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


def _last_sequence(folder: InstanceFolder) -> int:
    """The highest sequence number that lies in the segments: that of the last complete line."""
    for number in reversed(folder.segments()):
        try:
            with folder.segment(number).open("rb") as file:
                size = file.seek(0, 2)
                reach = _TAIL_BYTES
                while True:
                    file.seek(max(0, size - reach))
                    tail = file.read()
                    end = tail.rfind(b"\n")
                    start = tail.rfind(b"\n", 0, max(end, 0)) + 1
                    if end < 0 and reach >= size:
                        break
                    if end >= 0 and (start > 0 or reach >= size):
                        return sequence_of(tail[start:end]) or 0
                    reach *= 4
        except FileNotFoundError:
            continue
    return 0
