"""The reader of a spool folder: positions, torn tails, commits in any order."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipper.spool.books import dead_balance, finished_balance, read_books
from shipper.spool.folder import InstanceFolder, create_folder, instance_name
from shipper.spool.ledger import Balance, Ledger, Tally
from shipper.spool.lock import FileLock
from shipper.spool.reader import FolderReader
from shipper.spool.segment import SegmentFile

if TYPE_CHECKING:
    from pathlib import Path


def _line(sequence: int, size: int = 20) -> bytes:
    return b'{"seq":%d,"x":"%b"}\n' % (sequence, b"y" * size)


@pytest.fixture
def folder(home: Path) -> tuple[InstanceFolder, FileLock, FileLock]:
    """A folder with both of its locks."""
    return create_folder(home / "spool", instance_name())


def _sequences(lines: list[bytes]) -> list[int]:
    return [orjson.loads(line)["seq"] for line in lines]


def _take_all(reader: FolderReader, max_events: int = 3) -> list[int]:
    found: list[int] = []
    while batch := reader.take(max_events, 1 << 16):
        found += _sequences(batch.lines)
        reader.commit(batch, Tally(delivered=len(batch.lines)))
    return found


def test_lines_come_in_order_over_segments(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """All lines of all segments, once each."""
    place, _, lock = folder
    place.segment(1).write_bytes(b"".join(_line(number) for number in range(1, 8)))
    place.segment(2).write_bytes(b"".join(_line(number) for number in range(8, 12)))
    reader = FolderReader(place, lock)
    assert _take_all(reader) == list(range(1, 12))
    assert place.segments() == [2]


def test_a_torn_tail_is_not_an_event(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """A line without its end was never accepted: it is passed over, also when a later segment follows."""
    place, writer, lock = folder
    place.segment(1).write_bytes(_line(1) + b'{"seq":2,"x":"yy')
    place.segment(2).write_bytes(_line(3) + b'{"seq":4')
    reader = FolderReader(place, lock)
    assert _take_all(reader) == [1, 3]
    writer.release()
    assert reader.exhausted()


def test_a_line_that_grows_is_taken_when_it_is_whole(
    folder: tuple[InstanceFolder, FileLock, FileLock],
) -> None:
    """A line that is being written is left for the next look."""
    place, _, lock = folder
    whole = _line(1)
    place.segment(1).write_bytes(whole[:10])
    reader = FolderReader(place, lock)
    assert reader.take(10, 1 << 16) is None
    place.segment(1).write_bytes(whole)
    batch = reader.take(10, 1 << 16)
    assert batch is not None
    assert _sequences(batch.lines) == [1]


def test_a_line_longer_than_a_batch_is_taken_alone(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """The bound on bytes never stops an event."""
    place, _, lock = folder
    place.segment(1).write_bytes(_line(1, 500_000) + _line(2))
    reader = FolderReader(place, lock)
    assert _take_all(reader) == [1, 2]


def test_the_ledger_moves_over_whole_batches_only(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """A later batch that is decided first waits for the earlier one; a new reader starts behind what is confirmed."""
    place, _, lock = folder
    place.segment(1).write_bytes(b"".join(_line(number) for number in range(1, 10)))
    reader = FolderReader(place, lock)
    batches = [reader.take(3, 1 << 16) for _ in range(3)]
    assert all(batches)
    reader.commit(batches[1], Tally(delivered=3))
    assert Ledger.load(place.ledger) == Ledger()
    reader.commit(batches[0], Tally(delivered=2, dead_lettered=1))
    stored = Ledger.load(place.ledger)
    assert (stored.delivered, stored.dead_lettered, stored.sequence_high) == (5, 1, 6)
    reader.close()
    again = FileLock.acquire(place.drain_lock)
    assert again is not None
    assert _take_all(FolderReader(place, again)) == [7, 8, 9]


def test_finish_leaves_only_the_ledger(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """A dead process's folder goes when everything in it is decided; its sums stay."""
    place, writer, lock = folder
    place.segment(1).write_bytes(_line(1) + _line(2))
    reader = FolderReader(place, lock)
    assert _take_all(reader) == [1, 2]
    assert not reader.exhausted()
    writer.release()
    assert reader.exhausted()
    balance = reader.finish()
    assert (balance.accepted, balance.delivered, balance.difference) == (2, 2, 0)
    assert not place.path.exists()
    assert place.finished_ledger().exists()


def test_a_broken_ledger_means_sending_again(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """An unreadable ledger loses no event."""
    place, _, lock = folder
    place.segment(1).write_bytes(_line(1))
    place.ledger.write_bytes(b'{"segment":')
    assert _take_all(FolderReader(place, lock)) == [1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=60),
    per_segment=st.integers(1, 20),
    max_events=st.integers(1, 9),
    max_bytes=st.integers(10, 2000),
    order=st.randoms(use_true_random=False),
)
def test_every_line_once_whatever_the_order_of_commits(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    per_segment: int,
    max_events: int,
    max_bytes: int,
    order: object,
) -> None:
    """Any sizes, segment borders, batch bounds and order of decisions: each line taken once, the sums right."""
    place, writer, lock = create_folder(tmp_path_factory.mktemp("spool"), instance_name())
    lines = [_line(number, size) for number, size in enumerate(sizes, 1)]
    for number, start in enumerate(range(0, len(lines), per_segment), 1):
        place.segment(number).write_bytes(b"".join(lines[start : start + per_segment]))
    reader = FolderReader(place, lock)
    batches = []
    while batch := reader.take(max_events, max_bytes):
        batches.append(batch)
    assert [line for batch in batches for line in _sequences(batch.lines)] == list(range(1, len(lines) + 1))
    order.shuffle(batches)  # type: ignore[attr-defined]
    for batch in batches:
        reader.commit(batch, Tally(delivered=len(batch.lines)))
    assert Ledger.load(place.ledger).delivered == len(lines)
    writer.release()
    assert reader.exhausted()
    assert reader.finish().difference == 0


def test_a_full_disk_is_freed_by_finishing(
    folder: tuple[InstanceFolder, FileLock, FileLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dead processes left is removed once it is sent, also when there is no room for a ledger beside it."""
    place, writer, lock = folder
    place.segment(1).write_bytes(_line(1) + _line(2))
    writer.release()
    reader = FolderReader(place, lock)
    real = os.open

    def full(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TRUNC and place.segments():
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, mode)

    batch = reader.take(10, 1 << 16)
    assert batch is not None
    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OSError, match="No space"):
        reader.commit(batch, Tally(delivered=2))
    balance = reader.finish()
    assert (balance.accepted, balance.delivered, balance.pending) == (2, 2, 0)
    assert not place.path.exists()


def test_descriptors_that_the_application_has_closed(
    folder: tuple[InstanceFolder, FileLock, FileLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that closes every descriptor that it finds is not told so when it ends."""
    place, writer, _ = folder
    segment = SegmentFile(place.segment(1))

    def closed(_: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(os, "close", closed)
    segment.close()
    writer.release()
    with pytest.raises(OSError, match="Bad file descriptor"):
        segment.append(b"x")


def test_a_home_that_is_made_is_private(home: Path) -> None:
    """Who could write there could put a spool of their own in place of ours."""
    create_folder(home / "new" / "spool", instance_name())
    assert (home / "new").stat().st_mode & 0o777 == 0o700


def _sum(place: InstanceFolder) -> Balance:
    return dead_balance(place, Ledger.load(place.ledger))


def test_a_kill_while_a_folder_is_removed_changes_no_book(
    folder: tuple[InstanceFolder, FileLock, FileLock],
) -> None:
    """What is left of a folder whose sums are kept already counts for nothing, and does not overwrite them."""
    place, writer, lock = folder
    place.segment(1).write_bytes(_line(1) + _line(2))
    reader = FolderReader(place, lock)
    _take_all(reader)
    writer.release()
    books = reader.finish()
    place.path.mkdir()  # as a kill left it
    place.drain_lock.touch()
    root = place.path.parent
    assert read_books(root) == []
    left = FileLock.acquire(place.drain_lock)
    assert left is not None
    assert FolderReader(place, left).finish() == books
    assert finished_balance(root) == books == Balance(accepted=2, delivered=2)
    assert not place.path.exists()


def test_a_kill_while_a_segment_is_given_up(
    folder: tuple[InstanceFolder, FileLock, FileLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after the file is gone the books on the disk balance, with what is under way counted as given up."""
    place, _, lock = folder
    place.segment(1).write_bytes(_line(1) + _line(2) + _line(3))
    place.segment(2).write_bytes(_line(4))
    reader = FolderReader(place, lock)
    batch = reader.take(1, 1 << 16)
    assert batch is not None
    with monkeypatch.context() as killed:
        killed.setattr(os, "unlink", _killed)
        with pytest.raises(KeyboardInterrupt):
            reader.drop_oldest()
    assert _sum(place) == Balance(accepted=4, dropped={"drop_old": 3}, pending=1)
    place.segment(1).unlink()
    assert _sum(place) == Balance(accepted=4, dropped={"drop_old": 3}, pending=1)
    reader.commit(batch, Tally(delivered=1))
    assert _sum(place) == Balance(accepted=4, delivered=1, dropped={"drop_old": 2}, pending=1)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_lines_out_of_order_are_all_counted(folder: tuple[InstanceFolder, FileLock, FileLock]) -> None:
    """Events that waited in memory, or for room, come behind later ones; a last line that is broken counts too."""
    place, _, lock = folder
    place.segment(1).write_bytes(_line(1) + _line(4) + _line(2) + _line(3) + b"\xff" + _line(5))
    assert _sum(place) == Balance(accepted=5, pending=5)
    reader = FolderReader(place, lock)
    batch = reader.take(4, 1 << 16)
    assert batch is not None
    reader.commit(batch, Tally(delivered=4))
    assert _sum(place) == Balance(accepted=5, delivered=4, pending=1)


def test_half_a_ledger_does_not_replace_a_whole_one(
    folder: tuple[InstanceFolder, FileLock, FileLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes a part only is a disk that is full."""
    place, _, _ = folder
    Ledger(delivered=7).save(place.ledger)
    whole = os.write

    def half(descriptor: int, data: bytes) -> int:
        return whole(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        Ledger(delivered=8).save(place.ledger)
    assert Ledger.load(place.ledger).delivered == 7


def test_a_full_disk_that_a_commit_frees_has_the_books(
    folder: tuple[InstanceFolder, FileLock, FileLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is written once the sent segments have made room for it."""
    place, _, lock = folder
    place.segment(1).write_bytes(_line(1))
    place.segment(2).write_bytes(_line(2))
    place.segment(3).write_bytes(_line(3))
    reader = FolderReader(place, lock)
    first, second = reader.take(1, 1 << 16), reader.take(1, 1 << 16)
    assert first is not None
    assert second is not None
    whole = os.write

    def full(descriptor: int, data: bytes) -> int:
        if place.segment(1).exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    reader.commit(second, Tally(delivered=1))
    reader.commit(first, Tally(delivered=1))
    assert _sum(place) == Balance(accepted=3, delivered=2, pending=1)
