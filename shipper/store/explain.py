"""From a failure of the client to a sentence that says what happened, what it means and what to do."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Any

from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from shipper.errors import NotElasticsearch, StoreError, StoreTooOld, StoreUnauthorised, StoreUnreachable
from shipper.settings import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHECK_ADDRESS = "Check SHIPPER_ELASTICSEARCH_URL"
_REASON_MAX = 600
_PREVIEW = re.compile(r"\.? ?Preview of field's value: '.*'(?= \(|$)", re.DOTALL)


def explain(error: ApiError | TransportError | Exception, urls: Sequence[str]) -> StoreError:
    """The failure as one of our errors. Never raises and never shows credentials.

    Args:
        error: what the client raised.
        urls: the addresses that were asked.
    """
    where = ", ".join(without_credentials(url) for url in urls) or "the configured address"
    if isinstance(error, ApiError):
        return _refusal(error, where)
    return _no_answer(error, where)


def error_of(body: Any) -> tuple[str, str]:
    """Type and reason of an error answer, with its cause; empty strings where the body is not Elasticsearch's.

    The reason goes into logs and reports, so the stored values that Elasticsearch quotes are left out, and it is
    cut in the middle when it is long.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return "", _shortened(error)
    if not isinstance(error, dict):
        return "", ""
    reason = str(error.get("reason") or "")
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("reason") and str(cause["reason"]) not in reason:
        reason = f"{reason} ({cause['reason']})"
    return str(error.get("type", "")), _shortened(_PREVIEW.sub("", reason))


def _shortened(text: str) -> str:
    if len(text) <= _REASON_MAX:
        return text
    return f"{text[: _REASON_MAX // 2]} … {text[-_REASON_MAX // 2 :]}"


def cause_of(error: BaseException) -> str:
    """The innermost thing that went wrong, in a few words and without object addresses. Never raises."""
    words = ""
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return one.verify_message or "certificate not accepted"
        if isinstance(one, socket.gaierror):
            return "the host name can't be resolved"
        if type(one).__name__ == "CertificateError":
            return "the certificate is for another host name (mismatch)"
        if isinstance(one, ssl.SSLError):
            words = (one.reason or "TLS failure").replace("_", " ").lower()
        elif isinstance(one, OSError) and one.strerror:
            words = one.strerror.lower()
        elif not words and type(one).__name__ == "RemoteDisconnected":
            words = "the connection was closed without an answer"
        elif not words and type(one).__name__ == "BadStatusLine":
            words = "the answer is not HTTP"
        elif not words and type(one).__name__ == "IncompleteRead":
            words = "the connection was cut in the middle of the answer"
    return words or type(error).__name__


def _refusal(error: ApiError, where: str) -> StoreError:
    if isinstance(error, UnsupportedProductError):
        return NotElasticsearch(
            f"What answers at {where} is not Elasticsearch. {_CHECK_ADDRESS}: it has to be Elasticsearch itself, "
            "not Kibana, Logstash or a web page."
        )
    status = error.status_code
    kind, reason = error_of(error.body)
    said = f"{kind}: {reason}" if kind else reason
    if status == 401:
        return StoreUnauthorised(
            f"The store at {where} does not accept the credentials (401). Set SHIPPER_ELASTICSEARCH_API_KEY, or "
            "SHIPPER_ELASTICSEARCH_USERNAME and SHIPPER_ELASTICSEARCH_PASSWORD; a key may also have expired."
        )
    if status == 403:
        return StoreUnauthorised(
            f"The store at {where} knows us, but does not allow this (403): {said or 'no reason given'}. "
            "Use a key with more rights; docs/errors.md lists what each command needs."
        )
    if kind == "media_type_header_exception":
        return StoreTooOld(
            f"The store at {where} speaks neither version 8 nor 9 of the interface; Elasticsearch 8.19 or newer is "
            "needed. Upgrade it, or use another store."
        )
    if not kind and status < 500:
        return NotElasticsearch(
            f"What answers at {where} is not Elasticsearch: it said {status} without Elasticsearch's error format. "
            f"{_CHECK_ADDRESS}, and the proxy in between if there is one."
        )
    if status in (502, 503, 504) and not kind:
        return StoreUnreachable(
            f"A proxy at {where} answered {status}: the store behind it is down or not ready. Try again later."
        )
    if status == 503 and kind == "search_phase_execution_exception":
        return StoreError(
            f"The store at {where} can't read what was asked for: {reason}. An index that was made this moment is "
            "ready within seconds: try again. `shipper doctor` says what else may be wrong."
        )
    return StoreError(f"The store at {where} answered {status}: {said or error.message}.")


def _no_answer(error: Exception, where: str) -> StoreError:
    cause = cause_of(error)
    if isinstance(error, ConnectionTimeout):
        return StoreUnreachable(
            f"The store at {where} did not answer in time. It may be overloaded, or a firewall drops the packets; "
            "SHIPPER_REQUEST_TIMEOUT_S sets how long to wait."
        )
    if isinstance(error, TlsError):
        advice = tls_advice(cause, "ELASTICSEARCH")
        return StoreUnreachable(f"No safe connection to the store at {where}: {cause}. {advice}")
    if isinstance(error, SerializationError):
        return NotElasticsearch(f"What answers at {where} is not Elasticsearch: {cause}. {_CHECK_ADDRESS}.")
    if "without an answer" in cause or "reset" in cause or "not http" in cause.lower():
        return StoreUnreachable(
            f"What listens at {where} does not speak HTTP with us: {cause}. {_CHECK_ADDRESS}: a secured cluster "
            "wants https://, and port 9300 is not for clients."
        )
    return StoreUnreachable(
        f"No connection to the store at {where}: {cause}. Is it running? Start one on this machine with "
        f"`shipper up`, or correct SHIPPER_ELASTICSEARCH_URL."
    )


def tls_advice(cause: str, service: str) -> str:
    """What to do about a connection that is not safe. Never raises.

    Args:
        cause: as `cause_of` tells it.
        service: whose settings these are: `ELASTICSEARCH` or `LOGSTASH`.
    """
    if "wrong version number" in cause or "record layer failure" in cause:
        return f"It speaks plain HTTP there: use http:// in SHIPPER_{service}_URL."
    if "expired" in cause:
        return "Renew its certificate, and check this machine's clock."
    if "mismatch" in cause or "not valid for" in cause:
        return "Use the host name that the certificate was made for."
    return f"Set SHIPPER_{service}_CA to the PEM file of the authority that signed its certificate."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies beneath it, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        beneath = [
            one.__cause__,
            one.__context__,
            getattr(one, "reason", None),
            *getattr(one, "errors", ()),
            *one.args,
        ]
        waiting.extend(deeper for deeper in beneath if isinstance(deeper, BaseException))
