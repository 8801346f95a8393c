"""Stored text for a terminal: nothing that was logged may move the cursor, change colours or hide words."""

from __future__ import annotations

import unicodedata

_KEPT = {"\n", "\t"}
_HIDING = {
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Zl",
    "Zp",
}  # control, invisible and direction-changing, surrogates, separators
_HARMLESS = {"\u200d", "\u200c", "\u00ad"}  # joiners and soft hyphens belong to words and emoji


def printable(text: str, *, multiline: bool = False) -> str:
    """The text with control characters and invisible ones made visible. Never raises.

    Args:
        text: anything that was stored.
        multiline: keep line breaks and tabs; else each run of white space becomes one space.
    """
    if not multiline:
        text = " ".join(text.split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _KEPT or character in _HARMLESS or unicodedata.category(character) not in _HIDING:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the picture of a control character, such as ␛
    return "␡" if code == 0x7F else f"\\u{code:04x}"
