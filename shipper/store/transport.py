"""The HTTP road to the store: the official client's transport, made quiet and bilingual.

It differs from the client's own transport in what a logging library needs:

- it speaks to clusters of version 8 and 9: the first refusal of the newer media type switches to the older one;
- it writes nothing to the application's log: the client's transport logs bodies, retries and failed nodes there;
- it fails over between addresses but never repeats a request that was answered, or that timed out;
- bytes are sent as they are;
- it says when a part of the store had no answer to a search, which the client takes for all there is.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from elastic_transport import (
    BaseNode,
    ConnectionError,  # noqa: A004 - the client's name
    ConnectionTimeout,
    HttpHeaders,
    NdjsonSerializer,
    SerializationError,
    Transport,
    TransportApiResponse,
    Urllib3HttpNode,
)
from elastic_transport.client_utils import DefaultType, create_user_agent
from elasticsearch import ApiError
from elasticsearch import __version__ as client_version
from elasticsearch.exceptions import HTTP_EXCEPTIONS

from shipper import notice
from shipper._version import __version__
from shipper.store.explain import error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEWEST_COMPATIBLE = 9
OLDEST_COMPATIBLE = 8
JSON_TYPE = "application/vnd.elasticsearch+json; compatible-with=9"
NDJSON_TYPE = "application/vnd.elasticsearch+x-ndjson; compatible-with=9"

_USER_AGENT = (
    f"llm-shipper/{__version__} {create_user_agent('elasticsearch-py', '.'.join(map(str, client_version)))}"
)
_DEFAULT = DefaultType(0)
_SET_ASIDE_S = 10.0  # how long an address that did not answer is tried last


class QuietNode(Urllib3HttpNode):
    """A connection pool that keeps requests, and so people's prompts, out of the application's debug log."""

    def _log_request(self, *args: Any, **kwargs: Any) -> None:
        pass


class RawNdjson(NdjsonSerializer):
    """Newline-delimited JSON that leaves bytes alone: they are complete, or compressed already."""

    def dumps(self, data: Any) -> bytes:
        """The request's body. Raises: SerializationError if `data` is neither bytes nor JSON."""
        return data if isinstance(data, bytes) else super().dumps(data)


class StoreTransport(Transport):
    """See the module's docstring. Thread-safe."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compatible_with = NEWEST_COMPATIBLE
        self._set_aside: dict[BaseNode, float] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def perform_request(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, Any] | DefaultType = _DEFAULT,
        request_timeout: float | DefaultType | None = _DEFAULT,
        **_options: Any,
    ) -> TransportApiResponse:
        """Send a request and decode the answer, whatever its status.

        A body that can't be decoded (a proxy's error page) comes back as text.

        Raises:
            ConnectionTimeout: no answer in time; the request may have been carried out.
            ConnectionError: no address could be reached, or the connection was cut; TlsError is one of these.
        """
        answer = self._perform(method, target, body, headers, request_timeout, decode=True)
        _tell_what_is_missing(answer.body)
        return answer

    def read_bytes(self, method: str, target: str, body: Any) -> bytes:
        """The answer to a JSON request as the bytes that came, for who reads a great many of them.

        Raises:
            ApiError: the store refused; its kind is the client's.
            ConnectionTimeout, ConnectionError: as `perform_request`.
        """
        headers = {"accept": JSON_TYPE, "content-type": JSON_TYPE}
        answer = self._perform(method, target, body, headers, _DEFAULT, decode=False)
        if not 200 <= answer.meta.status < 300:  # the client does the same with what it has sent itself
            error = answer.body.get("error") if isinstance(answer.body, dict) else None
            kind = error.get("type", "error") if isinstance(error, dict) else str(error)
            raise HTTP_EXCEPTIONS.get(answer.meta.status, ApiError)(kind, answer.meta, answer.body)
        return answer.body

    def _perform(
        self,
        method: str,
        target: str,
        body: Any,
        headers: Mapping[str, Any] | DefaultType,
        request_timeout: float | DefaultType | None,
        *,
        decode: bool,
    ) -> TransportApiResponse:
        sent = HttpHeaders() if isinstance(headers, DefaultType) else HttpHeaders(headers)
        sent["user-agent"] = _USER_AGENT
        sent["x-elastic-client-meta"] = ",".join(
            f"{key}={value}" for key, value in self._transport_client_meta
        )
        raw = None if body is None else self.serializers.dumps(body, sent.get("content-type"))
        spoken = self._compatible_with
        answer = self._ask(method, target, raw, _spoken(sent, spoken), request_timeout, decode=decode)
        if spoken > OLDEST_COMPATIBLE and _refuses_media_type(answer):
            answer = self._ask(
                method, target, raw, _spoken(sent, OLDEST_COMPATIBLE), request_timeout, decode=decode
            )
            if not _refuses_media_type(answer):
                self._compatible_with = OLDEST_COMPATIBLE
        return answer

    def _ask(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: HttpHeaders,
        request_timeout: float | DefaultType | None,
        *,
        decode: bool,
    ) -> TransportApiResponse:
        failure: ConnectionError | None = None
        for node in self._candidates():
            try:
                response = node.perform_request(
                    method, target, body=body, headers=headers, request_timeout=request_timeout
                )
            except ConnectionTimeout:
                self._set_aside[node] = time.monotonic()
                raise
            except ConnectionError as error:
                self._set_aside[node] = time.monotonic()
                failure = error
                continue
            self._set_aside.pop(node, None)
            if not decode and 200 <= response.meta.status < 300:
                return TransportApiResponse(response.meta, response.body)
            decoded = None if method == "HEAD" else self._decode(response.body, response.meta.mimetype)
            return TransportApiResponse(response.meta, decoded)
        assert failure is not None, "there is at least one address"
        raise failure

    def _candidates(self) -> Iterator[BaseNode]:
        """Every address once: in turn, those that lately did not answer last."""
        nodes = self.node_pool.all()
        if len(nodes) > 1:
            with self._lock:
                self._turn = (self._turn + 1) % len(nodes)
                turn = self._turn
            nodes = nodes[turn:] + nodes[:turn]
            now = time.monotonic()
            nodes.sort(key=lambda node: now - self._set_aside.get(node, -_SET_ASIDE_S) < _SET_ASIDE_S)
        yield from nodes

    def _decode(self, body: bytes, mimetype: str | None) -> Any:
        try:
            return self.serializers.loads(body, mimetype)
        except SerializationError:
            return body.decode("utf-8", "replace")


def _spoken(headers: HttpHeaders, version: int) -> HttpHeaders:
    if version == NEWEST_COMPATIBLE:
        return headers
    older = headers.copy()
    for name in ("accept", "content-type"):
        if name in older:
            older[name] = older[name].replace(
                f"compatible-with={NEWEST_COMPATIBLE}", f"compatible-with={version}"
            )
    return older


def _refuses_media_type(answer: TransportApiResponse) -> bool:
    if answer.meta.status != 400 or not isinstance(answer.body, dict):
        return False
    error = answer.body.get("error")
    return isinstance(error, dict) and error.get("type") == "media_type_header_exception"


def _tell_what_is_missing(body: Any) -> None:
    """Of a search, several or a count: the store answers with what it could reach."""
    if not isinstance(body, dict):
        return
    for one in body.get("responses") or (body,):
        shards = one.get("_shards") if "hits" in one or "count" in one else None
        if shards and shards.get("failed"):
            first = (shards.get("failures") or [{}])[0]
            _, reason = error_of({"error": first.get("reason")})
            notice.warn(
                "shards",
                f"{shards['failed']} of {shards['total']} shards did not answer, so something may be missing: "
                f"{first.get('index') or 'an index'}: {reason or 'it is not ready'}. `shipper doctor` may say more.",
            )
