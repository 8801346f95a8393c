"""The real Logstash for tests that want one: one process for the session, in front of the session's Elasticsearch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shipper.store.setup import setup
from tests.logstash.real import RealLogstash, until
from tests.plugins.proxy import ForwardingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs the real Logstash, and keep them on one worker: a second one would cost a gigabyte."""
    for item in items:
        if "logstash_home" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.logstash)
            item.add_marker(pytest.mark.xdist_group("logstash"))


@pytest.fixture(scope="session")
def logstash_home() -> Path:
    """Folder of the real Logstash."""
    named = os.environ.get("LOGSTASH_HOME")
    if not named:
        pytest.skip("set LOGSTASH_HOME to an official distribution")
    return Path(named)


@pytest.fixture(scope="session")
def proxy(node: NodeInfo) -> Iterator[ForwardingProxy]:
    """What Logstash takes for Elasticsearch: the embedded node, completed."""
    with ForwardingProxy(node.url) as running:
        yield running


@pytest.fixture(scope="session")
def running_logstash(
    logstash_home: Path, proxy: ForwardingProxy, es: Elasticsearch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealLogstash]:
    """A Logstash that runs for the session, with every intake but Kafka."""
    setup(es)
    one = RealLogstash(
        logstash_home, tmp_path_factory.mktemp("logstash"), proxy.url, "http,http-plain,files,beats,tcp"
    )
    try:
        yield one.start()
    finally:
        one.kill()


@pytest.fixture
def logstash(
    logstash_home: Path, running_logstash: RealLogstash, clean_store: Elasticsearch
) -> Iterator[RealLogstash]:
    """That Logstash, in front of an empty store with templates; afterwards nothing is on the way any more."""
    setup(clean_store)
    yield running_logstash
    until("the queues are empty", running_logstash.is_idle)
