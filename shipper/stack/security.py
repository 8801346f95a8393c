"""Roles, users and passwords into a cluster. Repeatable: what is as it should be stays untouched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from elasticsearch import ApiError, AuthenticationException, NotFoundError

from shipper.stack.roles import load_roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticsearch import Elasticsearch

USERS = {
    "logstash_internal": "logstash_internal",
    "llm_maintenance": "shipper_admin",
    "llm_joiner": "shipper_joiner",
}
"""Users that are made, and the role of each."""

BUILT_IN = "kibana_system"
"""The user that Kibana itself uses; it exists, and gets its password."""

_NO_LICENCE = "current license is non-compliant"


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one role, user, data view, dashboard or alert."""

    kind: Literal["role", "user", "data view", "dashboard", "saved objects", "alert"]
    name: str
    action: Literal["created", "updated", "unchanged", "skipped"]
    reason: str = ""


def secure(client: Elasticsearch, passwords: Mapping[str, str]) -> list[Step]:
    """Put all roles, and the users whose passwords are given.

    Args:
        client: connected as somebody with `manage_security`.
        passwords: by user: of `USERS` and `BUILT_IN`.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    steps = [_put_role(client, name, role) for name, role in load_roles().items()]
    for user, role in USERS.items():
        if user in passwords:
            steps.append(_put_user(client, user, role, passwords[user]))
    if BUILT_IN in passwords:
        steps.append(_set_password(client, BUILT_IN, passwords[BUILT_IN]))
    return steps


def differs(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether a stored role has to be put again: some of what we want is missing or other. Pure; never raises.

    The store adds keys of its own with empty or default values; those are no difference, but a privilege more is.
    """
    for key in ("cluster", "applications", "run_as", "description"):
        if _plain(wanted.get(key)) != _plain(stored.get(key)):
            return True
    return [_plain_grant(one) for one in wanted["indices"]] != [
        _plain_grant(one) for one in stored.get("indices", [])
    ]


def _plain_grant(grant: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: _plain(grant.get(key)) for key in ("names", "privileges", "query")}
    return {**kept, "grant": _plain((grant.get("field_security") or {}).get("grant"))}


def _plain(value: Any) -> Any:
    """Order says nothing in lists of names; an empty value says as much as none."""
    if isinstance(value, list):
        return sorted(value, key=repr) or None
    return value or None


def _put_role(client: Elasticsearch, name: str, role: dict[str, Any]) -> Step:
    try:
        stored = client.security.get_role(name=name)[name]
    except NotFoundError:
        stored = None
    if stored is not None and not differs(role, stored):
        return Step("role", name, "unchanged")
    try:
        client.security.put_role(name=name, **role)
    except ApiError as error:
        if _NO_LICENCE not in str(error.body):
            raise
        return Step("role", name, "skipped", "this cluster's licence has no field-level security")
    return Step("role", name, "created" if stored is None else "updated")


def _put_user(client: Elasticsearch, user: str, role: str, password: str) -> Step:
    try:
        stored = client.security.get_user(username=user)[user]
    except NotFoundError:
        stored = None
    if stored is not None and stored.get("roles") == [role] and _accepts(client, user, password):
        return Step("user", user, "unchanged")
    client.security.put_user(
        username=user, password=password, roles=[role], metadata={"made_by": "shipper stack setup"}
    )
    return Step("user", user, "created" if stored is None else "updated")


def _set_password(client: Elasticsearch, user: str, password: str) -> Step:
    if _accepts(client, user, password):
        return Step("user", user, "unchanged")
    client.security.change_password(username=user, password=password)
    return Step("user", user, "updated")


def _accepts(client: Elasticsearch, user: str, password: str) -> bool:
    try:
        client.options(basic_auth=(user, password)).security.authenticate()
    except AuthenticationException:
        return False
    return True
