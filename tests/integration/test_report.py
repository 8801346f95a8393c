"""Reports of a month in the real store, as a user types them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from shipper.cli.report import report
from shipper.demo.month.road import log_month
from shipper.process import configure
from shipper.store.setup import setup

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.settings import Settings

pytestmark = pytest.mark.node

Json = dict[str, Any]
OF_IT = ("--app", "demo-month", "--since", "31d")


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, node: NodeInfo) -> None:
    """The command finds the test's node."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", node.url)


@pytest.fixture
def month(clean_store: Elasticsearch, node: NodeInfo, settings: Settings) -> list[Json]:
    """The demo's month in the store; its completions."""
    setup(clean_store)
    here = configure(settings.replace(elasticsearch_url=node.url))
    log_month(clean_store, here, seed=1, days=30, calls=900)
    found = clean_store.search(index="llm-completions-demo-month@*", size=1000)
    assert found["_shards"]["failed"] == 0, found["_shards"]
    hits = found["hits"]["hits"]
    assert len(hits) == 900
    return [hit["_source"] for hit in hits]


def _report(*arguments: str, code: int = 0) -> str:
    done = CliRunner(env={"COLUMNS": "80"}).invoke(report, arguments)
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def _rows(*arguments: str) -> list[Json]:
    return [orjson.loads(line) for line in _report(*arguments, *OF_IT, "--json").splitlines()]


def test_reports(month: list[Json], tmp_path: Path) -> None:
    """Rows agree with the documents; every report fits 80 columns; two versions are compared; the page is written."""
    rows = {
        row["panel"]: row["values"] for row in _rows("overview") if row["period"] == "now" and not row["keys"]
    }
    failed = sum(one["event"]["outcome"] == "failure" for one in month)
    assert rows["overview-calls"]["calls"] == 900
    assert rows["overview-error-share"]["error_share"] == pytest.approx(failed / 900)
    spent = sum(
        one["gen_ai"]["usage"]["cost"]["amount"] for one in month if "cost" in one["gen_ai"].get("usage", {})
    )
    assert rows["overview-cost"]["cost"] == pytest.approx(spent)
    only = _rows("versions", "--version", "2.0.0")
    ours = sum(one["service"]["version"] == "2.0.0" for one in month)
    assert {row["documents"] for row in only if row["panel"] == "versions-table"} == {ours}

    for name in (
        "overview",
        "versions",
        "cost",
        "quality",
        "trouble",
        "conversations",
        "delivery",
        "feedback",
    ):
        shown = _report(name, *OF_IT)
        assert all(cell_len(line) <= 80 for line in shown.splitlines()), shown

    pair = _rows("versions", "1.5.0", "2.0.0")
    latency = next(row for row in pair if row.get("metric") == "latency")
    answered = [
        one["llm"]["latency_ms"]
        for one in month
        if one["service"]["version"] == "2.0.0" and one["event"]["outcome"] == "success"
    ]
    assert latency["second"]["count"] == len(answered)
    assert latency["second"]["value"] == pytest.approx(sum(answered) / len(answered))
    assert latency["verdict"] == "clear"
    assert "2.0.0" in pair[-1]["sentence"]

    pytest.importorskip("vl_convert")
    file = tmp_path / "report.html"
    assert "report.html" in _report("--html", str(file), *OF_IT)
    text = file.read_text("utf-8")
    assert "2.0.0 against 1.5.0" in text
    assert "Store credit" not in text  # what people wrote is in the store, not on the page


def test_an_empty_store(clean_store: Elasticsearch) -> None:
    """Before the first call a report says that there is nothing, and a comparison ends with 1."""
    setup(clean_store)
    assert "no document of this period fits" in _report("overview")
    assert "No completions here" in _report("feedback")
    assert "no call of version a" in _report("versions", "a", "b", code=1)
