"""Completions that match a query, as many as wanted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from elastic_transport import TransportError
from elasticsearch import ApiError

from shipper.read.query import INDICES, highlight_of, query_of, ranks_by_relevance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.read.query import Query

HEAVY_FIELDS = ("llm.raw", "gen_ai.tool.definitions", "llm.prompt.template", "gen_ai.output.messages")

_FIRST_PAGE = 50
_LARGEST_PAGE = 1000
_PAGE_BYTES = 8 * 1024 * 1024  # prompts may have megabytes: pages are cut by what the last one weighed
_KEEP_ALIVE = "2m"
_BY_TIME: list[dict[str, Any]] = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored document that was found."""

    id: str
    index: str
    document: dict[str, Any]
    """As stored; without `HEAVY_FIELDS` if the search was brief."""
    passages: dict[str, str] = field(default_factory=dict[str, str])
    """By field, a passage in which `MARK` and `UNMARK` surround the words found."""


def search(
    client: Elasticsearch,
    query: Query,
    *,
    brief: bool = False,
) -> Iterator[Hit]:
    """The documents of a query: best match first, and newest among equals; newest first without words to match.

    Sees the store as of the first page, however long the rest takes and whatever arrives meanwhile.

    Args:
        client: the store.
        query: what to find, and how many at most.
        brief: leave out what no list shows, and mark the words found.

    Raises:
        UsageError: the query's text has too many words.
        ApiError, TransportError: the store refused or did not answer.
    """
    body: dict[str, Any] = {"query": query_of(query), "sort": _BY_TIME}
    if ranks_by_relevance(query):
        body["sort"] = [{"_score": {"order": "desc"}}, *_BY_TIME]
    if brief:
        body["source_excludes"] = list(HEAVY_FIELDS)
        body["highlight"] = highlight_of(query)
    if query.limit <= _FIRST_PAGE:
        answer = client.search(index=INDICES, size=query.limit, track_total_hits=False, **body)
        yield from _hits(answer["hits"]["hits"])
        return
    yield from _pages(client, body, query.limit)


def count(client: Elasticsearch, query: Query) -> int:
    """How many documents match, whatever the limit.

    Raises:
        UsageError, ApiError, TransportError: as `search`.
    """
    return client.count(index=INDICES, query=query_of(query))["count"]


def next_page(size: int, page_bytes: int, largest: int = _LARGEST_PAGE, growth: int = 2) -> int:
    """How many documents to ask for next, after `size` of them weighed `page_bytes`. Pure.

    At most `largest`, and `growth` times as many.
    """
    return max(1, min(largest, size * growth, _PAGE_BYTES * size // max(1, page_bytes)))


def _pages(client: Elasticsearch, body: dict[str, Any], limit: int) -> Iterator[Hit]:
    opened = client.open_point_in_time(
        index=INDICES, keep_alive=_KEEP_ALIVE, allow_partial_search_results=True
    )
    point_in_time = opened["id"]
    try:
        size, after = _FIRST_PAGE, None
        while limit > 0:
            answer = client.search(
                pit={"id": point_in_time, "keep_alive": _KEEP_ALIVE},
                size=min(size, limit),
                track_total_hits=False,
                search_after=after,
                **body,
            )
            point_in_time = answer.get("pit_id", point_in_time)
            page = answer["hits"]["hits"]
            yield from _hits(page)
            limit -= len(page)
            if len(page) < size:
                return
            after = page[-1]["sort"]
            size = next_page(size, len(orjson.dumps(page)))
    finally:
        # Who stops reading early may have closed the client by now; the store lets go of it by itself as well.
        with suppress(ApiError, TransportError):
            client.close_point_in_time(id=point_in_time)


def _hits(page: list[dict[str, Any]]) -> Iterator[Hit]:
    for hit in page:
        passages = {name: found[0] for name, found in hit.get("highlight", {}).items() if found}
        yield Hit(hit["_id"], hit["_index"], hit["_source"], passages)
