"""The table "what an answer of the store means", row by row, and that nothing outside it costs a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.sink.base import Outcome
from shipper.sink.outcome import CONFIGURATION_FAULTS, DOCUMENT_FAULTS, item_outcome, request_outcome

ITEM_ROWS = [
    (200, "", Outcome.DELIVERED),
    (201, "", Outcome.DELIVERED),
    (409, "version_conflict_engine_exception", Outcome.DUPLICATE),
    (429, "es_rejected_execution_exception", Outcome.RETRY),
    (429, "circuit_breaking_exception", Outcome.RETRY),
    (500, "translog_exception", Outcome.RETRY),
    (502, "", Outcome.RETRY),
    (503, "unavailable_shards_exception", Outcome.RETRY),
    (503, "cluster_block_exception", Outcome.RETRY),
    (504, "", Outcome.RETRY),
    (400, "document_parsing_exception", Outcome.REFUSED),
    (400, "mapper_parsing_exception", Outcome.REFUSED),
    (400, "strict_dynamic_mapping_exception", Outcome.REFUSED),
    (400, "illegal_argument_exception", Outcome.REFUSED),
    (400, "validation_exception", Outcome.PAUSE),
    (400, "invalid_index_name_exception", Outcome.PAUSE),
    (400, "illegal_index_exception", Outcome.PAUSE),
    (400, "index_closed_exception", Outcome.PAUSE),
    (404, "index_not_found_exception", Outcome.PAUSE),
    (403, "cluster_block_exception", Outcome.PAUSE),
    (429, "cluster_block_exception", Outcome.PAUSE),
    (403, "security_exception", Outcome.PAUSE),
    (401, "security_exception", Outcome.PAUSE),
]

REQUEST_ROWS = [
    (401, "security_exception", Outcome.PAUSE),
    (403, "security_exception", Outcome.PAUSE),
    (403, "cluster_block_exception", Outcome.PAUSE),
    (404, "", Outcome.PAUSE),
    (400, "action_request_validation_exception", Outcome.REFUSED),
    (400, "x_content_parse_exception", Outcome.REFUSED),
    (400, "media_type_header_exception", Outcome.PAUSE),
    (413, "", Outcome.REFUSED),
    (413, "content_too_long_exception", Outcome.REFUSED),
    (429, "es_rejected_execution_exception", Outcome.RETRY),
    (500, "", Outcome.RETRY),
    (502, "", Outcome.RETRY),
    (503, "", Outcome.RETRY),
]

PROXIES_TOO = [200, 301, 302, 400, 402, 405, 406, 407, 408, 411, 418, 431, 451]


@pytest.mark.parametrize(("status", "error_type", "outcome"), ITEM_ROWS)
def test_item_row(status: int, error_type: str, outcome: Outcome) -> None:
    """Each row about an item gives the outcome of the table and is not marked unknown."""
    result = item_outcome(status, error_type)
    assert (result.outcome, result.unknown, result.status) == (outcome, False, status)


@pytest.mark.parametrize(("status", "error_type", "outcome"), REQUEST_ROWS)
def test_request_row(status: int, error_type: str, outcome: Outcome) -> None:
    """Each row about a whole request gives the outcome of the table and is not marked unknown."""
    result = request_outcome(status, error_type)
    assert (result.outcome, result.unknown, result.status) == (outcome, False, status)


@pytest.mark.parametrize("status", PROXIES_TOO)
def test_request_refused_without_elasticsearchs_error_is_unknown(status: int) -> None:
    """An answer that some proxy may have made, a bare 400 included, is retried, marked, and refuses nothing."""
    result = request_outcome(status)
    assert (result.outcome, result.unknown) == (Outcome.RETRY, True)


@pytest.mark.parametrize(
    "reason",
    [
        "pipeline with id [redact] does not exist",
        "no write index is defined for alias [llm-completions-a]. The write index may be explicitly disabled",
        "Number of documents in the index can't exceed [2147483519]",
        "Limit of total fields [1000] has been exceeded while adding new fields [1]",
    ],
)
def test_illegal_argument_that_is_about_the_set_up_pauses(reason: str) -> None:
    """The same error type serves for wrong set-ups, and those must not refuse a document."""
    assert item_outcome(400, "illegal_argument_exception", reason).outcome is Outcome.PAUSE


@given(st.integers(100, 599), st.text(max_size=40))
def test_only_known_document_faults_refuse_an_item(status: int, error_type: str) -> None:
    """Whatever the answer, an item is refused only for an error known to be about the document."""
    result = item_outcome(status, error_type)
    if result.outcome is Outcome.REFUSED:
        assert (status, error_type) in {(400, known) for known in DOCUMENT_FAULTS}
    assert not result.unknown or result.outcome is Outcome.RETRY


@given(st.sampled_from(sorted(CONFIGURATION_FAULTS)), st.integers(400, 499))
def test_configuration_faults_never_refuse(error_type: str, status: int) -> None:
    """A fault of the configuration refuses nothing, as an item's error or a request's."""
    assert item_outcome(status, error_type).outcome is not Outcome.REFUSED
    if status != 413:
        assert request_outcome(status, error_type).outcome is not Outcome.REFUSED
