"""The command line as a user types it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from shipper.store.setup import setup
from tests.faults.programs import Program, shipper_command

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = pytest.mark.node


def test_status_without_anything(home: Path) -> None:
    """On an empty machine the status says that there is no store, and that the books balance."""
    done = shipper_command(home, None, "status")
    assert done.returncode == 0
    assert "shipper up" in done.stdout
    assert "The books balance." in done.stdout


def test_status_counts_everything(clean_store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """The ledger as JSON: what was accepted, where it is, and what the store says."""
    setup(clean_store)
    Program("for n in range(7): log(f's-{n}')", home, node.url).finish()
    Program("for n in range(3): log(f'p-{n}')", home, None, send="none").finish()
    done = shipper_command(home, node.url, "status", "--json")
    assert done.returncode == 0, done.stderr
    status = orjson.loads(done.stdout)
    assert status["total"]["accepted"] == 10
    assert status["total"]["delivered"] == 7
    assert status["total"]["pending"] == 3
    assert status["total"]["difference"] == 0
    clean_store.indices.refresh(index="llm-*")
    again = orjson.loads(shipper_command(home, node.url, "status", "--json").stdout)
    assert again["store"]["completions"] == 7


def test_dropped_events_are_an_exit_code(home: Path) -> None:
    """When something was dropped, the status ends with 1 and names the reason."""
    code = "for n in range(40): app.log_completion({'model': 'm'}, 'x' * 100_000)"
    Program(code, home, None, send="none", spool_max_bytes=1 << 20).finish()
    done = shipper_command(home, None, "status")
    assert done.returncode == 1
    assert "dropped because of spool_full" in done.stdout


def test_dead_letters_are_listed_shown_and_sent_again(
    clean_store: Elasticsearch, node: NodeInfo, home: Path
) -> None:
    """A document that a strict template refuses can be seen, and sent again when the template is mended."""
    setup(clean_store)
    custom = {"template": {"mappings": {"properties": {"user": {"properties": {"id": {"type": "date"}}}}}}}
    clean_store.cluster.put_component_template(name="llm-completions@custom", **custom)  # type: ignore[arg-type]
    try:
        code = "app.log_completion({'model': 'm'}, 'x', user_id='not a date', event_id='refused')"
        Program(code, home, node.url).finish()
    finally:
        clean_store.indices.delete_index_template(name="llm-completions@template")
        clean_store.cluster.delete_component_template(name="llm-completions@custom")
        setup(clean_store)
    clean_store.indices.refresh(index="llm-*")
    listed = shipper_command(home, node.url, "deadletter", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    letter = orjson.loads(listed.stdout)
    assert letter["llm"]["deadletter"]["original_id"] == "refused"
    letter_id = letter["event"]["id"]
    assert letter_id in shipper_command(home, node.url, "deadletter", "list").stdout
    assert "not a date" in shipper_command(home, node.url, "deadletter", "show", letter_id).stdout
    refused_again = shipper_command(home, node.url, "deadletter", "replay", letter_id)
    assert refused_again.returncode == 1
    clean_store.indices.delete(index=letter["llm"]["deadletter"]["original_index"])
    replayed = shipper_command(home, node.url, "deadletter", "replay", "--all")
    assert (replayed.returncode, replayed.stdout) == (0, "1 sent again, 0 refused again.\n")
    assert shipper_command(home, node.url, "deadletter", "list").stdout == "No dead letters.\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["search"], 69),
        (["show", "x"], 69),
        (["deadletter", "list"], 69),
        (["deadletter", "replay"], 2),
        (["no-such-verb"], 2),
        (["--help"], 0),
        (["--version"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_exit_codes(home: Path, arguments: list[str], code: int) -> None:
    """Scripts can tell a missing store from wrong usage."""
    done = shipper_command(home, None, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in a setting ends with 78 and the list of valid ones, not with a traceback."""
    home.mkdir()
    (home / "shipper.toml").write_text('durabilty = "power"\n')
    done = shipper_command(home, None, "status")
    assert done.returncode == 78
    assert "Did you mean durability?" in done.stderr


def test_a_terminal_that_has_few_characters(
    clean_store: Elasticsearch, node: NodeInfo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the terminal's encoding doesn't have becomes a question mark, not a traceback."""
    setup(clean_store)
    Program("log('shown-in-ascii')", home, node.url).finish()
    clean_store.indices.refresh(index="llm-*")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = shipper_command(home, node.url, "show", "shown-in-ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shown-in-ascii" in done.stdout
    assert "?" in done.stdout


@pytest.mark.parametrize("verb", ["status", "drain"])
def test_a_spool_that_can_not_be_read(home: Path, verb: str) -> None:
    """A folder of somebody else's, or none, is a sentence that names it."""
    home.mkdir()
    (home / "spool").write_text("")
    done = shipper_command(home, "http://127.0.0.1:1", verb)
    assert "Traceback" not in done.stderr
    assert (done.returncode, str(home / "spool") in done.stderr) == (78, True), done.stderr
