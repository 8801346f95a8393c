"""Numbers that money moves by: payment cards and bank accounts (IBAN)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.checksums import luhn, mod_97
from shipper.redact.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

GAP: Final = r"[ \-\u00a0\u2009\u202f\u2010-\u2013]"
"""What people and models put between groups of digits: spaces and hyphens of several widths."""
NOT_DIGIT: Final = re.compile(r"[^0-9]")
_NOT_ALNUM: Final = re.compile(r"[^0-9A-Z]")

_CARD: Final = re.compile(
    rf"(?<![0-9A-Za-z_.])(?:[0-9]{{4}}({GAP})(?:[0-9]{{4}}\1){{2}}[0-9]{{4}}(?:\1[0-9]{{3}})?"
    rf"|3[0-9]{{3}}({GAP})[0-9]{{6}}\2[0-9]{{4,5}}|[0-9]{{12,19}})(?![0-9A-Za-z_])"
)
# First digits and lengths of cards, by the networks' published ranges
_ISSUERS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})\Z|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}\Z"
    r"|3[47]\d{13}\Z|3(?:0[0-5]|[689]\d)\d{11}\Z|(?:6011|64[4-9]\d|65\d\d)\d{12,15}\Z"
    r"|(?:352[89]|35[3-8]\d)\d{12}\Z|(?:1800|2131)\d{11}\Z|62\d{14,17}\Z"
    r"|(?:5018|5020|5038|5[678]\d\d|6304|6759|676[1-3])\d{12,15}\Z"
)
_SAID: Final = re.compile(
    r"(?i:\bcards?\b|\bcc\b|visa|master ?card|amex|american express|maestro)[^0-9\x00]*\Z"
)
_NEAR: Final = 30  # characters before a number in which a word says what it is

_IBAN_LENGTHS: Final = {
    # The registry of ISO 13616
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
    "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25,
    "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
_IBAN: Final = re.compile(
    # from the check digits on
    r"[0-9](?<=[A-Za-z]{2}[0-9])(?<![0-9A-Za-z_][A-Za-z]{2}[0-9])[0-9]"
    rf"(?:{GAP}?[0-9A-Za-z]{{4}}){{2,7}}(?:{GAP}?[0-9A-Za-z]{{1,3}}(?![0-9A-Za-z]))?"
)


def find_cards(text: str, start: int, end: int) -> Iterator[Span]:
    """Card numbers within a part of a text, as `CARD`: of the right check digit, and a known issuer's or said to be."""
    for found in _CARD.finditer(text, start, end):
        digits = NOT_DIGIT.sub("", found[0])
        if _is_card(digits) or (
            luhn(digits) and _SAID.search(text, max(0, found.start() - _NEAR), found.start())
        ):
            yield Span(found.start(), found.end(), "CARD")
        elif (
            found[1] and len(digits) == 19 and _is_card(digits[:16])
        ):  # three digits more are its security code
            yield Span(found.start(), found.end(), "CARD")


def _is_card(digits: str) -> bool:
    return _ISSUERS.match(digits) is not None and luhn(digits)


def iban_at(text: str, digit: int) -> Span | None:
    """The IBAN whose first digit is here: of a known country, its length and the right check digits. Never raises."""
    start = max(0, digit - 2)
    length = _IBAN_LENGTHS.get(text[start:digit].upper())
    if length is None or (found := _IBAN.match(text, digit)) is None:
        return None
    end = _end_of(text, start, found.end(), length)
    characters = _NOT_ALNUM.sub("", text[start:end].upper())
    if (
        len(characters) != length
        or text[end : end + 1].isalnum()
        or not mod_97(characters[4:] + characters[:4])
    ):
        return None
    return Span(start, end, "IBAN")


def _end_of(text: str, start: int, end: int, count: int) -> int:
    """Where the `count`th letter or digit ends; a word that follows an IBAN looks like its next group."""
    for place in range(start, end):
        if text[place].isalnum():
            count -= 1
            if count == 0:
                return place + 1
    return end
