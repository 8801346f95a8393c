"""How much a joiner takes on at once."""

from __future__ import annotations

import pytest

from shipper.feedback.joiner import round_of


@pytest.mark.parametrize(
    ("events", "event_bytes", "completions", "hits_at_once", "most"),
    [
        (500, 500_000, 450, 5000, 20_000),
        (500, 500_000, 500, 100, 400),
        (500, 500_000, 0, 100, 20_000),
        (500, 500_000_000, 450, 4000, 33),
        (1, 100_000_000, 1, 4000, 0),
        (0, 0, 0, 100, 0),
    ],
    ids=["large", "large completions", "no completions", "large events", "one event", "no events"],
)
def test_a_round_is_as_large_as_memory_allows(
    events: int, event_bytes: int, completions: int, hits_at_once: int, most: int
) -> None:
    """It takes many events, until they or their completions are too many bytes."""
    assert round_of(events, event_bytes, completions, hits_at_once) == most
