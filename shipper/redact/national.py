"""Numbers by which states know people: their forms, and when a word beside a number has to confirm it.

A number counts alone when its printed form or its check digits can hardly be a coincidence. Where a tenth of all
numbers of that length would do, a word before it (or the key that it stands under) has to say what it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact.countries import (
    au_tfn,
    be_number,
    br_cpf,
    ca_sin,
    ch_ahv,
    cn_id,
    de_id,
    es_letter,
    fi_code,
    fr_nir,
    gb_nino,
    in_aadhaar,
    in_pan,
    it_code,
    kr_rrn,
    mx_curp,
    nl_bsn,
    pl_pesel,
    se_number,
    sg_nric,
    us_ssn,
)
from shipper.redact.payment import GAP, NOT_DIGIT
from shipper.redact.spans import BETWEEN, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NEAR: Final = 40  # characters before a number in which a word says what it is

_FORMS: Final = re.compile(
    r"(?<![0-9A-Za-z_.])(?:"
    r"(?P<ssn>D{3}-D{2}-D{4})"
    r"|(?P<nine>D{9}|D{3} D{2} D{4}|D{3}(?P<b>[- ])D{3}(?P=b)D{3}|D{4}[. ]D{2}[. ]D{3})"
    r"|(?P<cpf>D{3}\.D{3}\.D{3}-D{2})|(?P<belgium>D{2}\.D{2}\.D{2}-D{3}\.D{2})"
    r"|(?P<eleven>D{11}|D{2}(?P<c>[ -])D{3}(?P=c)D{3}(?P=c)D{3})"
    r"|(?P<twelve>D{12})|(?P<aadhaar>D{4}(?P<d>[ -])D{4}(?P=d)D{4})"
    r"|(?P<korea>D{6}-[1-8]D{6})|(?P<sweden>(?:D{2})?D{6}[-+]D{4})"
    r"|(?P<ahv>756(?:\.D{4}){2}\.D{2}|756D{10})"
    r"|(?P<nir>D(?P<e>~)D{2}(?P=e)D{2}(?P=e)D{2}(?P=e)D{3}(?P=e)D{3}(?P=e)D{2})"
    r")(?![0-9A-Za-z_])".replace("D", "[0-9]").replace("~", f"{GAP}?")
)


COUNTS: Final = frozenset({9, 11, 12, 13, 15, 17, 18})
"""How many digits those numbers have that are written without gaps and letters (17: before a letter)."""


def _words(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{alternatives})(?![A-Za-z])", re.IGNORECASE)


# For each form: the countries whose number it may be, and the word that has to say so; None where the form is enough
_NUMERIC: Final[dict[str, tuple[tuple[Callable[[str], bool], re.Pattern[str] | None], ...]]] = {
    "ssn": ((us_ssn, None),),
    "nine": (
        (us_ssn, _words(r"ssn|social security(?: number| no\.?| #)?|itin|tax(?:payer)? id")),
        (ca_sin, _words(r"sin|social insurance(?: number)?|nas")),
        (nl_bsn, _words(r"bsn|burgerservicenummer|sofi(?:-?nummer)?")),
        (au_tfn, _words(r"tfn|tax file(?: number)?")),
    ),
    "eleven": (
        (de_id, _words(r"steuer-?id\w*|idnr|(?:steuer)?identifikationsnummer|tin|tax id")),
        (be_number, _words(r"rijksregister\w*|registre national|niss|insz|national (?:number|register)")),
        (pl_pesel, _words(r"pesel")),
        (br_cpf, _words(r"cpf")),
    ),
    "twelve": ((in_aadhaar, _words(r"aadha+r|uidai|uid")),),
    "cpf": ((br_cpf, None),),
    "belgium": ((be_number, None),),
    "aadhaar": ((in_aadhaar, None),),
    "korea": ((kr_rrn, None),),
    "sweden": ((se_number, None),),
    "ahv": ((ch_ahv, None),),
    "nir": ((fr_nir, None),),
}

_LETTERED: Final = re.compile(
    r"[0-9](?:"
    r"(?<![0-9A-Za-z_.].)(?:"
    r"(?P<ES0>[0-9]{7}-?[A-Z])|(?P<FI0>[0-9]{5}[-+A-FU-Y][0-9]{3}[0-9A-Y])|(?P<CN0>[0-9]{16}[0-9X])"
    r"|(?P<GB3>(?<=[A-Z]{2} .)[0-9] [0-9]{2} [0-9]{2} [A-D]))"
    r"|(?<=[A-Z].)(?:"
    r"(?P<ES1>(?<=[XYZ].)(?<![0-9A-Za-z_]..)[0-9]{6}-?[A-Z])"
    r"|(?P<SG1>(?<=[STFGM].)(?<![0-9A-Za-z_]..)[0-9]{6}[A-Z])"
    r"|(?P<GB2>(?<=[A-Z]{2}.)(?<![0-9A-Za-z_]...)[0-9](?: ?[0-9]{2}){2} ?[A-D])"
    r"|(?P<MX4>(?<=[A-Z]{4}.)(?<![0-9A-Za-z_].{5})[0-9]{5}[HM][A-Z]{5}[0-9A-Z][0-9])"
    r"|(?P<IN5>(?<=[A-Z]{5}.)(?<![0-9A-Za-z_].{6})[0-9]{3}[A-Z])"
    r"|(?P<IT6>(?<=[A-Z]{6}.)(?<![0-9A-Za-z_].{7})[0-9][A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z])"
    r"))(?![0-9A-Za-z_])"
)
"""Numbers with letters in them, found by the first digit. A group's name ends with the letters before that digit."""
_VALID: Final[dict[str, Callable[[str], bool]]] = {
    "ES": es_letter,
    "FI": fi_code,
    "CN": cn_id,
    "GB": gb_nino,
    "SG": sg_nric,
    "MX": mx_curp,
    "IN": in_pan,
    "IT": it_code,
}


def lettered_at(text: str, digit: int) -> Span | None:
    """The national number with letters in it whose first digit is here, as `NATIONAL_ID`. Never raises."""
    found = _LETTERED.match(text, digit)
    return _lettered(text, found) if found is not None else None


def _lettered(text: str, found: re.Match[str]) -> Span | None:
    group = found.lastgroup or ""
    start = found.start() - int(group[2:])
    written = text[start : found.end()].replace(" ", "")
    valid = _VALID[group[:2]](written if group == "FI0" else written.replace("-", ""))
    return Span(start, found.end(), "NATIONAL_ID") if valid else None


def find(text: str, start: int, end: int) -> Iterator[Span]:
    """National numbers within a part of a text that is made of digits and gaps, as `NATIONAL_ID`. Never raises."""
    for found in _LETTERED.finditer(text, start, min(len(text), end + 4)):  # may end in letters
        if (span := _lettered(text, found)) is not None:
            yield span
    for found in _FORMS.finditer(text, start, end):
        digits = NOT_DIGIT.sub("", found[0])
        before = text[max(0, found.start() - _NEAR) : found.start()]
        before = before[before.rfind(BETWEEN) + 1 :]
        for valid, words in _NUMERIC[found.lastgroup or ""]:
            if valid(digits) and (words is None or words.search(before)):
                yield Span(found.start(), found.end(), "NATIONAL_ID")
                break
