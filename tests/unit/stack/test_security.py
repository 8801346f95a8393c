"""Roles and users into a cluster: what is asked of it, and what is left alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import ApiError

from shipper.settings import Settings
from shipper.stack.roles import load_roles
from shipper.stack.security import differs, secure
from shipper.store.client import connect
from tests.loopback import Answer, Loopback, error, ok

if TYPE_CHECKING:
    from tests.loopback import Request

PASSWORDS = {"kibana_system": "k", "logstash_internal": "l", "llm_maintenance": "m", "llm_joiner": "j"}
NO_LICENCE = "current license is non-compliant for [field and document level security]"


class Cluster:
    """Roles, users and passwords as a cluster keeps them."""

    def __init__(self, *, field_security: bool = True) -> None:
        self.roles: dict[str, Any] = {}
        self.users: dict[str, Any] = {"kibana_system": {"roles": ["kibana_system"], "password": ""}}
        self.field_security = field_security

    def __call__(self, request: Request) -> Answer:
        *_, kind, name = request.path.split("/")[:4]
        if request.path == "/_security/_authenticate":
            user, _, password = (
                base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
                .decode()
                .partition(":")
            )
            right = self.users.get(user, {}).get("password") == password
            return ok({"username": user}) if right else error(401, "security_exception")
        stored = self.roles if kind == "role" else self.users
        if request.method == "GET":
            return (
                ok({name: stored[name]})
                if name in stored
                else Answer(404, {}, {"x-elastic-product": "Elasticsearch"})
            )
        if request.path.endswith("/_password"):
            stored[name]["password"] = request.json["password"]
        elif "field_security" in str(request.json) and not self.field_security:
            return error(403, "security_exception", NO_LICENCE)
        else:
            extra = (
                {"run_as": [], "metadata": {}, "transient_metadata": {"enabled": True}}
                if kind == "role"
                else {}
            )
            stored[name] = {**extra, **request.json}
        return ok({})


def run(cluster: Any) -> tuple[list[tuple[str, str]], list[str]]:
    """What was done to what, and the requests that changed something."""
    with Loopback(cluster) as server, connect(Settings(elasticsearch_url=(server.url,))) as client:
        steps = secure(client, PASSWORDS)
    return [(step.name, step.action) for step in steps], [
        one.path for one in server.requests if one.method in ("PUT", "POST")
    ]


def test_everything_is_put_once_and_then_left_alone() -> None:
    """The first run makes all roles and users; the second sends no change."""
    cluster = Cluster()
    steps, changes = run(cluster)
    roles = [(name, "created") for name in load_roles()]
    assert steps == [
        *roles,
        ("logstash_internal", "created"),
        ("llm_maintenance", "created"),
        ("llm_joiner", "created"),
        ("kibana_system", "updated"),
    ]
    assert len(changes) == len(steps)
    steps, changes = run(cluster)
    assert {action for _, action in steps} == {"unchanged"}
    assert changes == []


def test_what_was_changed_by_hand_is_put_back() -> None:
    """A wider role and another password are no longer what we want."""
    cluster = Cluster()
    run(cluster)
    cluster.roles["shipper_writer"]["indices"][0]["privileges"].append("delete")
    cluster.users["llm_maintenance"]["password"] = "other"
    steps, _ = run(cluster)
    assert [step for step in steps if step[1] != "unchanged"] == [
        ("shipper_writer", "updated"),
        ("llm_maintenance", "updated"),
    ]


def test_a_licence_without_field_security_costs_one_role() -> None:
    """The basic licence refuses that role alone; everything else is put."""
    steps, _ = run(Cluster(field_security=False))
    assert [name for name, action in steps if action == "skipped"] == ["shipper_reader_figures"]


def refuse(_: Request) -> Answer:
    """A cluster that doesn't let us."""
    return error(403, "security_exception", "action is unauthorized")


def test_any_other_refusal_is_told() -> None:
    """Who may not manage security learns it from the store's own answer."""
    with pytest.raises(ApiError, match="403"):
        run(refuse)


def test_the_stores_own_additions_are_no_difference() -> None:
    """Empty lists, metadata and another order say nothing; one privilege more does."""
    role = load_roles()["shipper_reader_figures"]
    fields = {"grant": role["indices"][0]["field_security"]["grant"][::-1], "except": []}
    stored: dict[str, Any] = {
        **role,
        "run_as": [],
        "metadata": {"_reserved": False},
        "applications": [],
        "indices": [{**role["indices"][0], "allow_restricted_indices": False, "field_security": fields}],
    }
    assert not differs(role, stored)
    assert differs(role, {**stored, "cluster": [*role["cluster"], "all"]})
    assert differs(
        role, {**stored, "indices": [*stored["indices"], {"names": ["*"], "privileges": ["read"]}]}
    )
    assert differs(
        role, {**stored, "indices": [{**stored["indices"][0], "field_security": {"grant": ["*"]}}]}
    )
