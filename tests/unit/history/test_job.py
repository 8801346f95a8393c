"""An import without a store: into a file, so that books, ids, resuming and rejects can be seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper.errors import StoreUnreachable, UsageError
from shipper.history import Report, import_history
from shipper.history import run as running
from shipper.history.checkpoint import Checkpoint
from shipper.history.delivery import Batch, Delivery
from shipper.history.rejects import RejectsFile
from shipper.history.run import Wanted
from shipper.history.target import FileTarget
from shipper.sink.base import Outcome, Prepared, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from shipper.settings import Settings

TIME = "2024-05-01T12:00:00Z"


def pair(number: int, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": TIME,
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"question {number}"}]},
        "response": {
            "id": f"chatcmpl-{number}",
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "answer"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5},
        },
        **more,
    }


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.write_bytes(b"".join((one if isinstance(one, bytes) else orjson.dumps(one)) + b"\n" for one in rows))
    return path


def documents(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def without_run(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what differs between two imports: the run, and when it was stored."""
    document["llm"]["import"].pop("batch_id")
    document["event"].pop("ingested")
    return document


def balanced(report: Report) -> bool:
    books = report.books
    return books.accepted == books.delivered + books.duplicate + books.rejected


def test_values_that_are_no_objects(tmp_path: Path, settings: Settings) -> None:
    """Lines of another type are rejected one by one, however many they are; the format is that of the objects."""
    source = write(tmp_path / "a.jsonl", [pair(1), [1], 2, "three", None, True])
    report = import_history(source, dry_run=True, settings=settings)
    assert (report.books.delivered, report.books.reasons) == (1, {"not_an_object": 5})


def test_true_times_prices_and_keys(tmp_path: Path, settings: Settings) -> None:
    """A pair keeps its time, gets the price of its day beside the stated cost, and the keys that feedback uses."""
    source = write(tmp_path / "a.jsonl", [pair(1, cost=0.5, user="u1", latency_ms=1500, team="blue")])
    report = import_history(source, app="shop", version="2", to=str(tmp_path / "out"), settings=settings)
    (found,) = documents(tmp_path / "out")
    assert report.books.delivered == 1
    assert found["@timestamp"] == "2024-05-01T12:00:00.000000Z"
    assert found["event"]["end"] == "2024-05-01T12:00:01.500000Z"
    assert found["gen_ai"]["usage"]["cost"]["amount"] == pytest.approx(10 * 2.5e-6 + 5 * 10e-6)
    assert found["llm"]["cost"]["status"] == "priced"
    assert found["llm"]["attributes"]["response"]["stated_cost"] == 0.5
    assert found["llm"]["attributes"]["request"] == {"team": "blue"}
    assert found["llm"]["join"]["key"] == [found["event"]["id"], "chatcmpl-1"]
    assert found["user"]["id"] == "u1"
    assert found["service"] == {"name": "shop", "version": "2"}
    assert found["llm"]["import"]["file"] == "a.jsonl"
    assert "lag_ms" not in found["llm"].get("ship", {})


def test_a_stated_cost_counts_where_there_is_no_price(tmp_path: Path, settings: Settings) -> None:
    """Of a model that nobody lists, the cost that the source states is the cost."""
    row = pair(1, cost=0.25)
    row["request"]["model"] = row["response"]["model"] = "our-own-7b"
    write(tmp_path / "a.jsonl", [row])
    import_history(tmp_path / "a.jsonl", to=str(tmp_path / "out"), settings=settings)
    (found,) = documents(tmp_path / "out")
    assert found["gen_ai"]["usage"]["cost"]["amount"] == 0.25
    assert found["llm"]["cost"]["status"] == "provided"


def test_ids_are_the_same_each_time(tmp_path: Path, settings: Settings) -> None:
    """Two equal rows are two events; the same file imported again has the same ids, packed or not."""
    import gzip

    rows = [pair(1), pair(1), pair(2, log_id="mine")]
    write(tmp_path / "a.jsonl", rows)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    for number, source in enumerate(("a.jsonl", "a.jsonl", "x/a.jsonl.gz")):
        import_history(tmp_path / source, to=str(tmp_path / f"out{number}"), settings=settings)
    first, second, third = (
        [without_run(one) for one in documents(tmp_path / f"out{number}")] for number in range(3)
    )
    assert first == second == third
    assert len({one["event"]["id"] for one in first}) == 3
    assert first[2]["event"]["id"] == "mine"


def test_our_own_documents_are_carried_letter_by_letter(tmp_path: Path, settings: Settings) -> None:
    """What was exported comes back as the same bytes, numbers of any size and unknown fields too."""
    import_history(
        write(tmp_path / "a.jsonl", [pair(1), pair(2)]), to=str(tmp_path / "one"), settings=settings
    )
    text = (
        (tmp_path / "one")
        .read_bytes()
        .replace(b'"llm":{', b'"llm":{"large":123456789012345678901234567890,', 1)
    )
    (tmp_path / "one").write_bytes(text)
    hits = [{"_index": "x", "_id": "y", "_source": one} for one in documents(tmp_path / "one")]
    report = import_history(tmp_path / "one", to=str(tmp_path / "two"), settings=settings)
    import_history(write(tmp_path / "hits", hits), to=str(tmp_path / "three"), settings=settings)
    assert report.books.delivered == 2
    assert (tmp_path / "two").read_bytes() == text
    assert documents(tmp_path / "three") == documents(tmp_path / "one")


def test_rejects_can_be_mended_and_tried_again(tmp_path: Path, settings: Settings) -> None:
    """A broken row is kept with its place and reason; tried again, it becomes what it would have been."""
    good, bad = orjson.dumps(pair(2)), orjson.dumps(pair(2))[:-1]
    rows = [pair(1), bad, b"\xff", {"other": 1}]
    source, rejects = write(tmp_path / "a.jsonl", rows), tmp_path / "rejects"
    options: dict[str, Any] = {"settings": settings, "format": "pairs"}
    report = import_history(source, to=str(tmp_path / "out"), rejects=rejects, **options)
    assert balanced(report)
    assert (report.books.delivered, report.books.rejected) == (1, 3)
    kept = documents(rejects)
    assert [(one["line"], one["reason"]) for one in kept] == [
        (2, "malformed_json"),
        (3, "wrong_encoding"),
        (4, "no_call"),
    ]
    write(rejects, [{**kept[0], "original": good.decode()}, *kept[1:]])
    wanted = Wanted(
        (str(rejects),), are_rejects=True, rejects=tmp_path / "still", to=str(tmp_path / "mended")
    )
    again = running.run(wanted, settings)
    assert (again.books.delivered, again.books.rejected) == (1, 2)
    assert [one["reason"] for one in documents(tmp_path / "still")] == ["wrong_encoding", "no_call"]
    import_history(write(source, [pair(1), good]), to=str(tmp_path / "whole"), **options)
    assert without_run(documents(tmp_path / "mended")[0]) == without_run(documents(tmp_path / "whole")[1])


def test_rows_without_a_time_take_the_file_s(tmp_path: Path, settings: Settings) -> None:
    """A file's own time stands in, and that is told; from an iterator such a row is rejected."""
    import os

    row = pair(1)
    del row["timestamp"]
    source = write(tmp_path / "a.jsonl", [row])
    os.utime(source, (1_700_000_000, 1_700_000_000))
    import_history(source, to=str(tmp_path / "out"), settings=settings)
    (found,) = documents(tmp_path / "out")
    assert found["@timestamp"].startswith("2023-11-14")
    assert any("file's own time" in flag for flag in found["llm"]["sanitised"])
    report = import_history(rows=[row], to=str(tmp_path / "none"), settings=settings)
    assert report.books.reasons == {"no_time": 1}


def test_spans_of_time_limits_and_dry_runs(tmp_path: Path, settings: Settings) -> None:
    """Rows outside the wanted time are passed over, a limit ends the import, a dry run writes nothing."""
    rows = [pair(number, timestamp=f"2024-05-{number:02}T00:00:00Z") for number in range(1, 11)]
    source = write(tmp_path / "a.jsonl", rows)
    since, until = datetime(2024, 5, 3, tzinfo=UTC), datetime(2024, 5, 6, tzinfo=UTC)
    report = import_history(source, since=since, until=until, to=str(tmp_path / "out"), settings=settings)
    assert (report.books.delivered, report.books.passed_over) == (3, 7)
    report = import_history(source, limit=4, to=str(tmp_path / "limited"), settings=settings)
    assert report.books.delivered == len(documents(tmp_path / "limited")) == 4
    report = import_history(source, dry_run=True, settings=settings)
    assert report.books.delivered == 10
    assert not list((settings.home / "imports").glob("*dry*"))


def test_an_import_that_was_stopped_goes_on(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a stop at any batch the second run has each row once, in file and rejects, and the books balance."""
    small = settings.replace(batch_max_events=7)
    rows = [b"broken" if number % 10 == 3 else pair(number) for number in range(100)]
    source, out, rejects = write(tmp_path / "a.jsonl", rows), tmp_path / "out", tmp_path / "rejects"
    options: dict[str, Any] = {"settings": small, "to": str(out), "rejects": rejects}
    keep = Checkpoint.save
    count = 0

    def stop(self: Checkpoint, progress: Any) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise OSError("killed")
        keep(self, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(OSError, match="killed"):
            import_history(source, **options)
    report = import_history(source, **options)
    assert report.resumed_at
    assert balanced(report)
    assert (report.books.delivered, report.books.rejected) == (90, 10)
    assert [one["llm"]["import"]["line"] for one in documents(out)] == [
        number + 1 for number in range(100) if number % 10 != 3
    ]
    assert [one["line"] for one in documents(rejects)] == [
        number + 1 for number in range(100) if number % 10 == 3
    ]


def test_files_that_are_gone(tmp_path: Path, settings: Settings) -> None:
    """A rejects file that was taken away begins anew; a target that was is told, and --restart makes it again."""
    small = settings.replace(batch_max_events=2)
    source = write(tmp_path / "a.jsonl", [pair(1), b"bad", pair(2), pair(3), b"bad", pair(4), b"bad"])
    options: dict[str, Any] = {"settings": small, "to": str(tmp_path / "out")}
    import_history(source, rejects=tmp_path / "one", **options)
    (kept,) = (settings.home / "imports").glob("*.json")
    stopped = orjson.loads(kept.read_bytes())
    lines = source.read_bytes().splitlines(keepends=True)
    stopped |= {"finished": False, "line": 3, "offset": sum(map(len, lines[:3]))}
    stopped["rejects_bytes"] = len((tmp_path / "one").read_bytes().splitlines(keepends=True)[0])
    stopped["output_bytes"] = sum(map(len, (tmp_path / "out").read_bytes().splitlines(keepends=True)[:2]))
    kept.write_bytes(orjson.dumps(stopped))
    import_history(source, rejects=tmp_path / "two", **options)
    assert [one["line"] for one in documents(tmp_path / "two")] == [5, 7]
    assert [one["llm"]["import"]["line"] for one in documents(tmp_path / "out")] == [1, 3, 4, 6]
    kept.write_bytes(orjson.dumps(stopped))
    (tmp_path / "out").unlink()
    with pytest.raises(UsageError, match="--restart"):
        import_history(source, **options)
    assert import_history(source, restart=True, **options).books.delivered == 4


class Away:
    """A store that is away, then takes everything but one document."""

    name = "away"

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self.taken: list[str] = []

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        if self.tries:
            self.tries -= 1
            return [Result(Outcome.RETRY, None, "connection", "no answer")] * len(batch)
        self.taken += [one.id for one in batch]
        return [
            Result(Outcome.REFUSED, 400, "document_parsing_exception", "bad")
            if one.id == "bad"
            else Result(Outcome.DELIVERED, 201)
            for one in batch
        ]

    def close(self) -> None:
        pass


def test_a_store_that_is_away_is_waited_for(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tries are repeated; what the store refuses for good is a reject with its original."""
    source = write(tmp_path / "a.jsonl", [pair(1), pair(2, log_id="bad")])
    store = Away(2)

    def the_store(*_: Any) -> Away:
        return store

    monkeypatch.setattr(running, "target_of", the_store)
    quick = settings.replace(retry_max_interval_s=0.01)
    report = import_history(source, rejects=tmp_path / "rejects", to="logstash", settings=quick)
    assert (report.books.delivered, report.books.rejected) == (1, 1)
    (kept,) = documents(tmp_path / "rejects")
    assert kept["reason"] == "document_parsing_exception"
    assert orjson.loads(kept["original"]) == pair(2, log_id="bad")

    def confirm(*_: Any) -> None:
        raise AssertionError

    delivery = Delivery(Away(1000), confirm, connections=1, retry_max_interval_s=0.01, patience_s=0.05)
    delivery.submit(Batch([Prepared("a", "b", b"{}", False, None, "llm.completion", ())]))
    with pytest.raises(StoreUnreachable, match="resume"):
        delivery.finish()
    delivery.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "mapped"}, "--map"),
        ({"format": "pairs", "map": "azure-llm-trace"}, "exclude"),
        ({"map": "nowhere.toml"}, "azure-llm-trace"),
        ({"to": "logstash"}, "SHIPPER_LOGSTASH_URL"),
    ],
)
def test_wishes_that_make_no_sense(
    tmp_path: Path, settings: Settings, options: dict[str, Any], said: str
) -> None:
    """A contradiction is told before anything is read, with what to do."""
    source = write(tmp_path / "a.jsonl", [pair(1)])
    with pytest.raises(UsageError, match=said):
        import_history(source, settings=settings, **options)


def test_rows_of_no_known_format(tmp_path: Path, settings: Settings) -> None:
    """One file in no format is told with the formats; among others it is a reject of its own."""
    odd = write(tmp_path / "odd.jsonl", [{"a": 1}])
    with pytest.raises(UsageError, match="--format"):
        import_history(odd, to=str(tmp_path / "out"), settings=settings)
    write(tmp_path / "good.jsonl", [pair(1)])
    report = import_history(
        [odd, tmp_path / "good.jsonl"], to=str(tmp_path / "out"), settings=settings, restart=True
    )
    assert report.books.reasons == {"unknown_format": 1}
    assert report.books.delivered == 1


def test_files_of_no_known_format_are_rejected_each(tmp_path: Path, settings: Settings) -> None:
    """Also where there is nothing but such files; what is beside them is imported."""
    strange = [write(tmp_path / f"strange{number}.json", [{"a": number}]) for number in range(2)]
    known = write(tmp_path / "known.jsonl", [pair(1)])
    alone = import_history(strange, to=str(tmp_path / "out"), settings=settings)
    assert alone.books.reasons == {"unknown_format": 2}
    mixed = import_history(
        [strange[0], known, strange[1]],
        to=str(tmp_path / "more"),
        rejects=tmp_path / "rejects",
        settings=settings,
    )
    assert (mixed.books.delivered, mixed.books.reasons) == (1, {"unknown_format": 2})
    assert balanced(mixed)
    assert [one["source"] for one in documents(tmp_path / "rejects")] == [one.name for one in strange]


def test_large_content_is_cut_and_flagged(tmp_path: Path, settings: Settings) -> None:
    """Content beyond an event's bound is cut, with its length and hash kept."""
    row = pair(1)
    row["request"]["messages"][0]["content"] = "word " * 20_000
    source = write(tmp_path / "a.jsonl", [row])
    import_history(source, to=str(tmp_path / "out"), settings=settings.replace(max_event_bytes=16 * 1024))
    (found,) = documents(tmp_path / "out")
    assert len(orjson.dumps(found)) < 64 * 1024
    assert found["llm"]["truncated"][0]["length"] == 100_000


def test_privacy_is_kept(tmp_path: Path, settings: Settings) -> None:
    """What the settings leave out of a logged call is left out of an imported one."""
    row = pair(1)
    row["request"]["messages"][0]["content"] = "write to jane.doe@example.com"
    source = write(tmp_path / "a.jsonl", [row])
    import_history(source, to=str(tmp_path / "redacted"), settings=settings.replace(redact="all"))
    import_history(source, to=str(tmp_path / "bare"), settings=settings.replace(save=False))
    assert "jane.doe" not in (tmp_path / "redacted").read_text()
    assert "<EMAIL_1>" in (tmp_path / "redacted").read_text()
    assert "write to" not in (tmp_path / "bare").read_text()


@pytest.mark.parametrize("full", ["documents", "rejects"])
def test_a_batch_that_could_not_be_written_is_counted_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """When the disk of the output is full, the place stays before that batch, and so do the books."""
    source = write(tmp_path / "a.jsonl", [pair(1), 7, pair(2), 8, pair(3), 9])
    changed = settings.replace(batch_max_events=1)
    options: dict[str, Any] = {
        "to": str(tmp_path / "out"),
        "rejects": tmp_path / "no",
        "settings": changed,
    }
    owner, name = (FileTarget, "keep") if full == "documents" else (RejectsFile, "write")
    usual: Callable[..., Any] = getattr(owner, name)
    calls: list[object] = []

    def write_some(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return usual(*arguments)

    monkeypatch.setattr(owner, name, write_some)
    with pytest.raises(OSError, match="No space"):
        import_history(source, **options)
    report = import_history(source, **options)
    assert (report.books.accepted, report.books.delivered, report.books.rejected) == (6, 3, 3)
    assert len(documents(tmp_path / "out")) == 3
    assert len(documents(tmp_path / "no")) == 3
