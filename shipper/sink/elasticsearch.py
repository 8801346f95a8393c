"""Batches to Elasticsearch's `_bulk`: every document created at most once, every answer understood."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from elastic_transport import ConnectionTimeout, TransportError

from shipper.errors import ShipperError
from shipper.settings import without_credentials
from shipper.sink import bulk
from shipper.sink.base import Outcome, Result
from shipper.sink.compress import compress, worth_compressing
from shipper.sink.indices import Indices
from shipper.sink.outcome import request_outcome
from shipper.store.client import addresses, connect
from shipper.store.explain import cause_of, error_of
from shipper.store.transport import JSON_TYPE, NDJSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elastic_transport import Transport
    from elasticsearch import Elasticsearch

    from shipper.settings import Settings
    from shipper.sink.base import Prepared
    from shipper.sink.indices import OnCreate

_BULK = f"/_bulk?filter_path={bulk.FILTER_PATH}"
_HASHES = "/_mget?filter_path=error,docs.found,docs._source,docs.error.type&_source_includes=llm.content_hash"
_NO_STORE = Result(Outcome.RETRY, None, "no_store", "no store is running: start one with `shipper up`")


class ElasticsearchSink:
    """Writes to the configured cluster, else to the embedded node that runs at the time of the call.

    Thread-safe: several threads may send at once, each over a connection of its own. After a fork the child opens
    new connections.
    """

    name = "elasticsearch"

    def __init__(self, settings: Settings, on_create: OnCreate | None = None) -> None:
        self._settings = settings
        self._on_create = on_create
        self._lock = threading.Lock()
        self._client: Elasticsearch | None = None
        self._indices = Indices(on_create)
        self._connected_to: tuple[object, ...] = ()
        self._compress = False

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        """One result per document, in the same order. Never raises."""
        if not batch:
            return []
        try:
            connected = self._transport()
            if connected is None:
                return [_NO_STORE] * len(batch)
            transport, indices = connected
            blocked = indices.blocked(transport, batch)
            if not blocked:
                return self._write(transport, indices, batch)
            ready = iter(self._write(transport, indices, [one for one in batch if one.index not in blocked]))
            return [blocked[one.index] if one.index in blocked else next(ready) for one in batch]
        except TransportError as error:
            return [self._no_answer(error)] * len(batch)
        except ShipperError as error:  # a certificate file that is gone, say
            return [Result(Outcome.PAUSE, None, type(error).__name__, str(error))] * len(batch)

    def close(self) -> None:
        """Close the connections; a later `send` opens new ones. Never raises."""
        with self._lock:
            client, self._client, self._connected_to = self._client, None, ()
        if client is not None:
            client.close()

    def _transport(self) -> tuple[Transport, Indices] | None:
        """The road to the store as of now: an embedded node may have been started, or moved to another port."""
        urls = addresses(self._settings)
        wanted = (os.getpid(), *urls)
        with self._lock:
            if not urls:
                return None
            if self._client is None or self._connected_to != wanted:
                self._client = connect(self._settings, urls)
                self._indices = Indices(self._on_create)
                self._connected_to = wanted
                self._compress = worth_compressing(self._settings.compression, urls)
            return self._client.transport, self._indices

    def _write(self, transport: Transport, indices: Indices, batch: Sequence[Prepared]) -> list[Result]:
        if not batch:
            return []
        body = bulk.body_of(batch)
        headers = {"accept": JSON_TYPE, "content-type": NDJSON_TYPE}
        if self._compress:
            body = compress(body)
            headers["content-encoding"] = "gzip"
        try:
            answer = transport.perform_request("POST", _BULK, headers=headers, body=body)
        except TransportError as error:
            return [self._no_answer(error)] * len(batch)
        status = answer.meta.status
        if status == 200:
            results = bulk.results_of(answer.body, len(batch))
            if results is None:
                return [_not_an_answer(status)] * len(batch)
            return self._settle(transport, indices, batch, results)
        result = request_outcome(status, *error_of(answer.body))
        if result.outcome is Outcome.REFUSED and len(batch) > 1:
            half = len(batch) // 2
            first = self._write(transport, indices, batch[:half])
            return first + self._write(transport, indices, batch[half:])
        return [result] * len(batch)

    def _settle(
        self, transport: Transport, indices: Indices, batch: Sequence[Prepared], results: list[Result]
    ) -> list[Result]:
        """What the answers alone can't tell: a taken id is a resend or a conflict; a missing index is made again."""
        taken: list[int] = []
        for position, result in enumerate(results):
            if result is bulk.DELIVERED:
                continue
            if result.outcome is Outcome.DUPLICATE:
                taken.append(position)
            elif result.status == 404:
                indices.forget(batch[position].index)
        given: list[int] = []
        for position in taken:
            if batch[position].given_id:
                given.append(position)
            else:  # an id that we made can only have been taken by this very document
                results[position] = Result(Outcome.DELIVERED, 409)
        if given:
            compared = self._compare(transport, [batch[position] for position in given])
            for position, result in zip(given, compared, strict=True):
                results[position] = result
        return results

    def _compare(self, transport: Transport, batch: Sequence[Prepared]) -> list[Result]:
        """For ids that the caller chose and that are taken: is what the store has the same content?"""
        docs = [{"_index": one.index, "_id": one.id} for one in batch]
        headers = {"accept": JSON_TYPE, "content-type": JSON_TYPE}
        try:
            answer = transport.perform_request("POST", _HASHES, headers=headers, body={"docs": docs})
        except TransportError as error:
            return [self._no_answer(error)] * len(batch)
        status = answer.meta.status
        if status == 403:
            return [Result(Outcome.DUPLICATE, 409, "", "the key may not read what the id holds")] * len(batch)
        found = answer.body.get("docs") if isinstance(answer.body, dict) else None
        if status != 200 or not isinstance(found, list) or len(found) != len(batch):
            result = request_outcome(status, *error_of(answer.body))
            outcome = Outcome.PAUSE if result.outcome is Outcome.PAUSE else Outcome.RETRY
            return [replace(result, outcome=outcome)] * len(batch)
        return [_compared(one, stored) for one, stored in zip(batch, found, strict=True)]

    def _no_answer(self, error: TransportError) -> Result:
        where = ", ".join(without_credentials(url) for url in self._connected_to[1:] if isinstance(url, str))
        kind = "timeout" if isinstance(error, ConnectionTimeout) else "connection"
        cause = "timed out" if isinstance(error, ConnectionTimeout) else cause_of(error)
        return Result(Outcome.RETRY, None, kind, f"no answer from {where}: {cause}")


def _compared(one: Prepared, stored: dict[str, object]) -> Result:
    if "error" in stored:
        return Result(Outcome.DUPLICATE, 409, "", "what the id holds could not be read")
    if not stored.get("found"):
        return Result(Outcome.RETRY, 409, "", "the id was taken and is free again")
    source = stored.get("_source")
    llm = source.get("llm") if isinstance(source, dict) else None
    content_hash = llm.get("content_hash") if isinstance(llm, dict) else None
    if content_hash is None or one.content_hash is None:
        return Result(Outcome.DUPLICATE, 409, "", "the id is taken, and there is no content hash to compare")
    if content_hash == one.content_hash:
        return Result(Outcome.DELIVERED, 409)
    return Result(
        Outcome.CONFLICTING, 409, "conflicting_id", "the id is taken by a record with other content"
    )


def _not_an_answer(status: int) -> Result:
    reason = "what answered is not Elasticsearch's _bulk: check SHIPPER_ELASTICSEARCH_URL"
    return Result(Outcome.RETRY, status, "", reason, unknown=True)
