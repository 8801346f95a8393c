"""What the joiner asks of the store: `_search`, `_bulk` and `_mget`, and nothing else.

So the same code runs on the embedded node, on a cluster and on Elastic Cloud, and a key needs no more than to read
completions and feedback and to write to them.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import orjson
from elasticsearch import ApiError

from shipper.feedback.documents import Event, Place, Stored
from shipper.feedback.writes import written_of
from shipper.store.transport import JSON_TYPE, NDJSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from elastic_transport import ObjectApiResponse
    from elasticsearch import Elasticsearch

    from shipper.feedback.writes import Write, Written

T = TypeVar("T")

EVENTS: Final = "llm-feedback-*@*"
PAGE_MAX: Final = 10_000
"""Hits of one answer, at most: Elasticsearch's own limit."""
TOO_MUCH: Final = 429
"""The store has no memory for the request now."""

_COMPLETION_FIELDS: Final = [
    "@timestamp",
    "event.id",
    "event.end",
    "event.ingested",
    "gen_ai.prompt",
    "gen_ai.request.model",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "llm.application.name",
    "llm.feedback",
    "llm.join.key",
    "service.version",
]
_PATIENCE_S = (0.1, 0.5, 2.0, 5.0)
_BATCH_BYTES = 8 * 1024 * 1024
_UNKNOWN_BYTES = _BATCH_BYTES // 100  # a completion may have a megabyte
_MEASURED = 10  # documents of a batch
_BULK_BYTES = 8 * 1024 * 1024
_BULK_ACTIONS = 1000
_ANSWER = "error,items.*.status,items.*.error.type,items.*.error.reason"
_NO_MEMORY = frozenset({"circuit_breaking_exception", "es_rejected_execution_exception"})
_MAX_INDICES = 65_535  # as many buckets as an answer may have
_BY_ARRIVAL: Final[list[dict[str, Any]]] = [
    {"event.ingested": {"order": "asc", "unmapped_type": "date", "missing": 0}},
    {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
]


class Hit(NamedTuple):
    """A completion that a search found."""

    place: Place
    keys: list[str]


class Requests:
    """The three requests, typed. Every method raises ApiError or TransportError when the store refuses or is away.

    A store without memory is asked again a few times, or for less.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self._bytes: dict[str, int] = {}  # of a completion, by its application as its index's name has it

    def events(
        self, query: dict[str, Any], size: int, after: list[Any] | None
    ) -> tuple[list[Event], list[Any] | None]:
        """A page of events in the order of their arrival, and where the next one begins (None: there is none)."""
        answer = _patiently(
            lambda: search_documents(self._client, EVENTS, query, size, sort=_BY_ARRIVAL, after=after)
        )
        page = answer["hits"]["hits"]
        return [Event(stored_of(hit)) for hit in page], page[-1]["sort"] if len(page) == size else None

    def hits(
        self, indices: Sequence[str], query: dict[str, Any], size: int, *, patient: bool = True
    ) -> list[Hit]:
        """Up to `size` completions: only where they lie, and their join keys. Who isn't patient can ask for less."""

        def ask() -> ObjectApiResponse[Any]:
            return _search(
                self._client,
                indices,
                query,
                size=size,
                sort="_doc",
                source=False,
                docvalue_fields=["llm.join.key"],
                filter_path=["hits.hits._index", "hits.hits._id", "hits.hits.fields"],
            )

        answer = _patiently(ask) if patient else ask()
        return [
            Hit(
                Place(sys.intern(hit["_index"]), hit["_id"]),
                (hit.get("fields") or {}).get("llm.join.key", []),
            )
            for hit in (answer.get("hits") or {}).get("hits", [])
        ]

    def spread(self, indices: Sequence[str], query: dict[str, Any]) -> dict[str, int]:
        """How many completions match in each index, in the order of the indices' names; those with none left out."""
        by_name = {"terms": {"field": "_index", "size": _MAX_INDICES, "order": {"_key": "asc"}}}
        asked: dict[str, Any] = {"size": 0, "aggs": {"indices": by_name}, "request_cache": False}
        answer = _patiently(lambda: _search(self._client, indices, query, **asked))
        found = answer.get("aggregations") or {"indices": {"buckets": []}}  # none where there is no index
        return {bucket["key"]: bucket["doc_count"] for bucket in found["indices"]["buckets"]}

    def count(self, indices: Sequence[str], query: dict[str, Any], up_to: int) -> int:
        """How many completions match; counting stops at `up_to`."""
        asked: dict[str, Any] = {"size": 0, "track_total_hits": up_to, "request_cache": False}
        answer = _patiently(lambda: _search(self._client, indices, query, **asked))
        return answer["hits"]["total"]["value"]

    def read(self, places: Sequence[Place], *, whole: bool) -> Iterator[dict[Place, Stored]]:
        """The documents as they are now, not as the last refresh shows them, batch by batch.

        Those that are gone are left out. One that is no Unicode (half a surrogate) can't be read here: its batch comes
        with the fields that joining needs.
        """
        start = 0
        while start < len(places):
            batch = self._batch(places, start)
            try:
                documents = self._documents(batch, whole=whole, patient=len(batch) == 1)
            except ApiError as error:
                if error.meta.status != TOO_MUCH or len(batch) == 1:
                    raise
                for place in batch:
                    kind = _kind(place)
                    self._bytes[kind] = max(self._bytes.get(kind, 0), 2 * _BATCH_BYTES // len(batch))
                continue
            start += len(batch)
            yield documents

    def _batch(self, places: Sequence[Place], start: int) -> Sequence[Place]:
        """As many as there is memory for: those of an application are taken to be as large as its last."""
        size = 0
        for end in range(start, min(len(places), start + _BULK_ACTIONS)):
            size += self._bytes.get(_kind(places[end]), _UNKNOWN_BYTES)
            if size > _BATCH_BYTES:
                return places[start : max(end, start + 1)]
        return places[start : start + _BULK_ACTIONS]

    def _documents(self, batch: Sequence[Place], *, whole: bool, patient: bool) -> dict[Place, Stored]:
        docs = [{"_index": place.index, "_id": place.id} for place in batch]
        fields = None if whole else _COMPLETION_FIELDS

        def ask() -> ObjectApiResponse[Any]:
            answer = self._client.mget(docs=docs, source_includes=fields)
            if not isinstance(answer.body, str):
                _raise_faults(answer)
            return answer

        answer = _patiently(ask) if patient else ask()
        if isinstance(answer.body, str):
            return self._documents(batch, whole=False, patient=patient)
        found = [stored_of(doc, whole=whole) for doc in answer["docs"] if doc.get("found")]
        if whole:
            for one in found[:: max(1, len(found) // _MEASURED)]:
                size = len(orjson.dumps(one.source))
                self._bytes[_kind(one.place)] = (self._bytes.get(_kind(one.place), size) + size) // 2
        return {one.place: one for one in found}

    def write(self, writes: Iterable[Write]) -> list[Written]:
        """One answer for each write, in the same order."""
        answers: list[Written] = []
        lines: list[bytes] = []
        size = 0
        for write in writes:
            action = write.action()
            if lines and (size + len(action) > _BULK_BYTES or len(lines) == _BULK_ACTIONS):
                answers += self._bulk(lines)
                lines, size = [], 0
            lines.append(action)
            size += len(action)
        return answers + self._bulk(lines) if lines else answers

    def _bulk(self, lines: list[bytes]) -> list[Written]:
        body = b"".join(lines)
        answer = _patiently(
            lambda: self._client.perform_request(
                "POST",
                f"/_bulk?filter_path={quote(_ANSWER, safe=',*.')}",
                headers={"accept": JSON_TYPE, "content-type": NDJSON_TYPE},
                body=body,
            )
        )
        return [written_of(next(iter(item.values()))) for item in answer["items"]]


def _raise_faults(answer: ObjectApiResponse[Any]) -> None:
    """A document that could not be read is there all the same: an answer of `_mget` is whole, or none."""
    for doc in answer["docs"]:
        fault: str | None = (doc.get("error") or {}).get("type")
        if fault is not None and fault != "index_not_found_exception":
            status = TOO_MUCH if fault in _NO_MEMORY else 503
            raise ApiError(fault, replace(answer.meta, status=status), doc)


def _kind(place: Place) -> str:
    return place.index.partition("@")[0]


def _patiently(ask: Callable[[], T]) -> T:
    for pause_s in _PATIENCE_S:
        try:
            return ask()
        except ApiError as error:
            if error.meta.status != TOO_MUCH:
                raise
        time.sleep(pause_s)
    return ask()


def search_documents(
    client: Elasticsearch,
    index: str,
    query: dict[str, Any],
    size: int,
    *,
    sort: str | list[dict[str, Any]],
    fields: list[str] | None = None,
    after: list[Any] | None = None,
) -> ObjectApiResponse[Any]:
    """A page of documents to be written back, of all shards or none.

    Args:
        client: the store.
        index: a pattern; if it matches nothing, that is no error.
        query: what to find.
        size: most hits.
        sort: their order.
        fields: of the documents; None is all.
        after: `sort` of the last hit of the page before.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    return _search(
        client,
        [index],
        query,
        seq_no_primary_term=True,
        size=size,
        source_includes=fields,
        sort=sort,
        search_after=after,
    )


def _search(
    client: Elasticsearch, indices: Sequence[str], query: dict[str, Any], **options: Any
) -> ObjectApiResponse[Any]:
    """Of all shards or none; patterns that match nothing are no error. Hits are counted if the options say so."""
    asked: dict[str, Any] = {"track_total_hits": False, **options}
    return client.search(
        index=list(indices),
        ignore_unavailable=True,
        allow_no_indices=True,
        allow_partial_search_results=False,
        query=query,
        **asked,
    )


def stored_of(hit: dict[str, Any], *, whole: bool = True) -> Stored:
    """A hit of a search, or a document of `_mget`; it has to have its version."""
    return Stored(
        Place(sys.intern(hit["_index"]), hit["_id"]),
        hit["_source"],
        hit["_seq_no"],
        hit["_primary_term"],
        whole,
    )
