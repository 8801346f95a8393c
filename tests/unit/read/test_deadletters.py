"""Sending dead letters again, against a loopback store and Logstash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from shipper.cli.deadletter import deadletter
from shipper.read.deadletters import DeadLetter, replay
from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.sink.base import Outcome, Result
from shipper.spool.refused import keep_refused
from tests.loopback import Answer, Loopback, elasticsearch, ok

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


def test_what_only_the_disk_holds_is_listed_shown_and_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter that no store would take is one like the others: chosen by application, and gone once it is sent."""
    nothing = elasticsearch(
        replaced={("POST", "/llm-deadletter-*/_search"): ok({"hits": {"hits": [], "total": {"value": 0}}})}
    )
    with Loopback(nothing) as store, Loopback(Answer(413, ""), Answer(200, "ok")) as logstash:
        settings = Settings(home=tmp_path)
        settings.spool_dir.mkdir()
        for name in ("one", "two"):
            letter = letter_of_logstash({**REFUSED, "event": {"dataset": "llm.completion", "id": name}})
            letter.document["@timestamp"] = "2025-11-21T07:30:40.000001Z"
            letter.document["event"]["id"] = f"letter-{name}"
            letter.document["llm"]["application"] = {"name": name}
            keep_refused(settings.spool_dir, "web-1-42-ab", orjson.dumps(letter.document))
        monkeypatch.setenv("SHIPPER_HOME", str(tmp_path))
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", store.url)
        monkeypatch.setenv("SHIPPER_LOGSTASH_URL", logstash.url)

        def said(*arguments: str) -> tuple[int, str]:
            done = CliRunner().invoke(deadletter, arguments)
            return done.exit_code, done.output

        _, listed = said("list", "--app", "one")
        assert "letter-one" in listed
        assert "letter-two" not in listed
        assert '"letter-two"' in said("show", "letter-two")[1]
        assert said("replay", "letter-one")[0] == 1
        assert said("replay", "letter-one") == (0, "1 sent again, 0 refused again.\n")
        assert "letter-one" not in said("list")[1]
        assert said("replay", "--all") == (0, "1 sent again, 0 refused again.\n")
        assert said("list") == (0, "No dead letters.\n")
    assert [one["event"]["id"] for request in logstash.requests for one in request.lines] == [
        "one",
        "one",
        "two",
    ]
    assert not [one for one in store.requests if "/_update/" in one.path]
