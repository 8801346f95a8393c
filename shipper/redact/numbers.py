"""Numbers that belong to somebody. Digits are looked for once, and only then asked what they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shipper.redact import national, payment, phone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.redact.spans import Span

_GAPS: Final = r" .()/\-\u00a0\u2009\u202f\u2010-\u2013"
_CANDIDATE: Final = re.compile(
    # where a number of at least six digits begins; a time, to be passed over as a whole; or the first of two digits
    # behind a word of one to six letters
    rf"[+(0-9](?:(?<![A-Za-z0-9_].)(?=[0-9{_GAPS}]{{5}})(?:"
    r"(?P<time>[09][0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?![0-9])(?:[.,][0-9]{1,9}+)?)?)"
    rf"|(?P<plain>(?<=[1-9])[0-9]{{5,}}+)[{_GAPS}]*+(?![0-9])"
    rf"|(?P<run>(?:[{_GAPS}]{{0,3}}+[0-9]){{5}}))"
    r"|(?<=[A-Za-z].)[0-9](?:"
    r"(?<![0-9A-Za-z_]...)(?<=[FGMSTXYZ]..)[0-9]{5}"
    rf"|(?<![0-9A-Za-z_].{{4}})(?<=[A-Za-z]{{2}}..)[{_GAPS}]?[0-9A-Za-z]{{2}}"
    r"|(?<![0-9A-Za-z_].{6})(?<=[A-Z]{4}..)[0-9]{4}"
    r"|(?<![0-9A-Za-z_].{7})(?<=[A-Z]{5}..)[0-9]{2}"
    r"|(?<![0-9A-Za-z_].{8})(?<=[A-Z]{6}..)[A-Z][0-9]))"
)
_RUN: Final = re.compile(rf"[+(0-9](?:[{_GAPS}]{{0,3}}+[0-9]){{5}}[0-9{_GAPS}]*+")
_DATE: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}([-/.])[0-9]{2}\1[0-9]{2}|[0-9]{2}([-/.])[0-9]{2}\2(?:19|20)[0-9]{2})"
    r" ?(?:[0-9]{2})?[ .(-]*\Z"  # the run ends at the colon of the time
)
_SHORTEST_CARD: Final = 12


def find(text: str) -> Iterator[Span]:
    """Every card, account, national and telephone number in the text. Never raises."""
    done = 0
    for candidate in _CANDIDATE.finditer(text):
        form = candidate.lastgroup
        start = candidate.start()
        if start < done or form == "time":
            continue
        if form == "plain":
            if found := _in_digits(text, start, candidate.end("plain"), candidate.end()):
                yield from found
        elif form is None:
            for span in (payment.iban_at(text, start), national.lettered_at(text, start)):
                if span is not None:
                    yield span
        elif (run := _RUN.match(text, start)) is not None:
            done = run.end()
            if _DATE.match(text, start, done) is None:
                yield from _in_run(text, start, done + 1)  # what follows a run tells too


def _in_digits(text: str, start: int, end: int, gaps_end: int) -> list[Span]:
    """Digits without gaps: mostly somebody's own numbering, so that what they can't be is ruled out by their count."""
    count, after = end - start, text[end : end + 1]
    said = phone.said_at(text, start, gaps_end + 1)
    found = [said] if said is not None else []
    if count >= _SHORTEST_CARD:
        found += payment.find_cards(text, start, end + 1)
    if count in national.COUNTS or after == "-" or after.isalpha():
        found += national.find(text, start, end + 1)
    return found


def _in_run(text: str, start: int, end: int) -> Iterator[Span]:
    if text[start : end - 1].isdigit():
        yield from _in_digits(text, start, end - 1, end - 1)
        return
    if end - start > _SHORTEST_CARD:
        yield from payment.find_cards(text, start, end)
    yield from national.find(text, start, end)
    yield from phone.find(text, start, end)
