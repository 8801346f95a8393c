"""What arrives in the store, in the order of arrival."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from shipper.read.query import INDICES, query_of
from shipper.read.search import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.read.query import Query

_LOOK_BACK = "15s"  # what was sent later may become visible earlier: another connection, another shard
_PAGE = 1000
_FETCH = 50
_REMEMBERED = 200_000
_ARRIVAL: list[dict[str, Any]] = [
    {"event.ingested": {"order": "asc", "unmapped_type": "date"}},
    {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
]


class Arrivals:
    """Follows the completions of a query from now on. Not thread-safe.

    A completion counts from `event.ingested`, when it was first sent. What is sent again after more than 15 seconds
    of trouble is in the store but is not followed: this is a view, `search` is the truth.
    """

    def __init__(self, client: Elasticsearch, query: Query) -> None:
        self._client = client
        self._query = query_of(query)
        self._since = "now"
        self._seen: set[tuple[str, str]] = set()
        self._order: deque[tuple[str, str]] = deque()

    def newest(self, limit: int) -> Iterator[Hit]:
        """The last arrivals so far, the very last one at the end; what comes after them is `later`'s.

        Args:
            limit: how many at most, up to 10,000.

        Raises:
            ApiError, TransportError: the store refused or did not answer.
        """
        backwards = [{name: {**how, "order": "desc"}} for sort in _ARRIVAL for name, how in sort.items()]
        found = self._ids(self._query, backwards, max(1, limit))
        if found:
            self._since = _moment(found[0])
        list(self._unseen())  # the neighbours of the last one have arrived already, too
        return self._fetch([(hit["_index"], hit["_id"]) for hit in reversed(found[:limit])])

    def later(self) -> Iterator[Hit]:
        """What has arrived since the last call, in the order of arrival.

        Raises:
            ApiError, TransportError: the store refused or did not answer.
        """
        return self._fetch(list(self._unseen()))

    def _unseen(self) -> Iterator[tuple[str, str]]:
        """Ids in the window that were not seen before; moves the window. Only ids travel: most are known."""
        arrived = {"range": {"event.ingested": {"gte": f"{self._since}-{_LOOK_BACK}"}}}
        query = {"bool": {"filter": [self._query, arrived]}}
        after: list[Any] | None = None
        while True:
            page = self._ids(query, _ARRIVAL, _PAGE, after)
            for hit in page:
                key = (hit["_index"], hit["_id"])
                if key not in self._seen:
                    self._remember(key)
                    yield key
            if page:
                after, self._since = page[-1]["sort"], _moment(page[-1])
            if len(page) < _PAGE:
                return

    def _ids(
        self, query: dict[str, Any], sort: list[dict[str, Any]], size: int, after: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        """Hits without their documents."""
        answer = self._client.search(
            index=INDICES,
            query=query,
            sort=sort,
            size=size,
            search_after=after,
            source=False,
            docvalue_fields=[{"field": "event.ingested", "format": "strict_date_time"}],
        )
        return answer["hits"]["hits"]

    def _fetch(self, keys: list[tuple[str, str]]) -> Iterator[Hit]:
        for start in range(0, len(keys), _FETCH):
            docs = [{"_index": index, "_id": event_id} for index, event_id in keys[start : start + _FETCH]]
            for doc in self._client.mget(docs=docs)["docs"]:
                if doc.get("found"):
                    yield Hit(doc["_id"], doc["_index"], doc["_source"])

    def _remember(self, key: tuple[str, str]) -> None:
        self._seen.add(key)
        self._order.append(key)
        if len(self._order) > _REMEMBERED:
            self._seen.discard(self._order.popleft())


def _moment(hit: dict[str, Any]) -> str:
    """When a hit arrived, as an anchor for Elasticsearch's date arithmetic; the present if nobody knows."""
    found = hit.get("fields", {}).get("event.ingested")
    return f"{found[0]}||" if found else "now"
