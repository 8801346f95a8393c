"""Searches over many indices: each key is looked for in each index, once, and no page or address is too small."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from shipper.feedback.find import parts

KEYS = st.lists(st.text("abc1-", min_size=1, max_size=8), min_size=1, max_size=60, unique=True).map(sorted)
NAMES = st.text("abc@-.", min_size=1, max_size=400)
EXPECTED = st.dictionaries(NAMES, st.floats(0, 100), max_size=30)


@given(KEYS, EXPECTED, st.integers(1, 50))
def test_every_key_is_looked_for_in_every_index_once(
    keys: list[str], expected: dict[str, float], room: int
) -> None:
    """However they are put together."""
    pairs = Counter(
        (name, key) for names, part in parts(keys, expected, room) for name in names for key in part
    )
    assert pairs == Counter((name, key) for name in expected for key in keys)


@given(KEYS, EXPECTED, st.integers(1, 50))
def test_a_search_has_room_for_its_hits_and_names(
    keys: list[str], expected: dict[str, float], room: int
) -> None:
    """Of a single index it takes a share of the keys, in order; a single key in a single index is left as it is."""
    for names, part in parts(keys, expected, room):
        assert part == sorted(part)
        share = len(part) / len(keys)
        assert (
            len(part) == 1 or sum(expected[name] for name in names) * share <= room + 50
        )  # a key more, at most
        assert len(names) == 1 or sum(len(quote(name)) + 1 for name in names) <= 3500
        assert len(names) == 1 or sum(expected[name] for name in names) <= room + 1e-6
