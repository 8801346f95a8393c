"""`setup` against a real Elasticsearch: idempotent, repairs what was changed, and keeps the user's overrides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.settings import Settings
from shipper.store.aliases import aliases_of
from shipper.store.client import check, connect
from shipper.store.setup import Change, Drift, check_setup, setup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo


def test_check_knows_the_embedded_node(node: NodeInfo, node_home: Path) -> None:
    """The embedded node tells its version and identity, and is recognised as what it is."""
    with connect(Settings(home=node_home)) as client:
        info = check(client)
    assert (info.version, info.is_embedded) == (node.version, True)
    assert info.cluster_uuid


def test_setup_is_idempotent(clean_store: Elasticsearch) -> None:
    """A second run finds everything as it should be, and so does the check."""
    setup(clean_store)
    assert {change.action for change in setup(clean_store)} == {"unchanged"}
    assert check_setup(clean_store) == []


def test_setup_repairs_what_was_deleted_or_changed(clean_store: Elasticsearch) -> None:
    """Deleted and edited templates are put again."""
    setup(clean_store)
    clean_store.indices.delete_index_template(name="llm-delivery@template")
    clean_store.cluster.put_component_template(
        name="llm@settings", template={"settings": {"number_of_shards": 2}}, version=1
    )
    assert set(check_setup(clean_store)) == {
        Drift("index template", "llm-delivery@template", "missing"),
        Drift("component template", "llm@settings", "changed"),
    }
    changes = setup(clean_store)
    assert Change("index template", "llm-delivery@template", "created") in changes
    assert Change("component template", "llm@settings", "updated") in changes
    assert check_setup(clean_store) == []


def test_users_overrides_stay(clean_store: Elasticsearch) -> None:
    """The component templates that are the user's to change take effect, and setup leaves them alone."""
    clean_store.cluster.put_component_template(
        name="llm@custom", template={"settings": {"number_of_replicas": 0, "auto_expand_replicas": False}}
    )
    try:
        setup(clean_store)
        clean_store.indices.create(index="llm-delivery-x@2026.11")
        settings = clean_store.indices.get_settings(index="llm-delivery-x@2026.11", flat_settings=True)
        assert settings["llm-delivery-x@2026.11"]["settings"]["index.auto_expand_replicas"] == "false"
    finally:
        clean_store.cluster.delete_component_template(name="llm@custom")


def test_setup_restores_lost_aliases(clean_store: Elasticsearch) -> None:
    """An index that was created without its aliases gets them; others stay without."""
    setup(clean_store)
    clean_store.indices.create(index="llm-completions-bot@1.0-2026.11")
    clean_store.indices.create(index="llm-feedback-bot@2026.11")
    assert {drift.name for drift in check_setup(clean_store)} == {
        "llm-completions-bot → llm-completions-bot@1.0-2026.11",
        "llm-completions-bot@1.0 → llm-completions-bot@1.0-2026.11",
    }
    setup(clean_store)
    found = clean_store.indices.get_alias(index="llm-*")
    assert set(found["llm-completions-bot@1.0-2026.11"]["aliases"]) == {
        "llm-completions-bot",
        "llm-completions-bot@1.0",
    }
    assert found["llm-feedback-bot@2026.11"]["aliases"] == {}


@pytest.fixture
def frozen(clean_store: Elasticsearch) -> Iterator[str]:
    """An index that is to be read-only, and is writable again afterwards, so that it can be deleted."""
    index = "llm-completions-bot@0.9-2025.01"
    yield index
    clean_store.indices.put_settings(index=index, settings={"index.blocks.read_only": False})


def test_indices_of_before_get_new_fields(clean_store: Elasticsearch, frozen: str) -> None:
    """What an index lacks is added, once; a field that is there stays, under another type too.

    A read-only one waits, with its aliases too.
    """
    setup(clean_store)
    old, mine = "llm-delivery-bot@2025.01", {"labels": {"type": "keyword"}}
    clean_store.indices.create(index="llm-feedback-bot@2025.01")
    clean_store.indices.delete_index_template(name="llm-delivery@template")
    clean_store.indices.create(index=old, mappings={"dynamic": False, "properties": mine})
    clean_store.indices.delete_index_template(name="llm-completions@template")
    clean_store.indices.create(
        index=frozen,
        mappings={"dynamic": False, "properties": mine},
        settings={"index.blocks.read_only": True},
    )
    drifts = check_setup(clean_store)
    assert [drift for drift in drifts if drift.kind == "mapping"] == [Drift("mapping", old, "outdated")]
    assert Change("mapping", old, "updated") in setup(clean_store)
    assert check_setup(clean_store) == []
    clean_store.index(index=old, id="1", document={"llm": {"delivery": {"accepted": 3}}}, refresh=True)
    found = clean_store.search(index=old, query={"term": {"llm.delivery.accepted": 3}})
    assert found["hits"]["total"]["value"] == 1
    clean_store.indices.put_settings(index=frozen, settings={"index.blocks.read_only": False})
    assert setup(clean_store)[-3:] == [
        *(Change("alias", f"{alias} → {frozen}", "created") for alias in aliases_of(frozen)),
        Change("mapping", frozen, "updated"),
    ]
    properties = clean_store.indices.get_mapping(index=frozen)[frozen]["mappings"]["properties"]
    assert properties["labels"] == {"type": "keyword"}
    assert properties["gen_ai"]["properties"]["usage"]["properties"]["input_tokens"]["type"] == "long"
