"""Texts with gaps: cut at what stands in them, found again in other texts, and filled. Pure."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence


_ONLY_TEXTS = frozenset({str})


class Template:
    """A text with gaps, to be filled."""

    def __init__(self, text: bytes, contents: Sequence[bytes]) -> None:
        """Cut the gaps out of a text.

        Args:
            text: one of the kind.
            contents: what stands in its gaps; each may be there several times, or not at all.
        """
        pieces = _cut(text, contents)
        self._pieces = [piece if isinstance(piece, bytes) else b"" for piece in pieces]
        self._gaps = itemgetter(*[piece for piece in pieces if isinstance(piece, int)])
        self.text = b"".join(self._pieces)
        """All that is not in gaps."""

    def filled(self, contents: Sequence[bytes]) -> bytes:
        """The text with other contents."""
        pieces = self._pieces.copy()
        pieces[1::2] = self._gaps(contents)  # parts and gaps take turns
        return b"".join(pieces)


class Outline:
    """What texts of one kind have in common: all but what stands in their gaps."""

    def __init__(self, text: bytes, marks: Sequence[bytes]) -> None:
        """Cut the gaps out of a text.

        Args:
            text: one of the kind, with marks in its gaps.
            marks: the marks.

        Raises:
            ValueError: a mark is not in it once.
        """
        pieces = _cut(text, marks)
        numbers = [piece for piece in pieces if isinstance(piece, int)]
        if sorted(numbers) != list(range(len(marks))):
            raise ValueError
        literals = [piece for piece in pieces if isinstance(piece, bytes)]
        self._first, self._between, self._last = literals[0], literals[1:-1], literals[-1]
        self.places = [numbers.index(mark) for mark in range(len(marks))]
        """Of each mark, which gap from the left it is in."""
        self.size = sum(map(len, literals))
        """Bytes of all that is not in gaps."""

    def found(self, text: bytes) -> list[bytes] | None:
        """What stands in the gaps of a text, from left to right; None when it isn't of this kind.

        A text in JSON that ended in a backslash could have hidden its end; `texts_of` refuses it.
        """
        if not (text.startswith(self._first) and text.endswith(self._last)):
            return None
        found: list[bytes] = []
        start, find = len(self._first), text.find
        for literal in self._between:
            end = find(literal, start)
            if end < 0:
                return None
            found.append(text[start:end])
            start = end + len(literal)
        found.append(text[start : len(text) - len(self._last)])
        return found


def texts_of(raw: Sequence[bytes]) -> tuple[list[str], bool]:
    """The texts whose JSON, without quotes, this is; and whether it is written as we write it.

    Raises:
        ValueError: one isn't the JSON of a text.
    """
    joined = b'["%b"]' % b'","'.join(raw)
    texts: list[str] = orjson.loads(joined)
    if len(texts) != len(raw) or not _ONLY_TEXTS.issuperset(map(type, texts)):
        raise ValueError
    if b"\\" not in joined:  # what needs no escape is written in one way only
        return texts, True
    for text in raw:
        if text.endswith(b"\\"):  # it may have hidden the quotes behind it
            raise ValueError
    return texts, orjson.dumps(texts) == joined


def figures_of(raw: Sequence[bytes]) -> list[int]:
    """The integers from 0 whose JSON this is.

    Raises:
        ValueError: one isn't.
    """
    if not b"".join(raw).isdigit():
        raise ValueError
    return orjson.loads(b"[%b]" % b",".join(raw))


def _cut(text: bytes, contents: Sequence[bytes]) -> list[bytes | int]:
    """A text cut at contents, whose numbers stand between the parts; the longest first, since one has a text in it."""
    pieces: list[bytes | int] = [text]
    for number in sorted(range(len(contents)), key=lambda number: len(contents[number]), reverse=True):
        content = contents[number]
        cut: list[bytes | int] = []
        for piece in pieces:
            if isinstance(piece, int) or content not in piece:
                cut.append(piece)
                continue
            for part in piece.split(content):
                cut += (part, number)
            cut.pop()
        pieces = cut
    return pieces
