"""The words that a list shows of a document."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.read.passage import first_words, mark, passage_of
from shipper.read.query import MARK, UNMARK, Term, terms_of


def marked(text: str) -> str:
    """Readable marks for the ones in private use."""
    return text.replace(MARK, "«").replace(UNMARK, "»")


DOCUMENT: dict[str, Any] = {
    "llm": {"input": {"text": "Be brief.\nWhere is my order?"}, "output": {"text": "On its way."}},
    "gen_ai": {
        "input": {
            "messages": [
                {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
                {"role": "user", "parts": [{"type": "text", "content": "Where is my order?"}]},
            ]
        }
    },
}


def test_question_and_answer_without_words_to_find() -> None:
    """A list shows the last question and the answer, not the instructions that all calls share."""
    assert first_words(DOCUMENT) == "Where is my order? → On its way."


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, ""),
        ({"message": "a line"}, "a line"),
        ({"llm": {"input": {"text": "in"}}}, "in"),
        ({"llm": {"input": {"text": "in"}}, "error": {"message": "too slow"}}, "in → too slow"),
        ({"llm": {"input": {"text": "in"}, "tool": {"names": ["stock", "price"]}}}, "in → stock(), price()"),
        ({"llm": {"output": {"text": "out"}}, "gen_ai": {"input": {"messages": "odd"}}}, "out"),
        ({"gen_ai": {"input": {"messages": [{"role": "user", "parts": None}, 3]}}, "message": "m"}, "m"),
    ],
)
def test_words_of_other_documents(document: dict[str, Any], words: str) -> None:
    """Errors, calls of tools and documents of any shape have words, too."""
    assert first_words(document) == words


def test_the_stores_passage_goes_first() -> None:
    """Of the passages that the store has marked, one of the prompt is shown rather than one of the answer."""
    passages = {"error.message": "c", "llm.output.text": f"{MARK}b{UNMARK}", "llm.input.text": "a"}
    assert passage_of(DOCUMENT, passages, []) == "a"


def test_words_that_the_store_did_not_mark_are_looked_for() -> None:
    """Beyond the length that the store analyses, the words are found in the text itself."""
    text = "x " * 1_000_000 + "the Needle in a haystack"
    document = {"llm": {"input": {"text": text}}}
    passage = passage_of(document, {}, terms_of("needle"))
    assert marked(passage).endswith("the «Needle» in a haystack")
    assert len(passage) < 200


def test_words_of_other_choices_are_looked_for() -> None:
    """A word that only an unselected choice has is shown from there."""
    document = {"llm": {"choices": [{"text": "one"}, {"text": "two wheels"}]}}
    assert marked(passage_of(document, {}, terms_of('"two wheels"'))) == "«two wheels»"


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("late", "related late", "related «late»"),
        ("ref*", "a refund", "a «refund»"),
        ('"two wheels"', "two,  wheels", "«two,  wheels»"),
        ("C++", "in C++ code", "in «C»++ code"),
        ("-late refund", "late refund", "late «refund»"),
        ("missing", "nothing here", ""),
    ],
)
def test_mark(query: str, text: str, found: str) -> None:
    """Whole words, phrases across punctuation, and beginnings are marked as the store would."""
    assert marked(mark(text, [term for term in terms_of(query) if not term.excluded])) == found


def test_excluded_words_mark_nothing() -> None:
    """A query of exclusions alone shows the first words."""
    assert passage_of(DOCUMENT, {}, [Term("order", excluded=True)]) == first_words(DOCUMENT)
