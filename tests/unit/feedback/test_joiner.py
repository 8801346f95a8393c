"""How much a joiner takes on at once."""

from __future__ import annotations

import pytest

from shipper.feedback.rounds import round_of


@pytest.mark.parametrize(
    ("events", "event_bytes", "most"),
    [(500, 500_000, 100_000), (500, 500_000_000, 100), (1, 200_000_000, 0), (0, 0, 100_000)],
    ids=["usual", "large", "one", "none"],
)
def test_a_round_is_as_large_as_memory_allows(events: int, event_bytes: int, most: int) -> None:
    """It takes many events, until they are too many bytes."""
    assert round_of(events, event_bytes) == most
