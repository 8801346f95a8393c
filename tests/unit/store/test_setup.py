"""Comparing templates, and the order and content of what `setup` puts on a full cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.route import destination
from shipper.settings import Settings
from shipper.store.aliases import aliases_of
from shipper.store.assets import load_templates
from shipper.store.client import connect
from shipper.store.mappings import missing_fields
from shipper.store.setup import Change, Drift, check_setup, compare, setup
from tests.loopback import PRODUCT, Answer, Loopback, elasticsearch, ok

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loopback import Request

WANTED = {"version": 3, "template": {"settings": {"index": {"number_of_shards": 1, "a": {"b": True}}}}}


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (None, "missing"),
        ({"version": 2, "template": {}}, "outdated"),
        ({"template": {}}, "outdated"),
        ({"version": 4, "template": {}}, "newer"),
        ({"version": 3, "template": {}}, "changed"),
        (
            {
                "version": 3,
                "template": {"settings": {"index": {"number_of_shards": "1", "a": {"b": "true"}}}},
            },
            None,
        ),
        (
            {"version": 3, "template": {"settings": {"index.number_of_shards": "1", "index.a.b": "true"}}},
            None,
        ),
        ({**WANTED, "created_date_millis": 1, "modified_date": "2026"}, None),
        ({**WANTED, "template": {**WANTED["template"], "aliases": {}}}, None),
        ({**WANTED, "template": {**WANTED["template"], "aliases": {"x": {"is_hidden": True}}}}, "changed"),
    ],
)
def test_compare(stored: dict[str, Any] | None, problem: str | None) -> None:
    """Only content and version count, not how the store nests settings or writes numbers."""
    assert compare(WANTED, stored) == problem


class Cluster:
    """A cluster that keeps what is put: templates, a policy and the aliases of one index."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.aliases: dict[str, Any] = {
            "llm-completions-a@1-2026.11": {"aliases": {"llm-completions-a": {}}, "settings": {}}
        }

    def answer(self, request: Request) -> Answer:
        """As Elasticsearch would."""
        area, _, name = request.path.strip("/").rpartition("/")
        if request.method == "PUT":
            self.stored[request.path] = request.json
            return ok({"acknowledged": True})
        if request.path == "/_aliases":
            for action in request.json["actions"]:
                self.aliases[action["add"]["index"]]["aliases"][action["add"]["alias"]] = {}
            return ok({"acknowledged": True})
        if request.query.get("features") == ["aliases,settings"]:
            return ok(self.aliases)
        if request.path == "/" or request.path.startswith("/llm-"):
            return elasticsearch()(request)
        body = self.stored.get(request.path)
        if body is None:
            return Answer(404, {"error": {"type": "resource_not_found_exception"}, "status": 404}, PRODUCT)
        if area == "_ilm/policy":
            return ok({name: {"version": 7, "modified_date": "2026-11-21", **body}})
        kind = area.removeprefix("_")
        return ok({f"{kind}s": [{"name": name, kind: body}]})


@pytest.fixture
def cluster() -> Cluster:
    """An empty cluster with one index that lacks an alias."""
    return Cluster()


def test_setup_puts_everything_once(cluster: Cluster, tmp_path: Path) -> None:
    """The first run creates each part after what it refers to; the second changes nothing."""
    with (
        Loopback(cluster.answer) as server,
        connect(Settings(home=tmp_path, elasticsearch_url=server.url)) as client,
    ):
        first, second = setup(client), setup(client)
        assert check_setup(client) == []
    assert {change.action for change in first} == {"created"}
    kinds = [change.kind for change in first]
    order = ["lifecycle policy", "component template", "index template", "alias"]
    assert kinds == sorted(kinds, key=order.index)
    assert {change.action for change in second} == {"unchanged"}
    assert len(first) == len(second) + 1
    assert cluster.stored["/_ilm/policy/llm"] == load_templates().lifecycle["llm"]
    assert cluster.aliases["llm-completions-a@1-2026.11"]["aliases"].keys() == {
        "llm-completions-a",
        "llm-completions-a@1",
    }


def test_setup_without_lifecycle(cluster: Cluster, tmp_path: Path) -> None:
    """Where lifecycle management is not wanted, neither the policy nor what refers to it is put."""
    with (
        Loopback(cluster.answer) as server,
        connect(Settings(home=tmp_path, elasticsearch_url=server.url)) as client,
    ):
        setup(client, lifecycle=False)
        assert check_setup(client, lifecycle=False) == []
    assert not [path for path in cluster.stored if "_ilm" in path or "lifecycle" in path]


def test_changed_outdated_and_newer_templates(cluster: Cluster, tmp_path: Path) -> None:
    """What was changed or is older is put again; what a newer shipper has put stays, and the check tells each."""
    settings, template = "/_component_template/llm@settings", "/_index_template/llm-delivery@template"
    mappings = "/_component_template/llm-feedback@mappings"
    with (
        Loopback(cluster.answer) as server,
        connect(Settings(home=tmp_path, elasticsearch_url=server.url)) as client,
    ):
        setup(client)
        cluster.stored[settings] = {**cluster.stored[settings], "version": 0}
        cluster.stored[template] = {**cluster.stored[template], "priority": 1}
        cluster.stored[mappings] = newer = {**cluster.stored[mappings], "version": 999}
        assert set(check_setup(client)) == {
            Drift("component template", "llm@settings", "outdated"),
            Drift("index template", "llm-delivery@template", "changed"),
            Drift("component template", "llm-feedback@mappings", "newer"),
        }
        changes = setup(client)
        assert [drift.problem for drift in check_setup(client)] == ["newer"]
    assert Change("component template", "llm@settings", "updated") in changes
    assert Change("index template", "llm-delivery@template", "updated") in changes
    assert Change("component template", "llm-feedback@mappings", "kept") in changes
    assert cluster.stored[mappings] == newer


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@given(
    NAMES,
    NAMES,
    st.sampled_from(["2026-11-21T00:00:00Z", "2026-01-01", "never", None]),
    st.sampled_from(["month", "day"]),
)
def test_aliases_from_an_index_name(app: str, version: str, timestamp: str | None, partition: Any) -> None:
    """The name of an index alone gives the aliases that its documents were routed with."""
    document = {
        "event": {"dataset": "llm.completion", "id": "x"},
        "llm": {"application": {"name": app}},
        "service": {"version": version},
        "@timestamp": timestamp,
    }
    assert aliases_of(destination(document, partition).index) == destination(document).aliases


@pytest.mark.parametrize(
    "index", ["llm-feedback-a@2026.11", "llm-deadletter-a@2026.11", "logs-x", "llm-completions-a"]
)
def test_other_indices_have_no_aliases(index: str) -> None:
    """Only indices of completions have aliases."""
    assert aliases_of(index) == ()


LEAF = {"type": "keyword"}


@pytest.mark.parametrize(
    ("stored", "lacks"),
    [
        (
            {},
            {
                "a": LEAF,
                "g": {"properties": {"x": LEAF, "y": LEAF}},
                "n": {"type": "nested", "properties": {"z": LEAF}},
            },
        ),
        (
            {"a": {"type": "text"}, "g": {"properties": {"x": LEAF}}, "n": {"type": "nested"}},
            {"g": {"properties": {"y": LEAF}}, "n": {"type": "nested", "properties": {"z": LEAF}}},
        ),
        ({"a": LEAF, "g": {"type": "keyword"}, "n": {"properties": {}}}, {}),
        (
            {
                "a": LEAF,
                "g": {"type": "object", "properties": {"x": LEAF, "y": LEAF, "more": LEAF}},
                "n": LEAF,
            },
            {},
        ),
    ],
)
def test_only_what_an_index_lacks_is_added(stored: dict[str, Any], lacks: dict[str, Any]) -> None:
    """A field that is there stays as it is, under whatever type; an object of another kind is left alone."""
    wanted = {
        "a": LEAF,
        "g": {"properties": {"x": LEAF, "y": LEAF}},
        "n": {"type": "nested", "properties": {"z": LEAF}},
    }
    assert missing_fields(wanted, stored) == lacks
    assert missing_fields(wanted, wanted) == {}
