"""What happens in the month. A chart that doesn't show this is wrong.

1.5.0 is quicker than 1.4.0 and about as good. 2.0.0 is quicker again and dearer; it is better at everything but
refunds, where it promises store credit that nobody wants. In the second half the provider is away for some hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

APPLICATION: Final = "demo-month"
OLD, MIDDLE, NEW = "1.4.0", "1.5.0", "2.0.0"
REFUND: Final = "refund-policy"
ADVICE: Final = "product-advice"
SUPPORT: Final = "support-answer"
SLOGAN: Final = "slogan"
SEARCH: Final = "article-search"


@dataclass(frozen=True, slots=True)
class Release:
    """A version of the application."""

    version: str
    model: str
    begins: float
    """Share of the month that is over when the first users get it."""
    seconds: float
    """Median time of an answer of 100 tokens."""
    cut_off: float
    """Share of answers that reach the limit of tokens."""
    cached: float
    """Share of calls whose instructions the provider has in its cache."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing that the bot does."""

    name: str
    share: float
    """Of all conversations."""
    versions: dict[str, str]
    """The prompt's own version by release."""
    positive: dict[str, float]
    """Share of judgements that are thumbs up, by release."""
    streamed: float = 0.0


ROLLOUT: Final = 2 / 30
"""Share of the month in which a new release takes over."""

RELEASES: Final = (
    Release(OLD, "gpt-4o-mini-2024-07-18", 0.0, seconds=1.9, cut_off=0.012, cached=0.0),
    Release(MIDDLE, "gpt-4.1-mini-2025-04-14", 0.32, seconds=1.5, cut_off=0.012, cached=0.55),
    Release(NEW, "gpt-4.1-2025-04-14", 0.66, seconds=0.95, cut_off=0.025, cached=0.7),
)

PROMPTS: Final = (
    Prompt(
        SUPPORT,
        0.47,
        {OLD: "6", MIDDLE: "7", NEW: "7"},
        {OLD: 0.80, MIDDLE: 0.81, NEW: 0.88},
        streamed=0.4,
    ),
    Prompt(REFUND, 0.25, {OLD: "2", MIDDLE: "2", NEW: "3"}, {OLD: 0.79, MIDDLE: 0.80, NEW: 0.80}),
    Prompt(
        ADVICE, 0.14, {OLD: "1", MIDDLE: "1", NEW: "2"}, {OLD: 0.84, MIDDLE: 0.84, NEW: 0.90}, streamed=0.9
    ),
    Prompt(SLOGAN, 0.03, {OLD: "1", MIDDLE: "1", NEW: "1"}, {OLD: 0.7, MIDDLE: 0.7, NEW: 0.75}),
    Prompt(SEARCH, 0.11, {OLD: "1", MIDDLE: "1", NEW: "1"}, {}),
)

OUTAGE_BEGINS: Final = 0.55
"""Share of the month; the outage begins on that day at ten in the morning (UTC)."""
OUTAGE_HOURS: Final = 3.5
OUTAGE_FAILING: Final = 0.8
"""Share of calls that fail in the outage; the others are slow."""

RATE_LIMITED, SERVER_ERROR, TIMED_OUT = 0.009, 0.003, 0.004
REFUSED, FILTERED = 0.006, 0.004
"""Shares of all calls at ordinary times."""

CREDIT_PROMISED: Final = 0.7
"""Share of the new release's answers about refunds that promise store credit."""
POSITIVE_OF_CREDIT: Final = 0.37
"""Share of thumbs up of these answers."""

JUDGED: Final = 0.16
"""Share of answers that somebody judges."""
LATE: Final = 0.15
"""Share of judgements that come a day to a week later."""
BETTER: Final = 0.3
"""Share of thumbs down that come with what should have been said."""
ORPHANED: Final = 0.012
"""Share of judgements that name a call that nobody knows."""
CHECKED: Final = 0.05
"""Share of answers that an evaluator scores."""
CLASHES: Final = 6
"""Calls that are logged under the id of another one, and so become dead letters."""


def release_of(share: float, luck: float) -> Release:
    """The release that serves a user at a point of the month.

    Args:
        share: how much of the month is over, 0 to 1.
        luck: 0 to 1; decides while two releases run beside each other.
    """
    serving = RELEASES[0]
    for release in RELEASES[1:]:
        if share >= release.begins and luck < (share - release.begins) / ROLLOUT:
            serving = release
    return serving
