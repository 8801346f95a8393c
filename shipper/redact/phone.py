"""Telephone numbers: written internationally, in a country's usual groups, or said to be one.

There is no list of numbers to check against, so that the form has to convince: a plus and a country's code, the
groups of North America, a trunk zero with groups; and for anything else a word beside it, or the key it stands under.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.payment import NOT_DIGIT
from shipper.redact.spans import BETWEEN, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEAR: Final = 28  # characters before a number in which a word says what it is
_GAP: Final = r"[ .\-/\u00a0\u2009\u202f\u2010-\u2013]"
_EXTENSION: Final = r"(?:[ ]?(?:x|ext\.?|extension)[ ]?[0-9]{1,6}(?![0-9]))?"
_LONGEST_EXTENSION: Final = 17
_EDGE: Final = r"(?<![0-9A-Za-z_+(/.])"

# ITU-T E.164: the calling codes that are assigned
_CODES: Final = re.compile(
    r"1|7|2(?:0|1[1-368]|[23]\d|4\d|5[0-8]|6\d|7|9[017-9])|3(?:[0-469]|5\d|7[0-8]|8[0-35-79])|4(?:[013-9]|2[013])"
    r"|5(?:0\d|[1-8]|9\d)|6(?:[0-6]|7[02-9]|8[0-35-9]|9[0-2])|8(?:[1246]|5[02356]|8[0-3]|0[08]|70|78)"
    r"|9(?:[0-58]|6[0-8]|7[0-79]|9[2-689])"
)
_INTERNATIONAL: Final = re.compile(
    rf"(?<![0-9A-Za-z_+])\(?(?:\+|(?<![.,])(?<![0-9][ .-])00{_GAP}?)(?P<rest>\(?[1-9](?>(?:{_GAP}{{0,2}}+\(?+[0-9]{{1,5}}+\)?+){{1,8}}))"
    rf"(?![0-9A-WYZa-wyz_]){_EXTENSION}"
)
_NORTH_AMERICAN: Final = re.compile(
    rf"{_EDGE}(?<![0-9][ .-])(?:\+?1[-. ]?)?(?:\([0-9]{{3}}\)[ ]?(?:- ?)?[0-9]{{3}}[-. ]|[0-9]{{3}}-[0-9]{{3}}-"
    rf"|[2-9][0-9]{{2}}(?:\.[0-9]{{3}}\.|[ \u00a0\u202f\u2011][2-9][0-9]{{2}}[ \u00a0\u202f\u2011]))[0-9]{{4}}"
    rf"(?![0-9A-WYZa-wyz_]|[ .-][0-9]){_EXTENSION}"
)
_TRUNK: Final = re.compile(
    rf"(?<![0-9A-Za-z_+/.])(?<![0-9][ .-])(?:\(0[1-9][0-9]{{0,4}}\)|0[1-9][0-9]{{0,4}}(?=[^0-9]))(?: ?[-/] ?|{_GAP})"
    rf"(?P<rest>[0-9]{{2,8}}+(?>(?:{_GAP}[0-9]{{2,4}}+){{0,4}}))(?![0-9A-Za-z_])"
)
_SAID: Final = re.compile(
    rf"(?<![0-9A-Za-z_])\(?[0-9]{{1,5}}+\)?(?>(?:{_GAP}{{0,2}}+\(?+[0-9]{{1,8}}+\)?+){{1,7}})(?![0-9]){_EXTENSION}"
)
_DATE: Final = re.compile(
    r"(?:[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}|[0-9]{2}([-/.])[0-9]{2}\1(?:19|20)[0-9]{2})(?![0-9])"
)
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]+\Z")
_BEFORE: Final = re.compile(
    r"(?:(?<![a-z])(?:tele)?phones?|(?<![a-z])telephone|(?<![a-z])t[eé]l(?:[eé]fono?|efoon)?|(?<![a-z])mobile?|cell(?:ular)?"
    r"|(?<![a-z])fax|whats ?app|(?<![a-z])sms|handy|rufnummer|m[oó]vil|celular|hotline|contact(?: number| no)"
    r"|(?:call|text|ring|reach|dial|phone)(?:ed|ing)? (?:(?:me|us|him|her|them|back|you) )?(?:(?:on|at|back) )?"
    r"|(?:messages?|calls?|answering|reached?) (?:to|at|on|from)|desk|office|home|work)"
    r"(?:[ _-]?(?:no|nr|number|num|is|#))?[\W_]{0,4}\Z"
)
_ENDS: Final = (
    # of all that `_BEFORE` knows, without what is not a letter behind it
    *(
        "ne",
        "es",
        "el",
        "él",
        "on",
        "no",
        "il",
        "le",
        "ll",
        "ar",
        "ax",
        "pp",
        "ms",
        "dy",
        "er",
        "xt",
        "ng",
        "ch",
    ),
    *("al", "ed", "me", "us", "im", "em", "ck", "ou", "at", "to", "om", "sk", "ce", "rk", "nr", "um", "is"),
)
_ENDS_BACKWARDS: Final = re.compile(
    r"[\W_]{0,7}+(?:"
    + "|".join(
        f"{last}[{''.join(end[0] for end in _ENDS if end[1] == last)}]"
        for last in dict.fromkeys(end[1] for end in _ENDS)
    )
    + ")"
)
_LONGEST_END: Final = 9
_AFTER: Final = re.compile(r"[ -]{0,3}(?:office|fax|mobile|cell|desk)(?![a-z])", re.IGNORECASE)
_AFTER_BEGINS: Final = frozenset("ofmcdxeOFMCDXE")  # these words, or an extension


def find(text: str, start: int, end: int) -> Iterator[Span]:
    """Telephone numbers within a part of a text that is made of digits and gaps, as `PHONE`. Never raises."""
    taken = False
    for span in _grouped(text, start, end):
        taken = True
        yield span
    if not taken and (said := said_at(text, start, end)) is not None:
        yield said


def _grouped(text: str, start: int, end: int) -> Iterator[Span]:
    """Numbers that show by their groups or their beginning what they are."""
    before, behind = max(0, start - 1), min(len(text), end + _LONGEST_EXTENSION)
    for found in _INTERNATIONAL.finditer(text, before, behind):
        digits = NOT_DIGIT.sub("", found["rest"])
        if (
            found.start() < end
            and 8 <= len(digits) <= 15
            and _CODES.match(digits)
            and not _DECIMAL.match(found["rest"])
        ):
            yield Span(*found.span(), "PHONE")
    for found in _NORTH_AMERICAN.finditer(text, before, behind):
        if found.start() < end:
            yield Span(*found.span(), "PHONE")
    for found in _TRUNK.finditer(text, before, end):
        if 9 <= _count(found[0]) <= 12 and not _DATE.match(text, found.start()):
            yield Span(*found.span(), "PHONE")


def said_at(text: str, start: int, end: int) -> Span | None:
    """The number at the beginning of a part of digits and gaps, if a word before or after it says that it is one.

    Never raises.
    """
    said = None
    near = start - _LONGEST_END if start > _LONGEST_END else 0
    if _ENDS_BACKWARDS.match(text[near:start].lower()[::-1]):
        before = text[max(0, start - _NEAR) : start].lower()
        said = _BEFORE.search(before, before.rfind(BETWEEN) + 1)
    if not said and text[end - 1 : end] not in _AFTER_BEGINS:
        return None
    found = _SAID.match(text, start, min(len(text), end + 8))
    if found is None or not 7 <= _count(found[0]) <= 15 or _DATE.match(text, start):
        return None
    return Span(*found.span(), "PHONE") if said or _AFTER.match(text, found.end()) else None


def _count(text: str) -> int:
    return sum(map(str.isdigit, text))
