"""Golden vectors of what comes without the shipper, through the Python road; tests/logstash runs them through Logstash."""

from __future__ import annotations

import json

import pytest

from shipper.record.fields import DATASETS
from shipper.route import intake
from tests.logstash.vectors import BARE, VECTORS, bare_vectors, comparable

ARRIVED = 1_795_255_200_123_456_789  # 2026-11-21T10:00:00.123456789Z


@pytest.mark.parametrize("scenario", BARE)
def test_the_python_road_produces_the_vectors(scenario: str) -> None:
    """Index, id and every field of every document that every message comes to, in order."""
    for vector in bare_vectors(scenario):
        results = [
            comparable(one.index, one.id, one.document, ARRIVED - 1000, ARRIVED)
            for one in intake(vector.message, ARRIVED)
        ]
        assert results == vector.expected


def test_ids_are_unique() -> None:
    """No two vectors share a document, so that all can be stored at once; hashes are their documents' own."""
    places = [
        (one.index, one.id)
        for scenario in BARE
        for position, vector in enumerate(bare_vectors(scenario))
        for one in intake(vector.message, ARRIVED + position)
    ]
    assert len(set(places)) == len(places)


def test_dead_letters_keep_the_contract() -> None:
    """What is refused has only known fields of the right types."""
    letters = [
        one.document
        for scenario in BARE
        for vector in bare_vectors(scenario)
        for one in intake(vector.message, ARRIVED)
        if one.document["llm"].get("deadletter", {}).get("stage") == "intake"
    ]
    assert len(letters) > 20
    for letter in letters:
        DATASETS["llm.deadletter"].validate_document(letter)


def test_every_scenario_says_what_it_is_about() -> None:
    """In a sentence or two, for whoever has to judge a difference."""
    assert len(BARE) >= 12
    for scenario in BARE:
        assert (VECTORS / scenario / "about.txt").read_text("utf-8").strip().endswith(".")


def test_every_message_is_json_or_says_so() -> None:
    """A vector of malformed text is one on purpose: those that hold a record hold JSON."""
    broken = [
        vector.message
        for scenario in BARE
        if scenario != "bare-malformed"
        for vector in bare_vectors(scenario)
        if "\n" not in vector.message and not json.loads(vector.message)
    ]
    assert broken == []
