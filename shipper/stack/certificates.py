"""The stack's own certificate authority, and a certificate for each of its services.

One folder a service, so that each gets only its own key: `<service>/{tls.key,tls.crt,ca.crt}`. The authority's key
stays in `ca/`, and `trust/` holds the certificate that clients need. What is right stays as it is.

A new authority is brought in without a stop in two steps: first it is made and trusted beside the old one, then, when
everybody has the new `ca.crt`, the services' certificates are made anew with it.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "::1")
SERVICES: dict[str, tuple[str, ...]] = {
    "elasticsearch": ("elasticsearch", "es01", "es02", "es03"),
    "logstash": ("logstash", "logstash01", "logstash02", "balancer"),
    "kibana": ("kibana",),
    "kafka": ("kafka",),
}
"""The services and their names in the compose network."""

_AUTHORITY_LIFE = timedelta(days=3650)
_SERVICE_LIFE = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=45)
_BACKDATED = timedelta(hours=1)  # clocks differ a little


@dataclass(frozen=True, slots=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def ensure_certificates(
    folder: Path,
    now: datetime,
    *,
    more_hosts: Sequence[str] = (),
    clients: Sequence[str] = (),
    renew: bool = False,
    new_authority: bool = False,
) -> list[str]:
    """Make what is missing, expires within 45 days, or lacks a name.

    Args:
        folder: where the services' folders are, or are made.
        now: the time, with its zone.
        more_hosts: further names and addresses by which the services are reached.
        clients: names of senders by Beats or TCP, which have to show a certificate; made in `clients/<name>/`.
        renew: make every service's certificate anew.
        new_authority: make a new authority and trust it beside the old one; services' certificates stay.

    Returns:
        Names of what was made: `ca`, a service, or `clients/<name>`.

    Raises:
        OSError: the folder can't be written.
        ValueError: a file in it is no key or certificate.
    """
    made: list[str] = []
    authority, old = _authority(folder / "ca", now, anew=new_authority, made=made)
    trusted = [authority.certificate, *old]
    wanted = {service: (*names, *LOCAL, *more_hosts) for service, names in SERVICES.items()}
    wanted |= {f"clients/{name}": (name,) for name in clients}
    for service, hosts in wanted.items():
        home = folder / service
        if renew or not _is_good(home / "tls.crt", trusted, hosts, now):
            _issue(home, authority, service, hosts, now)
            made.append(service)
    for name in (*wanted, "trust"):
        _write(folder / name / "ca.crt", b"".join(map(_pem, trusted)), 0o644)
    return made


def _authority(
    home: Path, now: datetime, *, anew: bool, made: list[str]
) -> tuple[_Authority, list[x509.Certificate]]:
    """The authority that signs, and older ones that are still trusted."""
    stored = _certificates(home / "ca.crt")
    valid = [one for one in stored if one.not_valid_after_utc > now]
    if valid and not anew and valid[0].not_valid_after_utc - now > _RENEW_BEFORE:
        return _Authority(_key(home / "ca.key"), valid[0]), valid[1:]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"llm-shipper stack {now:%Y-%m-%d %H:%M:%S}")])
    certificate = (
        _builder(name, name, key, now, _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(home / "ca.key", _key_pem(key), 0o600)
    _write(home / "ca.crt", b"".join(map(_pem, [certificate, *valid])), 0o644)
    made.append("ca")
    return _Authority(key, certificate), valid


def _issue(home: Path, authority: _Authority, service: str, hosts: Sequence[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, service.rpartition("/")[2])])
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(name, authority.certificate.subject, key, now, _SERVICE_LIFE)
        .add_extension(
            x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys(hosts)]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    _write(home / "tls.key", _key_pem(key), 0o600)
    _write(home / "tls.crt", _pem(certificate), 0o644)
    if service == "kafka":  # Kafka wants both in one file
        _write(home / "keystore.pem", _key_pem(key) + _pem(certificate), 0o600)


def _is_good(path: Path, trusted: Iterable[x509.Certificate], hosts: Iterable[str], now: datetime) -> bool:
    found = _certificates(path)
    if not found or not path.with_name("tls.key").exists():
        return False
    certificate = found[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.not_valid_after_utc - now > _RENEW_BEFORE
        and set(names) >= {_host(host) for host in hosts}
        and any(_is_signed_by(certificate, one) for one in trusted)
    )


def _is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return True


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes()) if path.exists() else []
    except ValueError:
        raise ValueError(f"{path} is no certificate. Without it a new one is made: remove it.") from None


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes() if path.exists() else b"", None)
    except ValueError:
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is no key of this program's. --new-authority makes another authority.")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Through a temporary name, so that a service which watches the file never reads half of it."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    temporary.replace(path)
