"""Batches to Logstash's HTTP input: acknowledged, compressed, spread over several addresses.

A 2xx says that Logstash has the documents in its persisted queue, no more: what it does with them it does by the
record alone (docs/logstash.md), so that sending them again can't double them. What the store refuses later is in the
dead letters, and `shipper status --end-to-end` finds what is missing.
"""

from __future__ import annotations

import base64
import os
import threading
from typing import TYPE_CHECKING

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elastic_transport.client_utils import url_to_node_config

from shipper.errors import SettingsError
from shipper.settings import without_credentials
from shipper.sink.base import Outcome, Result
from shipper.sink.compress import compress, worth_compressing
from shipper.store.client import check_ca
from shipper.store.explain import cause_of, tls_advice
from shipper.store.transport import QuietNode, RawNdjson, StoreTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elastic_transport import NodeConfig

    from shipper.settings import Settings
    from shipper.sink.base import Prepared

_NDJSON = "application/x-ndjson"
_REQUEST_BYTES = 512 * 1024
"""Logstash makes batches of its own. It holds a request several times over, as text of two bytes a character, for each
connection; of requests of 4 MB the heap of 512 MB was full."""
_ACCEPTED = "ok"  # the HTTP input's answer; anything else that says 200 is not Logstash


class LogstashSink:
    """Writes to the configured Logstash instances, in turn; one that is away or busy is passed over.

    Thread-safe: several threads may send at once, each over a connection of its own. After a fork the child opens
    new connections.
    """

    name = "logstash"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._where = ", ".join(without_credentials(url) for url in settings.logstash_url)
        self._compress = worth_compressing(settings.compression, settings.logstash_url)
        self._lock = threading.Lock()
        self._transport: StoreTransport | None = None
        self._pid = 0

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        """One result per document, in the same order. Never raises."""
        results: list[Result] = []
        for chunk in chunks(batch, min(_REQUEST_BYTES, self._settings.batch_max_bytes)):
            results += self._write(chunk)
            if results[-1].outcome in (Outcome.RETRY, Outcome.PAUSE):  # the others would fare no better
                results += [results[-1]] * (len(batch) - len(results))
                break
        return results

    def close(self) -> None:
        """Close the connections; a later `send` opens new ones. Never raises."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _write(self, chunk: Sequence[Prepared]) -> list[Result]:
        result = self._post(b"".join([part for one in chunk for part in (one.body, b"\n")]))
        if result.status == 413 and len(chunk) > 1:
            half = len(chunk) // 2
            return self._write(chunk[:half]) + self._write(chunk[half:])
        return [result] * len(chunk)

    def _post(self, body: bytes) -> Result:
        headers = {"content-type": _NDJSON}
        if self._compress:
            body, headers["content-encoding"] = compress(body), "gzip"
        try:
            return self._offer(body, headers)
        except TransportError as error:
            kind = "timeout" if isinstance(error, ConnectionTimeout) else "connection"
            return Result(
                Outcome.RETRY, None, kind, f"no answer from Logstash at {self._where}: {_cause(error)}"
            )
        except SettingsError as error:  # a certificate file that is gone, say
            return Result(Outcome.PAUSE, None, type(error).__name__, str(error))

    def _offer(self, body: bytes, headers: dict[str, str]) -> Result:
        """The first address that takes it decides; else what the first one said, but no refusal while another waits.

        Raises:
            TransportError, SettingsError: as sending does.
        """
        transport = self._connected()
        told: Result | None = None
        for _ in self._settings.logstash_url:
            answer = transport.perform_request("POST", "/", headers=headers, body=body)
            result = meaning(answer.meta.status, answer.body, _address(answer.meta.node))
            if result.outcome is Outcome.DELIVERED:
                return result
            if told is None or told.outcome is Outcome.REFUSED:
                told = result
        assert told is not None, "there is at least one address"
        return told

    def _connected(self) -> StoreTransport:
        with self._lock:
            if self._transport is None or self._pid != os.getpid():
                check_ca("logstash_ca", self._settings.logstash_ca)
                self._transport = StoreTransport(
                    [_node_config(self._settings, url) for url in dict.fromkeys(self._settings.logstash_url)],
                    node_class=QuietNode,
                    serializers={_NDJSON: RawNdjson()},
                )
                self._pid = os.getpid()
            return self._transport


def chunks(batch: Sequence[Prepared], max_bytes: int) -> Iterator[Sequence[Prepared]]:
    """The batch in parts of at most so many bytes; a larger document goes alone. Never raises."""
    start, size = 0, 0
    for position, one in enumerate(batch):
        length = len(one.body) + 1
        if size + length > max_bytes and position > start:
            yield batch[start:position]
            start, size = position, 0
        size += length
    if start < len(batch):
        yield batch[start:]


def meaning(status: int, body: object, where: str) -> Result:
    """What an answer means for all documents of the request. Never raises.

    A wrong configuration never costs a document: only one that is too large alone is refused.
    """
    if 200 <= status < 300:
        if isinstance(body, str) and body.strip() == _ACCEPTED:
            return Result(Outcome.DELIVERED, status)
        return _pause(status, "not_logstash", f"what answers at {where} is not Logstash's HTTP input")
    if status == 401:
        return _pause(status, "unauthorised", f"Logstash at {where} does not accept the credentials")
    if status in (403, 404) or 300 <= status < 400:
        return _pause(
            status, "not_logstash", f"{where} answered {status}, which Logstash's HTTP input never does"
        )
    if status == 413:
        return Result(
            Outcome.REFUSED, status, "payload_too_large", "larger than Logstash takes in one request"
        )
    if status == 429 or status >= 500:
        return Result(Outcome.RETRY, status, "busy", f"Logstash at {where} is busy or not ready ({status})")
    return Result(Outcome.RETRY, status, "", f"{where} answered {status}", unknown=True)


def _pause(status: int, error_type: str, what: str) -> Result:
    advice = (
        "set SHIPPER_LOGSTASH_USERNAME and SHIPPER_LOGSTASH_PASSWORD"
        if status == 401
        else "check SHIPPER_LOGSTASH_URL, and the proxy in between if there is one"
    )
    return Result(Outcome.PAUSE, status, error_type, f"{what}: {advice}.")


def _cause(error: TransportError) -> str:
    """What went wrong, and what to do."""
    if isinstance(error, ConnectionTimeout):
        return "timed out"
    cause = cause_of(error)
    if isinstance(error, TlsError):
        return f"{cause}. {tls_advice(cause, 'LOGSTASH')}"
    return f"{cause}. Check that it runs, and SHIPPER_LOGSTASH_URL: http:// or https://, host and port"


def _address(node: NodeConfig) -> str:
    host = f"[{node.host}]" if ":" in node.host else node.host
    return f"{node.scheme}://{host}:{node.port}{node.path_prefix}"


def _node_config(settings: Settings, url: str) -> NodeConfig:
    config = url_to_node_config(url, use_default_ports_for_scheme=True)
    headers: dict[str, str] = {}
    if settings.logstash_username is not None and settings.logstash_password is not None:
        pair = f"{settings.logstash_username}:{settings.logstash_password.get_secret_value()}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    ca = settings.logstash_ca if config.scheme == "https" else None
    return config.replace(
        headers=headers,
        request_timeout=settings.request_timeout_s,
        connections_per_node=settings.connections + 2,
        ca_certs=str(ca) if ca is not None else None,
    )
