"""Fixture `road`: applications that log to the real Elasticsearch, joiners, and what arrives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError

import shipper
from shipper.feedback.joiner import Joiner
from shipper.process import configure
from shipper.record.fields import Amendment, Completion, Feedback
from shipper.store.setup import setup

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo
    from shipper.feedback.joiner import Report
    from shipper.settings import Settings

Json = dict[str, Any]

REQUEST: Json = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What colour is the sky?"}]}
RESPONSE: Json = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Blue."}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": "Grey."}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}


class Road:
    """Applications that log to the node, and what arrives there."""

    def __init__(self, store: Elasticsearch, settings: Settings) -> None:
        self.store = store
        self.settings = configure(settings)

    def app(self, name: str = "join", version: str = "1.0") -> shipper.Application:
        return shipper.Application(name, version=version, settings=self.settings)

    def arrive(self) -> None:
        """Everything logged so far is in the store and can be searched."""
        assert shipper.flush(30)
        self.store.indices.refresh(index="llm-*")

    def join(self, *, later_s: float = 0, **settings: Any) -> Report:
        """One run of a joiner, whose clock may be ahead."""
        self.arrive()
        ahead = int(later_s * 1e9)
        one = Joiner(self.store, self.settings.replace(**settings), now_ns=lambda: time.time_ns() + ahead)
        report = one.run()
        self.store.indices.refresh(index="llm-*")
        return report

    def completion(self, event_id: str) -> Json:
        [hit] = self._find("llm-completions-*", event_id)
        Completion.validate_document(hit)
        return hit

    def event(self, event_id: str) -> Json:
        [hit] = self._find("llm-feedback-*", event_id)
        model = Amendment if hit["event"]["dataset"] == "llm.amendment" else Feedback
        model.validate_document(hit)
        return hit

    def feedback(self, event_id: str) -> Json:
        return self.completion(event_id)["llm"]["feedback"]

    def _find(self, index: str, event_id: str) -> list[Json]:
        hits = self.store.search(index=index, query={"term": {"event.id": event_id}})["hits"]["hits"]
        return [hit["_source"] for hit in hits]


def without_memory() -> ApiError:
    """What a store says whose circuit breaker refuses a request."""
    meta = ApiResponseMeta(429, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "localhost", 9200))
    return ApiError("circuit_breaking_exception", meta, {})


@pytest.fixture
def road(clean_store: Elasticsearch, settings: Settings, node: NodeInfo) -> Road:
    """An empty store with its templates."""
    setup(clean_store)
    return Road(clean_store, settings.replace(elasticsearch_url=node.url))
