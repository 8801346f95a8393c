"""One completion by any of the ids that people have at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.read.query import INDICES
from shipper.read.search import Hit

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

SHORTEST_PREFIX = 8
MOST_MATCHES = 50

_KEYS = ("event.id", "gen_ai.response.id", "llm.join.key")
_NEWEST_FIRST: list[dict[str, Any]] = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]


def find(client: Elasticsearch, key: str) -> list[Hit]:
    """The completions that a key names, newest first, at most `MOST_MATCHES`.

    Args:
        client: the store.
        key: an event id, a provider's response id or a join key. Only when none is exactly so: the beginning of an
            event id, `SHORTEST_PREFIX` characters or more.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    key = key.encode("utf-8", "replace").decode("utf-8")
    exact: list[dict[str, Any]] = [{"term": {field: key}} for field in _KEYS]
    hits = _ask(client, {"bool": {"should": exact}})
    if not hits and len(key) >= SHORTEST_PREFIX:
        hits = _ask(client, {"prefix": {"event.id": key}})
    return hits


def _ask(client: Elasticsearch, query: dict[str, Any]) -> list[Hit]:
    answer = client.search(index=INDICES, query=query, size=MOST_MATCHES, sort=_NEWEST_FIRST)
    return [Hit(hit["_id"], hit["_index"], hit["_source"]) for hit in answer["hits"]["hits"]]
