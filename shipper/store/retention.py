"""Which partitions are old enough to go, from their names alone, and their deletion by name.

What a partition holds is at least as old as the end of its time span. `undated` has none and never goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from shipper.errors import UsageError
from shipper.route import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from elasticsearch import Elasticsearch

Dataset = Literal["completions", "figures", "feedback", "deadletter", "delivery"]
DATASETS: tuple[Dataset, ...] = ("completions", "figures", "feedback", "deadletter", "delivery")

_BY_NAME: dict[str, Dataset] = {dataset: dataset for dataset in DATASETS}

SHORTEST_AGE = timedelta(days=1)
LARGEST_SKEW = timedelta(hours=1)

_INDEX = re.compile(
    r"llm-(?:(?P<calls>completions|figures)-(?P<caller>[a-z0-9._-]+)@[a-z0-9._-]+-|(?P<other>feedback|deadletter|delivery)-(?P<app>[a-z0-9._-]+)@)"
    r"(?P<year>\d{4})\.(?P<month>\d{2})(?:\.(?P<day>\d{2}))?",
    re.ASCII,
)
_AT_ONCE = 20  # names in one request: its line has a limit


@dataclass(frozen=True, slots=True)
class Partition:
    """One index of ours with a time span in its name."""

    index: str
    dataset: Dataset
    application: str
    """The slug in its name."""
    end: datetime
    """The first moment that is no longer in it."""


def partition_of(index: str) -> Partition | None:
    """The index's partition; None when the name is not ours, or tells no time. Pure; never raises."""
    found = _INDEX.fullmatch(index)
    if found is None:
        return None
    try:
        begin = datetime(int(found["year"]), int(found["month"]), int(found["day"] or 1), tzinfo=UTC)
        end = begin + timedelta(days=1) if found["day"] else _next_month(begin)
    except (ValueError, OverflowError):  # no such date
        return None
    return Partition(index, _BY_NAME[found["calls"] or found["other"]], found["caller"] or found["app"], end)


def _next_month(begin: datetime) -> datetime:
    return begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)


def expired(
    indices: Iterable[str],
    ages: Mapping[Dataset, timedelta],
    now: datetime,
    *,
    application: str | None = None,
    even_all: bool = False,
) -> list[Partition]:
    """The partitions that are past their dataset's age, oldest first. Pure.

    Args:
        indices: names of indices, others than ours among them.
        ages: how long each dataset is kept after the end of a partition; one that is not named is kept.
        now: the time, with its zone.
        application: of this one only; as the application logs its name.
        even_all: also when nothing of a dataset would be left.

    Raises:
        UsageError: an age is under a day, or everything of a dataset would go, which a wrong clock brings about.
    """
    for dataset, age in ages.items():
        if age < SHORTEST_AGE:
            raise UsageError(f"The age of {dataset} is under a day: such an age is more likely a slip.")
    name = None if application is None else slug(application)
    ours = [one for index in indices if (one := partition_of(index)) is not None]
    old = [
        one
        for one in ours
        if one.dataset in ages and now - one.end >= ages[one.dataset] and name in (None, one.application)
    ]
    for dataset in ages:
        held = {one.index for one in ours if one.dataset == dataset and name in (None, one.application)}
        if (
            held
            and name is None
            and not even_all
            and held == {one.index for one in old if one.dataset == dataset}
        ):
            raise UsageError(
                f"All {len(held)} partitions of {dataset} would go. If this machine's clock and the age are right, "
                "say --even-all."
            )
    return sorted(old, key=lambda one: (one.end, one.index))


def stored_indices(client: Elasticsearch) -> dict[str, int]:
    """All of our indices, and the bytes of each with its copies.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    stats = client.indices.stats(index="llm-*", metric="store", expand_wildcards="all")
    return {name: one["total"]["store"]["size_in_bytes"] for name, one in sorted(stats["indices"].items())}


def check_clock(client: Elasticsearch, now: datetime) -> None:
    """Make sure that this machine and the store agree about the time.

    Raises:
        UsageError: they are more than an hour apart.
        ApiError, TransportError: the store refused or did not answer.
    """
    stats = client.nodes.stats(metric="process", filter_path=["nodes.*.timestamp"])
    for node in stats["nodes"].values():
        there = datetime.fromtimestamp(node["timestamp"] / 1000, UTC)
        if abs(there - now) > LARGEST_SKEW:
            raise UsageError(
                f"This machine's clock says {now:%Y-%m-%d %H:%M}, the store's {there:%Y-%m-%d %H:%M} (UTC). Nothing is "
                "deleted while they disagree: mend the wrong one."
            )


def delete(client: Elasticsearch, partitions: Sequence[Partition]) -> None:
    """Delete indices by their full names; one that is gone already is fine.

    Raises:
        ApiError, TransportError: the store refused or did not answer; those before may be gone.
    """
    names = [one.index for one in partitions]
    for start in range(0, len(names), _AT_ONCE):
        client.indices.delete(
            index=names[start : start + _AT_ONCE], ignore_unavailable=True, allow_no_indices=True
        )
