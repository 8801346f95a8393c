"""Redaction over any JSON: total, keeps the shape, leaves nothing that was planted, changes nothing else."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shipper.redact import Redactor, Span
from shipper.redact.redactor import spans_in
from shipper.redact.spans import settle

REDACTOR = Redactor("all")
SECRETS = (
    *("alice@example.com", "sk-abcdefghijkl1234567890abcd", "AKIAABCDEFGHIJKL2345", "+1 415 555 2671", "4111 1111 1111 1111"),
    *("DE89370400440532013000", "460-89-9847", "2001:db8::8a2e:370:7334", "93.184.216.34", "postgres://u:s3cret-pw@db/x"),
    *("password=hunter2!", "ghp_abcdefghij1234567890ABCDEFGHIJ123456", "bob%40example.com", "RSSMRA85T10A562S"),
)  # fmt: skip
PIECES = (
    "alice@",
    "abcdefghijkl",
    "ABCDEFGHIJKL",
    "555 2671",
    "1111 1111",
    "04004405",
    "89-9847",
    "8a2e",
    "93.184",
    "s3cret",
)

texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=30).filter(
    lambda text: not any(piece in text for piece in PIECES)  # hypothesis reads this module's own words
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4)
        | inner.map(lambda value: orjson.dumps(value).decode())
    ),
    max_leaves=12,
)
planted = st.tuples(
    st.sampled_from(("", " ", "\n", "(", '"', "，", "x: ")),
    st.sampled_from(SECRETS),
    st.sampled_from(("", " ", "\n", ")", '"', "，", ", y")),
).map("".join)
with_secrets = st.recursive(
    leaves | planted,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | planted, inner, max_size=4)
        | inner.map(lambda value: orjson.dumps(value).decode())
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """What containers there are, and how many things are in them."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else None


def copy(value: Any) -> Any:
    """A copy that nobody else has."""
    return orjson.loads(orjson.dumps(value))


@given(values)
def test_any_json_is_taken_and_keeps_its_shape(value: Any) -> None:
    """The same containers with the same number of things; what has nothing in it is the same value."""
    result = REDACTOR.redact(copy(value))
    assert shape(result.value) == shape(copy(value))
    if not result.entities:
        assert result.value == copy(value)


@given(with_secrets)
def test_nothing_that_was_planted_is_left(value: Any) -> None:
    """Wherever a secret stands, in values, keys and JSON within strings, the written bytes don't hold it."""
    written = orjson.dumps(REDACTOR.redact(copy(value)).value).decode()
    assert [piece for piece in PIECES if piece in written] == []


@given(with_secrets)
def test_a_second_time_changes_nothing(value: Any) -> None:
    """Placeholders are not taken for anything."""
    once = REDACTOR.redact(copy(value)).value
    assert REDACTOR.redact(copy(once)).value == once


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a@b.com", "c@d.org", "1.2.3.40", "e@f.net"]), texts.map(lambda text: text[:5])
        ),
        max_size=8,
    )
)
def test_one_placeholder_for_one_text(parts: list[tuple[str, str]]) -> None:
    """Equal finds have equal placeholders, different finds different ones."""
    items = [value for value, _ in parts]
    found = REDACTOR.redact(list(items)).value
    pairs = set(zip(items, found, strict=True))
    assert len(pairs) == len(set(items)) == len(set(found))


@given(st.text(alphabet="abc1 @.-", max_size=8), st.lists(st.integers(1, 6), min_size=1, max_size=30))
def test_tokens_are_searched_as_the_text_that_they_spell(before: str, cuts: list[int]) -> None:
    """However an answer is cut into tokens, those that spell an address don't spell it any more."""
    text = f"{before} alice@example.com."
    tokens: list[str] = []
    place = 0
    for cut in itertools.cycle(cuts):
        tokens.append(text[place : place + cut])
        place += cut
        if place >= len(text):
            break
    rows = [{"token": token, "logprob": -1.0, "bytes": list(token.encode())} for token in tokens]
    found = REDACTOR.redact({"content": rows}).value["content"]
    spelled = "".join(row["token"] for row in found)
    assert "alice@" not in spelled
    assert "example" not in spelled
    assert len(found) == len(rows)


spans = st.tuples(
    st.integers(0, 40), st.integers(1, 10), st.sampled_from(["EMAIL", "IP", "API_KEY", "MINE"])
).map(lambda given: Span(given[0], given[0] + given[1], given[2]))


@given(st.lists(spans, max_size=12))
def test_settled_spans_are_the_union_in_order(found: list[Span]) -> None:
    """Disjoint, in order, covering every character that was found and no other."""
    settled = settle(found)
    assert all(left.end <= right.start for left, right in itertools.pairwise(settled))
    covered = {place for span in found for place in range(span.start, span.end)}
    assert {place for span in settled for place in range(span.start, span.end)} == covered


@given(st.text(max_size=200))
def test_spans_lie_within_their_text(text: str) -> None:
    """For any text the finders return spans that are not empty, in order, and inside."""
    found = spans_in(text)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
