"""`shipper doctor` and `shipper setup` as commands, on a real Elasticsearch and without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from click.testing import CliRunner

from shipper.cli.doctor import doctor
from shipper.cli.setup import setup as setup_command
from shipper.store.setup import setup

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch


@pytest.fixture
def on_node(node_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use the session's node."""
    monkeypatch.setenv("SHIPPER_HOME", str(node_home))


def examined() -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and checks by name."""
    result = CliRunner().invoke(doctor, ["--json"])
    checks = [orjson.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, {check["name"]: check for check in checks}


@pytest.mark.usefixtures("on_node")
def test_healthy_store(clean_store: Elasticsearch) -> None:
    """Everything in order is exit code 0, and every check has been made."""
    setup(clean_store)
    code, checks = examined()
    assert code == 0
    assert {
        name: check["status"] for name, check in checks.items() if check["status"] not in ("ok", "warn")
    } == {"rights": "skip"}
    assert {
        "settings",
        "home",
        "spool",
        "store",
        "templates",
        "aliases",
        "health",
        "shards",
        "disk",
        "clock",
    } <= set(checks)


@pytest.mark.usefixtures("on_node")
def test_faults_of_the_store(clean_store: Elasticsearch) -> None:
    """A missing template, a lost alias and a read-only index are each told with what to do."""
    setup(clean_store)
    clean_store.indices.create(index="llm-completions-bot@1.0-2026.11", settings={"index.blocks.write": True})
    clean_store.indices.delete_index_template(name="llm-delivery@template")
    code, checks = examined()
    assert code == 1
    assert checks["templates"]["status"] == "fail"
    assert "shipper setup" in checks["templates"]["advice"]
    assert checks["aliases"]["status"] == "warn"
    assert checks["blocks"]["message"] == "read-only: llm-completions-bot@1.0-2026.11"


@pytest.mark.usefixtures("on_node")
def test_people_get_a_line_and_an_advice(clean_store: Elasticsearch) -> None:
    """Without --json each check is a line, and a fault has its advice below."""
    setup(clean_store)
    clean_store.indices.delete_index_template(name="llm-delivery@template")
    result = CliRunner().invoke(doctor)
    assert "FAIL  templates   llm-delivery@template is missing\n" in result.stdout
    assert "Run `shipper setup`" in result.stdout


def test_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing running and nothing configured the way to a store is shown."""
    monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "home"))
    code, checks = examined()
    assert (code, checks["store"]["status"]) == (1, "fail")
    assert "shipper up" in checks["store"]["advice"]


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is the first and only finding."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_ULR", "http://localhost:9200")
    code, checks = examined()
    assert (code, set(checks)) == (1, {"settings"})
    assert "SHIPPER_ELASTICSEARCH_URL" in checks["settings"]["message"]


def test_folder_that_can_not_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spool that is a file is told."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "spool").write_text("")
    monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "home"))
    code, checks = examined()
    assert code == 1
    assert checks["spool"]["status"] == "fail"


@pytest.mark.usefixtures("on_node")
def test_setup_command(clean_store: Elasticsearch) -> None:
    """The check fails until setup has run, and says what is missing; setup says what it did."""
    setup(clean_store)
    clean_store.indices.delete_index_template(name="llm-delivery@template")
    runner = CliRunner()
    before = runner.invoke(setup_command, ["--check"])
    assert (before.exit_code, before.stdout) == (1, "missing: index template llm-delivery@template\n")
    assert "created: index template llm-delivery@template\n" in runner.invoke(setup_command).stdout
    after = runner.invoke(setup_command, ["--check"])
    assert (after.exit_code, after.stdout) == (0, "Everything is as it should be.\n")
    assert {
        orjson.loads(line)["action"] for line in runner.invoke(setup_command, ["--json"]).stdout.splitlines()
    } == {"unchanged"}
