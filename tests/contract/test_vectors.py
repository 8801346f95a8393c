"""Golden vectors: from spool entries to index, id and whole document, through the Python road.

`tests/vectors/<scenario>/` holds `input.ndjson` (entries), `expected.ndjson` (a line for each: index, id, document) and
`about.txt`. The expectations are written by hand from the record's contract; Logstash is held to the same ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import DATASETS
from shipper.record.pricing import apply_cost
from shipper.route import destination

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
SCENARIOS = sorted(
    folder.name for folder in VECTORS.iterdir() if folder.is_dir() and not folder.name.startswith("bare-")
)


def lines(scenario: str, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / scenario / name).read_text("utf-8").splitlines()]


def produced(entry: dict[str, Any]) -> dict[str, Any]:
    """What the Python road makes of an entry; the price list's version is left out of the cost's source."""
    document = build(entry)
    apply_cost(document)
    place = destination(document)
    cost = document.get("gen_ai", {}).get("usage", {}).get("cost", {})
    if cost.get("source", "").startswith("genai-prices "):
        cost["source"] = "genai-prices"
    return {"index": place.index, "id": place.id, "document": document}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_python_road_produces_the_vectors(scenario: str) -> None:
    """Index, id and every field of every line."""
    entries, expected = lines(scenario, "input.ndjson"), lines(scenario, "expected.ndjson")
    assert len(entries) == len(expected)
    for entry, wanted in zip(entries, expected, strict=True):
        assert produced(entry) == wanted


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_vectors_keep_the_contract(scenario: str) -> None:
    """Every expected document has only known fields of the right types, and no nulls."""
    for wanted in lines(scenario, "expected.ndjson"):
        document = wanted["document"]
        DATASETS[document["event"]["dataset"]].validate_document(document)


def test_every_scenario_says_what_it_is_about() -> None:
    """In a sentence or two, for whoever has to judge a difference."""
    assert len(SCENARIOS) >= 12
    for scenario in SCENARIOS:
        assert (VECTORS / scenario / "about.txt").read_text("utf-8").strip().endswith(".")
