"""The ledger for Prometheus: format, file, server, and the dashboard that reads it."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper import configure, get_application
from shipper.errors import SettingsError
from shipper.send.metrics import MetricsServer, Reading, Seldom, exposition, measure, publish
from shipper.settings import Settings
from shipper.spool.ledger import Balance
from tests.faults.programs import shipper_command

REPOSITORY = Path(__file__).resolve().parents[3]
BALANCE = Balance(
    accepted=10, delivered=5, duplicate=1, conflicting=1, dead_lettered=1, dropped={"full": 1}, pending=1
)
READING = Reading(
    BALANCE,
    spool_bytes=2048,
    spool_max_bytes=4096,
    oldest_pending_s=1.5,
    processes=2,
    paused=True,
    unknown_answers=3,
)

SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<label>[a-z]+)="(?P<value>(?:[^"\\\n]|\\[\\"n])*)"\})? (?P<number>[\d.e+-]+)'
)


def samples(text: str) -> dict[tuple[str, str], float]:
    """The text format, read back; fails on a line that is none of it."""
    found: dict[tuple[str, str], float] = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            found[match["name"], match["value"] or ""] = float(match["number"])
    return found


def test_every_column_of_the_ledger_is_there() -> None:
    """The sum of the samples is the ledger's own equation."""
    found = samples(exposition(READING))
    events = sum(number for (name, _), number in found.items() if name == "llm_shipper_events_total")
    dropped = found["llm_shipper_dropped_total", "full"]
    assert found["llm_shipper_accepted_total", ""] == 10
    assert events + dropped + found["llm_shipper_pending", ""] == 10
    assert found["llm_shipper_unaccounted", ""] == 0
    assert found["llm_shipper_oldest_pending_seconds", ""] == 1.5
    assert found["llm_shipper_paused", ""] == 1
    assert found["llm_shipper_unknown_answers_total", ""] == 3


@given(reason=st.text(max_size=30))
def test_any_reason_is_a_label(reason: str) -> None:
    """Quotes, backslashes and newlines in a reason don't break the format."""
    text = exposition(replace(READING, balance=Balance(accepted=1, dropped={reason: 1})))
    lines = [line for line in text.split("\n") if line.startswith("llm_shipper_dropped_total{")]
    assert len(lines) == 1
    assert lines[0].endswith('"} 1')


def test_the_server_answers_metrics_and_nothing_else() -> None:
    """`/metrics` measures anew; any other path is 404; a spool that can't be read is 503."""
    answers = iter([READING, replace(READING, paused=False)])

    def read() -> Reading:
        found = next(answers, None)
        if found is None:
            raise OSError("gone")
        return found

    with MetricsServer(0, read) as server:
        url = f"http://127.0.0.1:{server.port}"
        for paused in (1, 0):
            with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
                assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
                assert samples(answer.read().decode())["llm_shipper_paused", ""] == paused
        for path, status in (("/", 404), ("/metrics", 503)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{url}{path}", timeout=10)
            assert refused.value.code == status
            refused.value.close()


def test_a_taken_port_is_told() -> None:
    """The drain does not start without the metrics that it was asked for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(SettingsError, match=f"port {port}"),
            publish(lambda: READING, port=port, textfile=None),
        ):
            pass


def test_the_file_is_there_at_the_end_and_never_half(tmp_path: Path) -> None:
    """Whoever reads it sees a whole one; the last state is in it."""
    path = tmp_path / "shipper.prom"
    state = [READING]
    with publish(lambda: state[0], port=None, textfile=path):
        state[0] = replace(READING, paused=False)
    assert samples(path.read_text("utf-8"))["llm_shipper_paused", ""] == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_costly_reading_is_taken_seldom() -> None:
    """Two scrapes in a row share a reading that took a while."""
    count = 0
    slow = threading.Event()

    def read() -> Reading:
        nonlocal count
        count += 1
        slow.wait(0.05)
        return READING

    seldom = Seldom(read)
    assert seldom() is seldom() is READING
    assert count == 1


def test_a_home_is_measured_from_its_files(settings: Settings) -> None:
    """What was logged and not sent shows as accepted and pending."""
    configure(settings.replace(send="none"))
    app = get_application("metrics", version="1")
    for _ in range(3):
        app.log_completion({"model": "gpt-4o-mini"}, "an answer")
    found = samples(exposition(measure(settings, paused=False, unknown_answers=0)))
    assert found["llm_shipper_accepted_total", ""] == found["llm_shipper_pending", ""] == 3
    assert found["llm_shipper_spool_bytes", ""] > 0


def test_drain_writes_the_file(home: Path, tmp_path: Path) -> None:
    """`shipper drain --metrics-file` leaves the metrics of an empty spool."""
    path = tmp_path / "shipper.prom"
    done = shipper_command(
        home, "http://127.0.0.1:9", "drain", "--timeout", "20", "--metrics-file", str(path)
    )
    assert done.returncode == 0, done.stderr
    assert samples(path.read_text("utf-8"))["llm_shipper_accepted_total", ""] == 0


def test_the_dashboard_asks_only_for_metrics_that_there_are() -> None:
    """Every name in its queries is one that we publish, and panels don't overlap."""
    dashboard = json.loads((REPOSITORY / "examples" / "grafana" / "shipper.json").read_text("utf-8"))
    published = {name for name, _ in samples(exposition(READING))}
    asked = set(re.findall(r"llm_shipper_[a-z_]+", json.dumps(dashboard)))
    assert asked <= published
    assert published - asked <= {"llm_shipper_processes"}
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        taken = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        cells |= taken
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
