"""Fixtures of exports: a client of ours, and the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from shipper.cli.export import export as export_command
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo


@pytest.fixture
def connected(node: NodeInfo, home: Path) -> Iterator[Elasticsearch]:
    """A client of ours, to the session's node."""
    with open_store(Settings(home=home, elasticsearch_url=node.url)) as client:
        yield client


@pytest.fixture
def run_export(node: NodeInfo, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on the session's node, as in a pipe."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", node.url)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(export_command, [str(argument) for argument in arguments])

    return invoke
