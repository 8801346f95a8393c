"""What an answer of Elasticsearch means for a document: the table of `docs/errors.md` as two pure functions.

A wrong configuration must never cost a document, and a wrong document must never stop the others. So only
errors that are known to be about the document refuse it; whatever no rule covers is retried and marked.
"""

from __future__ import annotations

from shipper.sink.base import Outcome, Result

DOCUMENT_FAULTS = frozenset(
    {
        "document_parsing_exception",
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",  # a document_parsing_exception by another name
        "illegal_argument_exception",
    }
)

CONFIGURATION_FAULTS = frozenset(
    {
        "validation_exception",  # the cluster's shard limit
        "index_not_found_exception",
        "invalid_index_name_exception",
        "illegal_index_exception",
        "index_closed_exception",
        "security_exception",
        "media_type_header_exception",
    }
)

CLUSTER_BLOCK = "cluster_block_exception"
VERSION_CONFLICT = "version_conflict_engine_exception"

_UNAVAILABLE = 500  # this status and above: the store's trouble
_NOT_ABOUT_THE_DOCUMENT = (  # illegal_argument_exception is also Elasticsearch's word for a wrong set-up
    "pipeline with id [",
    "no write index is defined",
    "number of documents in the index can't exceed",
    "limit of total fields",
    "index template",
)


def item_outcome(status: int, error_type: str = "", reason: str = "") -> Result:
    """What the answer for one item of a `_bulk` request means. Never raises.

    A taken id (409) comes back as `DUPLICATE`: whether it is a resend can only be told by who made the id.
    """
    outcome = _item(status, error_type, reason)
    if outcome is None:
        return Result(Outcome.RETRY, status, error_type, reason, unknown=True)
    return Result(outcome, status, error_type, reason)


def request_outcome(status: int, error_type: str = "", reason: str = "") -> Result:
    """What a request that was refused as a whole means. Never raises.

    `REFUSED` says that something in the request is at fault: send the halves, down to the single document.
    A 400 that carries no error of Elasticsearch (a proxy's, say) is not taken for the documents' fault.
    """
    outcome = _request(status, error_type)
    if outcome is None:
        return Result(Outcome.RETRY, status, error_type, reason, unknown=True)
    return Result(outcome, status, error_type, reason)


def _item(status: int, error_type: str, reason: str) -> Outcome | None:
    if status in (200, 201):
        return Outcome.DELIVERED
    if status == 409 and error_type == VERSION_CONFLICT:
        return Outcome.DUPLICATE
    shared = _store_or_configuration(status, error_type)
    if shared is not None:
        return shared
    if status == 400 and error_type in DOCUMENT_FAULTS:
        lowered = reason.lower()
        misconfigured = error_type == "illegal_argument_exception" and any(
            phrase in lowered for phrase in _NOT_ABOUT_THE_DOCUMENT
        )
        return Outcome.PAUSE if misconfigured else Outcome.REFUSED
    return None


def _request(status: int, error_type: str) -> Outcome | None:
    shared = _store_or_configuration(status, error_type)
    if shared is not None:
        return shared
    if status == 413 or (status == 400 and error_type):
        return Outcome.REFUSED
    return None


def _store_or_configuration(status: int, error_type: str) -> Outcome | None:
    """The rows that mean the same for an item and for a whole request."""
    if status >= _UNAVAILABLE:  # a block while the cluster recovers comes as 503, and passes
        return Outcome.RETRY
    if error_type == CLUSTER_BLOCK:  # read-only: by hand (403) or by a full disk (429)
        return Outcome.PAUSE
    if status == 429:
        return Outcome.RETRY
    if status in (401, 403, 404) or error_type in CONFIGURATION_FAULTS:
        return Outcome.PAUSE
    return None
