"""Joiners that run beside the events: kill -9 of one of two, round after round; and how long an event takes.

    python -m benchmarks join_live [rounds] [events]

In each round 30 judgements and amendments are sent, some of them twice, some before their call; then one of the two
joiners is killed wherever it is, and replaced. At the end each completion is compared with a merge of its events
alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import shipper
from benchmarks.measure import machine, table
from shipper.embedded import remove_node, start_node
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.setup import setup
from tests.faults.test_join_kill import differences, everything, kill_rounds
from tests.plugins.feedback import REQUEST, RESPONSE, Road

_INTERVAL_S = 5.0
_PROGRAM = "from shipper.cli import main; main()"


def main(rounds: int = 100, events: int = 20) -> str:
    """Run both; the report."""
    home = Path(tempfile.mkdtemp(prefix="join-live-"))
    settings = Settings(home=home, flush_interval_s=0.05)
    node = start_node(home, heap_mb=512, cache_dir=settings.cache)
    try:
        with connect(settings) as client:
            setup(client)
            road = Road(client, settings.replace(elasticsearch_url=(node.url,)))
            began = time.monotonic()
            joined = kill_rounds(road, rounds)
            spent = time.monotonic() - began
            wrong, completions = len(differences(road)), len(everything(road, "llm-completions-*"))
            times = _times(road, events)
    finally:
        remove_node(home)
    killed = ["rounds", "events", "completions", "differences"]
    figures = [str(rounds), f"{joined:,}", f"{completions:,}", str(wrong)]
    live = ["events", "median, s", "longest, s", "interval, s"]
    return "\n\n".join(
        [
            "# Joiners at work",
            f"Written by `python -m benchmarks join_live`. {machine()}.",
            "## kill -9 of one of two joiners in each round, against a merge of the events alone",
            table(killed, [figures]),
            f"It took {spent:.0f} s.",
            "## From send_feedback to the completion, with `shipper join --follow`",
            table(
                live,
                [
                    [
                        str(len(times)),
                        f"{statistics.median(times):.1f}",
                        f"{max(times):.1f}",
                        f"{_INTERVAL_S:g}",
                    ]
                ],
            ),
        ]
    )


def _times(road: Road, events: int) -> list[float]:
    """Seconds from the call of send_feedback until the completion has it: nearly all wait for a whole interval."""
    calls = [
        road.app("live").log_completion(REQUEST, {**RESPONSE, "id": f"live{number}"})
        for number in range(events)
    ]
    road.arrive()
    places = {
        hit["_source"]["event"]["id"]: (hit["_index"], hit["_id"])
        for hit in road.store.search(index="llm-completions-live", size=events)["hits"]["hits"]
    }
    environ = {
        "SHIPPER_ELASTICSEARCH_URL": road.settings.elasticsearch_url[0],
        "SHIPPER_HOME": str(road.settings.home),
    }
    command = [sys.executable, "-c", _PROGRAM, "join", "--follow", "--interval", f"{_INTERVAL_S:g}s"]
    times: list[float] = []
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as joiner:
        try:
            time.sleep(_INTERVAL_S)  # it has started
            for number, call in enumerate(calls):
                time.sleep(number % 7 * 0.1)
                index, identity = places[call.event_id]
                began = time.monotonic()
                shipper.send_feedback(call.event_id, rating=1, application="live")
                while "feedback" not in road.store.get(index=index, id=identity)["_source"]["llm"]:
                    time.sleep(0.02)
                times.append(time.monotonic() - began)
        finally:
            joiner.terminate()
    return times
