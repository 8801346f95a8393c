"""Evaluations end where people's verdicts are: on the completion, by a feedback event of kind evaluator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner, Result

import shipper
from shipper.cli.evaluate import evaluate
from shipper.evaluate.truths import StoredTruths, Truth
from tests.plugins.feedback import REQUEST, RESPONSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.plugins.feedback import Road


@pytest.fixture
def run(road: Road, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `shipper evaluate` on the store of the road."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", ",".join(road.settings.elasticsearch_url))
    monkeypatch.setenv("SHIPPER_FLUSH_INTERVAL_S", "0.05")

    def invoke(*arguments: str) -> Result:
        shipper.configure(road.settings)
        road.arrive()
        result = CliRunner().invoke(evaluate, arguments)
        shipper.flush(30)
        road.store.indices.refresh(index="llm-*")
        return result

    return invoke


def answers(road: Road, version: str, right: int, wrong: int) -> None:
    """Calls of a version whose truth is Blue."""
    for number in range(right + wrong):
        text = "Blue." if number < right else "Green."
        response = {
            "id": f"r-{version}-{number}",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}],
        }
        call = road.app(version=version).log_completion(
            REQUEST, response, datapoint_id=f"d{number}", started_at="2020-01-01T00:00:00Z"
        )
        shipper.send_ground_truth(call.event_id, "blue", application="join")


def test_truths_that_were_sent(road: Road, run: Callable[..., Result]) -> None:
    """Scores land on calls of any age, by version; a second run replaces the first, and people stay."""
    answers(road, "1.0", 12, 8)
    answers(road, "2.0", 19, 1)
    result = run("--check", "normalised", "--check", "similarity", "--compare", "1.0", "2.0")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].split() == ["normalised", "1.0", "20", "0.60", "0.39", "to", "0.78"]
    assert lines[-2].startswith("normalised: 2.0 is better than 1.0 by 35.0 points")
    assert road.join().joined == 80
    assert run("--check", "normalised", "--version", "1.0", "--json").exit_code == 0
    road.join()
    hits = road.store.search(index="llm-completions-join@1.0", size=100)["hits"]["hits"]
    groups = [hit["_source"]["llm"]["feedback"] for hit in hits]
    assert [group["by_evaluator"] for group in groups] == [2] * 20
    assert sorted(group["positive"] for group in groups) == [False] * 8 + [True] * 12
    entry = next(entry for entry in groups[0]["entries"] if entry["name"] == "normalised")
    assert entry["author"] == "evaluate:normalised"


def test_a_dataset_in_a_file(road: Road, run: Callable[..., Result], tmp_path: Path) -> None:
    """Rows by data point; nothing is logged on a dry run; a broken row ends it before anything."""
    answers(road, "1.0", 1, 1)
    file = tmp_path / "dataset.csv"
    file.write_text("key,ground_truth\nd0,Green.\nd1,Green.\nd2,Blue.\n", "utf-8")
    result = run("--check", "exact", "--truth", str(file), "--dry-run", "--json")
    [row] = orjson.loads(result.stdout)["scores"]
    assert (row["check"], row["version"], row["count"], row["mean"]) == ("exact", "1.0", 2, 0.5)
    result = run("--check", "exact", "--compare", "1.0", "1.0", "--dry-run", "--json")
    [compared] = orjson.loads(result.stdout)["comparisons"]
    assert (compared["versions"], compared["counts"]) == (["1.0", "1.0"], [2, 2])
    assert compared["enough"] is False
    assert road.store.count(index="llm-feedback-*", q="llm.feedback.author_kind:evaluator")["count"] == 0
    file.write_text("key,ground_truth\nd0,\n", "utf-8")
    result = run("--check", "exact", "--truth", str(file))
    assert "line 2: it has no key or no ground_truth" in str(result.exception)


def test_calls_beyond_the_limit_are_told(road: Road, run: Callable[..., Result]) -> None:
    """A score of a part isn't one of all: how many were left out, and which limit takes them."""
    answers(road, "1.0", 3, 0)
    result = run("--check", "exact", "--limit", "2", "--dry-run", "--json")
    found = orjson.loads(result.stdout)
    assert (found["scores"][0]["count"], found["left_out"]) == (2, 1)
    assert result.stderr == "1 more calls match and were left out: --limit 3 takes them too.\n"
    result = run("--check", "exact", "--limit", "3", "--dry-run", "--json")
    assert (orjson.loads(result.stdout)["left_out"], result.stderr) == (0, "")


def test_nothing_to_check_is_told(road: Road, run: Callable[..., Result]) -> None:
    """Exit code 1; and versions without scores can't be compared."""
    road.app().log_completion(REQUEST, RESPONSE)
    assert run("--check", "exact").exit_code == 1
    result = run("--check", "regex=Blue", "--compare", "1.0", "9.9")
    assert "No call of version 9.9 could be checked" in str(result.exception)


def test_the_latest_truth_counts(road: Road) -> None:
    """Of each call, unless it was taken back; of a choice, if it names one; a key of another application not at all."""
    road.app().log_completion(REQUEST, {**RESPONSE, "id": "r1"}, event_id="a", join_keys=["order"])
    road.app().log_completion(REQUEST, {**RESPONSE, "id": "r2"}, event_id="b")
    road.app().log_completion(REQUEST, {**RESPONSE, "id": "r3"}, event_id="c")
    send = shipper.send_ground_truth
    send("order", "no", application="another", created_at="2026-11-21T12:00:00Z")
    send("order", {"colour": "blue"}, application="join", created_at="2026-11-21T10:00:00Z")
    send("r2", "grey", choice_index=1, application="join", created_at="2026-11-21T11:00:00Z")
    send("b", "old", application="join", created_at="2026-11-21T10:00:00Z")
    send("c", "x", application="join", created_at="2026-11-21T10:00:00Z")
    send("c", None, application="join", created_at="2026-11-21T11:00:00Z")
    road.arrive()
    documents: list[dict[str, Any]] = [road.completion(event_id) for event_id in "abc"]
    assert StoredTruths(road.store).of(documents) == [Truth({"colour": "blue"}), Truth("grey", 1), None]
    send("b", None, choice_index=1, application="join", created_at="2026-11-21T12:00:00Z")
    road.arrive()
    assert StoredTruths(road.store).of(documents)[1] == Truth("old")


def test_a_truth_in_feedback_is_one(road: Road) -> None:
    """Given with the call or in `app.log`, as in a file: whoever says only what is true judges nothing."""
    call = road.app().log_completion(REQUEST, RESPONSE, feedback={"ground_truth": "blue"})
    road.app().log(feedbacks=[{"ground_truth": "grey"}], join_keys=[call.event_id])
    road.arrive()
    assert StoredTruths(road.store).of([road.completion(call.event_id)]) == [Truth("grey")]
    road.join()
    assert (road.feedback(call.event_id)["by_human"], road.feedback(call.event_id)["count"]) == (0, 1)
