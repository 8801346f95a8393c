"""The stack's certificates: trusted by our client, renewed in time, replaced without a stop."""

from __future__ import annotations

import ssl
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from shipper.settings import Settings
from shipper.stack.certificates import SERVICES, ensure_certificates
from shipper.store.client import check, connect
from tests.loopback import Answer, Loopback, elasticsearch

NOW = datetime.now(UTC)


def server(folder: Path, service: str = "elasticsearch") -> ssl.SSLContext:
    """What a service makes of its files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / service / "tls.crt", folder / service / "tls.key")
    return context


def certificate(folder: Path, service: str) -> x509.Certificate:
    """A service's certificate."""
    return x509.load_pem_x509_certificate((folder / service / "tls.crt").read_bytes())


def version_through_tls(presented: Path, trusted: Path) -> str:
    """Ask a server that presents a certificate of one folder, with the trust of another."""
    with Loopback(elasticsearch(), tls=server(presented)) as store:
        settings = Settings(
            elasticsearch_url=(store.url,), elasticsearch_ca=trusted / "trust" / "ca.crt", request_timeout_s=5
        )
        with connect(settings) as client:
            return check(client).version


def test_our_client_trusts_them_and_nobody_elses(tmp_path: Path) -> None:
    """A handshake with the stack's authority works; with another one it does not."""
    ensure_certificates(tmp_path / "a", NOW)
    ensure_certificates(tmp_path / "b", NOW)
    assert version_through_tls(tmp_path / "a", tmp_path / "a") == "9.5.3"
    with pytest.raises(Exception, match=r"self-signed|unable to get|certificate"):
        version_through_tls(tmp_path / "a", tmp_path / "b")


def test_keys_are_for_their_owner_and_stay_apart(tmp_path: Path) -> None:
    """No service's folder holds another's key or the authority's, and no key can be read by others."""
    ensure_certificates(tmp_path, NOW)
    assert sorted(path.name for path in (tmp_path / "trust").iterdir()) == ["ca.crt"]
    for key in [*tmp_path.rglob("*.key"), *tmp_path.rglob("keystore.pem")]:
        assert key.stat().st_mode & 0o777 == 0o600, key
    for service in SERVICES:
        expected = {"ca.crt", "tls.crt", "tls.key"} | ({"keystore.pem"} if service == "kafka" else set())
        assert {path.name for path in (tmp_path / service).iterdir()} == expected
    assert not list(tmp_path.rglob("*.new"))


def test_a_second_run_makes_nothing(tmp_path: Path) -> None:
    """What is right stays, byte for byte."""
    assert ensure_certificates(tmp_path, NOW) == ["ca", *SERVICES]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert ensure_certificates(tmp_path, NOW + timedelta(days=300)) == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_they_are_renewed_before_they_expire(tmp_path: Path) -> None:
    """45 days before the end a run makes new ones; a damaged pair and a new name do so at once."""
    ensure_certificates(tmp_path, NOW)
    assert ensure_certificates(tmp_path, NOW + timedelta(days=360)) == list(SERVICES)
    (tmp_path / "kibana" / "tls.key").unlink()
    assert ensure_certificates(tmp_path, NOW + timedelta(days=360)) == ["kibana"]
    more = ["logs.example.org", "192.0.2.7"]
    assert ensure_certificates(tmp_path, NOW, more_hosts=more) == list(SERVICES)
    names = certificate(tmp_path, "logstash").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert {"logs.example.org", "logstash", "balancer", "localhost"} <= set(
        names.value.get_values_for_type(x509.DNSName)
    )
    assert "192.0.2.7" in map(str, names.value.get_values_for_type(x509.IPAddress))


def test_a_new_authority_comes_in_without_a_stop(tmp_path: Path) -> None:
    """At each of the two steps a client with the present `ca.crt` reaches a server with any file of before."""
    old, new = tmp_path / "old", tmp_path / "new"
    ensure_certificates(old, NOW)
    for path in old.rglob("*"):
        if path.is_file():
            (new / path.relative_to(old)).parent.mkdir(parents=True, exist_ok=True)
            (new / path.relative_to(old)).write_bytes(path.read_bytes())
    assert ensure_certificates(new, NOW, new_authority=True) == ["ca"]
    assert version_through_tls(old, new) == "9.5.3"  # the server still has its old certificate
    assert version_through_tls(new, old) == "9.5.3"  # so has the one whose client was not told yet
    assert ensure_certificates(new, NOW, renew=True) == list(SERVICES)
    assert version_through_tls(new, new) == "9.5.3"
    assert version_through_tls(old, new) == "9.5.3"  # a server that was not restarted yet
    with pytest.raises(Exception, match="certificate"):
        version_through_tls(new, old)


def test_an_expired_authority_is_no_longer_trusted(tmp_path: Path) -> None:
    """Ten years on there is a new authority, and the old one is gone from `ca.crt`."""
    ensure_certificates(tmp_path, NOW)
    assert ensure_certificates(tmp_path, NOW + timedelta(days=3700)) == ["ca", *SERVICES]
    assert (tmp_path / "trust" / "ca.crt").read_text("ascii").count("BEGIN") == 1


def test_a_sender_gets_a_certificate_that_logstash_can_demand(tmp_path: Path) -> None:
    """Beats and TCP have no passwords: a server that demands a certificate of the authority accepts the sender's."""
    made = ensure_certificates(tmp_path, NOW, clients=["web1.example.org"])
    assert made == ["ca", *SERVICES, "clients/web1.example.org"]
    demanding = server(tmp_path, "logstash")
    demanding.load_verify_locations(tmp_path / "logstash" / "ca.crt")
    demanding.verify_mode = ssl.CERT_REQUIRED
    sender = tmp_path / "clients" / "web1.example.org"
    context = ssl.create_default_context(cafile=sender / "ca.crt")
    context.load_cert_chain(sender / "tls.crt", sender / "tls.key")
    with Loopback(Answer(200, {"ok": True}), tls=demanding) as logstash:
        with urllib.request.urlopen(logstash.url, timeout=10, context=context) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match=r"certificate required|CERTIFICATE_REQUIRED|reset|EOF"):
            urllib.request.urlopen(
                logstash.url, timeout=10, context=ssl.create_default_context(cafile=sender / "ca.crt")
            )
