"""The example programs, run as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shipper.store.setup import setup

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "log_calls.py"


def run(home: Path, url: str | None) -> str:
    """What it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}
    environment["SHIPPER_HOME"] = str(home)
    if url is not None:
        environment["SHIPPER_ELASTICSEARCH_URL"] = url
    return subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_both_ways_to_log_by_hand(clean_store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """Two calls are in the store when the program ends: one with the user, one with the conversation."""
    setup(clean_store)
    event_id = run(home, node.url).split()[-1]
    clean_store.indices.refresh(index="llm-completions-example@*")
    hits = clean_store.search(index="llm-completions-example@1.0.0-*", sort=["user.id"])["hits"]["hits"]
    assert [hit["_source"].get("user", {}).get("id") for hit in hits] == ["u1", None]
    assert hits[1]["_id"] == event_id
    assert hits[1]["_source"]["llm"]["output"]["text"] == "Yes, nine pairs."


def test_without_a_store_it_says_so(home: Path) -> None:
    """The calls wait; the program ends by itself and well."""
    assert "no store yet" in run(home, None)
