"""The commands of feedback against a real Elasticsearch: join, status, list, import, rejoin, show; verdicts as rows."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner, Result

import shipper
from shipper.cli.feedback import feedback
from shipper.cli.join import join
from shipper.cli.show import show
from shipper.errors import UsageError
from shipper.read.feedback import Verdicts, chart, scores, verdicts
from shipper.read.joins import join_state
from shipper.read.judged import feedback_rows, judged, page_of, rows_of
from shipper.read.query import Query
from shipper.settings import Settings
from tests.plugins.feedback import REQUEST, RESPONSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import click

    from tests.plugins.feedback import Road

    Run = Callable[..., Result]


@pytest.fixture
def run(road: Road, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the store of the road, in its settings."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", ",".join(road.settings.elasticsearch_url))
    monkeypatch.setenv("SHIPPER_FLUSH_INTERVAL_S", "0.05")

    def invoke(command: click.Command, *arguments: str) -> Result:
        road.arrive()
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        shipper.flush(30)
        road.store.indices.refresh(index="llm-*")
        return result

    return invoke


def test_join_once_tells_what_it_did(road: Road, run: Run) -> None:
    """And ends with 1 when the store refuses a completion."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(call.event_id, rating=1, application="join")
    shipper.send_feedback("nobody", rating=1, application="join")
    result = run(join)
    assert (result.exit_code, result.output) == (
        0,
        "2 events: 1 joined, 1 wait for a completion, 0 given up. 1 completions changed.\n",
    )
    shipper.send_feedback(call.event_id, rating=0, application="join")
    road.arrive()
    road.store.indices.put_settings(index="llm-completions-join@*", settings={"index.blocks.write": True})
    result = run(join, "--once")
    assert result.exit_code == 1
    told = "1 events will be looked at again, because the store refused a write: cluster_block_exception"
    assert told in result.output


def test_status_counts_and_raises_the_alarm(road: Road, run: Run) -> None:
    """By application and age; the exit code tells when joins lag or too much never matches."""
    call = road.app("shop").log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(call.event_id, rating=1, application="shop")
    shipper.send_feedback("nobody", rating=1, application="bank")
    road.join()
    assert run(feedback, "status", "--max-lag", "10m", "--max-orphans", "0").exit_code == 0
    later = datetime.now(UTC) + timedelta(hours=2)
    state = join_state(road.store, later)
    assert (state.total.events, state.total.joined, state.total.pending, state.total.orphans) == (2, 1, 1, 1)
    assert state.total.orphan_share == 0.5
    assert {one.name: one.orphan_share for one in state.applications} == {"shop": 0.0, "bank": 1.0}
    assert {one.name: one.events for one in state.ages if one.events} == {"up to a day": 2}
    assert state.oldest_unseen is None
    assert state.lag_p95_s is not None
    shipper.send_feedback(call.event_id, rating=0, application="shop")
    road.arrive()
    state = join_state(road.store, later)
    assert state.lag_s(later) > 7000
    assert join_state(road.store, later, app="bank").total.events == 1
    result = run(feedback, "status", "--json", "--max-lag", "0.000001s")
    assert result.exit_code == 1
    document = orjson.loads(result.stdout)
    assert document["total"]["events"] == 3
    assert "Is a joiner running" in document["alarms"][0]


def test_status_of_an_empty_store(run: Run) -> None:
    """Nothing is no alarm."""
    result = run(feedback, "status", "--max-lag", "1s", "--max-orphans", "0")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "0 events: 0 joined, 0 pending, 0 expired.",
    )


def test_lists_by_status_and_rejoins(road: Road, run: Run) -> None:
    """What waits, what was given up and why, and what would be joined now."""
    shipper.send_feedback("late", rating=1, event_id="f1", application="join")
    assert road.join(later_s=100 * 86400).expired == 1
    shipper.send_feedback("nobody", rating=0, event_id="f2", application="join")
    assert [
        orjson.loads(line)["event"]["id"] for line in run(feedback, "list", "--json").stdout.splitlines()
    ] == ["f2"]
    assert "  f1  join  expired  rating: 1 for late" in run(feedback, "list", "--expired").stdout
    assert run(feedback, "list", "--joined").stdout == ""
    assert (
        run(feedback, "rejoin", "--dry-run").stdout
        == "0 events would be joined: `shipper feedback rejoin`.\n"
    )
    road.app().log_completion(REQUEST, RESPONSE, event_id="late", started_at="2001-01-01T00:00:00Z")
    assert "1 events would be joined" in run(feedback, "rejoin", "--dry-run").stdout
    assert run(feedback, "rejoin", "--app", "other").stdout.startswith("0 of 0 events joined")
    assert run(feedback, "rejoin").stdout == "1 of 1 events joined, 1 completions changed.\n"
    assert road.feedback("late")["positive"] is True


def test_feedback_on_old_history_is_joined_without_waiting_until_it_is_given_up(road: Road, run: Run) -> None:
    """What waits because its call is older than feedback looks for is joined at once when somebody asks for it."""
    road.app().log_completion(REQUEST, RESPONSE, event_id="old", started_at="2001-01-01T00:00:00Z")
    shipper.send_feedback("old", rating=1, event_id="f1", application="join")
    assert road.join().waiting == 1
    assert "1 events would be joined" in run(feedback, "rejoin", "--dry-run").stdout
    assert run(feedback, "rejoin").stdout == "1 of 1 events joined, 1 completions changed.\n"
    assert road.feedback("old")["positive"] is True


def test_a_file_of_feedback_is_imported_once(road: Road, run: Run, tmp_path: Path) -> None:
    """Twice imported it is stored once; what can't be meant goes to the rejects with its line and reason."""
    for number in range(3):
        road.app("shop").log_completion(REQUEST, {**RESPONSE, "id": f"r{number}"})
    file = tmp_path / "verdicts.csv"
    file.write_text(
        "answer,stars,who,note\nr0,5,ann,good\nr1,1,ann,bad\nr2,9,bob,\n,1,bob,\nr2,3,bob,\n", "utf-8"
    )
    options = ["--app", "shop", "--map", "key=answer", "--map", "rating=stars", "--map", "author=who"]
    options += ["--scale", "1,5", "--rejects", str(tmp_path / "rejects")]
    assert (
        run(feedback, "import", str(file), *options, "--dry-run").stdout
        == "3 rows would be logged, 2 rejected.\n"
    )
    assert join_state(road.store, datetime.now(UTC)).total.events == 0
    for _ in range(2):
        result = run(feedback, "import", str(file), *options)
        assert (result.exit_code, result.stdout) == (1, "3 rows logged, 2 rejected.\n")
    assert (tmp_path / "rejects").stat().st_mode & 0o777 == 0o600
    rejects = [orjson.loads(line) for line in (tmp_path / "rejects").read_bytes().splitlines()]
    assert [(one["line"], one["reason"][:20]) for one in rejects] == [
        (4, "rating is 9, not wit"),
        (5, "no key: map the colu"),
    ]
    assert road.join().joined == 3
    hits = road.store.search(index="llm-completions-shop", sort="gen_ai.response.id")["hits"]["hits"]
    assert [hit["_source"]["llm"]["feedback"]["score_avg"] for hit in hits] == [1.0, 0.0, 0.5]
    [event] = road.store.search(index="llm-feedback-*", query={"term": {"llm.feedback.values.note": "bad"}})[
        "hits"
    ]["hits"]
    assert event["_source"]["llm"]["import"].items() >= {"file": "verdicts.csv", "line": 3}.items()


def test_a_value_of_null_in_a_file_takes_back(road: Road, run: Run, tmp_path: Path) -> None:
    """What the author said under the name counts no more; without an author it is rejected with the reason."""
    call = road.app("shop").log_completion(REQUEST, RESPONSE)
    file = tmp_path / "verdicts.jsonl"
    rows = [
        {"key": call.event_id, "value": 1, "author": "ann", "created_at": "2026-11-21T10:00:00Z"},
        {"key": call.event_id, "value": None, "author": "ann", "created_at": "2026-11-21T11:00:00Z"},
        {"key": call.event_id, "value": None},
    ]
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    result = run(feedback, "import", str(file), "--app", "shop")
    assert (result.exit_code, result.stdout) == (1, "2 rows logged, 1 rejected.\n")
    assert "line 3: value=None takes back what an author has said" in result.stderr
    assert road.join().joined == 2
    group = road.feedback(call.event_id)
    assert (group["count"], group["positive"], len(group["entries"])) == (0, None, 1)


def test_the_later_row_wins_and_so_does_a_later_file(road: Road, run: Run, tmp_path: Path) -> None:
    """Rows without a time are in the order of the file; who says in a later file what was said first has said it."""
    call = road.app("shop").log_completion(REQUEST, RESPONSE)
    file = tmp_path / "verdicts.csv"
    changed = "".join(f"{call.event_id},u{user},{rating}\n" for user in range(5) for rating in (0, 0.5, 1))
    dated = ("2026-11-01,1", "2026-11-02,0"), ("2026-11-03,1",)
    for rows in (changed, *("".join(f"{call.event_id},ann,{one}\n" for one in each) for each in dated)):
        header = "key,author,rating\n" if rows == changed else "key,author,created_at,rating\n"
        file.write_text(header + rows, "utf-8")
        assert run(feedback, "import", str(file), "--app", "shop").exit_code == 0
    road.join()
    assert [entry["score"] for entry in road.feedback(call.event_id)["entries"]] == [1.0] * 6


def test_a_file_that_is_not_utf_8_is_told(run: Run, tmp_path: Path) -> None:
    """A spreadsheet's UTF-16 has no column that could be mapped."""
    file = tmp_path / "sheet.csv"
    file.write_text("key,rating\nk,1\n", "utf-16")
    with pytest.raises(UsageError, match=r"is UTF-16\. Save it as UTF-8"):
        run(feedback, "import", str(file), "--dry-run")


def test_truths_of_old_calls_are_imported(road: Road, run: Run, tmp_path: Path) -> None:
    """A call from before the window is found when the file says when it was."""
    road.app().log_completion(REQUEST, RESPONSE, event_id="old", started_at="2020-05-05T00:00:00Z")
    file = tmp_path / "truth.jsonl"
    file.write_bytes(b'{"id": "old", "label": "blue", "when": "2020-05-05T00:00:00Z"}\n')
    columns = ["--map", "key=id", "--map", "ground_truth=label", "--map", "target_at=when"]
    assert run(feedback, "import", str(file), "--app", "join", *columns).exit_code == 0
    assert road.join().joined == 1
    assert road.feedback("old")["entries"][0]["kind"] == "ground_truth"


def test_show_prints_each_event(road: Road, run: Run) -> None:
    """Also one that is not joined yet, with its comment."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    shipper.send_feedback(
        call.event_id,
        name="helpful",
        value=True,
        author="u7",
        comment="very",
        choice_index=1,
        application="join",
    )
    shipper.send_feedback("chatcmpl-1", rating=0.25, application="elsewhere")
    lines = run(show, call.event_id).stdout
    assert "helpful: 1 · human u7 · choice 1 · pending · very" in lines
    assert "rating: 0.25 · human · pending" in lines
    shipper.send_ground_truth(call.event_id, {"colour": "blue"}, application="join")
    assert '· ground_truth ground_truth · pending · {"colour":"blue"}' in run(show, call.event_id).stdout


def test_verdicts_by_time_version_and_prompt(road: Road) -> None:
    """Share of good answers and mean score, with how many were judged and how many not."""
    start = datetime(2026, 11, 1, 12, tzinfo=UTC)
    for number in range(12):
        version = "1.0" if number < 8 else "2.0"
        call = road.app(version=version).log_completion(
            REQUEST,
            {**RESPONSE, "id": f"r{number}"},
            started_at=start + timedelta(days=number % 3),
            prompt_name="sky" if number % 2 else None,
            prompt_version="3" if number % 2 else None,
        )
        if number % 4:
            shipper.send_feedback(
                call.event_id,
                name="helpful",
                value=[None, 1, 0.25, 0.5][number % 4],
                created_at=start + timedelta(days=5),
                application="join",
            )
    road.join()
    query = Query(app="join")
    average: Any = pytest.approx((1 + 0.25 + 0.5) / 3)
    assert verdicts(road.store, query, by="version") == [
        Verdicts("1.0", 8, 4, 2, 6, average),
        Verdicts("2.0", 4, 2, 1, 3, average),
    ]
    rows = verdicts(road.store, query, by="time")
    assert [(row.name, row.completions) for row in rows] == [
        ("2026-11-01", 4),
        ("2026-11-02", 4),
        ("2026-11-03", 4),
    ]
    assert sum(row.judged for row in rows) == 6
    prompts = verdicts(road.store, query, by="prompt")
    assert {row.name: (row.completions, row.judged, row.positive_share) for row in prompts} == {
        "no prompt": (6, 3, 0.0),
        "sky@3": (6, 3, 1.0),
    }
    assert verdicts(road.store, Query(app="nobody"), by="model") == []
    assert [(one.evaluation, one.version, one.count) for one in scores(road.store, app="join")] == [
        ("helpful", "1.0", 6),
        ("helpful", "2.0", 3),
    ]
    assert [one.count for one in scores(road.store, version="2.0", model="gpt-4o-mini-2024-07-18")] == [3]
    assert scores(road.store, version="2.0", model="another") == []
    lines = list(chart(rows, 80))
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(("days", "interval"), [(1, "hour"), (40, "day"), (200, "week"), (800, "month")])
def test_feedback_at_a_glance(road: Road, days: int, interval: str) -> None:
    """Charts whose time has as many groups as a page can show, and the same as rows; unjudged calls stand beside."""
    start = datetime(2024, 3, 1, 12, tzinfo=UTC)
    for number in range(3):
        at = start + number * timedelta(days=days) / 2
        call = road.app(version="1\x1b[2J").log_completion(
            REQUEST, {**RESPONSE, "id": f"r{number}"}, started_at=at
        )
        if number < 2:
            shipper.send_feedback(
                call.event_id, name="helpful", value=number, created_at=at, application="join"
            )
    road.join()
    found = judged(road.store, Query(app="join"))
    assert found.interval == interval
    assert found.total == Verdicts("all", 3, 2, 1, 2, 0.5)
    lines = list(page_of(found, 70))
    assert lines[0] == "3 completions: 2 judged, 1 not; 50% of the judged are positive."
    assert max(map(len, lines)) <= 70
    assert "\x1b" not in "".join(lines)
    rows = rows_of(found)
    [version] = [row for row in rows if row["by"] == "version"]
    assert (version["judged"], version["unjudged"], version["positive_share"]) == (2, 1, 0.5)
    [evaluation] = [row for row in rows if row["by"] == "evaluation"]
    assert (evaluation["group"], evaluation["scored"], evaluation["score_avg"]) == ("helpful", 2, 0.5)


def test_without_any_index_nothing_is_asked_in_vain(road: Road) -> None:
    """A new store has rows without content, not errors."""
    assert verdicts(road.store, Query(), by="time") == []
    assert list(page_of(judged(road.store, Query()), 80)) == ["No completions here."]
    assert feedback_rows(road.store, Query()) == []
    assert scores(road.store) == []
    assert road.join().events == 0


def test_an_event_is_on_its_completion_within_the_interval(road: Road, run: Run) -> None:
    """A joiner that follows, as `shipper up` runs it, needs no more than the interval and two seconds."""
    call = road.app().log_completion(REQUEST, RESPONSE)
    road.arrive()
    environ = {"SHIPPER_ELASTICSEARCH_URL": road.settings.elasticsearch_url[0], "PATH": "/usr/bin:/bin"}
    environ["SHIPPER_HOME"] = str(road.settings.home)
    program = "from shipper.cli import main; main()"
    command = [sys.executable, "-c", program, "join", "--follow", "--interval", "1s"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as joiner:
        try:
            shipper.send_feedback("warm-up", rating=1, application="join")
            assert joiner.stdout is not None
            assert "1 wait for a completion" in joiner.stdout.readline()
            began = time.monotonic()
            shipper.send_feedback(call.event_id, rating=1, application="join")
            [hit] = road.store.search(index="llm-completions-join")["hits"]["hits"]
            while "feedback" not in road.store.get(index=hit["_index"], id=hit["_id"])["_source"]["llm"]:
                assert time.monotonic() - began < 20
        finally:
            joiner.terminate()
        assert joiner.wait(10) == 0


def test_settings_decide_what_is_better_when_low() -> None:
    """From the environment, separated by commas."""
    assert Settings.load({"SHIPPER_LOWER_IS_BETTER": "toxic, slow"}).lower_is_better == ("toxic", "slow")
