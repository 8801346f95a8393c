"""Joiners that are killed anywhere while events arrive: the store ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import shipper
from shipper.feedback.merge import entry_of, merge
from tests.plugins.feedback import REQUEST, RESPONSE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugins.feedback import Road

Json = dict[str, Any]

_CALLS = 12  # few, so that joiners meet
_EVENTS = 30  # a round
_PROGRAM = """
from shipper.feedback import joiner, rounds
rounds._FIRST_PAGE, rounds._ROUND, joiner._PART = 3, 7, 2
from shipper.cli import main
main()
"""


class Joiners:
    """Two joiners as processes of their own; one that is killed is replaced."""

    def __init__(self, url: str, home: Path) -> None:
        self._environ = {**os.environ, "SHIPPER_ELASTICSEARCH_URL": url, "SHIPPER_HOME": str(home)}
        self._running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", _PROGRAM, "join", "--follow", "--interval", "0.02s"]
        return subprocess.Popen(command, env=self._environ, stdout=subprocess.DEVNULL)

    def kill_one(self, which: int) -> None:
        """Now, wherever it is."""
        self._running[which].send_signal(signal.SIGKILL)
        assert self._running[which].wait(10) == -signal.SIGKILL
        self._running[which] = self._start()

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)


def everything(road: Road, index: str) -> list[Json]:
    """All documents, as they are now."""
    road.store.indices.refresh(index="llm-*")
    hits = road.store.search(index=index, size=10_000)["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def send_round(road: Road, rng: random.Random, number: int) -> None:
    """Feedback of few people on few calls at few times, doubled, withdrawn, early; amendments; calls that are late."""
    start = int(time.time()) - 600
    for one in range(_EVENTS):
        call = rng.randrange(number * _CALLS, (number + 2) * _CALLS)  # the later half is not logged yet
        author = rng.choice(["ann", "bob", None])
        value = rng.choice([True, False, 0.25, 0.5, "fine", None if author else 1])
        name = rng.choice(["helpful", "tone"])
        for _ in range(rng.choice([1, 1, 2])):
            shipper.send_feedback(
                f"c{call}",
                name=name,
                value=value,
                author=author,
                event_id=f"f{number}-{one}",
                created_at=start + rng.randrange(5),
                application="join",
            )
        if one % 10 == 0:
            shipper.amend(
                f"c{call}", output=f"late {number} {one}", created_at=start + one, application="join"
            )
    for call in range((number + 1) * _CALLS, (number + 2) * _CALLS):
        road.app().log_completion(
            REQUEST, {**RESPONSE, "id": f"r{call}"}, event_id=f"c{call}", ended_at=start
        )


def kill_rounds(road: Road, rounds: int) -> int:
    """Kill one of two joiners in each round; how many events were joined at the end."""
    rng = random.Random(rounds)
    url = road.settings.elasticsearch_url[0]
    for call in range(_CALLS):
        road.app().log_completion(REQUEST, {**RESPONSE, "id": f"r{call}"}, event_id=f"c{call}")
    joiners = Joiners(url, road.settings.home)
    try:
        for number in range(rounds):
            send_round(road, rng, number)
            road.arrive()
            time.sleep(rng.random() * 0.6)  # where the joiner is when it dies is chance
            joiners.kill_one(number % 2)
        deadline = time.monotonic() + 60 + 2 * rounds
        while any(event["llm"].get("join", {}).get("status") != "joined" for event in events(road)):
            assert time.monotonic() < deadline
    finally:
        joiners.stop()
    return len(events(road))


def events(road: Road) -> list[Json]:
    """All feedback and amendments that are stored."""
    return everything(road, "llm-feedback-*")


@pytest.mark.parametrize("rounds", [3, pytest.param(15, marks=pytest.mark.slow)])
def test_the_store_equals_an_offline_merge(road: Road, rounds: int) -> None:
    """One of two joiners is killed each round; every completion is what its events alone say."""
    assert kill_rounds(road, rounds) > rounds * _EVENTS
    assert differences(road) == []


def differences(road: Road) -> list[tuple[str, Any, Any]]:
    """Completions that are not what a merge of their events says."""
    by_call: dict[str, list[Json]] = defaultdict(list)
    for event in events(road):
        by_call[event["llm"]["join"]["key"][0]].append(event)
    found: list[tuple[str, Any, Any]] = []
    for document in everything(road, "llm-completions-*"):
        own = by_call[document["event"]["id"]]
        entries = [entry_of(event) for event in own if event["event"]["dataset"] == "llm.feedback"]
        expected: Json = {"feedback": None}
        if entries:
            ended_at = document["event"].get("end") or document["@timestamp"]
            expected["feedback"] = merge({}, entries, ended_at=ended_at)
        amendments = sorted(
            (event["@timestamp"], event["event"]["id"], event["llm"]["amendment"]["fields"]["output"])
            for event in own
            if event["event"]["dataset"] == "llm.amendment"
        )
        expected["text"] = amendments[-1][2] if amendments else "Blue."
        stored = {"feedback": document["llm"].get("feedback"), "text": document["llm"]["output"]["text"]}
        if _bytes(stored) != _bytes(expected):
            found.append((document["event"]["id"], stored, expected))
    return found


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
