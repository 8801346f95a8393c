"""What the joiner asks of the store: `_search`, `_bulk` and `_mget`, and nothing else.

So the same code runs on the embedded node, on a cluster and on Elastic Cloud, and a key needs no more than to read
completions and feedback and to write to them.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import orjson
from elasticsearch import ApiError

from shipper.feedback.documents import Completion, Event, Place, Stored
from shipper.store.explain import error_of
from shipper.store.transport import JSON_TYPE, NDJSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from elastic_transport import ObjectApiResponse
    from elasticsearch import Elasticsearch

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
_FIRST_HITS = 100
_HITS_BYTES = 24 * 1024 * 1024  # a completion may have a megabyte
_BULK_BYTES = 4 * 1024 * 1024
_BULK_ACTIONS = 1000
_ANSWER = "errors,error,items.*.status,items.*.error.type,items.*.error.reason"
_INEXACT = re.compile(rb"[:,\[]-?\d(?:\.\d+)?e\+?\d")  # how integers of more than 64 bits are written here
_BY_ARRIVAL: Final[list[dict[str, Any]]] = [
    {"event.ingested": {"order": "asc", "unmapped_type": "date", "missing": 0}},
    {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
]


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one document.

    `partial` values are merged into the document by the store; else `body` replaces it, which is half the store's
    work. `expected` is the version that must still be there; None writes to any. `change` is what of a body is new:
    it is written alone if the body has numbers that are more exact in the store than here.
    """

    place: Place
    body: dict[str, Any]
    expected: Stored | None
    partial: bool = True
    change: dict[str, Any] | None = None

    def action(self) -> bytes:
        """The two lines of `_bulk`."""
        about: dict[str, Any] = {"_index": self.place.index, "_id": self.place.id}
        if self.expected is not None:
            about |= {"if_seq_no": self.expected.seq_no, "if_primary_term": self.expected.primary_term}
        elif self.partial:
            about["retry_on_conflict"] = 3
        body = orjson.dumps(self.body)
        if not self.partial and (self.change is None or not _INEXACT.search(body)):
            return orjson.dumps({"index": about}) + b"\n" + body + b"\n"
        part = self.body if self.partial else self.change
        return orjson.dumps({"update": about}) + b"\n" + orjson.dumps({"doc": part}) + b"\n"


class Written(NamedTuple):
    """What the store answered to a write."""

    status: int
    reason: str

    @property
    def done(self) -> bool:
        """Whether the document is as it was to be."""
        return self.status in (200, 201)

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else wrote to the document since it was read."""
        return self.status == 409

    @property
    def is_gone(self) -> bool:
        """Whether the document isn't there any more."""
        return self.status == 404


class Requests:
    """The three requests, typed. Every method raises ApiError or TransportError when the store refuses or is away.

    A store without memory is asked again a few times; only a search for whole completions raises at once, so that
    the next one can ask for less.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self.hits_at_once = _FIRST_HITS
        """How many whole completions a search may bring: fewer where they are large."""

    def events(
        self, query: dict[str, Any], size: int, after: list[Any] | None
    ) -> tuple[list[Event], list[Any] | None]:
        """A page of events in the order of their arrival, and where the next one begins (None: there is none)."""
        answer = _patiently(
            lambda: search_documents(self._client, EVENTS, query, size, sort=_BY_ARRIVAL, after=after)
        )
        page = answer["hits"]["hits"]
        return [Event(stored_of(hit)) for hit in page], page[-1]["sort"] if len(page) == size else None

    def completions(
        self, patterns: Sequence[str], query: dict[str, Any], size: int, whole: bool = False
    ) -> list[Completion]:
        """Up to `size` completions, whole if that can be read here, else with the fields that joining needs."""

        def ask() -> ObjectApiResponse[Any]:
            fields = None if whole else _COMPLETION_FIELDS
            return search_documents(self._client, list(patterns), query, size, sort="_doc", fields=fields)

        answer = ask() if whole else _patiently(ask)
        if whole and isinstance(
            answer.body, str
        ):  # another program's text that is no Unicode: half a surrogate
            return self.completions(patterns, query, size)
        found = [Completion(stored_of(hit, whole=whole)) for hit in answer["hits"]["hits"]]
        size = sum(one.stored.pack() for one in found)
        if whole and found:
            self.hits_at_once = max(2, min(PAGE_MAX, _HITS_BYTES * len(found) // size))
        return found

    def count(self, patterns: Sequence[str], query: dict[str, Any], up_to: int) -> int:
        """How many completions match; counting stops at `up_to`."""
        answer = self._client.search(
            index=list(patterns),
            ignore_unavailable=True,
            allow_no_indices=True,
            allow_partial_search_results=False,
            track_total_hits=up_to,
            size=0,
            query=query,
        )
        return answer["hits"]["total"]["value"]

    def read(self, places: Sequence[Place], *, whole: bool) -> dict[Place, Stored]:
        """The documents as they are now, not as the last refresh shows them. Those that are gone are left out."""
        found: dict[Place, Stored] = {}
        for start in range(0, len(places), _BULK_ACTIONS):
            docs = [
                {"_index": place.index, "_id": place.id} for place in places[start : start + _BULK_ACTIONS]
            ]
            answer = _patiently(
                lambda docs=docs: self._client.mget(
                    docs=docs, source_includes=None if whole else _COMPLETION_FIELDS
                )
            )
            for doc in answer["docs"]:
                if doc.get("found"):
                    found[Place(doc["_index"], doc["_id"])] = stored_of(doc, whole=whole)
        return found

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
        return [_written(next(iter(item.values()))) for item in answer["items"]]


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
    index: str | list[str],
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
        index: patterns; what they don't match is no error.
        query: what to find.
        size: most hits.
        sort: their order.
        fields: of the documents; None is all.
        after: `sort` of the last hit of the page before.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    return client.search(
        index=index,
        ignore_unavailable=True,
        allow_no_indices=True,
        allow_partial_search_results=False,
        track_total_hits=False,
        seq_no_primary_term=True,
        size=size,
        query=query,
        source_includes=fields,
        sort=sort,
        search_after=after,
    )


def stored_of(hit: dict[str, Any], *, whole: bool = True) -> Stored:
    """A hit of a search, or a document of `_mget`; it has to have its version."""
    return Stored(
        Place(hit["_index"], hit["_id"]), hit["_source"], hit["_seq_no"], hit["_primary_term"], whole
    )


def _written(item: dict[str, Any]) -> Written:
    return Written(item["status"], ": ".join(filter(None, error_of(item))))
