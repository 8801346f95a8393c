"""Connecting and checking: what is sent, which clusters are accepted, and what is said about the others."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from shipper.errors import (
    NotElasticsearch,
    SettingsError,
    StoreError,
    StoreTooOld,
    StoreUnauthorised,
    StoreUnreachable,
)
from shipper.read.delivery import read_store_books
from shipper.settings import Settings
from shipper.store.client import StoreInfo, check, connect, open_store
from tests.loopback import PRODUCT, Answer, Loopback, elasticsearch, error, ok

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.loopback import Request


def settings_for(server: Loopback, home: Path, **options: object) -> Settings:
    """Settings that point at a loopback server."""
    return Settings(home=home, elasticsearch_url=server.url, request_timeout_s=5, **options)


def refusal(server: Loopback, home: Path, **options: object) -> StoreError:
    """What `check` says about this server."""
    with connect(settings_for(server, home, **options)) as client, pytest.raises(StoreError) as caught:
        check(client)
    return caught.value


@pytest.mark.parametrize("version", ["8.19.0", "8.19.12", "9.0.0", "9.5.3", "9.6.0-SNAPSHOT", "10.1.0"])
def test_supported_versions(version: str, tmp_path: Path) -> None:
    """8.19 and everything newer is accepted, with its name and identity."""
    with Loopback(elasticsearch(version)) as server, connect(settings_for(server, tmp_path)) as client:
        assert check(client) == StoreInfo(version, "loopback", "u", is_embedded=False)


@pytest.mark.parametrize("version", ["8.18.9", "8.0.0", "7.17.28"])
def test_too_old_versions(version: str, tmp_path: Path) -> None:
    """An older cluster is refused with its version and what is needed."""
    with Loopback(elasticsearch(version)) as server:
        said = refusal(server, tmp_path)
    assert isinstance(said, StoreTooOld)
    assert version in str(said)
    assert "8.19" in str(said)


def test_cluster_that_speaks_neither_version(tmp_path: Path) -> None:
    """A cluster that refuses both media types is too old, whatever its version is."""
    with Loopback(error(400, "media_type_header_exception")) as server:
        assert isinstance(refusal(server, tmp_path), StoreTooOld)
    assert [one.headers["accept"].rpartition("=")[2] for one in server.requests] == ["9", "8"]


def test_version_8_is_negotiated_once(tmp_path: Path) -> None:
    """After the first refusal every call of the client uses the older media type."""
    with Loopback(elasticsearch("8.19.1")) as server, connect(settings_for(server, tmp_path)) as client:
        check(client)
        client.indices.get_alias(index="x")
        client.options(request_timeout=3).search(index="x", query={"match_all": {}})
    spoken = [one.headers["accept"].rpartition("=")[2] for one in server.requests]
    assert spoken == ["9", "8", "8", "8"]
    assert server.requests[-1].headers["content-type"].endswith("compatible-with=8")


def test_embedded_node_is_recognised(tmp_path: Path) -> None:
    """A node without the root endpoint is asked for its version another way."""

    def answer(request: Request) -> Answer:
        if request.path == "/":
            return Answer(405, {"error": "Incorrect HTTP method for uri [/]", "status": 405}, PRODUCT)
        if request.path == "/_nodes/_local":
            return ok({"cluster_name": "small", "nodes": {"x": {"version": "9.5.3"}}})
        return ok({"metadata": {"cluster_uuid": "abc"}})

    with Loopback(answer) as server, connect(settings_for(server, tmp_path)) as client:
        assert check(client) == StoreInfo("9.5.3", "small", "abc", is_embedded=True)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "<html>Kibana</html>"),
        Answer(200, {"version": {"number": "2.11.0", "distribution": "opensearch"}}),
        Answer(200, b"\x00\x01", {"content-type": "image/png"}),
        Answer(200, b"{half", {"content-type": "application/json"}),
        Answer(404, "<html>not found</html>"),
        Answer(405, "<html>not allowed</html>"),
        Answer(400, "The plain HTTP request was sent to HTTPS port"),
        ok({"tagline": "no version"}),
    ],
)
def test_what_is_not_elasticsearch(answer: Answer, tmp_path: Path) -> None:
    """Web pages, other products and broken JSON are told apart from a store."""
    with Loopback(answer) as server:
        said = refusal(server, tmp_path)
    assert isinstance(said, NotElasticsearch)
    assert server.url in str(said)


@pytest.mark.parametrize(("status", "hint"), [(401, "SHIPPER_ELASTICSEARCH_API_KEY"), (403, "more rights")])
def test_wrong_key(status: int, hint: str, tmp_path: Path) -> None:
    """A key that is wrong or too weak is told so, and is not shown."""
    with Loopback(
        error(status, "security_exception", "action [cluster:monitor/main] is unauthorized")
    ) as server:
        said = refusal(server, tmp_path, elasticsearch_api_key="id:s3cret")
    assert isinstance(said, StoreUnauthorised)
    assert hint in str(said)
    assert "s3cret" not in str(said)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_proxy_without_a_store(status: int, tmp_path: Path) -> None:
    """A proxy whose backend is away counts as unreachable."""
    with Loopback(Answer(status, "<html>Bad Gateway</html>")) as server:
        assert isinstance(refusal(server, tmp_path), StoreUnreachable)


def test_other_refusals_carry_type_and_reason(tmp_path: Path) -> None:
    """Any other error of Elasticsearch is passed on in its words."""
    with Loopback(error(500, "some_exception", "it broke")) as server:
        said = refusal(server, tmp_path)
    assert "some_exception: it broke" in str(said)


def test_nothing_configured(tmp_path: Path) -> None:
    """Without an address and without an embedded node the sentence names both ways out."""
    with pytest.raises(StoreUnreachable, match=r"shipper up.*SHIPPER_ELASTICSEARCH_URL"):
        connect(Settings(home=tmp_path))


def test_connection_refused(tmp_path: Path) -> None:
    """A closed port is told as such, without the client's object addresses."""
    with Loopback(Answer()) as server:
        pass
    said = refusal(server, tmp_path)
    assert isinstance(said, StoreUnreachable)
    assert "connection refused" in str(said)
    assert "0x" not in str(said)


def test_unknown_host(tmp_path: Path) -> None:
    """A host name that does not exist is told as such."""
    settings = Settings(
        home=tmp_path, elasticsearch_url="http://no-such-host.invalid:9200", request_timeout_s=5
    )
    with connect(settings) as client, pytest.raises(StoreUnreachable, match="can't be resolved"):
        check(client)


def test_time_out(tmp_path: Path) -> None:
    """A store that does not answer in time is told as such, with the setting that decides."""
    release = threading.Event()
    with Loopback(Answer(wait_for=release)) as server:
        settings = Settings(home=tmp_path, elasticsearch_url=server.url, request_timeout_s=0.2)
        with connect(settings) as client, pytest.raises(StoreUnreachable, match="SHIPPER_REQUEST_TIMEOUT_S"):
            check(client)
        release.set()


def test_port_that_speaks_no_http(tmp_path: Path) -> None:
    """Another protocol's port is suspected to be one."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"ES\x00\x00\x00nope\r\n\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    settings = Settings(home=tmp_path, elasticsearch_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    with connect(settings) as client, pytest.raises(StoreUnreachable, match="does not speak HTTP"):
        check(client)
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that no machine knows."""
    return trustme.CA()


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[Loopback]:
    """A cluster behind TLS, with a certificate of that authority for `localhost`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with Loopback(elasticsearch(), tls=context) as server:
        yield server


def test_tls_with_the_right_authority(secured: Loopback, authority: trustme.CA, tmp_path: Path) -> None:
    """With the authority's certificate the connection is safe and works."""
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    with connect(settings_for(secured, tmp_path, elasticsearch_ca=pem)) as client:
        assert check(client).version == "9.5.3"


def test_tls_with_an_unknown_authority(secured: Loopback, tmp_path: Path) -> None:
    """Without it nothing is sent, and the setting to use is named."""
    said = refusal(secured, tmp_path, elasticsearch_api_key="id:s3cret")
    assert isinstance(said, StoreUnreachable)
    assert "SHIPPER_ELASTICSEARCH_CA" in str(said)
    assert secured.requests == []


def test_tls_with_another_host_name(secured: Loopback, authority: trustme.CA, tmp_path: Path) -> None:
    """A certificate for another name is refused, and the name is what to change."""
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    settings = Settings(
        home=tmp_path, elasticsearch_url=secured.url.replace("localhost", "127.0.0.1"), elasticsearch_ca=pem
    )
    with connect(settings) as client, pytest.raises(StoreUnreachable, match="host name"):
        check(client)


def test_https_address_of_a_plain_server(tmp_path: Path) -> None:
    """TLS to a plain port says to use http."""
    with Loopback(elasticsearch()) as server:
        settings = Settings(home=tmp_path, elasticsearch_url=server.url.replace("http:", "https:"))
        with connect(settings) as client, pytest.raises(StoreUnreachable, match="use http://"):
            check(client)


def test_http_address_of_a_secured_server(secured: Loopback, tmp_path: Path) -> None:
    """Plain HTTP to a TLS port says to use https."""
    settings = Settings(home=tmp_path, elasticsearch_url=secured.url.replace("https:", "http:"))
    with connect(settings) as client, pytest.raises(StoreUnreachable, match="https://"):
        check(client)


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_unusable_ca_file(content: str | None, tmp_path: Path) -> None:
    """A missing or wrong certificate file is a fault of the settings, found before anything is sent."""
    pem = tmp_path / "ca.pem"
    if content is not None:
        pem.write_text(content)
    settings = Settings(home=tmp_path, elasticsearch_url="https://localhost:1", elasticsearch_ca=pem)
    with pytest.raises(SettingsError, match=r"elasticsearch_ca.*ca\.pem"):
        connect(settings)


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"elasticsearch_api_key": "id:key"}, "ApiKey aWQ6a2V5"),
        ({"elasticsearch_api_key": "aWQ6a2V5"}, "ApiKey aWQ6a2V5"),
        ({"elasticsearch_username": "ä", "elasticsearch_password": "b:c"}, "Basic w6Q6Yjpj"),
    ],
)
def test_credentials(options: dict[str, str], header: str, tmp_path: Path) -> None:
    """A key in either form, or user and password, become the header of every request."""
    with Loopback(elasticsearch()) as server, connect(settings_for(server, tmp_path, **options)) as client:
        client.info()
        client.transport.perform_request("GET", "/", headers={"accept": "application/json"})
        shown = repr(client.transport.node_pool.all())
    assert [one.headers.get("authorization") for one in server.requests] == [header] * 2
    assert header.partition(" ")[2] not in shown


def test_requests_say_who_asks(tmp_path: Path) -> None:
    """The user agent names this library, and Elasticsearch's own client statistics are kept."""
    with Loopback(elasticsearch()) as server, connect(settings_for(server, tmp_path)) as client:
        client.info()
    headers = server.requests[0].headers
    assert headers["user-agent"].startswith("llm-shipper/")
    assert "elasticsearch-py/" in headers["user-agent"]
    assert headers["x-elastic-client-meta"].startswith("es=")


def test_addresses_replace_the_configured_ones(tmp_path: Path) -> None:
    """An address given to `connect` wins over the settings."""
    with Loopback(elasticsearch()) as server:
        settings = Settings(home=tmp_path, elasticsearch_url="http://127.0.0.1:1")
        with connect(settings, server.url) as client:
            assert check(client).version == "9.5.3"


def test_address_with_a_path(tmp_path: Path) -> None:
    """A cluster behind a path prefix is asked under it."""
    with Loopback(elasticsearch()) as server:
        settings = Settings(home=tmp_path, elasticsearch_url=server.url + "/es/")
        with connect(settings) as client:
            client.indices.get_alias(index="x")
    assert server.requests[0].path == "/es/x/_alias"


def test_open_store_tells_failures_in_sentences(tmp_path: Path) -> None:
    """What the client raises inside the block comes out as one of our errors."""
    with (
        Loopback(error(403, "security_exception", "no")) as server,
        pytest.raises(StoreUnauthorised),
        open_store(settings_for(server, tmp_path)) as client,
    ):
        client.indices.get_alias(index="x")


FAILURE = {"index": "llm-x", "reason": {"type": "no_shard_available_action_exception", "reason": None}}
PART = {
    "_shards": {"total": 7, "failed": 2, "failures": [FAILURE]},
    "hits": {"hits": [], "total": {"value": 3}},
}


@pytest.mark.parametrize(
    "body", [PART, {"count": 3, "_shards": PART["_shards"]}, {"responses": [PART, PART]}]
)
def test_answers_of_a_part_of_the_store_are_told(
    body: dict[str, object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What the store can't reach is missing in lists, counts and figures: it is said, once."""
    with Loopback(ok(body)) as server, connect(settings_for(server, tmp_path)) as client:
        client.search(index="llm-*")
    (said,) = [one.getMessage() for one in caplog.records]
    assert said.startswith(
        "2 of 7 shards did not answer, so something may be missing: llm-x: it is not ready."
    )


def test_an_index_that_is_being_made(tmp_path: Path) -> None:
    """A search that no shard can answer yet is a sentence that says to try again."""
    refused = error(503, "search_phase_execution_exception", "all shards failed")
    with Loopback(refused) as server, pytest.raises(StoreError, match=r"all shards failed.*try again"):  # noqa: SIM117
        with open_store(settings_for(server, tmp_path)) as client:
            client.search(index="llm-*")


def test_documents_that_can_not_be_counted_are_not_none(tmp_path: Path) -> None:
    """A refused count is told, and is not taken for zero."""
    whole = {"_shards": {"total": 1, "failed": 0}, "hits": {"hits": [], "total": {"value": 3}}}
    refused = {"error": {"type": "security_exception", "reason": "not allowed"}, "status": 403}
    with (
        Loopback(ok({"responses": [whole, refused, whole]})) as server,
        connect(settings_for(server, tmp_path)) as client,
        pytest.raises(StoreError, match="not allowed"),
    ):
        read_store_books(client)
