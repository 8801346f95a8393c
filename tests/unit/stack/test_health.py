"""Shard arithmetic, and what Elasticsearch's and Logstash's reports mean."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shipper.settings import Settings
from shipper.stack import judge
from shipper.stack.certificates import ensure_certificates
from shipper.stack.health import examine_stack
from shipper.store.client import connect
from tests.loopback import Answer, Loopback, elasticsearch, error, ok

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from tests.loopback import Request

NOW = datetime(2026, 11, 21, tzinfo=UTC)
GIB = 1024**3


def small(count: int) -> dict[str, int]:
    """So many closed partitions of a megabyte."""
    return {f"llm-completions-app{n}@1-2026.01": 2**20 for n in range(count)}


@pytest.mark.parametrize(
    ("sizes", "status"),
    [
        ({}, "ok"),
        (small(100), "ok"),
        (small(101), "warn"),
        ({name.replace("2026.01", "2026.11"): size for name, size in small(200).items()}, "ok"),
        ({name.replace("2026.01", "undated"): size for name, size in small(200).items()}, "ok"),
        ({"llm-completions-a@1-2026.11": 51 * GIB}, "warn"),
        ({"llm-completions-a@1-2026.11": 50 * GIB}, "ok"),
    ],
)
def test_sizes(sizes: dict[str, int], status: str) -> None:
    """Many small closed partitions, or a huge one, are told; open and undated ones may be small."""
    assert judge.judge_sizes(sizes, NOW).status == status


@pytest.mark.parametrize(
    ("shards", "heap", "status"), [(20, GIB, "ok"), (21, GIB, "warn"), (60, 3 * GIB, "ok")]
)
def test_shards_by_heap(shards: int, heap: int, status: str) -> None:
    """Twenty shards a gigabyte."""
    assert judge.judge_heap(shards, heap).status == status


@pytest.mark.parametrize(("count", "status"), [(30, "ok"), (31, "warn")])
def test_versions_in_a_month(count: int, status: str) -> None:
    """More than thirty in one month are told; over many months they may be more."""
    one_month = [f"llm-completions-app@1.{n}-2026.10" for n in range(count)]
    spread = [f"llm-completions-app@1.{n}-2026.{n % 12 + 1:02}" for n in range(300)]
    assert judge.judge_version_growth(one_month).status == status
    assert judge.judge_version_growth(spread).status == "ok"
    assert judge.judge_version_growth([]).status == "ok"


def test_fields_near_the_limit() -> None:
    """Fields, objects, multi-fields and runtime fields count; each index has its own limit."""
    mapping: dict[str, Any] = {
        "runtime": {"r": {}},
        "properties": {"a": {"properties": {"b": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}},
    }
    assert judge.count_fields(mapping) == 4
    assert judge.judge_fields({"i": 800}, {}).status == "ok"
    assert judge.judge_fields({"i": 801}, {}).status == "warn"
    assert judge.judge_fields({"i": 801}, {"i": 2000}).status == "ok"
    assert "j has 1999" in judge.judge_fields({"i": 900, "j": 1999}, {"j": 2000}).message


PIPELINE: dict[str, Any] = {
    "queue": {
        "type": "persisted",
        "queue_size_in_bytes": 10,
        "max_queue_size_in_bytes": 100,
        "events_count": 3,
    },
    "dead_letter_queue": {"dropped_events": 0},
}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "ok"),
        ({"queue": {"type": "memory"}}, "fail"),
        ({"queue": {**PIPELINE["queue"], "queue_size_in_bytes": 81}}, "warn"),
        ({"dead_letter_queue": {"dropped_events": 1}}, "fail"),
        ({"queue": {}}, "fail"),
    ],
)
def test_logstashs_queue(change: dict[str, Any], status: str) -> None:
    """A memory queue loses events, a full one slows intake, and refused ones without room are lost."""
    checks = list(
        judge.judge_logstash(
            {"status": "green", "version": "9.5.3"}, {"pipelines": {"p": {**PIPELINE, **change}}}
        )
    )
    assert [check.status for check in checks] == ["ok", status]


def test_elasticsearchs_own_report_is_passed_on() -> None:
    """What is not green is told with Elasticsearch's own advice; all green is one line."""
    report = {
        "indicators": {
            "disk": {"status": "green"},
            "ilm": {
                "status": "yellow",
                "symptom": "ILM is not running",
                "diagnosis": [{"action": "Start ILM."}],
            },
            "master": {"status": "red", "symptom": "No master"},
            "new": {"status": "unknown"},
        }
    }
    checks = {check.name: check for check in judge.judge_report(report)}
    assert {name: check.status for name, check in checks.items()} == {
        "es ilm": "warn",
        "es master": "fail",
        "es new": "warn",
    }
    assert checks["es ilm"].advice == "Start ILM."
    assert [check.status for check in judge.judge_report({"indicators": {"disk": {"status": "green"}}})] == [
        "ok"
    ]


def test_a_full_cluster_with_logstash_is_examined(tmp_path: Path) -> None:
    """Every part is asked once; a key that may not ask skips; what does not answer fails, by name."""
    ensure_certificates(tmp_path, datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "kibana" / "tls.crt", tmp_path / "kibana" / "tls.key")

    def logstash(request: Request) -> Answer:
        if request.path == "/_health_report":
            return Answer(200, {"status": "green", "version": "9.5.3"})
        return Answer(200, {"pipelines": {"records": PIPELINE}})

    replaced = {
        ("GET", "/llm-*/_stats/store"): ok({"indices": {}}),
        ("GET", "/_nodes/stats/jvm"): ok({"nodes": {"n": {"jvm": {"mem": {"heap_max_in_bytes": GIB}}}}}),
        ("GET", "/_cluster/health"): ok({"active_shards": 3}),
        ("GET", "/llm-*/_mapping"): error(403, "security_exception"),
        ("GET", "/_health_report"): ok({"indicators": {}}),
    }
    with (
        Loopback(elasticsearch(replaced=replaced)) as store,
        Loopback(logstash) as api,
        Loopback(Answer(200), tls=context) as kibana,
        connect(Settings(elasticsearch_url=(store.url,))) as client,
    ):
        checks = list(
            examine_stack(
                client,
                logstash_api=[api.url, "http://127.0.0.1:9"],
                tls=[kibana.url],
                ca=tmp_path / "trust" / "ca.crt",
            )
        )
        distrusted = list(examine_stack(client, tls=[kibana.url]))[-1]
    found = [(check.name, check.status) for check in checks]
    assert found[:-1] == [
        ("sizes", "ok"),
        ("version growth", "ok"),
        ("shard heap", "ok"),
        ("fields", "skip"),
        ("es report", "ok"),
        ("logstash", "ok"),
        ("logstash records", "ok"),
        ("logstash", "fail"),
    ]
    assert found[-1][0].endswith(" tls")
    assert checks[-1].status == "ok", checks[-1]
    assert "397" in checks[-1].message or "396" in checks[-1].message
    assert distrusted.status == "fail"


@pytest.mark.parametrize(("left", "status"), [(31, "ok"), (29, "warn"), (0, "fail"), (-1, "fail")])
def test_certificates_that_end_soon(left: float, status: str) -> None:
    """A month ahead there is a warning with the command."""
    assert judge.judge_certificate("kibana", left).status == status


def test_it_runs_on_the_embedded_node(es: Elasticsearch) -> None:
    """What that node has is judged, and the rest is skipped or fine; nothing raises."""
    checks = list(examine_stack(es))
    assert {check.name for check in checks} >= {"sizes", "shard heap", "fields"}
    assert [check for check in checks if check.status == "fail"] == []
