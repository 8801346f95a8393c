"""The spool writer: bounds, policies, a bad disk, and books that balance."""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper import notice
from shipper.pipeline import Pipeline
from shipper.settings import Settings
from shipper.spool.books import dead_balance, read_books
from shipper.spool.buffer import MemoryBuffer
from shipper.spool.folder import InstanceFolder
from shipper.spool.ledger import Ledger, Tally
from shipper.spool.reader import FolderReader
from shipper.spool.segment import SegmentFile
from shipper.spool.sync import GroupSync
from shipper.spool.writer import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable

REST = b'"name":"a"},"v":1,"dataset":"llm.completion","id":"x","at":1,"call":{"text":"%b"}}\n'


class Spool:
    """A writer with its reader, as the pipeline puts them together."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.settings = Settings(home=home, **options)
        self.reader: FolderReader | None = None
        self.folder: InstanceFolder | None = None
        self.buffer = MemoryBuffer(self.settings.memory_max_bytes, lambda tally: None)
        self.writer = SpoolWriter(
            self.settings, on_open=self._opened, make_room=self._make_room, buffer=self.buffer
        )

    def _opened(self, folder: InstanceFolder, lock: Any) -> None:
        self.folder = folder
        self.reader = FolderReader(folder, lock)

    def _make_room(self) -> bool:
        return self.reader is not None and self.reader.drop_oldest()

    def log(self, size: int = 100, times: int = 1) -> None:
        for _ in range(times):
            self.writer.append(REST % (b"x" * size))

    def lines(self) -> list[dict[str, Any]]:
        assert self.folder is not None
        return [
            orjson.loads(line)
            for number in self.folder.segments()
            for line in self.folder.segment(number).read_bytes().splitlines()
        ]


@pytest.fixture
def spool(home: Path) -> Callable[..., Spool]:
    """Makes a spool in this test's home."""
    made: list[Spool] = []

    def make(**options: Any) -> Spool:
        made.append(Spool(home, **options))
        return made[-1]

    return make


def test_a_line_is_on_disk_when_append_returns(spool: Callable[..., Spool]) -> None:
    """What was appended can be read back at once, with process and sequence in front."""
    one = spool()
    one.log(times=3)
    lines = one.lines()
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert {line["app"]["pid"] for line in lines} == {os.getpid()}
    assert {line["app"]["instance"] for line in lines} == {one.writer.instance}


def test_folder_and_files_are_private(spool: Callable[..., Spool]) -> None:
    """Nobody else on the machine can read prompts out of the spool."""
    one = spool()
    one.log()
    assert one.folder is not None
    assert one.folder.path.stat().st_mode & 0o777 == 0o700
    assert one.settings.spool_dir.stat().st_mode & 0o777 == 0o700
    assert one.folder.segment(1).stat().st_mode & 0o777 == 0o600


def test_segments_rotate_by_size(spool: Callable[..., Spool]) -> None:
    """A full segment is closed and the next one begun, without losing or splitting a line."""
    one = spool(segment_max_bytes=64 * 1024)
    one.log(size=10_000, times=30)
    assert one.folder is not None
    assert len(one.folder.segments()) == 5
    assert [line["seq"] for line in one.lines()] == list(range(1, 31))


def test_drop_new_counts_what_found_no_room(spool: Callable[..., Spool]) -> None:
    """At the bound new events are dropped, each counted, and the books balance."""
    one = spool(spool_max_bytes=1 << 20)
    one.log(size=100_000, times=30)
    kept = len(one.lines())
    assert 0 < kept <= 10
    assert one.writer.dropped == {"spool_full": 30 - kept}
    one.writer.close()
    assert one.folder is not None
    balance = dead_balance(one.folder, Ledger.load(one.folder.ledger))
    assert (balance.accepted, balance.pending, balance.difference) == (30, kept, 0)


def test_room_is_found_again_after_delivery(spool: Callable[..., Spool]) -> None:
    """Once delivered segments are gone, new events are kept again."""
    one = spool(spool_max_bytes=1 << 20, segment_max_bytes=64 * 1024)
    one.log(size=50_000, times=40)
    before = sum(one.writer.dropped.values())
    assert before > 0
    assert one.reader is not None
    while batch := one.reader.take(1000, 1 << 20):
        one.reader.commit(batch, Tally(delivered=len(batch.lines)))
    _wait_until(lambda: _appended(one))
    assert one.reader.ledger.delivered == 40 - before


def _appended(one: Spool) -> bool:
    dropped = sum(one.writer.dropped.values())
    one.log()
    return sum(one.writer.dropped.values()) == dropped


def _wait_until(condition: Callable[[], bool]) -> None:
    stop = threading.Event()
    for _ in range(100):
        if condition():
            return
        stop.wait(0.02)
    pytest.fail("it did not happen within 2 seconds")


def test_block_waits_for_its_deadline_and_then_drops(spool: Callable[..., Spool]) -> None:
    """The `block` policy holds the caller up no longer than stated."""
    one = spool(spool_max_bytes=1 << 20, spool_policy="block", spool_block_timeout_s=0.1)
    one.log(size=100_000, times=11)
    assert sum(one.writer.dropped.values()) >= 1
    assert one.writer.accepted == 11


def test_block_goes_on_as_soon_as_there_is_room(spool: Callable[..., Spool]) -> None:
    """A blocked caller continues when the reader has freed a segment, and nothing is dropped."""
    one = spool(
        spool_max_bytes=1 << 20, segment_max_bytes=64 * 1024, spool_policy="block", spool_block_timeout_s=30
    )
    one.log(size=50_000, times=20)
    blocked = threading.Thread(target=one.log, kwargs={"size": 50_000, "times": 10})
    blocked.start()
    assert one.reader is not None
    while blocked.is_alive():
        if batch := one.reader.take(1000, 1 << 20):
            one.reader.commit(batch, Tally(delivered=len(batch.lines)))
    assert one.writer.dropped == {}
    assert one.writer.accepted == 30


def test_drop_old_keeps_the_newest(spool: Callable[..., Spool]) -> None:
    """The `drop_old` policy gives up the oldest segment, counts its events, and keeps the new ones."""
    one = spool(spool_max_bytes=1 << 20, segment_max_bytes=64 * 1024, spool_policy="drop_old")
    one.log(size=50_000, times=60)
    sequences = [line["seq"] for line in one.lines()]
    assert sequences[-1] == 60
    assert sequences == list(range(sequences[0], 61))
    assert one.writer.dropped == {}
    assert one.reader is not None
    assert one.reader.ledger.dropped == {"drop_old": sequences[0] - 1}
    one.writer.close()
    assert one.folder is not None
    assert dead_balance(one.folder, one.reader.ledger).difference == 0


def test_drop_old_leaves_batches_under_way_alone(spool: Callable[..., Spool]) -> None:
    """Events that are being sent when their segment is given up are counted once: as what became of them."""
    one = spool(spool_max_bytes=1 << 20, segment_max_bytes=64 * 1024, spool_policy="drop_old")
    one.log(size=20_000, times=3)
    assert one.reader is not None
    batch = one.reader.take(1, 1 << 20)
    assert batch is not None
    one.log(size=50_000, times=60)
    one.reader.commit(batch, Tally(delivered=1))
    one.writer.close()
    assert one.folder is not None
    balance = dead_balance(one.folder, one.reader.ledger)
    assert balance.delivered == 1
    assert balance.difference == 0


def test_a_short_write_is_mended(spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up inside a line, the part is cut off and the event waits in memory."""
    one = spool()
    one.log(times=2)
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:20]))
    one.log()
    monkeypatch.undo()
    assert [line["seq"] for line in one.lines()] == [1, 2]
    assert one.buffer.pending == 1
    one.writer.tick()
    assert [line["seq"] for line in one.lines()] == [1, 2, 3]
    assert one.buffer.pending == 0


def test_a_failing_disk_keeps_events_in_memory(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk raises nothing, warns once, keeps up to the memory bound, and counts the rest as dropped."""
    one = spool(memory_max_bytes=64 * 1024)
    one.log()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    one.log(size=10_000, times=10)
    monkeypatch.undo()
    assert one.buffer.pending == 6
    assert one.writer.dropped == {"disk": 4}
    assert len([record for record in caplog.records if "can't be written" in record.message]) == 1
    one.writer.tick()
    assert len(one.lines()) == 7
    one.writer.close()
    assert one.folder is not None
    assert dead_balance(one.folder, Ledger.load(one.folder.ledger)).difference == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home_keeps_events_in_memory(tmp_path: Path) -> None:
    """Where no spool can be made, events wait in memory and nothing raises."""
    (tmp_path / "locked").mkdir(mode=0o500)
    one = Spool(tmp_path / "locked" / "home")
    one.log(times=5)
    assert one.buffer.pending == 5


def test_a_home_that_is_a_file_keeps_events_in_memory(tmp_path: Path) -> None:
    """A home that can't be a folder is no reason to raise."""
    (tmp_path / "file").write_text("")
    one = Spool(tmp_path / "file")
    one.log(times=5)
    assert one.buffer.pending == 5
    assert one.writer.accepted == 5


def test_memory_durability_writes_when_memory_is_full(spool: Callable[..., Spool]) -> None:
    """With `memory` durability the disk is used only past the memory bound, and for what is left at the end."""
    one = spool(durability="memory", memory_max_bytes=64 * 1024)
    one.log(size=1000, times=10)
    assert one.lines() == []
    one.log(size=10_000, times=10)
    assert len(one.lines()) > 0
    one.writer.close()
    assert sorted(line["seq"] for line in one.lines()) == list(range(1, 21))


def test_power_durability_syncs_each_event(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `power` durability an append returns after a sync that began after its write."""
    synced: list[int] = []
    real = SegmentFile.sync

    def sync(segment: SegmentFile) -> None:
        synced.append(segment.size)
        real(segment)

    monkeypatch.setattr(SegmentFile, "sync", sync)
    one = spool(durability="power", segment_max_bytes=64 * 1024)
    for _ in range(5):
        one.log(size=1000)
        assert one.folder is not None
        assert synced[-1] == one.folder.segment_size(1)
    one.log(size=30_000, times=6)
    assert [line["seq"] for line in one.lines()] == list(range(1, 12))


def test_threads_share_the_segment(spool: Callable[..., Spool]) -> None:
    """Eight threads, with power durability: every line whole, every sequence number once."""
    one = spool(durability="power")
    threads = [threading.Thread(target=one.log, kwargs={"times": 50}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["seq"] for line in one.lines()) == list(range(1, 401))


def test_the_bound_counts_other_processes(spool: Callable[..., Spool], home: Path) -> None:
    """The bound is that of the folder, whoever filled it."""
    other = Spool(home, spool_max_bytes=1 << 20)
    other.log(size=100_000, times=9)
    one = spool(spool_max_bytes=1 << 20)
    one.log(size=100_000, times=9)
    assert one.writer.dropped["spool_full"] >= 7


def test_status_sees_living_and_ended(spool: Callable[..., Spool], home: Path) -> None:
    """The books of a process can be read while it lives and after it ended."""
    one = spool()
    one.log(times=4)
    (living,) = read_books(one.settings.spool_dir)
    assert (living.alive, living.balance.accepted, living.balance.pending) == (True, 4, 4)
    one.writer.close()
    (ended,) = read_books(one.settings.spool_dir)
    assert (ended.alive, ended.balance.accepted, ended.balance.pending) == (False, 4, 4)


_DISK_CALLS = ("open", "write", "mkdir", "rename", "replace", "fsync", "fdatasync", "ftruncate")


class FailingOnce:
    """Lets one call to the disk fail: the one of that number, counted from 1."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int) -> None:
        self.calls = 0
        self._at = at
        for name in _DISK_CALLS:
            patch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._at:
                raise OSError(errno.EIO, "Input/output error")
            return call(*arguments, **options)

        return counted


@pytest.mark.parametrize("durability", ["process", "power"])
def test_a_call_to_the_disk_that_fails_once_costs_nothing(home: Path, durability: str) -> None:
    """Whichever it is: every event is on the disk at the end, and the books of the dead process balance."""
    for at in range(1, 60):
        one = Spool(home / str(at), durability=durability)
        with pytest.MonkeyPatch.context() as patch:
            failing = FailingOnce(patch, at)
            one.log(times=4)
            one.writer.close()
        assert one.folder is not None, at
        assert sorted(line["seq"] for line in one.lines()) == [1, 2, 3, 4], at
        books = dead_balance(one.folder, Ledger())
        assert (books.accepted, books.pending, books.difference) == (4, 4, 0), at
        if failing.calls < at:
            return
    pytest.fail("more calls than expected")


def test_a_part_that_could_not_be_cut_off_at_once_is_cut_off_later(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When neither the write nor the mending works, the next line does not end up behind half of another."""
    one = spool()
    one.log()
    whole = os.write

    def half(descriptor: int, data: bytes) -> int:
        return whole(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", half)
        broken.setattr(os, "ftruncate", _no_space)
        one.log()
    one.log()
    one.writer.tick()
    assert [line["seq"] for line in one.lines()] == [1, 3, 2]


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_names_are_on_the_disk_with_power_durability(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut must not take the folder with it: the folders above are synced too, before the first append returns."""
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    one = spool(durability="power")
    one.log()
    assert one.folder is not None
    place = one.folder.path
    assert [str(path) for path in (place, place.parent, place.parent.parent)] == synced


def test_a_warning_does_not_wait_for_a_handler_that_logs(home: Path) -> None:
    """The application's logging may lead back to us: nothing is said while the writer's lock is held."""
    home.write_text("")
    one = Spool(home)
    done = threading.Event()

    class Logging(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            thread = threading.Thread(target=lambda: (one.log(), done.set()), daemon=True)
            thread.start()
            assert done.wait(5)

    handler = Logging()
    notice.LOGGER.addHandler(handler)
    try:
        one.log()
        one.writer.tick()
    finally:
        notice.LOGGER.removeHandler(handler)
    assert one.buffer.pending == 2


def test_an_application_s_handler_that_raises_does_not_reach_the_log_call(home: Path) -> None:
    """What a handler of the application's does with our warning is not the caller's affair."""
    home.write_text("")

    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError(record.getMessage())

    handler = Raising()
    notice.LOGGER.addHandler(handler)
    try:
        Spool(home).log()
    finally:
        notice.LOGGER.removeHandler(handler)


@pytest.mark.parametrize("durability", ["process", "memory"])
def test_who_logs_after_the_end_is_kept_on_the_disk(home: Path, durability: str) -> None:
    """A thread that has a closed pipeline's writer in its hand, or comes later still, loses nothing."""
    settings = Settings(home=home, durability=durability, send="none")
    road = Pipeline(settings, sending=False)
    road.append(REST % b"before")
    writer = road.writer
    road.close(1.0)
    writer.append(REST % b"late")
    road.append(REST % b"later")
    assert sorted(one.balance.pending for one in read_books(settings.spool_dir)) == [1, 2]


def test_a_segment_that_is_closed_before_its_sync_holds_nobody_up(tmp_path: Path) -> None:
    """Another thread may go on to the next segment at that moment: who waits is answered, and so is the next."""
    sync = GroupSync()
    for number, confirmed in ((1, False), (2, True)):
        segment = SegmentFile(tmp_path / str(number))
        segment.append(b"{}\n")
        sync.written(number, segment)
        if not confirmed:
            segment.close()
        assert sync.wait_for(number) is confirmed


def test_the_end_confirms_what_power_durability_has_promised(
    spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What memory held, and what other threads still wait for, is on the disk when the writer is closed."""
    one = spool(durability="power")
    one.log()
    synced: list[int] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    one.writer.close()
    assert len(synced) == 1
