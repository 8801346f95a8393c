"""The query language and what it becomes."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.read.query import Query, Term, highlight_of, query_of, ranks_by_relevance, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("refund", [Term("refund")]),
        ("refund late", [Term("refund"), Term("late")]),
        ('"two wheels" late', [Term("two wheels"), Term("late")]),
        ('"not closed', [Term("not closed")]),
        ("-late", [Term("late", excluded=True)]),
        ('-"two wheels"', [Term("two wheels", excluded=True)]),
        ("ref*", [Term("ref", is_prefix=True)]),
        ("-ref*", [Term("ref", excluded=True, is_prefix=True)]),
        ('"ref*"', [Term("ref*")]),
        ("state-of-the-art", [Term("state-of-the-art")]),
        ("field:value AND (x OR y)", [Term("field:value"), Term("AND"), Term("(x"), Term("OR"), Term("y)")]),
        ("* - !! ()", []),
        ("😀", [Term("😀")]),
        ("日本", [Term("日本")]),
        ("a\ud800b", [Term("a?b")]),
    ],
)
def test_terms(text: str, terms: list[Term]) -> None:
    """Words, phrases, exclusions and beginnings are told apart; punctuation alone is no word."""
    assert terms_of(text) == terms


def test_too_many_words_are_explained() -> None:
    """A whole prompt as a query is refused before the store is asked, with what to do instead."""
    with pytest.raises(UsageError, match="in quotes"):
        terms_of("word " * 65)


@given(st.text(max_size=80))
def test_any_text_is_a_query(text: str) -> None:
    """No text can break the query, which is always valid JSON; words to find are what ranks and highlights."""
    query = Query(text=text, app=text, tags=(text,))
    assert orjson.loads(orjson.dumps(query_of(query))) == query_of(query)
    assert (highlight_of(query) is not None) == ranks_by_relevance(query)


def test_filters_are_exact_and_all_apply() -> None:
    """Each filter is a term of its own field; the span takes its start in and leaves its end out."""
    query = Query(
        app="bot",
        version="1.0",
        user="u",
        session="s",
        outcome="failure",
        tags=("a", "b"),
        since=datetime(2026, 11, 1, tzinfo=UTC),
        until=datetime(2026, 11, 2, tzinfo=UTC),
    )
    assert query_of(query) == {
        "bool": {
            "filter": [
                {"term": {"llm.application.name": "bot"}},
                {"term": {"service.version": "1.0"}},
                {"term": {"user.id": "u"}},
                {"term": {"gen_ai.conversation.id": "s"}},
                {"term": {"event.outcome": "failure"}},
                {"term": {"tags": "a"}},
                {"term": {"tags": "b"}},
                {
                    "range": {
                        "@timestamp": {"gte": "2026-11-01T00:00:00+00:00", "lt": "2026-11-02T00:00:00+00:00"}
                    }
                },
            ]
        }
    }


def test_model_is_the_one_asked_for_or_the_one_that_answered() -> None:
    """Either name of the model finds the call."""
    (clause,) = query_of(Query(model="gpt-4o"))["bool"]["filter"]
    assert [next(iter(one["term"])) for one in clause["bool"]["should"]] == [
        "gen_ai.request.model",
        "gen_ai.response.model",
    ]


def test_text_without_words_finds_nothing() -> None:
    """Punctuation does not match everything."""
    assert query_of(Query(text="???")) == {"match_none": {}}


def test_empty_query_restricts_nothing() -> None:
    """Without words and filters everything matches."""
    assert query_of(Query()) == {"bool": {"filter": []}}
