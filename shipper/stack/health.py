"""What `shipper doctor --stack` adds: shards and fields by arithmetic, Elasticsearch's and Logstash's own reports."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from elastic_transport import TransportError
from elasticsearch import ApiError

from shipper.read.checks import Check
from shipper.stack import judge
from shipper.store.explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from elasticsearch import Elasticsearch

_TIMEOUT_S = 10.0


def examine_stack(
    client: Elasticsearch,
    *,
    logstash_api: Sequence[str] = (),
    tls: Sequence[str] = (),
    ca: Path | None = None,
) -> Iterator[Check]:
    """All of the above. Never raises: what can't be asked is a check that says so.

    Args:
        client: of a full cluster.
        logstash_api: addresses of Logstash's own API, such as http://localhost:9600.
        tls: addresses (https) whose certificates are looked at.
        ca: who signed these.
    """
    for name, look in _LOOKS.items():
        try:
            yield from look(client)
        except ApiError as error:
            missing = error.status_code in (400, 403, 404, 405)
            why = "this key or this store does not tell" if missing else str(explain(error, []))
            yield Check(name, "skip" if missing else "fail", why)
        except TransportError as error:
            yield Check(name, "fail", str(explain(error, [])))
    for address in logstash_api:
        yield from _logstash(address.rstrip("/"))
    for address in tls:
        yield _certificate(address, ca)


def _sizes(client: Elasticsearch) -> Iterator[Check]:
    stats = client.indices.stats(index="llm-*", metric="store", expand_wildcards="all")
    indices: dict[str, Any] = stats.body.get("indices", {})
    yield judge.judge_sizes(
        {name: one["primaries"]["store"]["size_in_bytes"] for name, one in sorted(indices.items())},
        datetime.now(UTC),
    )
    yield judge.judge_version_growth(sorted(indices))


def _heap(client: Elasticsearch) -> Iterator[Check]:
    nodes = client.nodes.stats(
        metric="jvm", filter_path=["nodes.*.roles", "nodes.*.jvm.mem.heap_max_in_bytes"]
    )
    heap = sum(
        node["jvm"]["mem"]["heap_max_in_bytes"]
        for node in nodes["nodes"].values()
        if any(role.startswith("data") for role in node.get("roles", ["data"]))
    )
    yield judge.judge_heap(client.cluster.health()["active_shards"], heap)


def _fields(client: Elasticsearch) -> Iterator[Check]:
    mappings = client.indices.get_mapping(index="llm-*", expand_wildcards="all")
    settings = client.indices.get_settings(
        index="llm-*", name="index.mapping.total_fields.limit", flat_settings=True, expand_wildcards="all"
    )
    limits = {
        index: int(next(iter(one["settings"].values()))) for index, one in settings.items() if one["settings"]
    }
    yield judge.judge_fields(
        {index: judge.count_fields(one["mappings"]) for index, one in mappings.items()}, limits
    )


def _report(client: Elasticsearch) -> Iterator[Check]:
    yield from judge.judge_report(client.health_report(verbose=True).body)


_LOOKS: dict[str, Callable[[Any], Iterator[Check]]] = {
    "sizes": _sizes,
    "shard heap": _heap,
    "fields": _fields,
    "es report": _report,
}


def _logstash(address: str) -> Iterator[Check]:
    try:
        report, stats = (_json(f"{address}{path}") for path in ("/_health_report", "/_node/stats/pipelines"))
    except (OSError, HTTPException, ValueError) as error:
        yield Check(
            "logstash",
            "fail",
            f"no answer from {address}: {getattr(error, 'reason', error)}",
            "Is it running?",
        )
        return
    yield from judge.judge_logstash(report, stats)


def _json(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the operator's own address
        loaded = json.load(answer)
    if not isinstance(loaded, dict):
        raise ValueError("the answer is not Logstash's")
    return loaded


def _certificate(address: str, ca: Path | None) -> Check:
    parts = urlsplit(address)
    host, port = parts.hostname or "localhost", parts.port or 443
    name = f"{host}:{port}"
    try:
        context = ssl.create_default_context(cafile=ca)
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            presented = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Check(
            f"{name} tls", "fail", error.verify_message, "Is SHIPPER_ELASTICSEARCH_CA the present ca.crt?"
        )
    except OSError as error:
        return Check(f"{name} tls", "fail", str(error), "Is it running?")
    ends = ssl.cert_time_to_seconds(str(presented["notAfter"]))
    return judge.judge_certificate(name, (ends - datetime.now(UTC).timestamp()) / 86_400)
