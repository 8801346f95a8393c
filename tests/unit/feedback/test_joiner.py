"""How much a joiner takes on at once."""

from __future__ import annotations

import pytest

from shipper.feedback.joiner import next_page


@pytest.mark.parametrize(
    ("size", "page_bytes", "completions", "following"),
    [
        (500, 500_000, 20_000, 2000),
        (8000, 8_000_000, 20_000, 10_000),
        (2000, 2_000_000, 6400, 6400),
        (500, 500_000_000, 20_000, 16),
        (1, 50_000_000, 20_000, 1),
        (0, 0, 200, 1),
    ],
    ids=["grows", "a search's limit", "large completions", "large events", "one event", "none"],
)
def test_pages_grow_within_memory(size: int, page_bytes: int, completions: int, following: int) -> None:
    """Large ones are cheaper, until events or completions are too many bytes."""
    assert next_page(size, page_bytes, completions) == following
