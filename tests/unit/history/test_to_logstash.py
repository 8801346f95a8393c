"""History to Logstash: the same documents that the store would get, and patience with a busy one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper.errors import StoreUnauthorised, UsageError
from shipper.history import import_history
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.settings import Settings
    from tests.loopback import Request

OK = Answer(200, "ok")
ROWS = [
    {
        "timestamp": f"2024-05-0{day}T12:00:00Z",
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Question {day}"}]},
        "response": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Answer"}}]},
        "event_id": f"call-{day}",
    }
    for day in range(1, 8)
]


def sent_to(*servers: Loopback) -> list[dict[str, Any]]:
    """The documents that were taken, in the order of their ids."""
    found = [line for server in servers for request in server.requests for line in request.lines]
    return sorted(found, key=lambda one: one["event"]["id"])


def without_run(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what differs between two imports: the run, and when it was stored."""
    document["llm"]["import"].pop("batch_id")
    document["event"].pop("ingested")
    return document


def test_logstash_gets_the_documents_that_a_file_gets(tmp_path: Path, settings: Settings) -> None:
    """Documents are whole before they are sent; the books count what Logstash took."""
    import_history(rows=ROWS, app="shop", version="1", to=str(tmp_path / "out"), settings=settings)
    kept = [orjson.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    with Loopback(OK) as server:
        toward = settings.replace(logstash_url=server.url, batch_max_events=3)
        report = import_history(rows=ROWS, app="shop", version="1", to="logstash", settings=toward)
        assert (report.books.accepted, report.books.delivered, report.books.rejected) == (7, 7, 0)
        assert len(server.requests) == 3
        assert [without_run(one) for one in sent_to(server)] == [without_run(one) for one in kept]


def test_a_configured_logstash_is_where_history_goes_untold(settings: Settings) -> None:
    """Like what applications log."""
    with Loopback(OK) as server:
        import_history(rows=ROWS, app="shop", settings=settings.replace(logstash_url=server.url))
        assert len(sent_to(server)) == len(ROWS)


def test_a_busy_logstash_is_waited_for_and_a_large_request_halved(settings: Settings) -> None:
    """429 is tried again, 413 sent in halves: each document is taken once in the end."""
    busy = iter([429])
    taken: list[str] = []

    def respond(request: Request) -> Answer:
        if next(busy, None) is not None:
            return Answer(429, "busy")
        if len(request.lines) > 4:
            return Answer(413, "large")
        taken.extend(line["event"]["id"] for line in request.lines)
        return OK

    with Loopback(respond) as server:
        toward = settings.replace(logstash_url=server.url)
        report = import_history(rows=ROWS, app="shop", to="logstash", settings=toward)
    assert report.books.delivered == len(ROWS)
    assert sorted(taken) == [f"call-{day}" for day in range(1, 8)]


def test_a_refused_password_stops_the_import(settings: Settings) -> None:
    """It says so, and that the import can go on."""
    with Loopback(Answer(401, "who?")) as server:
        toward = settings.replace(logstash_url=server.url)
        with pytest.raises(StoreUnauthorised, match="--resume"):
            import_history(rows=ROWS, app="shop", to="logstash", settings=toward)


def test_without_an_address_there_is_no_logstash(settings: Settings) -> None:
    """It is told before anything is read."""
    with pytest.raises(UsageError, match="SHIPPER_LOGSTASH_URL"):
        import_history(rows=ROWS, app="shop", to="logstash", settings=settings)
