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
    # where a number of at least six digits begins, unless it is a time; or where digits follow one to six letters
    r"[+(0-9](?:(?<![A-Za-z0-9_].)(?:(?P<time>[09][0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9])"
    rf"|(?:[{_GAPS}]{{0,3}}+[0-9]){{5}})"
    rf"|(?<=[A-Za-z].)[0-9][0-9A-Za-z{_GAPS}][0-9A-Za-z]{{2}}"
    r"(?:(?<![0-9A-Za-z_].{6})|(?<![0-9A-Za-z_].{7})|(?<![0-9A-Za-z_].{9})|(?<![0-9A-Za-z_].{10})|(?<![0-9A-Za-z_].{11})))"
)
_RUN: Final = re.compile(rf"[+(0-9](?:[{_GAPS}]{{0,3}}+[0-9]){{5}}[0-9{_GAPS}]*+")
_LETTER: Final = re.compile("[A-Za-z][0-9]")
_DATE: Final = re.compile(
    r"(?:(?:19|20)[0-9]{2}([-/.])[0-9]{2}\1[0-9]{2}|[0-9]{2}([-/.])[0-9]{2}\2(?:19|20)[0-9]{2})"
    r" ?(?:[0-9]{2})?[ .(-]*\Z"  # the run ends at the colon of the time
)
_SHORTEST_CARD: Final = 12


def find(text: str) -> Iterator[Span]:
    """Every card, account, national and telephone number in the text. Never raises."""
    done = 0
    for candidate in _CANDIDATE.finditer(text):
        start = candidate.start()
        if start < done or candidate.lastgroup is not None:
            continue
        if start > 0 and _LETTER.match(text, start - 1) is not None:
            for span in (payment.iban_at(text, start), national.lettered_at(text, start)):
                if span is not None:
                    yield span
        elif (run := _RUN.match(text, start)) is not None:
            done = run.end()
            if _DATE.match(text, start, done) is None:
                yield from _in_run(text, start, done + 1)  # what follows a run tells too


def _in_run(text: str, start: int, end: int) -> Iterator[Span]:
    if text[start : end - 1].isdigit():
        yield from _in_digits(text, start, end)
        return
    if end - start > _SHORTEST_CARD:
        yield from payment.find_cards(text, start, end)
    yield from national.find(text, start, end)
    yield from phone.find(text, start, end)


def _in_digits(text: str, start: int, end: int) -> Iterator[Span]:
    """Digits without gaps: mostly somebody's own numbering, so that what they can't be is ruled out by their count."""
    count = end - 1 - start
    if count >= _SHORTEST_CARD:
        yield from payment.find_cards(text, start, end)
    if count in national.COUNTS or text[end - 1 : end].isalpha():
        yield from national.find(text, start, end)
    yield from phone.find_said(text, start, end)
