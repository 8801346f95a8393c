"""Credentials that are told by what carries them: an HTTP header, an address, a sentence, a PEM block."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from shipper.redact.spans import AFTER_KEY, BETWEEN, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STOP: Final = BETWEEN + AFTER_KEY
_BEARER: Final = re.compile(r"earer[ :]{1,3}+([A-Za-z0-9._~+/-]{16,}+=*+)")
_BASIC: Final = re.compile(r"asic ([A-Za-z0-9+/]{12,}+={0,2})(?![A-Za-z0-9])")
_SENTENCE: Final = re.compile(
    rf"(?i:assword|asswort) (?:is|was|ist|to|lautet)[ :]{{1,2}}+[\"'`]?([^\s\"'`,;{_STOP}]{{4,128}}+)"
)
_ADDRESS: Final = re.compile(rf"://[^\s/?#@:\"'<>{_STOP}]{{0,128}}+:([^\s/?#\"'<>{_STOP}]{{1,256}}+)")
_CURL: Final = re.compile(
    rf" (?:-u|--user)[ =]{{1,4}}+[\"']?[^\s:\"'{_STOP}]{{0,80}}+[\"']?:[\"']?([^\s\"'{_STOP}]{{3,128}}+)"
)
_STAND_IN: Final = re.compile(r"\$\w+\Z|<[^>]*>\Z|\$?\{.*\}\Z|\*+\Z|%s\Z|[xX]{3,}\Z")
_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_FOOT: Final = re.compile(r"-----END[A-Z0-9 ]{0,60}-----")
_BOUND: Final = re.compile(f"-----END|{BETWEEN}|{AFTER_KEY}")
_KEY: Final = re.compile(r"[A-Za-z0-9+/=\s]*+")
_SOLID: Final = re.compile(r"[A-Za-z0-9+/]{16}")
_PUTTY: Final = re.compile(r"Private-Lines: [0-9]{1,3}\s{1,2}([A-Za-z0-9+/=\s]{16,}+)")
_WORDS: Final = re.compile(r"[A-Za-z.!?)-]+\Z")
_CLOSING: Final = ".!?)"


def find(text: str) -> Iterator[Span]:
    """Every credential in the text that its surroundings tell, as `TOKEN`, `PASSWORD`, `PRIVATE_KEY`. Never raises."""
    for sign, search in _BY_SIGN.items():
        if sign in text:
            yield from search(text)


def _bearers(text: str) -> Iterator[Span]:
    for found in _BEARER.finditer(text):
        if not _WORDS.match(found[1]):
            yield Span(*found.span(1), "TOKEN")


def _pairs(text: str) -> Iterator[Span]:
    for found in _BASIC.finditer(text):
        if _is_pair(found[1]):
            yield Span(*found.span(1), "TOKEN")


def _sentences(text: str) -> Iterator[Span]:
    for found in _SENTENCE.finditer(text):
        if not _WORDS.match(found[1]):
            yield Span(found.start(1), found.start(1) + len(found[1].rstrip(_CLOSING)), "PASSWORD")


def _is_pair(characters: str) -> bool:
    """Whether it is a user and a password in base64 (RFC 7617)."""
    try:
        pair = binascii.a2b_base64(characters)
    except binascii.Error:
        return False
    return b":" in pair and pair.isascii()


def _in_addresses(text: str) -> Iterator[Span]:
    for found in _ADDRESS.finditer(text):
        length = found[1].rfind("@")
        if length > 0 and not _STAND_IN.match(found[1][:length]):
            yield Span(found.start(1), found.start(1) + length, "PASSWORD")


def _private_keys(text: str) -> Iterator[Span]:
    """PEM blocks (RFC 7468), lines and all. One whose end was cut off counts as far as it looks like base64.

    Looks at no place twice, so that many beginnings without an end take no longer.
    """
    begins = list(_BEGIN.finditer(text))
    bound = 0
    for begin, following in zip(begins, [*begins[1:], None], strict=True):
        place = begin.end()
        if bound < place:
            found = _BOUND.search(text, place)
            bound = found.start() if found is not None else len(text)
        end = min(bound, following.start() if following is not None else len(text))
        foot = _FOOT.match(text, end)
        if foot is None:
            key = _KEY.match(text, place, end)
            end = key.end() if key is not None else place
        if _SOLID.search(text, place, end):
            yield Span(begin.start(), foot.end() if foot is not None else end, "PRIVATE_KEY")


def _putty_keys(text: str) -> Iterator[Span]:
    for found in _PUTTY.finditer(text):
        yield Span(*found.span(1), "PRIVATE_KEY")


def _curl_users(text: str) -> Iterator[Span]:
    for found in _CURL.finditer(text):
        if not _STAND_IN.match(found[1]):
            yield Span(*found.span(1), "PASSWORD")


# A text that is in every find, and the search that is worth its time then
_BY_SIGN: Final[dict[str, Callable[[str], Iterator[Span]]]] = {
    "earer": _bearers,
    "asic ": _pairs,
    "assw": _sentences,
    "://": _in_addresses,
    "curl ": _curl_users,
    "PRIVATE KEY": _private_keys,
    "Private-Lines:": _putty_keys,
}
