"""Tests of shipper.record.ids: event ids and content hashes."""

from __future__ import annotations

import os
import threading
import time
from math import nan
from typing import Any
from uuid import UUID

import orjson
import pytest

from shipper.record import ids
from shipper.record.ids import VOLATILE_KEYS, content_hash, new_event_id

CALL = {"request": {"model": "m", "messages": [{"role": "user", "content": "hi"}]}, "response": {"id": "r1"}}


def test_an_id_is_a_version_7_uuid() -> None:
    """The text is the standard form of a UUID of version 7 and the RFC's variant."""
    event_id = new_event_id()

    assert event_id == str(UUID(event_id))
    assert UUID(event_id).version == 7
    assert UUID(event_id).variant == "specified in RFC 4122"


def test_an_id_carries_its_time() -> None:
    """The milliseconds in an id are those of the clock when it was made."""
    before = time.time_ns() // 1_000_000
    event_id = new_event_id()
    after = time.time_ns() // 1_000_000

    assert before <= UUID(event_id).int >> 80 <= after


def test_ids_sort_in_the_order_they_were_made() -> None:
    """Many ids within one millisecond are all different and ascending."""
    made = [new_event_id() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_ids_of_many_threads_differ_and_ascend_in_each() -> None:
    """Threads never get the same id, and each thread's own ids ascend."""
    lists: list[list[str]] = [[] for _ in range(8)]
    threads = [
        threading.Thread(target=lambda made=made: made.extend(new_event_id() for _ in range(5000)))
        for made in lists
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({event_id for made in lists for event_id in made}) == 40_000
    assert all(made == sorted(made) for made in lists)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_ids_after_a_fork_differ() -> None:
    """Parent and children go on from other counters and other random bits."""
    new_event_id()
    pipes = []
    for _ in range(3):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.write(writer, "".join(new_event_id() for _ in range(100)).encode())
            os._exit(0)
        os.close(writer)
        pipes.append((child, reader))
    made = {new_event_id() for _ in range(100)}
    tails: set[str] = {event_id[15:] for event_id in made}
    for child, reader in pipes:
        os.waitpid(child, 0)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        made |= {text[start : start + 36] for start in range(0, 3600, 36)}
        tails |= {text[start + 15 : start + 36] for start in range(0, 3600, 36)}

    assert len(made) == 400
    assert len(tails) == 400


def test_a_clock_set_back_does_not_set_ids_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the clock jumps back by an hour, ids still ascend, at the latest time seen."""
    first = new_event_id()
    hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(ids.time, "time_ns", lambda: hour_ago)

    second = new_event_id()

    assert first < second


def test_an_id_does_not_need_a_lock() -> None:
    """An id can be made by a signal handler or finaliser that interrupts the making of another: nothing is held."""
    source = ids._source

    assert {"counter", "randoms"} == set(source.__slots__)
    assert all(
        type(value).__name__ in {"count", "memory_iterator"} for value in (source.counter, source.randoms)
    )


def test_the_hash_is_tagged() -> None:
    """A content hash names its method and has 128 bits."""
    assert content_hash(CALL)[:3] == "b2:"
    assert len(content_hash(CALL)) == 35


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    """The same call built in another order has the same hash."""
    turned = {key: CALL[key] for key in reversed(CALL)}

    assert content_hash(CALL) == content_hash(turned)


def test_a_call_and_its_json_have_the_same_hash() -> None:
    """It makes no difference whether the call is given as a mapping or as its JSON text."""
    assert content_hash(CALL) == content_hash(orjson.dumps(CALL))


@pytest.mark.parametrize("key", sorted(VOLATILE_KEYS))
def test_what_a_resend_changes_is_not_hashed(key: str) -> None:
    """When and how an event was logged makes no other content."""
    assert content_hash(CALL) == content_hash({**CALL, key: "other"})


@pytest.mark.parametrize(
    "key", ["request", "response", "inputs", "outputs", "error", "tags", "user_id", "cost", "name"]
)
def test_what_a_caller_changes_is_hashed(key: str) -> None:
    """A changed value under any key of the content gives another hash."""
    assert content_hash(CALL) != content_hash({**CALL, key: "other"})


def test_a_difference_past_the_cut_is_hashed() -> None:
    """Two texts that were cut to the same beginning differ in what is known of the whole."""
    cut = [{"field": "request.prompt", "length": 10, "hash": "b2:1"}]
    other = [{"field": "request.prompt", "length": 10, "hash": "b2:2"}]

    assert len({content_hash(CALL), content_hash(CALL, cut), content_hash(CALL, other)}) == 3


@pytest.mark.parametrize(
    "call",
    [{"a": nan, 1: object()}, b"not json", b"\xff", b"[1]", b"", {"a": 2**70}, {"a": "\ud800"}],
    ids=range(7),
)
def test_anything_has_a_hash(call: Any) -> None:
    """Values that are not JSON, and bytes that are none, are hashed too, the same each time."""
    assert content_hash(call) == content_hash(call)
    assert content_hash(call) != content_hash(CALL)
