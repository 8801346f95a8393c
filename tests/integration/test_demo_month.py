"""The demo's month in the real store: logged, joined, the same again, and gone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shipper.panels.catalogue import DASHBOARDS
from shipper.read.joins import join_state
from shipper.store.setup import setup
from tests.faults.programs import shipper_command

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = pytest.mark.node


def _counts(store: Elasticsearch) -> dict[str, int]:
    store.indices.refresh(index="llm-*")
    return {
        dataset: store.count(index=f"llm-{dataset}-demo-month*", ignore_unavailable=True)["count"]
        for dataset in ("completions", "feedback", "deadletter")
    }


def test_a_month_is_logged_once_and_can_be_removed(
    clean_store: Elasticsearch, node: NodeInfo, home: Path
) -> None:
    """A second run adds nothing; feedback is joined but for the orphans; `--remove` leaves nothing but others' calls."""
    setup(clean_store)
    command = ("demo", "--days", "30", "--calls", "400", "--seed", "5")
    done = shipper_command(home, node.url, *command)
    assert done.returncode == 0, done.stderr
    counts = _counts(clean_store)
    assert counts["completions"] == 400
    assert counts["feedback"] > 40
    assert counts["deadletter"] == 6
    total = join_state(clean_store, datetime.now(UTC), app="demo-month").total
    assert total.joined >= 0.95 * counts["feedback"]

    again = shipper_command(home, node.url, *command)
    assert again.returncode == 0, again.stderr
    assert _counts(clean_store) == counts

    clean_store.index(index="llm-completions-other@1-2026.11", document={"message": "kept"}, refresh=True)
    removed = shipper_command(home, node.url, "demo", "--remove")
    assert "indices of application demo-month are deleted" in removed.stdout
    left = clean_store.indices.get(index="llm-*", expand_wildcards="all")
    assert not [name for name in left if "demo-month" in name]
    assert "llm-completions-other@1-2026.11" in left


def test_the_demo_ends_with_its_report(clean_store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """Calls that are found, a month in the terminal and as a page, and last what to type next and how to stop."""
    setup(clean_store)
    month = shipper_command(home, node.url, "demo", "--days", "30", "--calls", "150")
    assert month.returncode == 0, month.stderr
    done = shipper_command(home, node.url, "demo")
    assert done.returncode == 0, done.stderr
    said = [
        "calls are logged. The last ones:",
        'Found by the word "refund":',
        "A month of application demo-month",
        "Overview",
        "Calls over time: When is it used, and by which version?",
        "report --app demo-month",
        "The report is in" if find_spec("vl_convert") else "As a page with charts: pip install",
        "Try next:",
        "status",
        f"Your logs lie in {home}.",
        "down --remove",
    ]
    places = [done.stdout.find(one) for one in said]
    assert -1 not in places, [one for one, place in zip(said, places, strict=True) if place == -1]
    assert places[:3] == sorted(places[:3])
    assert places[-4:] == sorted(places[-4:])
    assert max(map(len, done.stdout.splitlines())) <= 120
    if find_spec("vl_convert"):
        [path] = re.findall(r"^The report is in (.+) \([\d,]+ kB\)\.$", done.stdout, re.MULTILINE)
        page = Path(path)
        assert page.parent == home.resolve()
        assert page.read_text("utf-8").count("<section ") == len(DASHBOARDS)
