"""Which partitions go: by the date in their names, never by a slip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from shipper.cli.retention import parse_age, retention
from shipper.errors import UsageError
from shipper.route import destination
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.retention import DATASETS, check_clock, expired, partition_of
from tests.loopback import Loopback, elasticsearch, ok

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "llm-completions-support@1.0-2026.01", "llm-completions-support@1.0-2026.11"


@pytest.mark.parametrize(
    ("index", "application", "end"),
    [
        ("llm-completions-support@1.0-2026.11", "support", datetime(2026, 12, 1, tzinfo=UTC)),
        ("llm-completions-support@1.0-2026.12", "support", datetime(2027, 1, 1, tzinfo=UTC)),
        ("llm-completions-a-b.c@x-y-2024.02.29", "a-b.c", datetime(2024, 3, 1, tzinfo=UTC)),
        ("llm-figures-support@1.0-2026.11", "support", datetime(2026, 12, 1, tzinfo=UTC)),
        ("llm-feedback-support@2026.11.21", "support", datetime(2026, 11, 22, tzinfo=UTC)),
        ("llm-delivery-default@2026.01", "default", datetime(2026, 2, 1, tzinfo=UTC)),
        ("llm-deadletter-completions@2026.01", "completions", datetime(2026, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_partition_ends_where_its_name_says(index: str, application: str, end: datetime) -> None:
    """Months and days, at the end of a year and in February."""
    found = partition_of(index)
    assert found is not None
    assert (found.application, found.end) == (application, end)


@pytest.mark.parametrize(
    "index",
    [
        "llm-completions-support@1.0-undated",
        "llm-feedback-support@undated",
        "llm-completions-support@2026.01",
        "llm-completions-support-2026.01",
        "llm-completions-support@1.0-2026.13",
        "llm-completions-support@1.0-2026.00",
        "llm-feedback-support@2026.02.30",
        "llm-feedback-support@1.0-2026.01",
        "llm-other-support@2026.01",
        "logs-2020.01",
        ".llm-feedback-support@2020.01",
        "llm-feedback-support@2020.01-reindexed",
        "restored-llm-feedback-support@2020.01",
        "llm-feedback-support@2020.01\n",
        "llm-feedback-support@9999.12",
        "llm-feedback-support@٢٠٢٠.٠١",
        "*",
        "",
    ],
)
def test_no_other_name_is_a_partition(index: str) -> None:
    """Undated ones, impossible dates, and names that only look like ours are never deleted."""
    assert partition_of(index) is None


@given(
    dataset=st.sampled_from(["llm.completion", "llm.feedback", "llm.amendment", "llm.delivery", "other"]),
    application=st.text(max_size=30),
    version=st.text(max_size=30),
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
    span=st.sampled_from(["month", "day"]),
)
def test_every_dated_index_of_routing_is_understood(
    dataset: str, application: str, version: str, at: datetime, span: Any
) -> None:
    """Whatever routing computes, its end is after the record's time, and at most a month after."""
    document = {
        "@timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "event": {"id": "1", "dataset": dataset},
        "llm": {"application": {"name": application}},
        "service": {"version": version},
    }
    found = partition_of(destination(document, span).index)
    assert found is not None
    assert timedelta(0) < found.end - at.replace(tzinfo=UTC) <= timedelta(days=1 if span == "day" else 31)


def test_a_month_goes_when_its_last_day_is_past_the_age() -> None:
    """Not a moment earlier than the age after the first of the next month."""
    indices = [NEW, "llm-completions-support@1.0-2026.10"]
    ages: Any = {"completions": 20 * DAY}
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert expired(indices, ages, at - timedelta(seconds=1)) == []
    assert [one.index for one in expired(indices, ages, at)] == ["llm-completions-support@1.0-2026.10"]


def test_only_named_datasets_and_applications_go() -> None:
    """Another dataset's age says nothing about this one, and `support` is not `support-bot`."""
    indices = [
        *[
            f"llm-feedback-{app}@2026.{month}"
            for app in ("support", "support-bot", "my-support")
            for month in ("01", "11")
        ],
        OLD,
        NEW,
    ]
    ages: Any = {"feedback": 30 * DAY}
    old = {one.index for one in expired(indices, ages, NOW)}
    assert old == {f"llm-feedback-{app}@2026.01" for app in ("support", "support-bot", "my-support")}
    assert [one.index for one in expired(indices, ages, NOW, application="support")] == [
        "llm-feedback-support@2026.01"
    ]


def test_a_clock_that_is_years_ahead_deletes_nothing() -> None:
    """When everything of a dataset would go, it takes another word."""
    ages: Any = {"completions": 365 * DAY}
    with pytest.raises(UsageError, match="All 2 partitions of completions would go"):
        expired([OLD, NEW], ages, NOW + 3650 * DAY)
    assert len(expired([OLD, NEW], ages, NOW + 3650 * DAY, even_all=True)) == 2
    assert expired([], ages, NOW) == []


def test_an_age_under_a_day_is_a_slip() -> None:
    """So nobody deletes today's data by a missing digit."""
    for dataset in DATASETS:
        with pytest.raises(UsageError, match="under a day"):
            expired([OLD, NEW], {dataset: timedelta(0)}, NOW)


@given(
    indices=st.lists(
        st.sampled_from([OLD, NEW, "llm-completions-support@1.0-undated", "logs", "*", ""]), unique=True
    ),
    days=st.integers(1, 4000),
    ahead=st.integers(-4000, 4000),
)
def test_what_goes_is_always_ours_dated_and_old(indices: list[str], days: int, ahead: int) -> None:
    """For any clock and age: only dated names, each past its age, oldest first."""
    now = NOW + ahead * DAY
    found = expired(indices, {"completions": days * DAY}, now, even_all=True)
    assert {one.index for one in found} <= {OLD, NEW}
    assert all(now - one.end >= days * DAY for one in found)
    assert [one.end for one in found] == sorted(one.end for one in found)


def test_clocks_that_disagree_stop_it() -> None:
    """An hour apart is a fault of somebody's, and no time to delete."""
    stats = ok({"nodes": {"n": {"timestamp": int((NOW - timedelta(hours=2)).timestamp() * 1000)}}})
    with (
        Loopback(elasticsearch(replaced={("GET", "/_nodes/stats/process"): stats})) as server,
        connect(Settings(elasticsearch_url=(server.url,))) as client,
    ):
        check_clock(client, NOW - timedelta(hours=2))
        with pytest.raises(UsageError, match="Nothing is deleted while they disagree"):
            check_clock(client, NOW)


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("13w", 91), ("2y", 732), (" 1d ", 1)])
def test_ages_are_days_weeks_and_years(text: str, days: int) -> None:
    """A year has 366 days, so that nothing goes a day early."""
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1m", "1.5d", "999999d", "90 d"])
def test_other_ages_are_refused(text: str) -> None:
    """Months are ambiguous with minutes, and a number alone has no unit."""
    result = CliRunner().invoke(retention, ["--completions", text])
    assert result.exit_code == 2
    assert "no age" in result.output
