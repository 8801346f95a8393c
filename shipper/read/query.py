"""What people ask for, as Elasticsearch's query. Pure: no client, no clock.

The text is a small language without errors in it: every word has to occur, `"words in quotes"` as a phrase, `-word`
or `-"a phrase"` must not occur, `begin*` stands for any ending. Anything else is a word. A word may occur anywhere:
in the prompt, in any of the answers, in an error, in a better response that somebody suggested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

INDICES = "llm-completions-*@*"
MARK, UNMARK = (
    "\ue000",
    "\ue001",
)  # private-use characters around a found word: no text can fake colours with them

TEXT_FIELDS = (
    "llm.input.text",
    "llm.output.text",
    "message",
    "error.message",
    "error.stack_trace",
    "llm.logs",
    "llm.feedback.better_response",
)
CHOICE_FIELDS = ("llm.choices.text", "llm.choices.refusal")
_KEY_FIELDS = ("llm.join.key", "trace.id", "tags")  # what people paste into a search box
_SHOWN_FIELDS = (  # `message` repeats the others
    *(field for field in TEXT_FIELDS if field != "message"),
    *CHOICE_FIELDS,
)
_MAX_TERMS = 64
_MAX_PREFIX_EXPANSIONS = 1000
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that has to occur, or must not."""

    text: str
    excluded: bool = False
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which completions. What is None or empty does not restrict; names and ids are exact, letter by letter."""

    text: str = ""
    app: str | None = None
    version: str | None = None
    model: str | None = None
    user: str | None = None
    session: str | None = None
    outcome: str | None = None
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20


def terms_of(text: str) -> list[Term]:
    """The text, taken apart.

    Raises:
        UsageError: more terms than a query may have.
    """
    terms: list[Term] = []
    for minus, phrase, word in _TERM.findall(_valid(text)):
        is_prefix = not phrase and len(word) > 1 and word.endswith("*")
        bare = phrase or (word[:-1] if is_prefix else word)
        if any(
            character.isalnum() or ord(character) > 0x2000 for character in bare
        ):  # an emoji is a word too
            terms.append(Term(bare, excluded=bool(minus), is_prefix=is_prefix))
    if len(terms) > _MAX_TERMS:
        raise UsageError(
            f"The query has {len(terms)} words; at most {_MAX_TERMS} can be looked for at once. "
            "Search for a distinctive part of it in quotes."
        )
    return terms


def query_of(query: Query) -> dict[str, Any]:
    """Elasticsearch's query.

    Raises:
        UsageError: the text has too many words.
    """
    terms = terms_of(query.text)
    clauses: dict[str, Any] = {"filter": _filters(query)}
    wanted = [_clause(term) for term in terms if not term.excluded]
    unwanted = [_clause(term) for term in terms if term.excluded]
    if wanted:
        clauses["must"] = wanted
    if unwanted:
        clauses["must_not"] = unwanted
    if query.text.strip() and not terms:
        return {"match_none": {}}
    return {"bool": clauses}


def ranks_by_relevance(query: Query) -> bool:
    """Whether the best match comes first; without words to look for the newest does."""
    return any(not term.excluded for term in terms_of(query.text))


def highlight_of(query: Query) -> dict[str, Any] | None:
    """The request for one passage with the words found, or None without words to find."""
    if not ranks_by_relevance(query):
        return None
    wanted = [
        {"multi_match": {**_match(term), "fields": list(TEXT_FIELDS)}}
        for term in terms_of(query.text)
        if not term.excluded
    ]
    passage = {"number_of_fragments": 1, "fragment_size": 120}
    return {
        "pre_tags": [MARK],
        "post_tags": [UNMARK],
        "max_analyzed_offset": -1,  # the index's own limit; a longer text is cut there instead of failing the search
        "require_field_match": False,
        "highlight_query": {"bool": {"should": wanted}},
        "fields": dict.fromkeys(_SHOWN_FIELDS, passage),
    }


def _filters(query: Query) -> list[dict[str, Any]]:
    exact = {
        "llm.application.name": query.app,
        "service.version": query.version,
        "user.id": query.user,
        "gen_ai.conversation.id": query.session,
        "event.outcome": query.outcome,
    }
    filters: list[dict[str, Any]] = [
        {"term": {field: _valid(value)}} for field, value in exact.items() if value is not None
    ]
    filters.extend({"term": {"tags": _valid(tag)}} for tag in query.tags)
    if query.model is not None:
        models = [
            {"term": {field: _valid(query.model)}}
            for field in ("gen_ai.request.model", "gen_ai.response.model")
        ]
        filters.append({"bool": {"should": models, "minimum_should_match": 1}})
    span = {
        name: moment.isoformat()
        for name, moment in (("gte", query.since), ("lt", query.until))
        if moment is not None
    }
    if span:
        filters.append({"range": {"@timestamp": span}})
    return filters


def _clause(term: Term) -> dict[str, Any]:
    """The term in any field. A word may be several tokens (`state-of-the-art`), so it is looked for as a phrase."""
    match = _match(term)
    choices = {"multi_match": {**match, "fields": list(CHOICE_FIELDS)}}
    places: list[dict[str, Any]] = [
        {"multi_match": {**match, "fields": list(TEXT_FIELDS)}},
        {"nested": {"path": "llm.choices", "query": choices, "ignore_unmapped": True}},
    ]
    if not term.is_prefix:
        places.extend({"term": {field: term.text}} for field in _KEY_FIELDS)
    return {"dis_max": {"queries": places}}


def _match(term: Term) -> dict[str, Any]:
    if term.is_prefix:
        return {"query": term.text, "type": "phrase_prefix", "max_expansions": _MAX_PREFIX_EXPANSIONS}
    return {"query": term.text, "type": "phrase"}


def _valid(text: str) -> str:
    """The text as UTF-8 can hold it: an argument of a command line need not be."""
    return text.encode("utf-8", "replace").decode("utf-8")
