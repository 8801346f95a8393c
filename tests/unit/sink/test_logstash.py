"""The Logstash sink against a loopback server: every kind of answer, several addresses, chunks, TLS."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.sink.base import Outcome, Prepared, Result
from shipper.sink.logstash import LogstashSink, chunks, meaning
from tests.loopback import Answer, Loopback

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loopback import Request

OK = Answer(200, "ok")


def prepared(event_id: str = "a", size: int = 0) -> Prepared:
    """A document ready to go, its body padded to a size."""
    body = f'{{"event":{{"id":"{event_id}"}}}}'.encode()
    body = body[:-1] + b" " * (size - len(body)) + body[-1:]
    return Prepared(event_id, "llm-completions-a@1-2026.11", body, False, None, "llm.completion", ("alias",))


def batch(*ids: str) -> list[Prepared]:
    return [prepared(one) for one in ids]


def sink_to(home: Path, *servers: Loopback, **options: Any) -> LogstashSink:
    """A sink that sends to loopback servers."""
    return LogstashSink(Settings(home=home, logstash_url=",".join(one.url for one in servers), **options))


def outcomes(results: list[Result]) -> list[Outcome]:
    return [one.outcome for one in results]


def ids(request: Request) -> list[str]:
    """The documents of a request."""
    return [line["event"]["id"] for line in request.lines]


def test_delivered(tmp_path: Path) -> None:
    """A batch is one request of newline-delimited JSON, each document on its line, the last line ended."""
    with Loopback(OK) as server:
        results = sink_to(tmp_path, server).send(batch("a", "b"))
    assert results == [Result(Outcome.DELIVERED, 200)] * 2
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/")
    assert request.body == b'{"event":{"id":"a"}}\n{"event":{"id":"b"}}\n'
    assert request.headers["content-type"] == "application/x-ndjson"
    assert "authorization" not in request.headers


def test_an_empty_batch_asks_nothing(tmp_path: Path) -> None:
    """Nothing to send means no request."""
    with Loopback(OK) as server:
        assert sink_to(tmp_path, server).send([]) == []
    assert server.requests == []


def test_the_settings_choose_it(tmp_path: Path) -> None:
    """With `logstash_url` set, everything goes there."""
    with Loopback(OK) as server:
        sink = make_sink(Settings(home=tmp_path, logstash_url=server.url))
        assert sink.name == "logstash"
        assert outcomes(sink.send(batch("a"))) == [Outcome.DELIVERED]
        sink.close()
        assert outcomes(sink.send(batch("b"))) == [Outcome.DELIVERED]
        sink.close()
    assert [ids(one) for one in server.requests] == [["a"], ["b"]]


def test_credentials_and_path_are_the_settings(tmp_path: Path) -> None:
    """Basic authentication goes with each request; a path in the address is kept."""
    with Loopback(OK) as server:
        settings = Settings(
            home=tmp_path,
            logstash_url=f"{server.url}/llm",
            logstash_username="writer",
            logstash_password="s3cret",
        )
        LogstashSink(settings).send(batch("a"))
    (request,) = server.requests
    assert request.path == "/llm/"
    assert request.headers["authorization"] == "Basic d3JpdGVyOnMzY3JldA=="


def test_bodies_are_compressed_when_asked(tmp_path: Path) -> None:
    """gzip, marked as such, and the same lines."""
    with Loopback(OK) as server:
        sink_to(tmp_path, server, compression="gzip").send(batch("a", "b"))
    (request,) = server.requests
    assert request.headers["content-encoding"] == "gzip"
    assert request.raw != request.body
    assert ids(request) == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "outcome", "error_type"),
    [
        (Answer(429, "busy"), Outcome.RETRY, "busy"),
        (Answer(500, ""), Outcome.RETRY, "busy"),
        (Answer(503, "<html>"), Outcome.RETRY, "busy"),
        (Answer(401, ""), Outcome.PAUSE, "unauthorised"),
        (Answer(403, ""), Outcome.PAUSE, "not_logstash"),
        (Answer(404, ""), Outcome.PAUSE, "not_logstash"),
        (Answer(308, "", {"location": "https://elsewhere/"}), Outcome.PAUSE, "not_logstash"),
        (Answer(200, "<html>welcome</html>"), Outcome.PAUSE, "not_logstash"),
        (Answer(200, {"acknowledged": True}), Outcome.PAUSE, "not_logstash"),
        (Answer(413, ""), Outcome.REFUSED, "payload_too_large"),
    ],
)
def test_what_answers_mean(tmp_path: Path, answer: Answer, outcome: Outcome, error_type: str) -> None:
    """Busy is tried again, a wrong address or password pauses, and only a document that is too large is refused."""
    with Loopback(answer) as server:
        (result,) = sink_to(tmp_path, server).send(batch("a"))
    assert (result.outcome, result.status, result.error_type) == (outcome, answer.status, error_type)
    assert result.reason


def test_an_answer_that_no_rule_covers_is_tried_again_and_counted(tmp_path: Path) -> None:
    """A 400 of some proxy costs no document."""
    with Loopback(Answer(400, "bad")) as server:
        (result,) = sink_to(tmp_path, server).send(batch("a"))
    assert result.outcome is Outcome.RETRY
    assert result.unknown


def test_pauses_say_what_to_do() -> None:
    """The sentence names the address and the setting, and never a password."""
    assert meaning(401, "", "https://logs:8080").reason == (
        "Logstash at https://logs:8080 does not accept the credentials: "
        "set SHIPPER_LOGSTASH_USERNAME and SHIPPER_LOGSTASH_PASSWORD."
    )
    assert "check SHIPPER_LOGSTASH_URL" in meaning(404, "", "https://logs:8080").reason


def test_a_too_large_request_is_halved_down_to_the_document(tmp_path: Path) -> None:
    """Of a batch that is refused for its size everything arrives but the one document that is too large alone."""

    def answer(request: Request) -> Answer:
        return Answer(413, "") if len(request.body) > 100 else OK

    documents = [prepared("a"), prepared("big", 200), *batch("c", "d")]
    with Loopback(answer) as server:
        results = sink_to(tmp_path, server).send(documents)
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.REFUSED, Outcome.DELIVERED, Outcome.DELIVERED]
    arrived = [one for request in server.requests if len(request.body) <= 100 for one in ids(request)]
    assert arrived == ["a", "c", "d"]


def test_requests_are_bounded_by_bytes(tmp_path: Path) -> None:
    """A batch of larger documents is sent in several requests, in order."""
    documents = [prepared(str(number), 30_000) for number in range(5)]
    with Loopback(OK) as server:
        results = sink_to(tmp_path, server, batch_max_bytes=65536, max_event_bytes=65536).send(documents)
    assert outcomes(results) == [Outcome.DELIVERED] * 5
    assert [ids(request) for request in server.requests] == [["0", "1"], ["2", "3"], ["4"]]


def test_after_a_refused_part_the_rest_is_not_tried(tmp_path: Path) -> None:
    """What was accepted counts; a busy Logstash isn't asked again for the rest of the batch."""
    documents = [prepared(str(number), 40_000) for number in range(4)]
    with Loopback(OK, Answer(429, "busy")) as server:
        results = sink_to(tmp_path, server, batch_max_bytes=65536, max_event_bytes=65536).send(documents)
    assert outcomes(results) == [Outcome.DELIVERED, Outcome.RETRY, Outcome.RETRY, Outcome.RETRY]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, "busy"),
        Answer(401, ""),
        Answer(403, ""),
        Answer(301, "", {"location": "http://127.0.0.1:9/"}),
        Answer(200, "<html>log in</html>"),
        Answer(413, ""),
        Answer(400, "bad"),
    ],
    ids=lambda answer: str(answer.status),
)
def test_an_address_that_does_not_take_it_is_passed_over(tmp_path: Path, answer: Answer) -> None:
    """With two addresses, one of which always answers otherwise, every batch is delivered by the other."""
    with Loopback(answer) as bad, Loopback(OK) as good:
        sink = sink_to(tmp_path, bad, good)
        for number in range(4):
            assert outcomes(sink.send(batch(str(number)))) == [Outcome.DELIVERED]
    assert sorted(one for request in good.requests for one in ids(request)) == ["0", "1", "2", "3"]


def test_nothing_is_refused_while_another_address_may_take_it(tmp_path: Path) -> None:
    """One address says that a document is too large, the other one is busy: it waits."""
    with Loopback(Answer(413, "")) as small, Loopback(Answer(429, "busy")) as busy:
        sink = sink_to(tmp_path, small, busy)
        assert [outcomes(sink.send(batch("a"))) for _ in range(2)] == [[Outcome.RETRY]] * 2


def test_the_address_that_answered_is_named(tmp_path: Path) -> None:
    """Of two addresses only the one that has to be looked at is in the sentence."""
    with Loopback(Answer(401, "")) as one, Loopback(Answer(413, "")) as other:
        (result,) = sink_to(tmp_path, one, other).send(batch("a"))
    assert result.outcome is Outcome.PAUSE
    assert one.url in result.reason
    assert other.url not in result.reason


def test_an_address_that_is_away_is_passed_over(tmp_path: Path) -> None:
    """Nothing listens at one address: the other takes all, and the one that is away isn't asked each time."""
    with Loopback(OK) as gone:
        pass
    with Loopback(OK) as alive:
        sink = sink_to(tmp_path, gone, alive)
        assert all(outcomes(sink.send(batch(str(n)))) == [Outcome.DELIVERED] for n in range(4))
    assert len(alive.requests) == 4


def test_load_is_spread(tmp_path: Path) -> None:
    """Two that are well take turns."""
    with Loopback(OK) as one, Loopback(OK) as two:
        sink = sink_to(tmp_path, one, two)
        for number in range(6):
            sink.send(batch(str(number)))
    assert (len(one.requests), len(two.requests)) == (3, 3)


def test_nobody_answers(tmp_path: Path) -> None:
    """Nothing listens anywhere: the documents stay, and the reason names the addresses."""
    with Loopback(OK) as gone:
        pass
    (result,) = sink_to(tmp_path, gone).send(batch("a"))
    assert (result.outcome, result.status, result.error_type) == (Outcome.RETRY, None, "connection")
    assert gone.url in result.reason


@pytest.mark.parametrize("cut", ["before", "during"])
def test_a_cut_connection_is_tried_again(tmp_path: Path, cut: str) -> None:
    """Whether Logstash has the documents is unknown then; a second copy is absorbed behind it."""
    with Loopback(Answer(200, "ok", cut=cut)) as server:
        (result,) = sink_to(tmp_path, server).send(batch("a"))
    assert (result.outcome, result.status) == (Outcome.RETRY, None)


def test_a_full_queue_is_a_time_out(tmp_path: Path) -> None:
    """A Logstash that holds the answer back is back-pressure, not loss."""
    import threading

    release = threading.Event()
    with Loopback(Answer(200, "ok", wait_for=release)) as server:
        (result,) = sink_to(tmp_path, server, request_timeout_s=0.2).send(batch("a"))
        release.set()
    assert (result.outcome, result.error_type) == (Outcome.RETRY, "timeout")


def test_tls_is_verified(tmp_path: Path) -> None:
    """With the authority's certificate it delivers, without it doesn't, and a missing file pauses with its name."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with Loopback(OK, tls=context) as server:
        assert outcomes(sink_to(tmp_path, server, logstash_ca=ca).send(batch("a"))) == [Outcome.DELIVERED]
        (distrusted,) = sink_to(tmp_path, server).send(batch("a"))
        (missing,) = sink_to(tmp_path, server, logstash_ca=tmp_path / "none.pem").send(batch("a"))
    assert distrusted.outcome is Outcome.RETRY
    assert "self" in distrusted.reason or "certificate" in distrusted.reason
    assert missing.outcome is Outcome.PAUSE
    assert "none.pem" in missing.reason


def test_threads_send_at_once(tmp_path: Path) -> None:
    """Two senders share the sink; each gets its own answers."""
    with Loopback(OK) as server:
        sink = sink_to(tmp_path, server)
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda n: sink.send(batch(str(n))), range(20)))
    assert all(outcomes(one) == [Outcome.DELIVERED] for one in results)
    assert sorted(int(one) for request in server.requests for one in ids(request)) == list(range(20))


def test_without_a_safe_connection_the_setting_is_named(tmp_path: Path) -> None:
    """An unknown authority, a plain port behind https:// and a TLS port behind http:// each say what to do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with Loopback(OK, tls=context) as safe, Loopback(OK) as plain:
        asked = (
            safe.url,
            plain.url.replace("http:", "https:"),
            safe.url.replace("https:", "http:"),
        )
        sinks = [LogstashSink(Settings(home=tmp_path, logstash_url=url)) for url in asked]
        reasons = [sink.send(batch("a"))[0].reason for sink in sinks]
    assert "Set SHIPPER_LOGSTASH_CA" in reasons[0]
    assert "use http:// in SHIPPER_LOGSTASH_URL" in reasons[1]
    assert "SHIPPER_LOGSTASH_URL" in reasons[2]
    assert "ELASTICSEARCH" not in "".join(reasons)


@given(st.lists(st.integers(20, 400), max_size=30), st.integers(1, 1000))
def test_chunks_keep_everything_in_order(sizes: list[int], limit: int) -> None:
    """No document is lost or doubled, no part is empty, and only a single document exceeds the limit."""
    documents = [prepared(str(number), size) for number, size in enumerate(sizes)]
    parts = list(chunks(documents, limit))
    assert [one for part in parts for one in part] == documents
    for part in parts:
        assert part
        assert len(part) == 1 or sum(len(one.body) + 1 for one in part) <= limit


@given(st.integers(100, 599), st.text())
def test_every_status_has_a_meaning(status: int, body: str) -> None:
    """Nothing but Logstash's own word counts as delivered, and nothing but 413 refuses a document."""
    result = meaning(status, body, "http://logs")
    assert (result.outcome is Outcome.DELIVERED) == (200 <= status < 300 and body.strip() == "ok")
    assert (result.outcome is Outcome.REFUSED) == (status == 413)
