"""API keys against a scripted security API: what is asked for, what is shown, what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from shipper.cli.keys import keys
from tests.loopback import Answer, Loopback, elasticsearch, error, ok
from tests.unit.stack.privileges import may_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.loopback import Request


class KeyStore:
    """API keys as a cluster keeps them."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {
            "foreign": {"id": "foreign", "name": "beats", "creation": 1, "metadata": {}}
        }

    def __call__(self, request: Request) -> Answer:
        if request.path != "/_security/api_key":
            return elasticsearch()(request)
        if request.method == "GET":
            wanted = request.query.get("id")
            found = [key for key in self.keys.values() if wanted in (None, [key["id"]])]
            return ok({"api_keys": found})
        if request.method == "DELETE":
            gone = [one for one in request.json["ids"] if self.keys.pop(one, None)]
            return ok({"invalidated_api_keys": gone, "previously_invalidated_api_keys": [], "error_count": 0})
        body = request.json
        key: dict[str, Any] = {
            "id": f"k{len(self.keys)}",
            "name": body["name"],
            "creation": 1_763_700_000_000 + len(self.keys),
            "metadata": body["metadata"],
            "username": "llm_maintenance",
        }
        if "expiration" in body:
            key["expiration"] = 1_771_476_000_000
        self.keys[key["id"]] = key
        return ok({"id": key["id"], "name": key["name"], "api_key": "s", "encoded": "c2VjcmV0"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A store that the settings point to."""
    with Loopback(KeyStore()) as running:
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", running.url)
        yield running


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and messages of `shipper keys …`."""
    result = CliRunner().invoke(keys, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_a_key_has_its_roles_rights_for_its_application_alone(server: Loopback) -> None:
    """What is asked of the store covers the application's indices and no other's."""
    code, out, said = run("create", "--app", "Support Bot", "--role", "writer", "--expires", "90d")
    assert (code, out) == (0, "c2VjcmV0\n")
    assert "until 2026-02-19" in said
    (asked,) = server.asked("POST", "/_security/api_key") + server.asked("PUT", "/_security/api_key")
    (role,) = asked.json["role_descriptors"].values()
    assert set(role) == {"cluster", "indices"}
    assert asked.json["expiration"] == "90d"
    create = "indices:data/write/index:op_type/create"
    assert may_index(role, create, "llm-completions-support-bot-17f3607f93@1.0-2026.11")
    assert not may_index(role, create, "llm-completions-support@1.0-2026.11")
    assert not may_index(
        role, "indices:data/read/search", "llm-completions-support-bot-17f3607f93@1.0-2026.11"
    )


def test_a_key_without_an_application_is_for_all(server: Loopback) -> None:
    """The role as it stands in its file."""
    assert run("create", "--role", "reader")[0] == 0
    (asked,) = server.asked("POST", "/_security/api_key") + server.asked("PUT", "/_security/api_key")
    assert asked.json["name"] == "shipper_reader-all"
    assert "expiration" not in asked.json
    assert "llm-feedback-*@*" in asked.json["role_descriptors"]["shipper_reader"]["indices"][0]["names"]


def test_the_list_shows_our_keys_and_no_secret(server: Loopback) -> None:
    """Keys of other programs are not listed; filters go by application and role."""
    run("create", "--app", "support", "--role", "writer")
    run("create", "--app", "shop", "--role", "reader", "--expires", "90d")
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["k1", "k2"]
    assert "c2VjcmV0" not in out
    assert "beats" not in out
    assert [json.loads(line)["id"] for line in run("list", "--app", "shop", "--json")[1].splitlines()] == [
        "k2"
    ]
    assert run("list", "--role", "joiner")[1] == "No keys.\n"
    assert all(
        request.query.get("owner") == ["true"] for request in server.asked("GET", "/_security/api_key")
    )
    run("list", "--every-owner")
    assert server.requests[-1].query["owner"] == ["false"]


def test_revoking_takes_ids_or_an_application(server: Loopback) -> None:
    """All keys of an application go at once; an id that is none is told by the exit code."""
    for role in ("writer", "reader"):
        run("create", "--app", "support", "--role", role)
    run("create", "--app", "shop", "--role", "writer")
    assert run("revoke", "--app", "support", "--role", "reader")[:2] == (0, "1 revoked.\n")
    assert run("revoke", "--app", "support")[:2] == (0, "1 revoked.\n")
    assert run("revoke", "--app", "support")[:2] == (0, "0 revoked.\n")
    code, out, said = run("revoke", "k3", "nothing")
    assert (code, out) == (1, "1 revoked.\n")
    assert "nothing" in said


def test_revoking_everything_by_accident_is_not_possible(server: Loopback) -> None:
    """Neither ids nor an application: nothing is asked of the store."""
    assert run("revoke")[0] == 2
    assert run("revoke", "k1", "--app", "support")[0] == 2
    assert server.requests == []


def test_a_refusal_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not make keys reads the store's reason, as our own error."""
    refuse = error(
        403, "security_exception", "action [cluster:admin/xpack/security/api_key/create] is unauthorized"
    )
    with Loopback(
        elasticsearch(
            replaced={("PUT", "/_security/api_key"): refuse, ("POST", "/_security/api_key"): refuse}
        )
    ) as server:
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", server.url)
        result = CliRunner().invoke(keys, ["create", "--role", "writer"])
    assert type(result.exception).__name__ == "StoreUnauthorised"
    assert "api_key/create" in str(result.exception)
