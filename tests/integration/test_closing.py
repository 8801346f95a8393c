"""`shipper status --end-to-end`: what was accepted against what the store holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.read import closing as module
from shipper.read.closing import close, closing_of, runs_of
from shipper.send.prepare import refuse_line
from shipper.spool.ledger import Balance
from shipper.store.setup import setup
from tests.faults.programs import Program, shipper_command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

NAME = "web-1-42-ab"
COMPLETIONS, FEEDBACK = "llm-completions-a@1-2026.11", "llm-feedback-a@2026.11"
LETTERS = "llm-deadletter-a@2026.11"


def put(es: Elasticsearch, index: str, numbers: Iterable[int], instance: str = NAME) -> None:
    """Documents with these numbers of a process."""
    lines: list[dict[str, Any]] = []
    for number in numbers:
        shipped = {"instance": instance, "sequence": number}
        lines += [{"create": {"_index": index}}, {"@timestamp": "2026-11-21", "llm": {"shipper": shipped}}]
    if lines:
        answer = es.bulk(operations=lines, refresh=True)
        assert not answer["errors"], answer


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten numbers a block, so that a few documents are many blocks."""
    monkeypatch.setattr(module, "_BLOCK", 10)


def closed(es: Elasticsearch, **balance: Any) -> tuple[int, int, list[tuple[int, int]]]:
    """Lost, doubled and gaps of the process with these books."""
    (one,) = close(es, {NAME: Balance(**balance)}, {})
    return one.lost, one.doubled, one.gaps


def test_numbers_from_all_datasets_close_the_books(clean_store: Elasticsearch) -> None:
    """Completions, feedback and dead letters have one sequence; another process's events don't count."""
    setup(clean_store)
    put(clean_store, COMPLETIONS, range(1, 25))
    put(clean_store, COMPLETIONS, range(1, 40), "another")
    put(clean_store, FEEDBACK, range(25, 34))
    put(clean_store, LETTERS, [34, 35])
    assert closed(clean_store, accepted=35, delivered=33, dead_lettered=2) == (0, 0, [])
    assert closed(clean_store, accepted=30, delivered=30) == (0, 0, []), "the store may be ahead"
    assert closed(clean_store, accepted=37, delivered=35, dead_lettered=2) == (2, 0, [(36, 37)])


def test_what_is_missing_is_named(clean_store: Elasticsearch) -> None:
    """Whole blocks, the tail, single numbers; a dead letter that was sent again is no double, a document twice is."""
    setup(clean_store)
    there = set(range(1, 61)) - {7, 8, *range(20, 41)}
    put(clean_store, COMPLETIONS, sorted(there))
    put(clean_store, COMPLETIONS, [3, 5])
    put(clean_store, LETTERS, [7, 9])
    assert closed(clean_store, accepted=63, delivered=62, dead_lettered=1) == (
        25,
        2,
        [(8, 8), (20, 40), (61, 63)],
    )


def test_a_double_does_not_make_up_for_a_loss(clean_store: Elasticsearch) -> None:
    """A block with the right count is still found by its sum."""
    setup(clean_store)
    put(clean_store, COMPLETIONS, [*range(1, 15), 12, *range(16, 20)])
    assert closed(clean_store, accepted=19, delivered=19) == (1, 1, [(15, 15)])


def test_a_dead_letter_on_the_disk_is_not_lost(clean_store: Elasticsearch) -> None:
    """What no store would take is on this machine; of another process's numbers that says nothing."""
    setup(clean_store)
    put(clean_store, COMPLETIONS, range(1, 15))
    books = {NAME: Balance(accepted=16, delivered=14, dead_lettered=2)}
    (one,) = close(clean_store, books, {NAME: {15, 16}, "another": {3}})
    assert (one.lost, one.missing) == (0, 0)
    (one,) = close(clean_store, books, {NAME: {16}, "another": {15}})
    assert (one.lost, one.gaps) == (1, [(15, 15)])


def test_an_empty_store_holds_nothing(clean_store: Elasticsearch) -> None:
    """Without any index everything that was delivered is missing; a process that accepted nothing is left out."""
    assert closed(clean_store, accepted=12, delivered=10, pending=2) == (10, 0, [(1, 12)])
    assert close(clean_store, {NAME: Balance()}, {}) == []


@given(st.sets(st.integers(1, 50)), st.integers(0, 50), st.integers(0, 50))
def test_what_the_ledger_explains_is_not_lost(missing: set[int], pending: int, dropped: int) -> None:
    """Lost is what is missing beyond what waits or was dropped; runs hold exactly the missing numbers."""
    delivered = max(0, 50 - pending - dropped)
    runs = runs_of(missing)
    assert {number for first, last in runs for number in range(first, last + 1)} == missing
    one = closing_of(NAME, Balance(accepted=50, delivered=delivered, pending=50 - delivered), runs, 0)
    assert one.lost == max(0, len(missing) - (50 - delivered))
    assert one.closes == (one.lost == 0)


def test_a_dead_letter_says_which_event_it_was() -> None:
    """Process and number of the original, where they can be read."""
    line = orjson.dumps({"seq": 5, "at": 1, "app": {"name": "a", "instance": NAME}})
    body = json.loads(refuse_line(line, 1, "month", stage="build", reason="x").document.body)
    assert body["llm"]["shipper"] == {"instance": NAME, "sequence": 5}
    for broken in (b"{", b"[]", b'{"app": {"name": "a", "instance": 7}, "at": 1, "seq": "x"}'):
        body = json.loads(refuse_line(broken, 1, "month", stage="build", reason="x").document.body)
        assert "shipper" not in body["llm"]


def test_the_command(clean_store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """Exit code 0 when the books close, also for a process on another machine by its heartbeat; 1 when one is gone."""
    setup(clean_store)
    code = "for n in range(7): log(f'e-{n}')\nshipper.flush(30)\nlog('last')"
    Program(code, home, node.url, heartbeat_interval_s=1).finish()
    for where in (home, home / "elsewhere"):
        done = shipper_command(where, node.url, "status", "--end-to-end", "--wait", "20s", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        (one,) = orjson.loads(done.stdout)["end_to_end"]
        assert (one["lost"], one["doubled"]) == (0, 0)
        assert 7 <= one["delivered"] <= one["accepted"] <= 8
    index = clean_store.search(index="llm-completions-*", size=1)["hits"]["hits"][0]["_index"]
    clean_store.delete(index=index, id="e-3", refresh=True)
    done = shipper_command(home, node.url, "status", "--end-to-end")
    assert done.returncode == 1
    assert "1 are not in the store, 0 are there twice; missing numbers: 4\n" in done.stdout
    assert shipper_command(home, node.url, "status", "--wait", "1s").returncode == 2
