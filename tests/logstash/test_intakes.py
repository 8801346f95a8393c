"""Every way in, on the real Logstash: what is taken, what is refused, and what the sender is told."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any

import pytest

import shipper
from shipper.process import pipeline_for
from shipper.sink.base import Outcome, Prepared
from shipper.sink.logstash import LogstashSink
from shipper.store.aliases import missing_aliases
from shipper.store.setup import setup
from tests.logstash.real import PASSWORD, USER, RealLogstash, stored

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.settings import Settings

ANSWER = {
    "id": "chatcmpl-intake",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
SECRET = "the patient's name is Jane"


def record(event_id: str, application: str = "intake", **more: Any) -> dict[str, Any]:
    """A small completion."""
    return {
        "@timestamp": "2025-11-21T07:30:40Z",
        "event": {"dataset": "llm.completion", "id": event_id},
        "service": {"name": application},
        **more,
    }


@pytest.fixture
def to_logstash(logstash: RealLogstash, settings: Settings) -> Settings:
    """Settings that send to the Logstash."""
    return settings.replace(
        logstash_url=logstash.url,
        logstash_username=USER,
        logstash_password=PASSWORD,
        logstash_ca=logstash.ca,
        heartbeat_interval_s=3600,
    )


def ids(es: Elasticsearch, count: int, index: str = "llm-completions-intake@*") -> list[str]:
    """Ids of what is stored, once there is so much of it."""
    return sorted(hit["_id"] for hit in stored(es, count, index))


def letters(es: Elasticsearch, count: int) -> list[dict[str, Any]]:
    """Dead letters, once there are so many."""
    return [hit["_source"] for hit in stored(es, count, "llm-deadletter-*")]


def test_https_wants_the_password(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Over TLS with the password: taken. With another one or without: 401, and nothing of it is stored."""
    assert logstash.post(json.dumps(record("wrong")), tls=True, password="guess")[0] == 401
    assert logstash.post(json.dumps(record("none")), tls=True, headers={"authorization": ""})[0] == 401
    assert logstash.post(json.dumps(record("right")), tls=True) == (200, "ok")
    assert ids(clean_store, 1) == ["right"]


def test_the_https_port_does_not_speak_http(logstash: RealLogstash) -> None:
    """Whoever forgets the s gets no answer, and no password is taken in the clear."""
    with socket.create_connection(("127.0.0.1", logstash.port), 10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        assert not connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_body_may_have_any_form(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """One object, an array over several lines, lines, lines without an end, gzip; with any content type."""
    one = json.dumps(record("object"))
    pretty = json.dumps([record("array-1"), record("array-2")], indent=2)
    several = "\n".join(json.dumps(record(f"lines-{n}")) for n in range(3))
    assert logstash.post(one, "application/x-www-form-urlencoded") == (200, "ok")
    assert logstash.post(pretty, "application/json; charset=utf-8") == (200, "ok")
    assert logstash.post(several, "application/x-ndjson") == (200, "ok")
    assert logstash.post(several.replace("lines", "json"), "application/json") == (200, "ok")
    packed = gzip.compress(json.dumps(record("packed")).encode())
    assert logstash.post(packed, headers={"content-encoding": "gzip"}) == (200, "ok")
    lines = [f"{kind}-{n}" for kind in ("json", "lines") for n in range(3)]
    assert ids(clean_store, 10) == ["array-1", "array-2", *lines, "object", "packed"]


def test_a_body_has_a_bound(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """More than LLM_HTTP_MAX_BYTES is 413, also when it is small on the wire."""
    large = json.dumps(record("large", message="x" * 5_000_000)).encode()
    assert logstash.post(gzip.compress(large), headers={"content-encoding": "gzip"})[0] == 413
    assert logstash.post(json.dumps(record("small"))) == (200, "ok")
    assert ids(clean_store, 1) == ["small"]


def test_the_sink_finds_the_document_that_is_too_large(
    logstash: RealLogstash, clean_store: Elasticsearch, to_logstash: Settings
) -> None:
    """Of a batch everything is delivered but the one document that Logstash never takes."""
    bodies = {"a": 10, "huge": 5_000_000, "b": 10, "c": 2_500_000, "d": 2_500_000}
    batch = [
        Prepared(name, "", json.dumps(record(name, message="x" * size)).encode(), False, None, "", ())
        for name, size in bodies.items()
    ]
    for compression in ("none", "gzip"):
        settings = to_logstash.replace(
            compression=compression, batch_max_bytes=64 * 1024 * 1024, max_event_bytes=8 * 1024 * 1024
        )
        sink = LogstashSink(settings)
        outcomes = {one.id: result.outcome for one, result in zip(batch, sink.send(batch), strict=True)}
        sink.close()
        assert outcomes == {name: Outcome.REFUSED if name == "huge" else Outcome.DELIVERED for name in bodies}
    assert ids(clean_store, 4) == ["a", "b", "c", "d"]


def test_from_the_log_call_to_the_store(
    logstash: RealLogstash, clean_store: Elasticsearch, to_logstash: Settings
) -> None:
    """What an application logs arrives through Logstash; the ledger balances, and feedback takes the same road."""
    app = shipper.Application("road", version="2.0", settings=to_logstash)
    logged = app.log_completion(
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}, ANSWER
    )
    shipper.send_feedback(logged.event_id, value=True, application=app)
    assert pipeline_for(to_logstash).flush(30)
    balance = pipeline_for(to_logstash).balance()
    assert (balance.accepted, balance.delivered, balance.difference) == (2, 2, 0)
    assert ids(clean_store, 1, "llm-completions-road@2.0-*") == [logged.event_id]
    assert len(ids(clean_store, 1, "llm-feedback-road@*")) == 1
    (hit,) = stored(clean_store, 1, "llm-completions-road@*")
    assert hit["_source"]["llm"]["output"]["text"] == "Hello."
    assert hit["_source"]["llm"]["cost"]["status"] == "priced"


def test_aliases_are_setups_to_add(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Logstash makes indices, and can't give them aliases; `shipper setup` adds what is missing."""
    assert logstash.post(json.dumps(record("alias"))) == (200, "ok")
    ids(clean_store, 1)
    index = "llm-completions-intake@unversioned-2025.11"
    wanted = [(index, "llm-completions-intake"), (index, "llm-completions-intake@unversioned")]
    assert [one for one in missing_aliases(clean_store) if one[0] == index] == wanted
    setup(clean_store)
    assert missing_aliases(clean_store) == []


def test_files(logstash: RealLogstash, clean_store: Elasticsearch, settings: Settings) -> None:
    """Lines that CompletionFormatter wrote are the handler's documents; ordinary log lines are dead letters."""
    stream = logstash.files / "app.log"
    handler = logging.FileHandler(stream, encoding="utf-8")
    handler.setFormatter(shipper.CompletionFormatter("intake", version="7", settings=settings))
    logger = logging.getLogger("test.files")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        call = {"request": {"model": "gpt-4o-mini"}, "response": ANSWER, "event_id": "by-file"}
        logger.info("answered", extra={"completion": call})
        logger.info("an ordinary line")
    finally:
        logger.removeHandler(handler)
        handler.close()
    line, ordinary = stream.read_text("utf-8").splitlines()
    assert ids(clean_store, 1, "llm-completions-intake@7-*") == ["by-file"]
    (hit,) = stored(clean_store, 1, "llm-completions-intake@7-*")
    document, written = hit["_source"], json.loads(line)
    assert document["event"].pop("ingested")
    assert document["llm"].pop("ship")["lag_ms"] >= 0
    assert {**document, "@timestamp": 0} == {**written, "@timestamp": 0}
    (letter,) = letters(clean_store, 1)
    assert letter["event"]["original"] == ordinary
    assert letter["llm"]["deadletter"]["reason"] == "not_an_llm_event"


def test_beats(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Lines that Filebeat read arrive once it is told so; without a certificate of ours nobody gets in."""
    line = json.dumps(record("by-beats"))
    event = json.dumps(
        {"@timestamp": "2026-01-01T00:00:00.000Z", "message": line, "host": {"name": "x"}}
    ).encode()
    frame = b"2W" + struct.pack(">I", 1) + b"2J" + struct.pack(">II", 1, len(event)) + event
    with tls_client(logstash, logstash.beats_port) as connection:
        connection.sendall(frame)
        assert connection.recv(6) == b"2A" + struct.pack(">I", 1)
    assert ids(clean_store, 1) == ["by-beats"]
    with (
        pytest.raises((OSError, ssl.SSLError)),
        tls_client(logstash, logstash.beats_port, known=False) as stranger,
    ):
        stranger.sendall(frame)
        assert stranger.recv(6) == b"", "TLS 1.3 refuses the client after its side of the handshake"
        raise ConnectionResetError


def test_tcp(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Lines over TCP: a client's @metadata stays outside, what can't be read is kept, too deep or large a value harms nobody."""
    hostile = record("by-tcp", tags="x") | {"@metadata": {"index": "elsewhere", "value": 1}}
    deep = '{"x":' + "[" * 900 + "1e400" + "]" * 900 + "}"
    large = json.dumps(record("large")).replace("}", ', "x": 1e400}', 1)
    with tls_client(logstash, logstash.tcp_port) as connection:
        connection.sendall(f"{json.dumps(hostile)}\n{{oops\n{deep}\n{large}\n".encode())
        assert ids(clean_store, 2) == ["by-tcp", "large"]
        reasons = [one["llm"]["deadletter"]["reason"] for one in letters(clean_store, 2)]
    assert reasons == ["malformed_json", "malformed_json"]


def test_nothing_of_a_refused_event_is_logged(logstash: RealLogstash, clean_store: Elasticsearch) -> None:
    """Logstash's own log names what it could not store, without the prompt; the dead letter has it."""
    refused = record("secret", labels=SECRET)
    assert logstash.post(json.dumps(refused)) == (200, "ok")
    with tls_client(logstash, logstash.tcp_port) as connection:
        connection.sendall(f"{{{SECRET}\n".encode())
        kept = letters(clean_store, 2)
    assert all(SECRET in one["event"]["original"] for one in kept)
    assert "could not be indexed" in logstash.output()
    assert SECRET not in logstash.output()


def tls_client(logstash: RealLogstash, port: int, *, known: bool = True) -> ssl.SSLSocket:
    """A TLS connection, with a certificate of the authority or without one."""
    context = ssl.create_default_context(cafile=logstash.ca)
    if known:
        context.load_cert_chain(logstash.folder / "client.crt", logstash.folder / "client.key")
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 30), server_hostname="localhost")
