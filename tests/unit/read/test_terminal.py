"""Stored text can't drive a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.read.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\x00b", "a␀b"),
        ("a\x7fb\x9bc", "a␡b\\u009bc"),
        ("over\rwritten", "over written"),
        ("two\nlines\tand\ttabs", "two lines and tabs"),
        ("\u202eevil\u202c", "\\u202eevil\\u202c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("Größe 日本語 😀", "Größe 日本語 😀"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\ud800", "\\ud800"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    """Escapes, controls, direction changes and invisible characters become visible; words of any script stay."""
    assert printable(text) == shown


def test_lines_are_kept_when_wanted() -> None:
    """A text of several lines keeps them, and nothing else that moves the cursor."""
    assert printable("a\n\tb\r\n\x0bc", multiline=True) == "a\n\tb␍\n␋c"


@given(st.text(), st.booleans())
def test_nothing_that_moves_the_cursor_remains(text: str, multiline: bool) -> None:
    """Whatever was stored, no control or formatting character is left but line breaks, tabs and joiners."""
    left = {
        one for one in printable(text, multiline=multiline) if unicodedata.category(one) in ("Cc", "Cf", "Cs")
    }
    assert left <= {"\n", "\t", "\u200d", "\u200c", "\u00ad"}
