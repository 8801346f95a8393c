"""Routing over any names, times and ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shipper.route import destination, slug

PARTITION = r"(?:\d{4}\.\d{2}(?:\.\d{2})?|undated)"
NAME = r"[a-z0-9][a-z0-9._-]{0,79}"
INDEX = re.compile(rf"llm-completions-(?P<app>{NAME})@(?P<version>{NAME})-(?P<span>{PARTITION})", re.ASCII)

# Names near the borders of the rule, mixed with any text.
names = st.one_of(
    st.text(),
    st.text("abAB.-_ 0é", max_size=90),
    st.from_regex(r"[a-z]{1,3}-(\d{4}\.\d\d(\.\d\d)?|undated|[0-9a-f]{10})", fullmatch=True),
    st.integers(60, 100).map(lambda n: "a" * n),
    st.text(max_size=20).map(slug),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(names)
def test_a_slug_is_legal_and_no_partition(name: str) -> None:
    """Whatever the name is, also when it is a slug already."""
    for found in (slug(name), slug(slug(name))):
        assert re.fullmatch(NAME, found)
        assert "@" not in found
        assert not re.search(rf"-{PARTITION}\Z", found)


@given(st.lists(names, unique=True, max_size=30))
def test_distinct_names_get_distinct_slugs(some: list[str]) -> None:
    """Also names that are slugs of others."""
    assert len({slug(name) for name in some}) == len(some)


@given(names, names, st.datetimes(timezones=st.just(UTC)), st.sampled_from(["month", "day"]))
def test_an_index_name_has_one_reading(app: str, version: str, at: datetime, partition: Any) -> None:
    """Application, version and partition can be read back from it, and it is short enough."""
    document = {
        "@timestamp": at.isoformat(),
        "event": {"dataset": "llm.completion", "id": "1"},
        "llm": {"application": {"name": app}},
        "service": {"version": version},
    }
    index = destination(document, partition).index
    read = INDEX.fullmatch(index)
    assert read
    assert read["app"] == slug(app or "default")
    assert read["version"] == slug(version or "unversioned")
    assert read["span"] == f"{at.year:04d}" + (
        at.strftime(".%m") if partition == "month" else at.strftime(".%m.%d")
    )
    assert len(index.encode()) <= 255
    assert index not in destination(document).aliases


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-23 * 60, 23 * 60))
def test_one_moment_has_one_partition(at: datetime, minutes: int) -> None:
    """Written in any zone, the same moment is in the same index."""
    moment = at.replace(tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    event = {"dataset": "llm.delivery", "id": "1"}
    first = destination({"@timestamp": moment.isoformat().replace("+00:00", "Z"), "event": event}, "day")
    assert destination({"@timestamp": elsewhere.isoformat(), "event": event}, "day") == first


@given(anything, anything, anything, anything, st.text())
def test_any_document_has_a_destination(
    timestamp: Any, event: Any, llm: Any, service: Any, given_id: str
) -> None:
    """Foreign documents never raise, and get an id that the store takes."""
    document = {"@timestamp": timestamp, "event": event, "llm": llm, "service": service}
    for one in (document, {**document, "event": {"id": given_id, "dataset": "llm.completion"}}, {}):
        found = destination(one)
        assert 0 < len(found.id.encode("utf-8", "surrogatepass")) <= 512
        assert found == destination(one)
        assert destination(one).aliases is not None
