"""Property tests: join keys depend on what a dict means, and on nothing else."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shipper.record.joinkey import JoinKey

key = JoinKey.from_dict

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(timezones=st.none()),
)
values = st.recursive(
    scalars,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3),
        st.dictionaries(st.text(max_size=4), parts, max_size=3),
        st.frozensets(scalars, max_size=3),
    ),
    max_leaves=6,
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=4), parts, max_size=3),
    max_leaves=6,
)
dicts = st.dictionaries(st.text(max_size=4), values, max_size=4)


def shuffled(value: Any, random: Any) -> Any:
    """The same value, with the items of every dict in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(part, random)) for name, part in value.items()]
        random.shuffle(items)
        return dict(items)
    return [shuffled(part, random) for part in value] if isinstance(value, list) else value


def meaning(value: Any) -> Any:
    """A value that is equal for two values exactly when the documentation says that they are the same."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (int, float, Decimal)):
        return ("number", Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    if isinstance(value, dict):
        return ("dict", frozenset((name, meaning(part)) for name, part in value.items()))
    if isinstance(value, list):
        return ("list", tuple(meaning(part) for part in value))
    if isinstance(value, frozenset):
        return ("set", frozenset(meaning(part) for part in value))
    return (type(value).__name__, value)


@given(dicts, st.randoms())
@settings(max_examples=300, deadline=None)
def test_the_order_of_items_makes_no_difference(value: dict[str, Any], random: Any) -> None:
    """However deep, dicts with their items in another order have the same key."""
    assert key(value) == key(shuffled(value, random))


@given(dicts, dicts)
@settings(max_examples=300, deadline=None)
def test_keys_are_equal_exactly_when_meanings_are(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two dicts have the same key if and only if they mean the same."""
    assert (meaning(one) == meaning(other)) == (key(one) == key(other))


@given(values, values)
@settings(max_examples=300, deadline=None)
def test_small_differences_are_differences(one: Any, other: Any) -> None:
    """The same holds for single values, which are more often nearly equal."""
    assert (meaning(one) == meaning(other)) == (key({"v": one}) == key({"v": other}))


@given(st.integers(-(10**6), 10**6), st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_a_number_is_the_same_in_every_type(digits: int, places: int) -> None:
    """An int, a float and Decimals of the same value, with and without trailing zeros, have one key."""
    exact = Decimal(digits).scaleb(-places)
    same: list[Any] = [exact, exact * Decimal("1.000"), float(exact)]
    if exact == int(exact):
        same.append(int(exact))

    assert len({key({"v": number}) for number in same}) == 1


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_dict_that_went_through_json_keeps_its_key(value: dict[str, Any]) -> None:
    """Whoever stores the dict as JSON and reads it back gets the same key."""
    assert key(value) == key(json.loads(json.dumps(value)))


@given(st.datetimes(), st.timezones(), st.timezones())
@settings(max_examples=200, deadline=None)
def test_an_instant_is_the_same_in_every_zone(naive: Any, one: Any, other: Any) -> None:
    """A time has the same key in whichever zone it is written."""
    assume(3 < naive.year < 9998)
    moment = naive.replace(tzinfo=one)
    from_utc = moment.astimezone(other)

    assert key({"v": moment}) == key({"v": from_utc})
