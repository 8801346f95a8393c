"""Where something was found in a text, and how several finds become one row that doesn't overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRETS: Final = ("PRIVATE_KEY", "API_KEY", "CLOUD_KEY", "TOKEN", "PASSWORD", "SECRET")
PERSONAL: Final = ("EMAIL", "IBAN", "CARD", "NATIONAL_ID", "PHONE", "IP")
_RANK: Final = {kind: rank for rank, kind in enumerate((*SECRETS, *PERSONAL), start=1)}  # others come first

BETWEEN: Final = "\x00"
"""Stands between two texts that were joined to be searched in one go. No pattern reads across it."""
AFTER_KEY: Final = "\x01"
"""Stands between an object's key and its text: what the key says of the text is used, as after a colon."""


def searchable(text: str) -> str:
    """The text as it is searched, of the same length: in JSON text that is escaped, a new line is no letter n."""
    if "\\" not in text:
        return text
    return text.replace("\\n", "  ").replace("\\r", "  ").replace("\\t", "  ")


class Span(NamedTuple):
    """A part of a text, `text[start:end]`, and what kind of thing it is (`EMAIL`, `API_KEY`, …)."""

    start: int
    end: int
    kind: str


def settle(found: Iterable[Span]) -> list[Span]:
    """The finds in order, without overlaps: finds that overlap become one, of the kind that ranks first.

    Their union is taken, so that no part of anything that was found is left over. Never raises.
    """
    settled: list[Span] = []
    for span in sorted(found):
        if settled and span.start < settled[-1].end:
            last = settled[-1]
            kind = min(last.kind, span.kind, key=lambda name: _RANK.get(name, 0))
            settled[-1] = Span(last.start, max(last.end, span.end), kind)
        else:
            settled.append(span)
    return settled
