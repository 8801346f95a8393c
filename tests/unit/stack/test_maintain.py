"""Ages of `shipper stack maintain` come from the environment that compose gives."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from shipper.cli.stack import stack
from tests.loopback import Loopback, elasticsearch


def test_an_empty_age_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose passes variables that are not set as empty ones."""
    for name in ("COMPLETIONS", "FEEDBACK", "DEADLETTER", "DELIVERY"):
        monkeypatch.setenv(f"RETENTION_{name}", "")
    with Loopback(elasticsearch()) as server:
        monkeypatch.setenv("SHIPPER_ELASTICSEARCH_URL", server.url)
        result = CliRunner().invoke(stack, ["maintain", "--once"])
        assert [one for one in server.requests if one.method == "DELETE" or "_stats" in one.path] == []
    assert "no age" not in result.output


def test_a_wrong_age_stops_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in `.env` is found when the service starts, not when it deletes."""
    monkeypatch.setenv("RETENTION_COMPLETIONS", "12 months")
    result = CliRunner().invoke(stack, ["maintain", "--once"])
    assert result.exit_code == 2
    assert "no age" in result.output
