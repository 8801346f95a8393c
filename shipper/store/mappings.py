"""Fields that indices of before lack: templates only reach indices that are made after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.store.aliases import is_read_only
from shipper.store.assets import load_templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticsearch import Elasticsearch

_TOGETHER = 20  # names in one request's address


def lagging_mappings(client: Elasticsearch) -> dict[str, dict[str, Any]]:
    """By index, the `properties` that its mapping lacks; indices that lack nothing, or are read-only, are left out.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    found: dict[str, dict[str, Any]] = {}
    templates = load_templates()
    for name, template in templates.index.items():
        wanted = templates.component[f"{name.removesuffix('@template')}@mappings"]["template"]["mappings"]
        stored = client.indices.get(
            index=template["index_patterns"],
            features=["mappings", "settings"],
            flat_settings=True,
            ignore_unavailable=True,
            allow_no_indices=True,
        )
        for index, one in sorted(stored.items()):
            lacks = missing_fields(wanted["properties"], one["mappings"].get("properties", {}))
            if lacks and not is_read_only(one["settings"]):
                found[index] = lacks
    return found


def add_fields(client: Elasticsearch, lacking: Mapping[str, dict[str, Any]]) -> None:
    """Add them; what is there stays as it is.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    waiting = list(lacking)
    while waiting:
        properties = lacking[waiting[0]]
        together = [index for index in waiting if lacking[index] == properties][:_TOGETHER]
        client.indices.put_mapping(index=together, properties=properties)
        waiting = [index for index in waiting if index not in together]


def missing_fields(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The `properties` that have to be added to `stored`; a field that is there under another type is not. Pure."""
    lacks: dict[str, Any] = {}
    for name, node in wanted.items():
        there = stored.get(name)
        if there is None:
            lacks[name] = node
        elif "properties" in node and there.get("type", "object") == node.get("type", "object"):
            inner = missing_fields(node["properties"], there.get("properties", {}))
            if inner:
                kind = {"type": node["type"]} if node.get("type", "object") != "object" else {}
                lacks[name] = {**kind, "properties": inner}
    return lacks
