"""From the settings to the last index: everything that has to be right, looked at in the order of dependence."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from elastic_transport import TransportError
from elasticsearch import ApiError

from shipper.embedded import diagnose
from shipper.errors import ShipperError
from shipper.read import checks
from shipper.read.checks import GIB, Check
from shipper.settings import without_credentials
from shipper.store.client import addresses, check, connect
from shipper.store.explain import explain
from shipper.store.setup import check_setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.settings import Settings
    from shipper.store.client import StoreInfo

_WRITE = ("create_doc", "auto_configure", "read", "view_index_metadata")
_SPOOL_DISK_WARN = GIB


def examine(settings: Settings) -> Iterator[Check]:
    """Every check in turn; stops after the one that makes the others pointless. Never raises a `ShipperError`."""
    yield from _local(settings)
    if settings.logstash_url and not addresses(settings):
        yield Check("store", "skip", "events go to Logstash, and no Elasticsearch is named to look at")
        return
    try:
        client = connect(settings)
    except ShipperError as error:
        yield _no_store(settings, error)
        return
    with client:
        try:
            info = check(client)
        except ShipperError as error:
            yield _no_store(settings, error)
            return
        where = ", ".join(without_credentials(url) for url in addresses(settings))
        kind = "the embedded node" if info.is_embedded else f"cluster {info.cluster_name}"
        yield Check("store", "ok", f"Elasticsearch {info.version} at {where}, {kind}")
        for name, look in _STORE_CHECKS.items():
            yield from _asked(name, look, client, info)


def _local(settings: Settings) -> Iterator[Check]:
    yield Check("settings", "ok", ", ".join(sorted(settings.model_fields_set)) or "defaults")
    for name, folder in (("home", settings.home), ("spool", settings.spool_dir)):
        yield _folder(name, folder)
    nearest = next(one for one in (settings.spool_dir, *settings.spool_dir.parents) if one.exists())
    free = shutil.disk_usage(nearest).free
    wanted = min(_SPOOL_DISK_WARN, settings.spool_max_bytes)
    if free < wanted:
        yield Check(
            "spool disk", "warn", f"{free / GIB:.1f} GiB free", "A full disk makes log calls drop events."
        )
    else:
        yield Check("spool disk", "ok", f"{free / GIB:.1f} GiB free")


def _folder(name: str, folder: Path) -> Check:
    if not folder.exists():
        nearest = next(one for one in folder.parents if one.exists())
        if os.access(nearest, os.W_OK | os.X_OK):
            return Check(name, "ok", f"{folder} will be made when it is needed")
        return Check(
            name, "fail", f"{folder} can't be made", f"Make {nearest} writable, or set SHIPPER_HOME."
        )
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check(
            name,
            "fail",
            f"{folder} is not a folder that this user can write to",
            "Mend it, or set SHIPPER_HOME.",
        )
    found = (
        checks.judge_mode(name, folder.stat().st_mode) if name == "spool" else Check(name, "ok", "writable")
    )
    return Check(name, found.status, f"{folder}: {found.message}", found.advice)


def _no_store(settings: Settings, error: ShipperError) -> Check:
    """Why there is no store; for the embedded one its own log knows best."""
    cause = None if settings.elasticsearch_url else diagnose(settings.home)
    if cause is not None:
        return Check("store", "fail", "no embedded node is running", f"Its log says: {cause}")
    message, _, advice = str(error).partition(". ")
    return Check("store", "fail", message, advice)


def _asked(
    name: str,
    look: Callable[[Elasticsearch, StoreInfo], Iterator[Check]],
    client: Elasticsearch,
    info: StoreInfo,
) -> Iterator[Check]:
    try:
        yield from look(client, info)
    except ApiError as error:
        if error.status_code == 403:
            yield Check(name, "skip", "this key may not ask; one with the cluster privilege `monitor` may")
        else:
            yield Check(name, "fail", str(explain(error, [])))
    except TransportError as error:
        yield Check(name, "fail", str(explain(error, [])))


def _rights(client: Elasticsearch, info: StoreInfo) -> Iterator[Check]:
    if info.is_embedded:
        yield Check("rights", "skip", "the embedded node has no users: only this machine can reach it")
        return
    try:
        answer = client.security.has_privileges(index=[{"names": ["llm-*"], "privileges": list(_WRITE)}])
    except ApiError as error:
        if error.status_code not in (400, 405):
            raise
        yield Check(
            "rights", "warn", "the cluster has security switched off", "Anybody who reaches it can read it."
        )
        return
    held: dict[str, bool] = answer["index"]["llm-*"]
    yield checks.judge_rights([f"`{right}`" for right in _WRITE if not held.get(right)])


def _templates(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    yield from checks.judge_drifts(check_setup(client))


def _health(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    health = client.cluster.health(index="llm-*", level="indices", expand_wildcards="all")
    sick = [name for name, one in sorted(health.get("indices", {}).items()) if one["status"] != "green"]
    yield checks.judge_health(health["status"], health["number_of_data_nodes"], sick)


def _shards(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    health = client.cluster.health()
    settings: dict[str, Any] = client.cluster.get_settings(include_defaults=True, flat_settings=True).body
    for level in ("transient", "persistent", "defaults"):
        limit = settings[level].get("cluster.max_shards_per_node")
        if limit is not None:
            yield checks.judge_shards(health["active_shards"], int(limit) * health["number_of_data_nodes"])
            break
    yield checks.judge_versions(client.indices.get_alias(index="llm-completions-*@*"))


def _disk(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    stats = client.nodes.stats(metric="fs", filter_path=["nodes.*.fs.total"])
    totals = [node["fs"]["total"] for node in stats["nodes"].values() if node.get("fs")]
    fullest = min(totals, key=lambda one: one["available_in_bytes"] / max(1, one["total_in_bytes"]))
    yield checks.judge_disk(fullest["available_in_bytes"], fullest["total_in_bytes"])


def _blocks(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    found = client.indices.get_settings(index="llm-*", name="index.blocks.*", flat_settings=True)
    yield checks.judge_blocks(
        [name for name, one in sorted(found.items()) if "true" in one["settings"].values()]
    )


def _clock(client: Elasticsearch, _: StoreInfo) -> Iterator[Check]:
    before = time.time()
    stats = client.nodes.stats(metric="process", filter_path=["nodes.*.timestamp"])
    here = (before + time.time()) / 2
    there = next(iter(stats["nodes"].values()))["timestamp"] / 1000
    yield checks.judge_clock(here - there)


_STORE_CHECKS: dict[str, Callable[[Any, Any], Iterator[Check]]] = {
    "rights": _rights,
    "templates": _templates,
    "health": _health,
    "shards": _shards,
    "disk": _disk,
    "blocks": _blocks,
    "clock": _clock,
}
