"""The store dies: kill -9 of the node while processes write loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from shipper.embedded import find_node, remove_node, start_node
from shipper.settings import Settings
from shipper.store.setup import setup
from tests.faults.programs import Program, assert_balanced, drain, stored_ids, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.node, pytest.mark.slow]


def test_kill_the_node_while_writing(home: Path) -> None:
    """Rounds of kill -9 of the node under two writing processes; the writers find it again by themselves."""
    cache = Settings.load().cache
    node = start_node(home, heap_mb=512, cache_dir=cache)
    try:
        with Elasticsearch(node.url) as client:
            setup(client)
        writers = [
            Program(
                f"n = 0\nwhile not os.path.exists({str(home / 'stop')!r}):\n    log(f'{w}-{{n}}'); n += 1; time.sleep(.002)",
                home,
                None,
            )
            for w in range(2)
        ]
        for round_ in range(2):
            for writer in writers:
                writer.wait_for(200 * (round_ + 1))
            os.kill(node.pid, signal.SIGKILL)
            for writer in writers:
                writer.wait_for(200 * (round_ + 1) + 100)
            assert wait_until(lambda: find_node(home) is None)
            node = start_node(home, heap_mb=512, cache_dir=cache)
        (home / "stop").touch()
        logged = [event_id for writer in writers for event_id in writer.finish()]
        drain(home, None)
        with Elasticsearch(node.url) as client:
            assert sorted(stored_ids(client)) == sorted(logged)
        assert_balanced(home, delivered=len(logged))
    finally:
        remove_node(home)
