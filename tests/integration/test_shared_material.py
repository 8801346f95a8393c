"""Real material through the road: recorded OpenAI traffic, and an hour of a production trace.

The material is no part of the project; without it these tests skip. What is stored is compared with what the files
say, computed here from the files alone.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

import shipper
from shipper.process import pipeline_for
from shipper.store.setup import setup

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.settings import Settings

pytestmark = pytest.mark.node


@pytest.fixture
def to_node(settings: Settings, node: NodeInfo, clean_store: Elasticsearch) -> Settings:
    """Settings that send to an empty store with its templates."""
    setup(clean_store)
    return settings.replace(elasticsearch_url=node.url)


def _exchanges(folder: Path) -> list[dict[str, Any]]:
    """Every recorded exchange: request, answer (a dict, or a stream's chunks), status, time."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yaml")):
        for number, one in enumerate(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["interactions"]):
            text = one["response"]["body"]["string"]
            headers = {name.lower(): values for name, values in one["response"]["headers"].items()}
            streamed = "event-stream" in headers.get("content-type", [""])[0]
            found.append(
                {
                    "id": f"{path.stem}-{number}",
                    "request": orjson.loads(one["request"]["body"]),
                    "answer": _chunks(text) if streamed else orjson.loads(text),
                    "status": one["response"]["status"]["code"],
                    "date": datetime.strptime(headers["date"][0], "%a, %d %b %Y %H:%M:%S GMT").replace(
                        tzinfo=UTC
                    )
                    if "date" in headers
                    else None,
                }
            )
    return found


def _chunks(text: str | bytes) -> list[Any]:
    text = text.decode() if isinstance(text, bytes) else text
    lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    return [orjson.loads(line) for line in lines if line and line != "[DONE]"]


def _usage(answer: Any) -> tuple[int, int]:
    """Input and output tokens that an answer reports; from the last chunk that does, in a stream."""
    if isinstance(answer, list):
        reports = [_usage(one.get("response", one)) for one in answer if isinstance(one, dict)]
        return max(reports, default=(0, 0))
    usage = answer.get("usage") or {}
    return (
        usage.get("prompt_tokens", usage.get("input_tokens", 0)) or 0,
        usage.get("completion_tokens", usage.get("output_tokens", 0)) or 0,
    )


def test_recorded_openai_traffic(shared_data: Path, to_node: Settings, es: Elasticsearch) -> None:
    """Every recorded exchange is stored once; counts, tokens, models and days are what the recordings say."""
    exchanges = _exchanges(shared_data / "openai-recordings")
    app = shipper.Application("recordings", version="1", settings=to_node)
    for one in exchanges:
        failed = one["status"] >= 400
        error = {**one["answer"]["error"], "status": one["status"]} if failed else None
        app.log_completion(
            one["request"],
            None if failed else one["answer"],
            error=error,
            started_at=one["date"],
            event_id=one["id"],
        )
    pipeline = pipeline_for(to_node)
    assert pipeline.flush(60)
    assert pipeline.balance().delivered == len(exchanges)
    es.indices.refresh(index="llm-completions-recordings@*")
    answer = es.search(
        index="llm-completions-recordings@*",
        size=0,
        track_total_hits=True,
        aggs={
            "input": {"sum": {"field": "gen_ai.usage.input_tokens"}},
            "output": {"sum": {"field": "gen_ai.usage.output_tokens"}},
            "failed": {"filter": {"term": {"event.outcome": "failure"}}},
            "days": {
                "date_histogram": {"field": "@timestamp", "calendar_interval": "day", "min_doc_count": 1}
            },
            "models": {"terms": {"field": "gen_ai.request.model", "size": 100}},
        },
    )
    expected = [_usage(one["answer"]) for one in exchanges]
    figures = answer["aggregations"]
    assert answer["hits"]["total"]["value"] == len(exchanges)
    assert figures["input"]["value"] == sum(one for one, _ in expected)
    assert figures["output"]["value"] == sum(one for _, one in expected)
    assert figures["failed"]["doc_count"] == sum(one["status"] >= 400 for one in exchanges)
    models = Counter(one["request"]["model"] for one in exchanges)
    assert {bucket["key"]: bucket["doc_count"] for bucket in figures["models"]["buckets"]} == models
    dated = Counter(f"{one['date']:%Y-%m-%d}" for one in exchanges if one["date"] is not None)
    days = {bucket["key_as_string"][:10]: bucket["doc_count"] for bucket in figures["days"]["buckets"]}
    assert {day: count for day, count in days.items() if day in dated} == dated


def test_production_trace(shared_data: Path, to_node: Settings, es: Elasticsearch) -> None:
    """28,185 requests of 2023: stored once each in their own month; sums and requests a minute are the files'."""
    rows: list[tuple[str, datetime, int, int]] = []
    for path in sorted((shared_data / "azure-llm-trace").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                time = datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC)
                rows.append((path.stem, time, int(row["ContextTokens"]), int(row["GeneratedTokens"])))
    apps = {
        name: shipper.Application(name, version="2023", settings=to_node) for name in {row[0] for row in rows}
    }
    for name, time, context, generated in rows:
        usage = {
            "prompt_tokens": context,
            "completion_tokens": generated,
            "total_tokens": context + generated,
        }
        apps[name].log_completion({"model": "gpt-4"}, {"model": "gpt-4", "usage": usage}, started_at=time)
    pipeline = pipeline_for(to_node)
    assert pipeline.flush(120)
    assert pipeline.balance().delivered == len(rows)
    assert len(rows) == 28_185
    es.indices.refresh(index="llm-completions-*@2023-2023.11")
    answer = es.search(
        index="llm-completions-*@2023-2023.11",
        size=0,
        track_total_hits=True,
        aggs={
            "apps": {
                "terms": {"field": "llm.application.name"},
                "aggs": {
                    "input": {"sum": {"field": "gen_ai.usage.input_tokens"}},
                    "output": {"sum": {"field": "gen_ai.usage.output_tokens"}},
                    "minutes": {
                        "date_histogram": {"field": "@timestamp", "fixed_interval": "1m", "min_doc_count": 1}
                    },
                },
            }
        },
    )
    assert answer["hits"]["total"]["value"] == len(rows)
    for bucket in answer["aggregations"]["apps"]["buckets"]:
        mine = [row for row in rows if row[0] == bucket["key"]]
        assert bucket["doc_count"] == len(mine)
        assert bucket["input"]["value"] == sum(row[2] for row in mine)
        assert bucket["output"]["value"] == sum(row[3] for row in mine)
        minutes = Counter(f"{row[1]:%Y-%m-%dT%H:%M}" for row in mine)
        assert {
            one["key_as_string"][:16]: one["doc_count"] for one in bucket["minutes"]["buckets"]
        } == minutes
