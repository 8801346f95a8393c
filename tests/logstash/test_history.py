"""History through the real Logstash: the documents that a direct import stores, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history import import_history
from tests.logstash.real import PASSWORD, USER, RealLogstash, stored
from tests.plugins.node import remove_indices

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.settings import Settings

CALLS: list[dict[str, Any]] = [
    {
        "timestamp": f"2024-0{month}-03T12:00:00Z",
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {month}"}]},
        "response": {
            "id": f"chatcmpl-history-{month}",
            "object": "chat.completion",
            "model": "gpt-4o-2024-05-13",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Answer"}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        },
        "user": "u1",
    }
    for month in range(1, 7)
]


def by_place(hits: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Documents by index and id, without what two imports differ in. Logstash writes fewer digits of a time."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for hit in hits:
        document = hit["_source"]
        document["llm"]["import"].pop("batch_id")
        document["event"].pop("ingested")
        document["@timestamp"] = document["@timestamp"][:19]
        found[hit["_index"], hit["_id"]] = document
    return found


def test_history_is_the_same_by_both_roads(
    logstash: RealLogstash, clean_store: Elasticsearch, settings: Settings, node: NodeInfo
) -> None:
    """Imported through Logstash, twice, and then straight into the store: the same documents, each once."""
    toward = settings.replace(
        logstash_url=logstash.url, logstash_username=USER, logstash_password=PASSWORD, logstash_ca=logstash.ca
    )
    for _ in range(2):
        report = import_history(rows=CALLS, app="history", version="1", to="logstash", settings=toward)
        assert (report.books.delivered, report.books.rejected) == (6, 0)
    index = "llm-completions-history@1-*"
    through = by_place(stored(clean_store, 6, index))
    straight = settings.replace(elasticsearch_url=node.url)
    report = import_history(rows=CALLS, app="history", version="1", to="elasticsearch", settings=straight)
    assert (report.books.delivered, report.books.duplicate) == (0, 6)
    remove_indices(clean_store)
    import_history(rows=CALLS, app="history", version="1", to="elasticsearch", settings=straight)
    assert through == by_place(stored(clean_store, 6, index))
    assert {one for one, _ in through} == {
        f"llm-completions-history@1-2024.0{month}" for month in range(1, 7)
    }
