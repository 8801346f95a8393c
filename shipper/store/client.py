"""From settings to a client of the store, and the question whether what answers there is one we can use."""

from __future__ import annotations

import base64
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elastic_transport import NodeConfig, TransportError
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import ApiError, Elasticsearch, OrjsonSerializer

from shipper.embedded import find_node
from shipper.errors import NotElasticsearch, SettingsError, StoreTooOld, StoreUnreachable
from shipper.store.explain import explain
from shipper.store.transport import QuietNode, RawNdjson, StoreTransport

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from shipper.settings import Settings

OLDEST_VERSION = (8, 19)

_NO_STORE = (
    "No store is configured and no embedded one is running. Start one with `shipper up`, or set "
    "SHIPPER_ELASTICSEARCH_URL to the address of an Elasticsearch 8.19 or newer."
)
_NO_SUCH_METHOD = 405  # what the embedded node answers to `GET /`: that part is not in it


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Who answers at the store's address."""

    version: str
    """Elasticsearch's version, such as 9.5.3."""
    cluster_name: str
    cluster_uuid: str
    """Identity of the cluster; empty if the store does not tell."""
    is_embedded: bool
    """Whether it is the small node that `shipper up` starts: no security, no lifecycle management."""


def addresses(settings: Settings) -> tuple[str, ...]:
    """Where the store is: the configured addresses, else the running embedded node's, else nothing.

    Two small file reads at most, no network; never raises.
    """
    if settings.elasticsearch_url:
        return settings.elasticsearch_url
    node = find_node(settings.home)
    return (node.url,) if node is not None else ()


def connect(settings: Settings, url: str | Sequence[str] | None = None) -> Elasticsearch:
    """A client of the store; sends nothing yet.

    Args:
        settings: address, credentials, certificate and time-out.
        url: address or addresses that replace the configured ones. None: the configured ones, else the embedded
            node's.

    Raises:
        StoreUnreachable: nothing is configured and no embedded node runs.
        SettingsError: the CA certificate can't be read.
    """
    urls = (url,) if isinstance(url, str) else tuple(url or addresses(settings))
    if not urls:
        raise StoreUnreachable(_NO_STORE)
    check_ca("elasticsearch_ca", settings.elasticsearch_ca)
    return Elasticsearch(
        [_node_config(settings, one) for one in dict.fromkeys(urls)],
        transport_class=StoreTransport,
        node_class=QuietNode,
        serializers={"application/json": OrjsonSerializer(), "application/x-ndjson": RawNdjson()},
    )


@contextmanager
def open_store(settings: Settings) -> Generator[Elasticsearch]:
    """A client for the length of a `with` block, in which failures are told in sentences.

    Raises:
        SettingsError: as `connect`.
        StoreError: what the store or the network answered to the calls inside the block, and what to do.
    """
    client = connect(settings)
    try:
        yield client
    except (ApiError, TransportError) as error:
        raise explain(error, addresses(settings)) from error
    finally:
        client.close()


def check(client: Elasticsearch) -> StoreInfo:
    """Who answers, after making sure that it is an Elasticsearch we can use.

    Raises:
        StoreTooOld: Elasticsearch before 8.19.
        NotElasticsearch: something else answers.
        StoreUnauthorised: the credentials are missing, wrong or may not ask for the version.
        StoreUnreachable: nothing answers.
        StoreError: any other refusal.
    """
    where = tuple(node.base_url for node in client.transport.node_pool.all())
    try:
        answer: dict[str, Any] = client.info().body
        embedded = False
    except ApiError as error:
        if error.status_code != _NO_SUCH_METHOD:
            raise explain(error, where) from error
        answer = _ask_embedded(client, where)
        embedded = True
    except TransportError as error:
        raise explain(error, where) from error
    version = str((answer.get("version") or {}).get("number", ""))
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        raise NotElasticsearch(f"What answers at {', '.join(where)} does not tell a version: {answer!r:.200}")
    if (int(found[1]), int(found[2])) < OLDEST_VERSION:
        raise StoreTooOld(
            f"The store at {', '.join(where)} is Elasticsearch {version}; "
            f"{'.'.join(map(str, OLDEST_VERSION))} or newer is needed. Upgrade it, or use another store."
        )
    return StoreInfo(
        version=version,
        cluster_name=str(answer.get("cluster_name", "")),
        cluster_uuid=str(answer.get("cluster_uuid", "")),
        is_embedded=embedded,
    )


def _ask_embedded(client: Elasticsearch, where: tuple[str, ...]) -> dict[str, Any]:
    """The same facts in the shape of `GET /`, from what the embedded node does answer."""
    try:
        nodes = client.nodes.info(node_id="_local", filter_path=["cluster_name", "nodes.*.version"])
        state = client.cluster.state(metric="metadata", filter_path=["metadata.cluster_uuid"])
    except (ApiError, TransportError) as error:
        raise explain(error, where) from error
    versions = [node.get("version") for node in nodes.get("nodes", {}).values()]
    return {
        "cluster_name": nodes.get("cluster_name", ""),
        "cluster_uuid": state.get("metadata", {}).get("cluster_uuid", ""),
        "version": {"number": versions[0] if versions else ""},
    }


def check_ca(setting: str, path: Path | None) -> None:
    """Read a CA's file now: the client does so at its first connection, and calls a missing one a failed network.

    Raises:
        SettingsError: it can't be used; `setting` is named.
    """
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"Setting {setting}: {path} can't be used as a CA certificate "
            f"({error.strerror or 'not a PEM certificate'}). It has to be a PEM file."
        ) from None


def _node_config(settings: Settings, url: str) -> NodeConfig:
    authorization = _authorization(settings)
    config = url_to_node_config(url, use_default_ports_for_scheme=True)
    ca = settings.elasticsearch_ca if config.scheme == "https" else None
    return config.replace(
        headers={"authorization": authorization} if authorization else {},
        request_timeout=settings.request_timeout_s,
        connections_per_node=settings.connections + 2,
        ca_certs=str(ca) if ca is not None else None,
    )


def _authorization(settings: Settings) -> str:
    """The header goes with the node, not the client, so that every request carries it whoever sends it."""
    if settings.elasticsearch_api_key is not None:
        key = settings.elasticsearch_api_key.get_secret_value()
        return f"ApiKey {_base64(key) if ':' in key else key}"
    if settings.elasticsearch_username is not None and settings.elasticsearch_password is not None:
        pair = f"{settings.elasticsearch_username}:{settings.elasticsearch_password.get_secret_value()}"
        return f"Basic {_base64(pair)}"
    return ""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
