"""How much is found, and how much is found wrongly: on a set made here, and on sets of others where they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shipper.redact.redactor import spans_in
from tests.unit.redact import labelled, made

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def elsewhere(shared_data: Path) -> Path:
    """The folder of labelled sets from elsewhere."""
    folder = shared_data / "redaction"
    if not folder.is_dir():
        pytest.skip("no labelled sets from elsewhere here (see labelled.py)")
    return folder


def test_personal_data_that_is_made_here_is_found() -> None:
    """Every kind, in the forms of many countries; a telephone number only where something says that it is one."""
    scores = labelled.scores(made.texts(100))
    least = {"EMAIL": 1.0, "CARD": 1.0, "IBAN": 1.0, "NATIONAL_ID": 1.0, "IP": 0.99, "PHONE": 0.97}
    assert {kind: score for kind, score in scores.items() if score.recall < least[kind]} == {}
    assert {kind: score for kind, score in scores.items() if score.precision < 0.99} == {}


def test_what_resembles_personal_data_stays() -> None:
    """Of a hundred order numbers, times, hashes, versions, pieces of code … none or very few are taken for something.

    A tenth of all numbers of a length has the right check digit: sixteen digits that begin like a card's and have
    it can't be told from a card.
    """
    wrong = Counter[str]()
    for name, text in made.innocent(100):
        wrong[name] += bool(spans_in(text))
    most = {"order number, 16 digits": 8}
    assert {name: count for name, count in wrong.items() if count > most.get(name, 1)} == {}


def test_presidio_researchs_texts(elsewhere: Path) -> None:
    """On the 1,500 texts of presidio-research every kind reaches the figures that docs/redaction.md states."""
    scores = labelled.scores(labelled.presidio(elsewhere))
    assert {kind: score for kind, score in scores.items() if min(score.recall, score.precision) < 0.98} == {}


def test_gitleaks_samples(elsewhere: Path) -> None:
    """Of the secrets by which gitleaks validates its rules for the issuers that we name, nine of ten are found."""
    lines = [line for line in labelled.gitleaks(elsewhere) if line.source in labelled.NAMED]
    total = labelled.Score(*map(sum, zip(*labelled.line_scores(lines).values(), strict=True)))
    assert total.found + total.missed > 150
    assert total.recall > 0.92


def test_detect_secrets_cases(elsewhere: Path) -> None:
    """Of the tokens that detect-secrets is tested with, for the issuers that we name, nearly all are found."""
    names = {
        "azure_storage_key",
        "basic_auth",
        "discord",
        "github_token",
        "gitlab_token",
        "jwt",
        "mailchimp_key",
        "npm",
    }
    names |= {"openai", "pypi_token", "sendgrid", "stripe_key", "telegram_token"}
    lines = [line for line in labelled.detect_secrets(elsewhere) if line.source in names]
    total = labelled.Score(*map(sum, zip(*labelled.line_scores(lines).values(), strict=True)))
    assert total.found + total.missed > 30
    assert total.recall > 0.9
