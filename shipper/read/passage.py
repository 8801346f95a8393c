"""The words of a document that a list shows: the passage that was found, else the question and the answer. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipper.read.figures import text_at, value_at
from shipper.read.query import CHOICE_FIELDS, MARK, TEXT_FIELDS, UNMARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.read.query import Term

_PREFERRED = ("llm.input.text", "llm.output.text", *CHOICE_FIELDS)
_BEFORE, _AFTER = 40, 120  # characters around a word that is found here


def passage_of(document: Mapping[str, Any], passages: Mapping[str, str], terms: Sequence[Term]) -> str:
    """One line of words; what was found is between `MARK` and `UNMARK`.

    Args:
        document: the completion.
        passages: what the store has marked, by field. It marks nothing beyond the index's
            `highlight.max_analyzed_offset`: then the words are looked for here.
        terms: the words of the query.
    """
    for name in sorted(passages, key=_preference):
        return passages[name]
    wanted = [term for term in terms if not term.excluded]
    for text in _texts(document) if wanted else ():
        found = mark(text, wanted)
        if found:
            return found
    return first_words(document)


def first_words(document: Mapping[str, Any]) -> str:
    """What was asked last and what was answered; the error if the call failed."""
    asked = _last_question(document) or text_at(document, "llm.input.text")
    answered = text_at(document, "llm.output.text")
    if not answered:
        answered = text_at(document, "error.message") or ", ".join(_names(document))
    if asked and answered:
        return f"{_cut(asked, 60)} → {answered}"
    return asked or answered or text_at(document, "message")


def mark(text: str, terms: Sequence[Term]) -> str:
    """A passage of the text with its first match of any term marked; empty if there is none."""
    pattern = "|".join(_pattern(term) for term in terms)
    found = re.search(pattern, text, re.IGNORECASE)
    if found is None:
        return ""
    start, end = found.span()
    before = text[max(0, start - _BEFORE) : start]
    return f"{before}{MARK}{text[start:end]}{UNMARK}{text[end : end + _AFTER]}"


def _pattern(term: Term) -> str:
    words = r"\W+".join(re.escape(word) for word in re.findall(r"\w+", term.text)) or re.escape(term.text)
    return rf"\b{words}\w*" if term.is_prefix else rf"(?<!\w){words}(?!\w)"


def _texts(document: Mapping[str, Any]) -> list[str]:
    texts = [text_at(document, name) for name in sorted(TEXT_FIELDS, key=_preference) if name != "message"]
    choices = value_at(document, "llm.choices")
    if isinstance(choices, list):
        texts.extend(text_at(choice, "text") for choice in choices if isinstance(choice, dict))
    return texts


def _preference(name: str) -> int:
    return _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED)


def _last_question(document: Mapping[str, Any]) -> str:
    messages = value_at(document, "gen_ai.input.messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            parts = message.get("parts")
            texts = [text_at(part, "content") for part in parts if isinstance(part, dict)] if parts else []
            if any(texts):
                return " ".join(filter(None, texts))
    return ""


def _names(document: Mapping[str, Any]) -> list[str]:
    names = value_at(document, "llm.tool.names")
    return [f"{name}()" for name in names] if isinstance(names, list) else []


def _cut(text: str, length: int) -> str:
    flat = " ".join(text[: 4 * length].split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
