"""Names and places are found by whatever model of spaCy's is given."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.errors import UsageError
from shipper.redact import Redactor, names_and_places


class Entity:
    """One that a model found."""

    def __init__(self, text: str, word: str, label: str) -> None:
        self.start_char = text.index(word)
        self.end_char = self.start_char + len(word)
        self.label_ = label


class Pipeline:
    """Finds these words, as a pipeline of spaCy's does."""

    def __init__(self, **labels: str) -> None:
        self.labels = labels
        self.lengths: list[int] = []

    def __call__(self, text: str) -> Any:
        self.lengths.append(len(text))
        self.ents = [Entity(text, word, label) for word, label in self.labels.items() if word in text]
        return self


def test_names_and_places_have_placeholders_that_stay_the_same() -> None:
    """Whatever the model's labels are called; kinds that are no names stay."""
    pipeline = Pipeline(Ann="PERSON", Bob="PER", Paris="GPE", Seine="LOC", Acme="ORG")
    redactor = Redactor("all", find=names_and_places(pipeline))
    value = ["Ann of Acme met Bob in Paris", "on the Seine, Ann wrote to bob@example.org", "12:30 – 47"]
    assert redactor.redact(value).value == [
        "<NAME_1> of Acme met <NAME_2> in <PLACE_1>",
        "on the <PLACE_2>, <NAME_1> wrote to <EMAIL_1>",
        "12:30 – 47",
    ]
    assert len(pipeline.lengths) == 2  # nobody is called 47


def test_long_texts_are_cut_where_a_word_ends() -> None:
    """No model gets more than it can take, and nothing is lost at the cuts."""
    pipeline = Pipeline(Ann="PERSON")
    text = "Ann and some more words. " * 6_000
    found = list(names_and_places(pipeline)(text))
    assert max(pipeline.lengths) <= 50_000
    assert sum(pipeline.lengths) == len(text)
    assert all(text[start:end] == "Ann" and kind == "NAME" for start, end, kind in found)
    assert len(found) == len(pipeline.lengths)
    pipeline.lengths.clear()
    list(names_and_places(pipeline)("a" * 120_000))
    assert pipeline.lengths == [50_000, 50_000, 20_000]


def test_what_is_missing_is_told_with_the_command_that_installs_it() -> None:
    """Spacy itself, or the model."""
    with pytest.raises(UsageError, match="python -m spacy download no_such_model"):
        names_and_places("no_such_model")


def test_a_real_pipeline() -> None:
    """A pipeline of spaCy's, with rules in place of a model."""
    spacy = pytest.importorskip("spacy", reason="needs the extra names")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ann Miller"}])
    assert Redactor("none", find=names_and_places(pipeline)).text("I am Ann Miller.") == "I am <NAME_1>."
