"""Index, id and aliases of a document."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from shipper.route import Destination, destination


def record(
    dataset: str = "llm.completion", at: Any = "2026-11-21T07:30:42.123456Z", **more: Any
) -> dict[str, Any]:
    return {
        "@timestamp": at,
        "event": {"id": "e1", "dataset": dataset},
        "llm": {"application": {"name": "support-bot"}},
        "service": {"version": "1.4.0"},
        **more,
    }


@pytest.mark.parametrize(
    ("dataset", "index"),
    [
        ("llm.completion", "llm-completions-support-bot@1.4.0-2026.11"),
        ("llm.feedback", "llm-feedback-support-bot@2026.11"),
        ("llm.amendment", "llm-feedback-support-bot@2026.11"),
        ("llm.deadletter", "llm-deadletter-support-bot@2026.11"),
        ("llm.delivery", "llm-delivery-support-bot@2026.11"),
        ("somebody.elses", "llm-deadletter-support-bot@2026.11"),
    ],
)
def test_the_dataset_decides_the_family(dataset: str, index: str) -> None:
    """Completions by version and month, everything else by month."""
    assert destination(record(dataset)) == Destination(index, "e1")


def test_days_for_high_volume() -> None:
    """One index a day instead of a month."""
    assert destination(record(), "day").index == "llm-completions-support-bot@1.4.0-2026.11.21"
    assert destination(record("llm.delivery"), "day").index == "llm-delivery-support-bot@2026.11.21"


@pytest.mark.parametrize(
    "nothing", [{}, {"llm": None, "service": []}, {"llm": {"application": {"name": ""}}}]
)
def test_names_have_defaults(nothing: dict[str, Any]) -> None:
    """Without an application it is `default`, without a version `unversioned`."""
    document = {
        "@timestamp": "2026-11-21T07:30:42Z",
        "event": {"id": "e1", "dataset": "llm.completion"},
        **nothing,
    }
    assert destination(document).index == "llm-completions-default@unversioned-2026.11"
    assert destination(document).aliases == ("llm-completions-default", "llm-completions-default@unversioned")


@pytest.mark.parametrize("name", [1, 1.5, True, ["a"], {"a": 1}, None])
def test_a_name_that_is_no_string_counts_as_missing(name: Any) -> None:
    """A foreign document's number is not guessed at."""
    assert (
        destination(record(service={"version": name})).index
        == "llm-completions-support-bot@unversioned-2026.11"
    )


@pytest.mark.parametrize(
    ("at", "partition"),
    [
        ("2026-11-30T23:59:59.999999999Z", "2026.11"),
        ("2026-12-01T00:00:00Z", "2026.12"),
        ("2026-12-01T00:30:00+01:00", "2026.11"),
        ("2026-12-31T23:30:00-01:00", "2027.01"),
        ("2026-12-31T23:30:00-0100", "2027.01"),
        ("2026-11-21T07:30", "2026.11"),
        ("2026-11-21", "2026.11"),
        ("2024-02-29T00:00:00Z", "2024.02"),
        ("0001-01-01T00:00:00Z", "0001.01"),
    ],
)
def test_borders_are_in_utc(at: str, partition: str) -> None:
    """The record's own moment, wherever its clock was."""
    assert destination(record(at=at)).index.endswith(f"-{partition}")


@pytest.mark.parametrize(
    "at",
    [
        None,
        "",
        "yesterday",
        1763710242123,
        True,
        [],
        {},
        "20000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T07:30:42+24:00",
        "2026-11-21T07:30:42Z\n",
        "2026-11-21 07:30:42",
        "٢٠٢٦-11-21T00:00:00Z",
    ],
)
def test_an_odd_timestamp_is_undated(at: Any) -> None:
    """No clock is asked; the name never looks like a partition that retention deletes."""
    assert destination(record(at=at)).index == "llm-completions-support-bot@1.4.0-undated"


def test_a_version_never_looks_like_a_partition() -> None:
    """The alias of one version can't be the index of another."""
    alias = destination(record(service={"version": "1.4.0-2026.11"})).aliases[1]
    assert alias != destination(record()).index


@pytest.mark.parametrize("given", ["e1", "a" * 512, "é" * 256, "sha256:x"])
def test_an_id_that_fits_stays(given: str) -> None:
    """Up to 512 bytes of UTF-8."""
    assert destination(record(event={"id": given, "dataset": "llm.completion"})).id == given


@pytest.mark.parametrize("given", ["a" * 513, "é" * 257])
def test_a_long_id_is_hashed(given: str) -> None:
    """The store's bound of an id is kept, and one id stays one id."""
    expected = f"sha256:{hashlib.sha256(given.encode()).hexdigest()}"
    assert destination(record(event={"id": given, "dataset": "llm.completion"})).id == expected


@pytest.mark.parametrize("event", [{}, {"id": ""}, {"id": 7}, {"id": None}])
def test_without_an_id_the_content_is_the_id(event: dict[str, Any]) -> None:
    """The same foreign document lands once; another one gets another id."""
    first = destination(record(event=event, message="a")).id
    assert first == destination(record(event=event, message="a")).id
    assert first != destination(record(event=event, message="b")).id
    assert first.startswith("sha256:")


def test_only_completions_have_aliases() -> None:
    """One for the application, one for the version."""
    assert destination(record()).aliases == (
        "llm-completions-support-bot",
        "llm-completions-support-bot@1.4.0",
    )
    assert destination(record("llm.feedback")).aliases == ()
