"""`shipper stack certificates` and `setup` as compose runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from shipper.cli.stack import stack
from tests.kibana.server import ScriptedKibana
from tests.loopback import Answer, Loopback
from tests.unit.stack.test_security import PASSWORDS
from tests.unit.stack.test_security import Cluster as Security
from tests.unit.store.test_setup import Cluster as Templates

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loopback import Request


def test_certificates_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names come from STACK_HOSTS; the second run has nothing to do."""
    monkeypatch.setenv("STACK_HOSTS", "logs.example.org, 192.0.2.7,")
    first = CliRunner().invoke(stack, ["certificates", str(tmp_path), "--client", "web1"])
    assert first.output == "Made: ca, elasticsearch, logstash, kibana, kafka, clients/web1.\n"
    again = CliRunner().invoke(stack, ["certificates", str(tmp_path), "--client", "web1"])
    assert again.output == "All certificates are as they should be.\n"


@pytest.mark.parametrize("name", ["../ca", "a/b", "", ".", "A", "-x"])
def test_a_clients_name_is_no_path(tmp_path: Path, name: str) -> None:
    """Nothing is written outside the folder, nor over the authority."""
    result = CliRunner().invoke(stack, ["certificates", str(tmp_path / "certs"), "--client", name])
    assert result.exit_code == 2
    assert not (tmp_path / "certs").exists()


@pytest.mark.parametrize("host", ["https://logs.example.org", "a b", "bücher.example", "x:9200"])
def test_a_host_that_is_none_is_said(tmp_path: Path, host: str) -> None:
    """What STACK_HOSTS may not hold is named, before anything is made."""
    result = CliRunner().invoke(
        stack, ["certificates", str(tmp_path / "certs"), "--hosts", f"ok.example,{host}"]
    )
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    assert repr(host) in result.output
    assert not (tmp_path / "certs").exists()


@pytest.mark.parametrize("name", ["kibana/tls.crt", "ca/ca.key", "ca/ca.crt"])
@pytest.mark.parametrize("content", ["", "cut off"])
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    """A certificate or key that can't be read is a sentence with its path."""
    CliRunner().invoke(stack, ["certificates", str(tmp_path)])
    (tmp_path / name).write_text(content, "utf-8")
    result = CliRunner().invoke(stack, ["certificates", str(tmp_path)])
    assert result.exit_code == 1
    assert f"Error: {tmp_path / name} is no" in result.output


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """Without the authority's key nothing can be signed: a new authority is what helps."""
    CliRunner().invoke(stack, ["certificates", str(tmp_path)])
    (tmp_path / "ca" / "ca.key").unlink()
    result = CliRunner().invoke(stack, ["certificates", str(tmp_path)])
    assert result.exit_code == 1
    assert "--new-authority" in result.output


def test_setup_puts_everything_and_then_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates, roles, users and data views at once; passwords come from the environment and are never printed."""
    templates, security = Templates(), Security()

    def store(request: Request) -> Answer:
        return security(request) if request.path.startswith("/_security") else templates.answer(request)

    with Loopback(store) as elasticsearch, Loopback(ScriptedKibana()) as kibana:
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", elasticsearch.url)
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_USERNAME", "elastic")
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_PASSWORD", "the-superusers")
        for user in PASSWORDS:
            variable = f"{user.removeprefix('llm_').upper()}_PASSWORD"
            monkeypatch.setenv(variable, f"secret-of-{user}")
        first = CliRunner().invoke(stack, ["setup"])
        assert first.exit_code == 0, first.output
        assert {
            "created: role shipper_writer",
            "created: user llm_joiner",
            "created: index template llm-feedback@template",
        } <= set(first.output.splitlines())
        assert {user: stored["password"] for user, stored in security.users.items()} == {
            user: f"secret-of-{user}" for user in PASSWORDS
        }
        again = CliRunner().invoke(stack, ["setup"])
        assert {line.split(":")[0] for line in again.output.splitlines()} == {"unchanged"}
        asked = len(elasticsearch.requests)
        furnished = CliRunner().invoke(stack, ["setup", "--only-kibana", "--kibana-url", kibana.url])
        assert "created: data view llm-completions" in furnished.output
        assert len(elasticsearch.requests) == asked
    for result in (first, again, furnished):
        assert "secret-of" not in result.output
        assert "the-superusers" not in result.output


def test_kibana_wants_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API key of Elasticsearch's settings alone is told, not tried."""
    monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(stack, ["setup", "--only-kibana", "--kibana-url", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "SHIPPER_ELASTICSEARCH_USERNAME" in result.output
