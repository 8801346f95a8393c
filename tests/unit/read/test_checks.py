"""The doctor's judgements."""

from __future__ import annotations

import pytest

from shipper.read.checks import (
    GIB,
    judge_blocks,
    judge_clock,
    judge_disk,
    judge_drifts,
    judge_health,
    judge_mode,
    judge_rights,
    judge_shards,
    judge_versions,
)
from shipper.store.setup import Drift


@pytest.mark.parametrize(("mode", "status"), [(0o40700, "ok"), (0o40750, "warn"), (0o40777, "warn")])
def test_mode(mode: int, status: str) -> None:
    """A folder with prompts is for its user alone."""
    assert judge_mode("spool", mode).status == status


@pytest.mark.parametrize(
    ("drifts", "statuses"),
    [
        ([], ["ok", "ok"]),
        (
            [Drift("index template", "t", "missing"), Drift("component template", "u", "newer")],
            ["fail", "ok"],
        ),
        ([Drift("index template", "t", "changed")], ["warn", "ok"]),
        ([Drift("index template", "t", "outdated")], ["warn", "ok"]),
        ([Drift("index template", "t", "newer")], ["warn", "ok"]),
        ([Drift("alias", "a → i", "missing")], ["ok", "warn"]),
    ],
)
def test_drifts(drifts: list[Drift], statuses: list[str]) -> None:
    """Missing templates stop the writing; everything else only warns."""
    assert [check.status for check in judge_drifts(drifts)] == statuses


@pytest.mark.parametrize(
    ("colour", "nodes", "status"),
    [("green", 1, "ok"), ("yellow", 1, "ok"), ("yellow", 3, "warn"), ("red", 1, "fail"), ("red", 3, "fail")],
)
def test_health(colour: str, nodes: int, status: str) -> None:
    """One node alone has no copies to miss."""
    assert judge_health(colour, nodes, ["llm-x"]).status == status


@pytest.mark.parametrize(
    ("used", "status"), [(10, "ok"), (800, "ok"), (801, "warn"), (1000, "fail"), (1200, "fail")]
)
def test_shards(used: int, status: str) -> None:
    """The warning comes before new indices are refused."""
    assert judge_shards(used, 1000).status == status


def test_versions() -> None:
    """An application whose version changes with every build is noticed; partitions of one version are not counted."""
    few = [f"llm-completions-a@1.{number}-2026.{month:02}" for number in range(50) for month in (10, 11)]
    assert judge_versions(few).status == "ok"
    many = judge_versions([*few, *(f"llm-completions-b@{number:07x}-2026.11.21" for number in range(101))])
    assert many.status == "warn"
    assert many.message.startswith("b has 101")
    assert judge_versions(["something-else"]).status == "ok"


@pytest.mark.parametrize(
    ("free", "total", "status"),
    [
        (50 * GIB, 100 * GIB, "ok"),
        (14 * GIB, 100 * GIB, "warn"),
        (4 * GIB, 100 * GIB, "fail"),
        (300 * GIB, 10_000 * GIB, "ok"),
        (150 * GIB, 10_000 * GIB, "warn"),
        (90 * GIB, 10_000 * GIB, "fail"),
    ],
)
def test_disk(free: int, total: int, status: str) -> None:
    """Shares count on small disks, bytes on large ones, as Elasticsearch decides."""
    assert judge_disk(free, total).status == status


@pytest.mark.parametrize(
    ("skew", "status"), [(0.2, "ok"), (-4.9, "ok"), (6, "warn"), (-60, "warn"), (301, "fail")]
)
def test_clock(skew: float, status: str) -> None:
    """A little skew is normal; minutes are not."""
    assert judge_clock(skew).status == status


def test_blocks_and_rights() -> None:
    """Read-only indices fail by name, missing rights warn by name."""
    assert judge_blocks([]).status == judge_rights([]).status == "ok"
    assert (
        judge_blocks([f"i{number}" for number in range(7)]).message
        == "read-only: i0, i1, i2, i3, i4 and 2 more"
    )
    assert "`read`" in judge_rights(["`read`"]).message
