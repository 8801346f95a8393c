"""`shipper retention` against a real Elasticsearch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipper.store.setup import setup
from tests.faults.programs import shipper_command

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

INDICES = (
    "llm-completions-support@1.0-2020.01",
    "llm-completions-support@1.0-2020.02.03",
    "llm-completions-support-bot@1.0-2020.01",
    "llm-completions-support@1.0-2199.01",
    "llm-completions-support@1.0-undated",
    "llm-feedback-support@2020.01",
    "llm-other-2020.01",
)


def test_it_shows_first_and_deletes_when_told(node: NodeInfo, clean_store: Elasticsearch, home: Path) -> None:
    """The dry run changes nothing; --delete takes exactly what it showed; a third run finds nothing."""
    setup(clean_store)
    for index in INDICES:
        clean_store.indices.create(index=index)
    arguments = ("retention", "--completions", "365d", "--app", "support")
    shown = shipper_command(home, node.url, *arguments)
    assert shown.returncode == 0, shown.stderr
    assert sorted(clean_store.indices.get(index="llm-*")) == sorted(INDICES)
    told = [
        json.loads(line) for line in shipper_command(home, node.url, *arguments, "--json").stdout.splitlines()
    ]
    assert [(one["index"], one["deleted"]) for one in told] == [(INDICES[0], False), (INDICES[1], False)]
    done = shipper_command(home, node.url, *arguments, "--delete")
    assert done.returncode == 0, done.stderr
    assert sorted(clean_store.indices.get(index="llm-*")) == sorted(INDICES[2:])
    again = shipper_command(home, node.url, *arguments, "--delete")
    assert "0 partitions" in again.stdout


def test_upkeep_puts_aliases_back_and_deletes_what_is_old(
    node: NodeInfo, clean_store: Elasticsearch, home: Path
) -> None:
    """`shipper stack maintain --once` does both; an empty age in the environment means none."""
    setup(clean_store)
    for index in INDICES:
        clean_store.indices.create(index=index)
    done = shipper_command(
        home, node.url, "stack", "maintain", "--once", "--completions", "365d", "--delivery", "90d"
    )
    assert done.returncode == 0, done.stderr
    assert "llm-completions-support → llm-completions-support@1.0-2199.01" in done.stdout
    assert "deleted: llm-completions-support-bot@1.0-2020.01" in done.stdout
    left = clean_store.indices.get(index="llm-*")
    assert sorted(left) == sorted((INDICES[3], INDICES[4], INDICES[5], INDICES[6]))
    assert sorted(left[INDICES[3]]["aliases"]) == ["llm-completions-support", "llm-completions-support@1.0"]
