"""Names of people and places, which no pattern tells: found by a model of spaCy's that the user chooses.

::

    redactor = Redactor("all", find=names_and_places("en_core_web_sm"))

Needs the extra `names`, and a model: `python -m spacy download en_core_web_sm`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.redact.redactor import Finder

# The labels of spaCy's models: OntoNotes 5's, and those of models trained on WikiNER or CoNLL
_KINDS: Final = {"PERSON": "NAME", "PER": "NAME", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE"}
_UNUSED: Final = ("tagger", "parser", "senter", "lemmatizer", "attribute_ruler")
_PIECE: Final = 50_000  # characters: a model's memory grows with the text; beyond a million spaCy refuses it
_WORD: Final = re.compile(r"[^\W\d_]{2}")


def names_and_places(model: Any = "en_core_web_sm") -> Finder:
    """What finds people's names (`NAME`) and places (`PLACE`) in a text, for a `Redactor`'s `find`.

    It runs in the caller's thread for each text of a call, at the model's speed (see docs/redaction.md).

    Args:
        model: the name of an installed model of spaCy's, in the texts' language; or a pipeline that is loaded already.

    Raises:
        UsageError: spaCy or the model is not installed.
    """
    pipeline = _load(model) if isinstance(model, str) else model

    def find(text: str) -> Iterator[tuple[int, int, str]]:
        for start, piece in _pieces(text):
            if _WORD.search(piece):
                for entity in pipeline(piece).ents:
                    if (kind := _KINDS.get(entity.label_)) is not None:
                        yield start + entity.start_char, start + entity.end_char, kind

    return find


def _load(name: str) -> Any:
    try:
        import spacy  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UsageError(
            "Finding names and places needs spaCy: pip install 'llm-shipper[names]', and a model: "
            f"python -m spacy download {name}"
        ) from error
    try:
        return spacy.load(name, exclude=_UNUSED)
    except OSError as error:
        raise UsageError(
            f"spaCy has no model {name!r}: python -m spacy download {name}, or give the name of one that is installed."
        ) from error


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in parts that a model can take, cut at white space where there is some, each with its place."""
    start = 0
    while len(text) - start > _PIECE:
        cut = max(text.rfind(" ", start, start + _PIECE), text.rfind("\n", start, start + _PIECE))
        end = cut + 1 if cut > start else start + _PIECE
        yield start, text[start:end]
        start = end
    yield start, text[start:]
