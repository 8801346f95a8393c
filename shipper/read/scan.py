"""Every document that matches, as of one moment: a point in time, read in slices, page by page.

The documents are not decoded: what the store keeps is cut out of its answers byte by byte, so that who passes it on
changes nothing and spends next to nothing on it. The ends of the documents are known by a random word that each hit
carries behind its own (as the name of a query that everything matches), which no stored text can foretell.
"""

from __future__ import annotations

import random
import re
import secrets
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError

from shipper.errors import SnapshotGone, UsageError
from shipper.read.hits import Hits
from shipper.read.search import next_page
from shipper.send.backoff import backoff_s
from shipper.store.transport import StoreTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from elasticsearch import Elasticsearch

T = TypeVar("T")

SLICES: Final = 3
"""How many pages are asked for at a time: enough that a store on this machine is never idle."""

_KEEP_ALIVE: Final = "1h"
_FIRST_PAGE: Final = 50
_LARGEST_PAGE: Final = 10_000  # the store's own limit; long documents make smaller pages
_GROWTH: Final = 8  # everything will be read: small pages only tell how long documents are
_TRIES: Final = 6
_LONGEST_PAUSE_S: Final = 20.0
_BUSY: Final = (429, 502, 503, 504)

_PIT_ID: Final = re.compile(rb'"pit_id":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read: Elasticsearch's query, and which parts of the documents."""

    query: dict[str, Any]
    includes: tuple[str, ...] = ()
    """Patterns of fields; none are all."""
    excludes: tuple[str, ...] = ()
    limit: int | None = None
    """Only so many, the newest; read in one slice then, newest first."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a slice was read, and how many documents are asked for next."""

    after: list[Any] | None = None
    size: int = _FIRST_PAGE
    taken: int = 0
    done: bool = False


class Page(NamedTuple):
    """One page of a slice, and where the slice goes on."""

    hits: Hits
    position: Position


@dataclass(slots=True)
class Snapshot:
    """The store as it was at one moment. It is kept for an hour after each page, over our own end too."""

    client: Elasticsearch
    id: str
    word: str = field(default_factory=lambda: secrets.token_hex(16))
    """Marks the ends of documents."""

    @classmethod
    def take(cls, client: Elasticsearch, indices: str) -> Snapshot:
        """The present.

        Raises:
            UsageError: the client is not one of `shipper.store.client`.
            ApiError, TransportError: the store refused or did not answer, or a part of the indices is not there.
        """
        if not isinstance(client.transport, StoreTransport):
            raise UsageError("This needs a client as shipper.store.client.open_store gives it.")
        # An index that was deleted just now is no fault; one that can't be read is: nothing may be missing.
        opened = client.open_point_in_time(index=indices, keep_alive=_KEEP_ALIVE, ignore_unavailable=True)
        return cls(client, opened["id"])

    def page(self, selection: Selection, number: int, of: int, position: Position) -> Page:
        """The next documents of a slice; waits and asks again while the store is busy or away.

        Raises:
            SnapshotGone: the store was restarted, or nobody has read for an hour.
            StoreError: the answer can't be read.
            ApiError, TransportError: the store refused or did not answer.
        """
        size = position.size
        if selection.limit is not None:
            size = min(size, selection.limit - position.taken)
        body = self._body(selection, number, of, position.after, size)
        answer = self._ask(body)
        hits = Hits(answer, self.word)
        if (renewed := _PIT_ID.search(answer, 0, hits.begin)) is not None:
            self.id = renewed[1].decode()
        taken = position.taken + len(hits)
        done = len(hits) < size or taken == selection.limit
        following = next_page(size, len(answer), _LARGEST_PAGE, _GROWTH) if hits else size
        return Page(hits, Position(hits.last_sort or position.after, following, taken, done))

    def count(self, selection: Selection) -> int:
        """How many documents there are to read.

        Raises:
            ApiError, TransportError: the store refused or did not answer.
        """
        answer = self.client.search(
            pit={"id": self.id, "keep_alive": _KEEP_ALIVE},
            query=selection.query,
            size=0,
            track_total_hits=True,
            allow_partial_search_results=False,
        )
        found = answer["hits"]["total"]["value"]
        return found if selection.limit is None else min(found, selection.limit)

    def close(self) -> None:
        """Let go of it. Never raises: the store lets go by itself as well."""
        with suppress(ApiError, TransportError):
            self.client.close_point_in_time(id=self.id)

    def _body(
        self, selection: Selection, number: int, of: int, after: list[Any] | None, size: int
    ) -> dict[str, Any]:
        everything = {"match_all": {"_name": self.word}}
        body: dict[str, Any] = {
            "pit": {"id": self.id, "keep_alive": _KEEP_ALIVE},
            "size": size,
            "query": {"bool": {"filter": [selection.query, everything]}},
            "sort": ["_shard_doc"],
            "track_total_hits": False,
        }
        if selection.limit is not None:
            body["sort"] = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}, "_shard_doc"]
        if of > 1:
            body["slice"] = {"id": number, "max": of}
        if after is not None:
            body["search_after"] = after
        if selection.includes or selection.excludes:
            body["_source"] = {"includes": selection.includes, "excludes": selection.excludes}
        return body

    def _ask(self, body: dict[str, Any]) -> bytes:
        transport = self.client.transport
        assert isinstance(transport, StoreTransport)
        for attempt in range(1, _TRIES + 1):
            try:
                return transport.read_bytes("POST", "/_search?allow_partial_search_results=false", body)
            except ApiError as error:
                if _is_gone(error):
                    raise SnapshotGone(
                        "The snapshot that was being read is gone: the store was restarted, or nobody has read for an "
                        "hour. Begin anew."
                    ) from error
                if error.status_code not in _BUSY or attempt == _TRIES:
                    raise
            except TransportError:
                if attempt == _TRIES:
                    raise
            time.sleep(backoff_s(attempt, _LONGEST_PAUSE_S, random.uniform(0.5, 1)))
        raise AssertionError


def read_slices(
    snapshot: Snapshot,
    selection: Selection,
    work: Callable[[Hits], T],
    starts: Mapping[int, Position] | int = SLICES,
) -> Iterator[tuple[int, T, Page]]:
    """Pages of all slices as they come, each with its slice's number and what `work` has made of it.

    Pages of one slice come in order. At most one page of each slice is held while another is worked on.

    Args:
        snapshot: what is read.
        selection: what of it.
        work: called in another thread for each page.
        starts: where each slice begins, or how many there are. A limit allows only one.

    Raises:
        UsageError: several slices of a limited selection.
        SnapshotGone, StoreError, ApiError, TransportError: as `Snapshot.page`; whatever `work` raises.
    """
    positions = {number: Position() for number in range(starts)} if isinstance(starts, int) else starts
    if selection.limit is not None and len(positions) > 1:
        raise UsageError("The newest few are read in one slice.")

    def turn(number: int, position: Position) -> tuple[int, T, Page]:
        page = snapshot.page(selection, number, len(positions), position)
        return number, work(page.hits), page

    with ThreadPoolExecutor(max(1, len(positions)), thread_name_prefix="shipper-read") as pool:
        pending: set[Future[tuple[int, T, Page]]] = {
            pool.submit(turn, number, position) for number, position in positions.items() if not position.done
        }
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    number, made, page = future.result()
                    if not page.position.done:
                        pending.add(pool.submit(turn, number, page.position))
                    yield number, made, page
        finally:
            for future in pending:
                future.cancel()


def slices_for(selection: Selection) -> int:
    """How many slices a selection is read in."""
    return 1 if selection.limit is not None else SLICES


def _is_gone(error: ApiError) -> bool:
    return error.status_code == 404 or "search_context_missing" in str(error.body)
