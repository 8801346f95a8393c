"""Two versions against each other."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rich.cells import cell_len

from shipper.panels.catalogue import PANELS
from shipper.report.comparison import latest_two, pair_of, request
from shipper.report.pair import pair_lines, pair_rows
from tests.unit.report.made import SELECTION, result_of, sections_of

Json = dict[str, Any]


def _share(hits: int, of: int) -> Json:
    return {"doc_count": of, "hits": {"doc_count": hits}}


def _stats(values: list[float]) -> Json:
    count = len(values)
    mean = sum(values) / count if count else None
    variance = (
        sum((value - mean) ** 2 for value in values) / (count - 1) if mean is not None and count > 1 else None
    )
    return {"doc_count": count, "stats": {"count": count, "avg": mean, "variance_sampling": variance}}


def _bucket(latency: float, positive: int, refunds: int, *, calls: int = 400) -> Json:
    draw = random.Random(latency)
    return {
        "doc_count": calls,
        "first": {"value": 1.0e12},
        "last": {"value": 1.1e12},
        "failed": _share(calls // 50, calls),
        "cut_off": _share(calls // 100, calls),
        "positive": _share(positive, 200),
        "latency": _stats([draw.gauss(latency, 300) for _ in range(calls)]),
        "first_chunk": _stats([]),
        "cost": _stats([draw.gauss(0.001, 0.0001) for _ in range(calls)]),
        "output": _stats([100.0 + number % 3 for number in range(calls)]),
        "prompts": {"buckets": [{"key": "refund", "positive": _share(refunds, 60)}]},
    }


def _found(one: Json, other: Json) -> Json:
    return {"versions": {"buckets": {"0": one, "1": other}}}


def test_what_is_clear_and_what_may_be_chance() -> None:
    """A large difference is said in words, a small one is not; a prompt that fell is named."""
    pair = pair_of(("1.5", "2.0"), _found(_bucket(1600, 160, 48), _bucket(950, 158, 30)))
    verdicts = {(one.id, one.prompt): one.verdict for one in pair.differences}
    assert verdicts["latency", ""] == "clear"
    assert verdicts["positive", ""] == "none"
    assert verdicts["positive", "refund"] == "clear"
    assert "first_chunk" not in {one.id for one in pair.differences}
    assert pair.sentence.startswith("2.0 is quicker and is liked less at refund than 1.5.")


def test_equal_versions_differ_in_nothing() -> None:
    """The same figures twice: zero is inside every interval, and the sentence says so."""
    pair = pair_of(("a", "b"), _found(_bucket(900, 150, 40), _bucket(900, 150, 40)))
    assert all(one.low <= 0 <= one.high for one in pair.differences)
    assert "No difference" in pair.sentence


def test_intervals_hold_what_they_promise() -> None:
    """Of a hundred pairs from one distribution, about one in twenty looks different: never three times as many."""
    draw, wrong = random.Random(7), 0
    for _ in range(100):
        sides = [_bucket(900, 150, 40) for _ in range(2)]
        for side in sides:
            side["latency"] = _stats([draw.lognormvariate(7, 0.5) for _ in range(100)])
        pair = pair_of(("a", "b"), _found(*sides))
        wrong += next(one for one in pair.differences if one.id == "latency").verdict == "clear"
    assert 0 < wrong < 16


def test_too_few_calls_say_nothing() -> None:
    """Below ten, whatever the difference is."""
    one, other = _bucket(900, 150, 40, calls=5), _bucket(90_000, 150, 40, calls=5)
    found = next(each for each in pair_of(("a", "b"), _found(one, other)).differences if each.id == "latency")
    assert found.verdict == "too few"


def test_a_version_without_calls() -> None:
    """There is nothing to compare, and the sentence names the version."""
    pair = pair_of(("a", "gone"), _found(_bucket(900, 150, 40), {"doc_count": 0}))
    assert pair.differences == []
    assert "version gone" in pair.sentence
    assert pair_of(("a", "b"), {}).calls == (0, 0)


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits(width: int) -> None:
    """Also with names that are long and try to drive the terminal."""
    versions = ("1.0-with-a-long-name", "2.0\x1b[31m")
    one, other = _bucket(1600, 160, 48), _bucket(950, 158, 30)
    for side in (one, other):
        side["prompts"]["buckets"][0]["key"] = "a prompt with a name that is far too long for a column"
    pair = pair_of(versions, _found(one, other))
    for line in pair_lines(pair, width):
        assert cell_len(line.plain) <= width, line.plain
        assert "\x1b" not in line.plain
    assert [row.get("metric") for row in pair_rows(pair)][-1] is None


def test_the_latest_two_versions() -> None:
    """By when they were first seen; none of one version alone."""
    table = result_of(PANELS["versions-table"], ("1.0", "2.0", "3.0"))
    assert latest_two([table]) == ("2.0", "1.0")  # made up so that the first was seen last
    assert latest_two([result_of(PANELS["versions-table"], ("1.0",))]) is None
    assert latest_two(sections_of()[0].results) is None


def test_the_request_is_of_these_versions_alone() -> None:
    """The filters of the selection, and one bucket for each version."""
    body = request(("1.5", "2.0"), SELECTION)
    assert list(body["aggs"]["versions"]["filters"]["filters"]) == ["0", "1"]
    assert {"term": {"llm.application.name": "shop"}} in body["query"]["bool"]["filter"]
