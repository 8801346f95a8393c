"""The doctor at a secured cluster: rights, missing rights, and clusters without security."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from shipper.read.doctor import examine
from shipper.settings import Settings
from tests.loopback import Answer, Loopback, elasticsearch, error, ok

if TYPE_CHECKING:
    from pathlib import Path

HAS = {"create_doc": True, "auto_configure": True, "read": True, "view_index_metadata": True}


def statuses(home: Path, *, key: str = "id:key", **replaced: Answer) -> dict[str, str]:
    """Status of each check at a cluster that answers so."""
    stats: dict[str, Any] = {
        "nodes": {
            "n": {
                "timestamp": int(time.time() * 1000),
                "fs": {"total": {"total_in_bytes": 100 << 30, "available_in_bytes": 60 << 30}},
            }
        }
    }
    answers = {
        ("POST", "/_security/user/_has_privileges"): ok({"index": {"llm-*": HAS}}),
        ("GET", "/_cluster/health"): ok({"status": "green", "active_shards": 900, "number_of_data_nodes": 1}),
        ("GET", "/_cluster/health/llm-*"): ok({"status": "yellow", "number_of_data_nodes": 3, "indices": {}}),
        ("GET", "/_cluster/settings"): ok(
            {"persistent": {}, "transient": {}, "defaults": {"cluster.max_shards_per_node": "1000"}}
        ),
        ("GET", "/_nodes/stats/fs"): ok(stats),
        ("GET", "/_nodes/stats/process"): ok(stats),
        ("GET", "/llm-*/_settings/index.blocks.*"): ok({}),
        ("GET", "/llm-completions-*@*/_alias"): ok({}),
        **{tuple(name.split("_", 1)): answer for name, answer in replaced.items()},
    }
    missing = error(404, "resource_not_found_exception")
    for kind in ("_ilm/policy", "_component_template", "_index_template"):
        answers[("GET", kind)] = missing

    def answer(request: Any) -> Answer:
        if request.path.startswith(("/_ilm", "/_component_template", "/_index_template")):
            return missing
        return elasticsearch(replaced=answers)(request)

    with Loopback(answer) as server:
        settings = Settings(home=home, elasticsearch_url=server.url, elasticsearch_api_key=key)
        return {check.name: check.status for check in examine(settings)}


def test_full_cluster(tmp_path: Path) -> None:
    """Each check of a full cluster is made and judged."""
    assert statuses(tmp_path) == {
        "settings": "ok",
        "home": "ok",
        "spool": "ok",
        "spool disk": "ok",
        "store": "ok",
        "rights": "ok",
        "templates": "fail",
        "aliases": "ok",
        "health": "warn",
        "shards": "warn",
        "versions": "ok",
        "disk": "ok",
        "blocks": "ok",
        "clock": "ok",
    }


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (ok({"index": {"llm-*": {**HAS, "read": False}}}), "warn"),
        (error(400, "illegal_argument_exception", "no handler found"), "warn"),
        (error(403, "security_exception"), "skip"),
        (error(500, "oops"), "fail"),
        (Answer(cut="before"), "fail"),
    ],
)
def test_rights(answer: Answer, status: str, tmp_path: Path) -> None:
    """Missing rights and missing security warn; what may not be asked is skipped; trouble fails."""
    assert statuses(tmp_path, **{"POST_/_security/user/_has_privileges": answer})["rights"] == status


def test_checks_go_on_after_one_that_fails(tmp_path: Path) -> None:
    """A check that the store refuses does not hide the following ones."""
    found = statuses(tmp_path, **{"GET_/_cluster/health": error(403, "security_exception")})
    assert (found["shards"], found["disk"]) == ("skip", "ok")


def test_logstash_alone_needs_no_store(tmp_path: Path) -> None:
    """Who sends to Logstash and names no Elasticsearch has nothing wrong with it."""
    settings = Settings(home=tmp_path, logstash_url="http://127.0.0.1:1")
    assert {check.name: check.status for check in examine(settings)}["store"] == "skip"
