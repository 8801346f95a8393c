"""Sending dead letters again, against a loopback store and Logstash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from elasticsearch import Elasticsearch

from shipper.read.deadletters import DeadLetter, replay
from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.sink.base import Outcome, Result
from tests.loopback import Answer, Loopback, elasticsearch

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {
    "@timestamp": "2025-11-21T07:30:40.000001Z",
    "event": {"dataset": "llm.completion", "id": "a", "ingested": "2025-11-21T07:30:41.000000Z"},
    "service": {"name": "bot", "version": "1"},
    "llm": {"content_hash": "b2:1", "shipper": {"instance": "web-1-42-ab", "sequence": 7}},
}


def letter_of_logstash(original: Any, stage: str = "store") -> DeadLetter:
    """The letter that `refused.conf` makes of a document."""
    document = {
        "event": {"id": "sha256:1", "original": orjson.dumps(original).decode()},
        "llm": {"deadletter": {"reason": "document_parsing_exception", "stage": stage}},
    }
    return DeadLetter("llm-deadletter-bot@2025.11", "sha256:1", document)


def sent_again(
    home: Path, letter: DeadLetter, *, new_id: bool = False
) -> tuple[Result, list[Any], dict[str, Any]]:
    """The outcome, what Logstash got, and what was marked in the store."""
    with Loopback(elasticsearch()) as store, Loopback(Answer(200, "ok")) as logstash:
        settings = Settings(home=home, logstash_url=logstash.url)
        sink = make_sink(settings)
        with Elasticsearch(store.url) as client:
            result = replay(client, sink, settings, letter, new_id=new_id)
        sink.close()
        marked = [one.json for one in store.requests if "/_update/" in one.path]
        return result, [line for one in logstash.requests for line in one.lines], marked[0] if marked else {}


def test_what_was_refused_behind_logstash_is_sent_as_it_is(tmp_path: Path) -> None:
    """Its original is the document that the store refused: the same goes out again, and the letter is marked."""
    result, sent, marked = sent_again(tmp_path, letter_of_logstash(REFUSED))
    assert result.outcome is Outcome.DELIVERED
    assert sent == [REFUSED]
    assert "replayed_at" in marked["doc"]["llm"]["deadletter"]


def test_it_may_get_a_new_id(tmp_path: Path) -> None:
    """With a new id nothing else of the document changes."""
    _, (sent,), _ = sent_again(tmp_path, letter_of_logstash(REFUSED), new_id=True)
    assert sent["event"].pop("id") != "a"
    assert sent == {
        **REFUSED,
        "event": {"dataset": "llm.completion", "ingested": "2025-11-21T07:30:41.000000Z"},
    }


@pytest.mark.parametrize(
    "letter",
    [letter_of_logstash(REFUSED, "intake"), letter_of_logstash("text"), letter_of_logstash({"event": 1})],
    ids=["intake", "text", "foreign"],
)
@pytest.mark.parametrize("new_id", [False, True])
def test_what_is_no_event_is_not_sent(tmp_path: Path, letter: DeadLetter, new_id: bool) -> None:
    """What Logstash could not read it can't read again; the letter stays as it is."""
    result, sent, marked = sent_again(tmp_path, letter, new_id=new_id)
    assert (result.outcome, sent, marked) == (Outcome.REFUSED, [], {})
    assert result.reason == "the original is not an event that can be read"
