"""The sink against a loopback server: every kind of answer, cut connections, two addresses, no store at all."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.sink.base import Outcome, Prepared, Result
from shipper.sink.elasticsearch import ElasticsearchSink
from tests.loopback import Answer, Loopback, created, elasticsearch, error, items, ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.loopback import Request

INDEX = "llm-completions-a@1-2026.11"
ALIASES = ("llm-completions-a", "llm-completions-a@1")


def prepared(
    event_id: str = "a",
    body: Any = None,
    *,
    given_id: bool = False,
    content_hash: str | None = None,
    index: str = INDEX,
) -> Prepared:
    """A document ready to go."""
    encoded = json.dumps(body or {"event": {"id": event_id}}).encode()
    return Prepared(event_id, index, encoded, given_id, content_hash, "llm.completion", ALIASES)


def batch(*ids: str) -> list[Prepared]:
    """Documents of one index."""
    return [prepared(one) for one in ids]


def sink_to(server: Loopback, home: Path, **options: Any) -> ElasticsearchSink:
    """A sink that sends to a loopback server."""
    return ElasticsearchSink(Settings(home=home, elasticsearch_url=server.url, **options))


def outcomes(results: list[Result]) -> list[Outcome]:
    """Only what became of each."""
    return [one.outcome for one in results]


def bulk_requests(server: Loopback) -> list[Request]:
    """What was written."""
    return server.asked("POST", "/_bulk")


def test_delivered(tmp_path: Path) -> None:
    """A batch is one `_bulk` of create operations with the documents' own bytes."""
    with Loopback(elasticsearch()) as server:
        results = sink_to(server, tmp_path).send([prepared("a", {"x": 1}), prepared("b", {"x": 2})])
    assert outcomes(results) == [Outcome.DELIVERED] * 2
    (request,) = bulk_requests(server)
    assert request.lines == [
        {"create": {"_index": INDEX, "_id": "a"}},
        {"x": 1},
        {"create": {"_index": INDEX, "_id": "b"}},
        {"x": 2},
    ]
    assert request.headers["content-type"] == "application/vnd.elasticsearch+x-ndjson; compatible-with=9"


def test_empty_batch_asks_nothing(tmp_path: Path) -> None:
    """Nothing to send means no request."""
    with Loopback(elasticsearch()) as server:
        assert sink_to(server, tmp_path).send([]) == []
    assert server.requests == []


def test_index_is_created_once_with_its_aliases(tmp_path: Path) -> None:
    """The first batch of an index creates it explicitly; later ones don't ask again."""
    with Loopback(elasticsearch()) as server:
        sink = sink_to(server, tmp_path)
        sink.send(batch("a"))
        sink.send(batch("b"))
    (request,) = server.asked("PUT", f"/{INDEX}")
    assert request.json == {"aliases": {"llm-completions-a": {}, "llm-completions-a@1": {}}}
    assert len(server.asked("GET", "/_index_template/llm-*")) == 1


def test_existing_index_gets_its_aliases(tmp_path: Path) -> None:
    """An index that something else has made is given the aliases it should have."""
    exists = error(400, "resource_already_exists_exception")
    with Loopback(elasticsearch(replaced={("PUT", f"/{INDEX}"): exists})) as server:
        assert outcomes(sink_to(server, tmp_path).send(batch("a"))) == [Outcome.DELIVERED]
    (request,) = server.asked("POST", "/_aliases")
    assert [one["add"]["alias"] for one in request.json["actions"]] == list(ALIASES)


def test_key_that_may_not_create_indices_still_writes(tmp_path: Path) -> None:
    """A writer's key without the right to create leaves that to Elasticsearch."""
    forbidden = error(403, "security_exception")
    with Loopback(elasticsearch(replaced={("PUT", f"/{INDEX}"): forbidden})) as server:
        assert outcomes(sink_to(server, tmp_path).send(batch("a"))) == [Outcome.DELIVERED]


def test_key_that_may_not_see_templates_still_writes(tmp_path: Path) -> None:
    """Who may not look at the templates takes them for present."""
    forbidden = error(403, "security_exception")
    with Loopback(elasticsearch(replaced={("GET", "/_index_template/llm-*"): forbidden})) as server:
        assert outcomes(sink_to(server, tmp_path).send(batch("a"))) == [Outcome.DELIVERED]


def test_missing_template_pauses_without_writing(tmp_path: Path) -> None:
    """Without a template nothing is created or written, the reason says what to do, and the next send looks again."""
    templates: list[str] = []

    def answer(request: Request) -> Answer:
        return elasticsearch(templates=tuple(templates))(request)

    with Loopback(answer) as server:
        sink = sink_to(server, tmp_path)
        (result,) = sink.send(batch("a"))
        assert (result.outcome, result.error_type) == (Outcome.PAUSE, "templates_missing")
        assert "shipper setup" in result.reason
        assert not bulk_requests(server)
        assert not server.asked("PUT", f"/{INDEX}")
        templates.append("llm-completions-*@*")
        assert outcomes(sink.send(batch("a"))) == [Outcome.DELIVERED]


def test_missing_template_of_one_dataset_holds_up_only_its_documents(tmp_path: Path) -> None:
    """In a mixed batch the others are written, and every result stands at its document's place."""
    feedback = prepared("f", index="llm-feedback-a@2026.11")
    with Loopback(elasticsearch(templates=("llm-completions-*@*",))) as server:
        results = sink_to(server, tmp_path).send([feedback, prepared("a"), feedback, prepared("b")])
    assert outcomes(results) == [Outcome.PAUSE, Outcome.DELIVERED, Outcome.PAUSE, Outcome.DELIVERED]
    assert [line["create"]["_id"] for line in bulk_requests(server)[0].lines[::2]] == ["a", "b"]


def test_shard_limit_pauses(tmp_path: Path) -> None:
    """A cluster that can't hold another index pauses; the documents are not at fault."""
    full = error(
        400, "validation_exception", "this action would add [1] shards, but this cluster has [1000]/[1000]"
    )
    with Loopback(elasticsearch(replaced={("PUT", f"/{INDEX}"): full})) as server:
        (result,) = sink_to(server, tmp_path).send(batch("a"))
    assert result.outcome is Outcome.PAUSE
    assert "1000" in result.reason


def test_vanished_index_is_made_again(tmp_path: Path) -> None:
    """After `index_not_found` the next send creates the index again with its aliases."""
    gone = items({"status": 404, "error": {"type": "index_not_found_exception", "reason": "no such index"}})
    answers = iter([gone, created])

    def bulk(request: Request) -> Answer:
        answer = next(answers)
        return answer if isinstance(answer, Answer) else answer(request)

    with Loopback(elasticsearch(bulk=bulk)) as server:
        sink = sink_to(server, tmp_path)
        assert outcomes(sink.send(batch("a"))) == [Outcome.PAUSE]
        assert outcomes(sink.send(batch("a"))) == [Outcome.DELIVERED]
    assert len(server.asked("PUT", f"/{INDEX}")) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (error(401, "security_exception"), Outcome.PAUSE),
        (error(403, "security_exception"), Outcome.PAUSE),
        (
            error(
                403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/5/index read-only (api)];"
            ),
            Outcome.PAUSE,
        ),
        (error(404, "index_not_found_exception"), Outcome.PAUSE),
        (error(429, "es_rejected_execution_exception"), Outcome.RETRY),
        (error(503, "cluster_block_exception", "SERVICE_UNAVAILABLE/1/state not recovered"), Outcome.RETRY),
        (Answer(502, "<html>Bad Gateway</html>"), Outcome.RETRY),
        (Answer(500, b""), Outcome.RETRY),
    ],
)
def test_refused_request(answer: Answer, outcome: Outcome, tmp_path: Path) -> None:
    """A request that is refused as a whole means the same for every document in it, and is sent once."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): answer})) as server:
        results = sink_to(server, tmp_path).send(batch("a", "b", "c"))
    assert outcomes(results) == [outcome] * 3
    assert len(bulk_requests(server)) == 1


@pytest.mark.parametrize(
    "answer", [Answer(400, "<html>The plain HTTP request was sent to HTTPS port"), Answer(418, "")]
)
def test_refusal_that_is_not_elasticsearchs_is_retried_and_marked(answer: Answer, tmp_path: Path) -> None:
    """A proxy's 400 is not the documents' fault."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): answer})) as server:
        results = sink_to(server, tmp_path).send(batch("a", "b"))
    assert [(one.outcome, one.unknown) for one in results] == [(Outcome.RETRY, True)] * 2


@pytest.mark.parametrize(
    "answer", [Answer(200, "<html>Welcome</html>"), ok({"hello": "world"}), Answer(200, b"\xff")]
)
def test_answer_that_is_not_elasticsearchs_is_retried_and_marked(answer: Answer, tmp_path: Path) -> None:
    """Something else that says 200 has not stored anything."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): answer})) as server:
        (result,) = sink_to(server, tmp_path).send(batch("a"))
    assert (result.outcome, result.unknown) == (Outcome.RETRY, True)


def _refuses(bad: set[str], answer: Answer) -> Callable[[Request], Answer]:
    def bulk(request: Request) -> Answer:
        ids = {line["create"]["_id"] for line in request.lines[::2]}
        return answer if ids & bad else created(request)

    return bulk


@pytest.mark.parametrize(
    "answer", [error(400, "action_request_validation_exception"), Answer(413, "too large")]
)
def test_refused_request_is_bisected_to_the_item(answer: Answer, tmp_path: Path) -> None:
    """Whichever documents make the store refuse the request, they alone are refused and the others stored."""
    ids = [str(number) for number in range(23)]
    with Loopback(elasticsearch(bulk=_refuses({"4", "17"}, answer))) as server:
        results = sink_to(server, tmp_path).send(batch(*ids))
    refused = [one for one, result in zip(ids, results, strict=True) if result.outcome is Outcome.REFUSED]
    assert refused == ["4", "17"]
    assert sum(result.outcome is Outcome.DELIVERED for result in results) == 21


def test_single_refused_document(tmp_path: Path) -> None:
    """A document that is too large all by itself is refused."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): Answer(413, b"")})) as server:
        (result,) = sink_to(server, tmp_path).send(batch("a"))
    assert (result.outcome, result.status) == (Outcome.REFUSED, 413)


def test_item_errors_stand_alone(tmp_path: Path) -> None:
    """A rejected item is retried, a malformed one refused, and their neighbours are delivered."""
    answer = items(
        {"status": 201},
        {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}},
        {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no"}},
        {"status": 201},
    )
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): answer})) as server:
        results = sink_to(server, tmp_path).send(batch("a", "b", "c", "d"))
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.RETRY, Outcome.REFUSED, Outcome.DELIVERED]


TAKEN = {
    "status": 409,
    "error": {"type": "version_conflict_engine_exception", "reason": "document already exists"},
}


def test_taken_id_that_we_made_is_delivered(tmp_path: Path) -> None:
    """A resent document of ours is found stored; nobody needs to compare."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): items(TAKEN)})) as server:
        (result,) = sink_to(server, tmp_path).send(batch("a"))
    assert (result.outcome, result.status) == (Outcome.DELIVERED, 409)
    assert not server.asked("POST", "/_mget")


@pytest.mark.parametrize(
    ("stored", "outcome"),
    [
        ({"found": True, "_source": {"llm": {"content_hash": "b2:1"}}}, Outcome.DELIVERED),
        ({"found": True, "_source": {"llm": {"content_hash": "b2:2"}}}, Outcome.CONFLICTING),
        ({"found": True, "_source": {}}, Outcome.DUPLICATE),
        ({"found": True}, Outcome.DUPLICATE),
        ({"error": {"type": "security_exception"}}, Outcome.DUPLICATE),
        ({"found": False}, Outcome.RETRY),
    ],
)
def test_taken_id_that_the_caller_chose(stored: dict[str, Any], outcome: Outcome, tmp_path: Path) -> None:
    """Equal content is a resend, other content a conflict, unreadable content a duplicate."""
    replaced = {("POST", "/_bulk"): items(TAKEN), ("POST", "/_mget"): ok({"docs": [stored]})}
    with Loopback(elasticsearch(replaced=replaced)) as server:
        (result,) = sink_to(server, tmp_path).send([prepared("a", given_id=True, content_hash="b2:1")])
    assert result.outcome is outcome
    (request,) = server.asked("POST", "/_mget")
    assert request.json == {"docs": [{"_index": INDEX, "_id": "a"}]}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (error(403, "security_exception"), Outcome.DUPLICATE),
        (error(401, "security_exception"), Outcome.PAUSE),
        (error(503, "x"), Outcome.RETRY),
        (error(400, "x"), Outcome.RETRY),
        (Answer(cut="before"), Outcome.RETRY),
        (ok({"docs": []}), Outcome.RETRY),
    ],
)
def test_taken_id_that_can_not_be_compared(answer: Answer, outcome: Outcome, tmp_path: Path) -> None:
    """Only a key without the right to read settles it as a duplicate; trouble leaves it open."""
    replaced = {("POST", "/_bulk"): items(TAKEN), ("POST", "/_mget"): answer}
    with Loopback(elasticsearch(replaced=replaced)) as server:
        (result,) = sink_to(server, tmp_path).send([prepared("a", given_id=True, content_hash="b2:1")])
    assert result.outcome is outcome


@pytest.mark.parametrize("cut", ["before", "during"])
def test_cut_connection_is_retried(cut: str, tmp_path: Path) -> None:
    """Without a complete answer nobody knows what was stored: everything goes again."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): Answer(200, b"{}" * 100, cut=cut)})) as server:
        results = sink_to(server, tmp_path).send(batch("a", "b"))
    assert [(one.outcome, one.status) for one in results] == [(Outcome.RETRY, None)] * 2
    assert "no answer from http://127.0.0.1" in results[0].reason


def test_nobody_listens(tmp_path: Path) -> None:
    """A refused connection is retried and says so in words."""
    with Loopback(Answer()) as server:
        address = server.url
    sink = ElasticsearchSink(Settings(home=tmp_path, elasticsearch_url=address))
    (result,) = sink.send(batch("a"))
    assert (result.outcome, result.error_type) == (Outcome.RETRY, "connection")
    assert "connection refused" in result.reason


def test_time_out_is_retried(tmp_path: Path) -> None:
    """An answer that does not come in time is retried."""
    release = threading.Event()
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): Answer(wait_for=release)})) as server:
        (result,) = sink_to(server, tmp_path, request_timeout_s=0.2).send(batch("a"))
        release.set()
    assert (result.outcome, result.error_type) == (Outcome.RETRY, "timeout")


def test_no_store_at_all(tmp_path: Path) -> None:
    """With nothing configured and no embedded node, events wait."""
    (result,) = ElasticsearchSink(Settings(home=tmp_path)).send(batch("a"))
    assert (result.outcome, result.error_type) == (Outcome.RETRY, "no_store")
    assert "shipper up" in result.reason


def test_missing_ca_file_pauses(tmp_path: Path) -> None:
    """A certificate file that is not there is the configuration's fault."""
    settings = Settings(
        home=tmp_path, elasticsearch_url="https://127.0.0.1:1", elasticsearch_ca=tmp_path / "no.pem"
    )
    (result,) = ElasticsearchSink(settings).send(batch("a"))
    assert result.outcome is Outcome.PAUSE
    assert "no.pem" in result.reason


def test_second_address_takes_over(tmp_path: Path) -> None:
    """When one address does not answer, the same request goes to the next."""
    with Loopback(Answer()) as gone:
        dead = gone.url
    with Loopback(elasticsearch()) as server:
        settings = Settings(home=tmp_path, elasticsearch_url=(dead, server.url))
        sink = ElasticsearchSink(settings)
        for number in range(4):
            assert outcomes(sink.send(batch(str(number)))) == [Outcome.DELIVERED]
    assert len(bulk_requests(server)) == 4


def test_version_8_is_spoken_to_in_its_own_media_type(tmp_path: Path) -> None:
    """A cluster that refuses the newer media type gets the older one, and is asked only once."""
    with Loopback(elasticsearch("8.19.4")) as server:
        sink = sink_to(server, tmp_path)
        assert outcomes(sink.send(batch("a"))) == [Outcome.DELIVERED]
        assert outcomes(sink.send(batch("b"))) == [Outcome.DELIVERED]
    newer = [one for one in server.requests if "compatible-with=9" in one.headers["accept"]]
    assert len(newer) == 1
    for request in bulk_requests(server):
        assert request.headers["accept"] == "application/vnd.elasticsearch+json; compatible-with=8"
        assert request.headers["content-type"] == "application/vnd.elasticsearch+x-ndjson; compatible-with=8"


@pytest.mark.parametrize(("compression", "compressed"), [("auto", False), ("none", False), ("gzip", True)])
def test_compression(compression: str, compressed: bool, tmp_path: Path) -> None:
    """This machine's own address gets plain bytes unless gzip is asked for; the content is the same."""
    with Loopback(elasticsearch()) as server:
        sink_to(server, tmp_path, compression=compression).send([prepared("a", {"x": "y" * 5000})])
    (request,) = bulk_requests(server)
    assert ("content-encoding" in request.headers) is compressed
    assert (len(request.raw) < 500) is compressed
    assert request.lines[1] == {"x": "y" * 5000}


def test_connections_are_kept(tmp_path: Path) -> None:
    """Batches sent one after the other share a connection."""
    with Loopback(elasticsearch()) as server:
        sink = sink_to(server, tmp_path)
        for number in range(5):
            sink.send(batch(str(number)))
        sink.close()
    assert server.connections == 1


def test_threads_send_at_once(tmp_path: Path) -> None:
    """Several threads may send through one sink; each document arrives once."""
    with Loopback(elasticsearch()) as server, ThreadPoolExecutor(4) as pool:
        sink = sink_to(server, tmp_path, connections=4)
        results = list(pool.map(lambda number: sink.send(batch(f"{number}a", f"{number}b")), range(20)))
    assert [outcomes(one) for one in results] == [[Outcome.DELIVERED] * 2] * 20
    sent = [line["create"]["_id"] for request in bulk_requests(server) for line in request.lines[::2]]
    assert sorted(sent) == sorted(f"{number}{letter}" for number in range(20) for letter in "ab")
    assert len(server.asked("PUT", f"/{INDEX}")) == 1


def test_closed_sink_opens_again(tmp_path: Path) -> None:
    """After `close` a sink can still be used; closing twice is fine."""
    with Loopback(elasticsearch()) as server:
        sink = sink_to(server, tmp_path)
        sink.send(batch("a"))
        sink.close()
        sink.close()
        assert outcomes(sink.send(batch("b"))) == [Outcome.DELIVERED]


def test_nothing_is_written_to_the_applications_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the client's warnings about failed nodes nor request bodies reach the application's logging."""
    caplog.set_level("DEBUG")
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): Answer(503, "no")})) as server:
        sink_to(server, tmp_path).send([prepared("a", {"prompt": "a private matter"})])
    sink = ElasticsearchSink(Settings(home=tmp_path, elasticsearch_url=server.url))
    sink.send(batch("a"))
    spoken = [one for one in caplog.records if one.name.startswith("elastic")]
    assert spoken == []
    assert "a private matter" not in caplog.text


def test_credentials_go_with_every_request_and_show_nowhere(tmp_path: Path) -> None:
    """The key is in the header of each request, and not in results or representations."""
    with Loopback(elasticsearch(replaced={("POST", "/_bulk"): error(401, "security_exception")})) as server:
        sink = sink_to(server, tmp_path, elasticsearch_api_key="id:s3cret")
        results = sink.send(batch("a"))
    assert {one.headers["authorization"] for one in server.requests} == {"ApiKey aWQ6czNjcmV0"}
    assert "s3cret" not in repr(results)
    assert "aWQ6czNjcmV0" not in repr(results)


def test_make_sink_waits_with_the_client(tmp_path: Path) -> None:
    """The sink made from settings behaves the same, and can be closed without having sent anything."""
    idle = make_sink(Settings(home=tmp_path))
    idle.close()
    with Loopback(elasticsearch()) as server:
        sink = make_sink(Settings(home=tmp_path, elasticsearch_url=server.url))
        assert sink.name == "elasticsearch"
        assert outcomes(sink.send(batch("a"))) == [Outcome.DELIVERED]
        sink.close()
