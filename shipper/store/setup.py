"""What the store must hold before anything is written: templates, lifecycle policy, aliases, fields in older indices.

`setup` puts it there and can be repeated at any time; `check_setup` only compares. The user's own settings belong
into the component templates `llm@custom` and `llm-…@custom`, which neither of them touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from elasticsearch import NotFoundError

from shipper.store.aliases import missing_aliases
from shipper.store.assets import load_templates
from shipper.store.client import check
from shipper.store.mappings import add_fields, lagging_mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

Kind = Literal["lifecycle policy", "component template", "index template"]

_FULL_CLUSTER_ONLY = "llm@lifecycle"


@dataclass(frozen=True, slots=True)
class Change:
    """What `setup` did to one thing; `kept` leaves alone what a newer shipper has put."""

    kind: Kind | Literal["alias", "mapping"]
    name: str
    action: Literal["created", "updated", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class Drift:
    """How one thing in the store differs from what this version of shipper wants."""

    kind: Kind | Literal["alias", "mapping"]
    name: str
    problem: Literal["missing", "outdated", "changed", "newer"]


def setup(client: Elasticsearch, *, lifecycle: bool | None = None) -> list[Change]:
    """Put templates, policy, missing aliases and fields; needs a key with `manage_index_templates` and `manage_ilm`.

    Args:
        client: the store.
        lifecycle: whether to put the lifecycle policy and what refers to it. None: on every cluster but the
            embedded node, which knows none.

    Raises:
        StoreError: the store is no Elasticsearch we can use (see `check`).
        ApiError, TransportError: the store refused or did not answer.
    """
    wanted = _wanted(not check(client).is_embedded if lifecycle is None else lifecycle)
    changes: list[Change] = []
    for kind, name, body in wanted:
        stored = _stored(client, kind, name)
        problem = compare(body, stored)
        if problem is None or problem == "newer":
            changes.append(Change(kind, name, "unchanged" if problem is None else "kept"))
            continue
        _put(client, kind, name, body)
        changes.append(Change(kind, name, "created" if problem == "missing" else "updated"))
    lost = missing_aliases(client)
    if lost:
        client.indices.update_aliases(
            actions=[{"add": {"index": index, "alias": alias}} for index, alias in lost]
        )
    changes.extend(Change("alias", f"{alias} → {index}", "created") for index, alias in lost)
    lacking = lagging_mappings(client)
    add_fields(client, lacking)
    changes.extend(Change("mapping", index, "updated") for index in lacking)
    return changes


def check_setup(client: Elasticsearch, *, lifecycle: bool | None = None) -> list[Drift]:
    """What `setup` would change, and what it would leave alone for being newer. Changes nothing.

    Raises:
        StoreError: the store is no Elasticsearch we can use (see `check`).
        ApiError, TransportError: the store refused or did not answer.
    """
    drifts: list[Drift] = []
    for kind, name, body in _wanted(not check(client).is_embedded if lifecycle is None else lifecycle):
        problem = compare(body, _stored(client, kind, name))
        if problem is not None:
            drifts.append(Drift(kind, name, problem))
    drifts.extend(Drift("alias", f"{alias} → {index}", "missing") for index, alias in missing_aliases(client))
    drifts.extend(Drift("mapping", index, "outdated") for index in lagging_mappings(client))
    return drifts


def compare(
    wanted: dict[str, Any], stored: dict[str, Any] | None
) -> Literal["missing", "outdated", "changed", "newer"] | None:
    """How a stored body differs from the wanted one; None if it does not. Pure; never raises."""
    if stored is None:
        return "missing"
    ours, theirs = wanted.get("version", 0), stored.get("version", 0)
    if theirs > ours:
        return "newer"
    if theirs < ours:
        return "outdated"
    return None if _canonical(wanted) == _canonical(stored) else "changed"


def _wanted(lifecycle: bool) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    """Everything, each after what it refers to."""
    templates = load_templates()
    if lifecycle:
        for name, body in templates.lifecycle.items():
            yield "lifecycle policy", name, body
    for name, body in templates.component.items():
        if lifecycle or name != _FULL_CLUSTER_ONLY:
            yield "component template", name, body
    for name, body in templates.index.items():
        yield "index template", name, body


def _stored(client: Elasticsearch, kind: Kind, name: str) -> dict[str, Any] | None:
    try:
        if kind == "component template":
            answer = client.cluster.get_component_template(name=name)
            return answer["component_templates"][0]["component_template"]
        if kind == "index template":
            return client.indices.get_index_template(name=name)["index_templates"][0]["index_template"]
        # Elasticsearch counts a policy's versions itself, so it can only be compared by content.
        return {"policy": client.ilm.get_lifecycle(name=name)[name]["policy"]}
    except NotFoundError:
        return None


def _put(client: Elasticsearch, kind: Kind, name: str, body: dict[str, Any]) -> None:
    if kind == "component template":
        client.cluster.put_component_template(name=name, **_arguments(body))
    elif kind == "index template":
        client.indices.put_index_template(name=name, **_arguments(body))
    else:
        client.ilm.put_lifecycle(name=name, policy=body["policy"])


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("_"): value for key, value in body.items()}


def _canonical(body: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """A body as flat paths and text: the store answers with settings nested otherwise and numbers as strings.

    Empty objects say nothing and are left out, and so are the dates that the store adds.
    """
    if isinstance(body, dict):
        flat: dict[tuple[str, ...], str] = {}
        for key, value in body.items():
            if not (path == () and key.endswith(("_date", "_date_millis"))):
                flat.update(_canonical(value, (*path, *str(key).split("."))))
        return flat
    if isinstance(body, list):
        return {path: repr([str(item) for item in body])}
    return {path: str(body).lower() if isinstance(body, bool) else str(body)}
