"""`kill -9` of the real Logstash, of the node and of both, under writing processes: nothing is lost or there twice."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest
from elasticsearch import Elasticsearch

from shipper.embedded import find_node, remove_node, start_node
from shipper.settings import Settings
from shipper.store.setup import setup
from tests.faults.programs import (
    Program,
    assert_balanced,
    drain,
    shipper_command,
    stored_ids,
    wait_until,
)
from tests.logstash.real import PASSWORD, USER, RealLogstash, until
from tests.plugins.proxy import ForwardingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.embedded import NodeInfo

pytestmark = [pytest.mark.node, pytest.mark.slow]

_WRITERS = 2
_LOG = """
n = 0
while not os.path.exists({stop!r}):
    log(f'{writer}-{{n}}'); n += 1; time.sleep(.01)
"""


class Road:
    """Writing processes, a Logstash, a proxy and a node; the two servers can be killed and started again."""

    def __init__(self, logstash_home: Path, home: Path, folder: Path) -> None:
        self.home, self.node_home = home, folder / "node"
        self.node = self._start_node()
        self.proxy = ForwardingProxy(self.node.url)
        self.proxy.__enter__()
        with Elasticsearch(self.node.url) as client:
            setup(client)
        self.logstash = RealLogstash(logstash_home, folder / "logstash", self.proxy.url, "http-plain").start()
        home.mkdir()
        (home / "shipper.toml").write_text(
            f'logstash_url = ["{self.logstash.plain_url}"]\n'
            f'logstash_username = "{USER}"\nlogstash_password = "{PASSWORD}"\nrequest_timeout_s = 10\n',
            "utf-8",
        )
        code = (_LOG.format(stop=str(home / "stop"), writer=writer) for writer in range(_WRITERS))
        self.writers = [Program(one, home, None) for one in code]

    def _start_node(self) -> NodeInfo:
        return start_node(self.node_home, heap_mb=512, cache_dir=Settings.load().cache)

    def write(self, more: int) -> None:
        """Wait until each process has written so many events more."""
        for writer in self.writers:
            writer.wait_for(writer.logged + more)

    def kill_node(self) -> None:
        os.kill(self.node.pid, signal.SIGKILL)
        assert wait_until(lambda: find_node(self.node_home) is None)

    def start_node(self) -> None:
        self.node = self._start_node()
        self.proxy.target = self.node.url

    def stop(self) -> None:
        (self.home / "stop").touch()
        for writer in self.writers:
            if writer.process.poll() is None:
                writer.kill()
        self.logstash.kill()
        self.proxy.__exit__()
        remove_node(self.node_home)


@pytest.fixture
def road(logstash_home: Path, home: Path, tmp_path: Path) -> Iterator[Road]:
    """Everything up and writing."""
    running = Road(logstash_home, home, tmp_path)
    yield running
    running.stop()


def test_nothing_is_lost_and_nothing_is_there_twice(road: Road) -> None:
    """Events go on being accepted while one or both are away, and each is in the store once in the end."""
    for victims in (("logstash",), ("node",), ("logstash", "node")):
        road.write(150)
        if "logstash" in victims:
            road.logstash.kill()
        if "node" in victims:
            road.kill_node()
        road.write(150)
        if "node" in victims:
            road.start_node()
        if "logstash" in victims:
            road.logstash.start()
    road.write(150)
    (road.home / "stop").touch()
    logged = sorted(event_id for writer in road.writers for event_id in writer.finish(120))
    drain(road.home, road.node.url)
    assert_balanced(road.home, delivered=len(logged))
    with Elasticsearch(road.node.url) as client:
        until("everything has arrived", lambda: len(stored_ids(client)) >= len(logged), 600, 2)
        assert sorted(stored_ids(client)) == logged
    closed = shipper_command(
        road.home, road.node.url, "status", "--end-to-end", "--wait", "30s", "--json", timeout_s=120
    )
    assert closed.returncode == 0, closed.stdout
    closings = json.loads(closed.stdout)["end_to_end"]
    assert sum(one["accepted"] for one in closings) == len(logged)
    assert {(one["lost"], one["missing"], one["doubled"]) for one in closings} == {(0, 0, 0)}
