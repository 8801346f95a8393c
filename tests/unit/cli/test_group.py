"""What `--help` says of commands."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from shipper.cli.evaluate import evaluate
from shipper.cli.export import export
from shipper.cli.group import CommandGroup


@click.group(cls=CommandGroup)
def tool() -> None:
    """A tool."""


@tool.command()
def wash() -> None:
    """Wash everything that lies in the basket, however much it is, with the soap that stands beside it. Slowly."""


@tool.command(hidden=True)
def secret() -> None:
    """Not for everybody."""


def test_the_first_sentence_is_there_in_full() -> None:
    """Wrapped instead of cut; what follows it is for the command's own help."""
    shown = " ".join(CliRunner().invoke(tool, ["--help"], terminal_width=60).output.split())
    assert "with the soap that stands beside it." in shown
    assert "Slowly" not in shown


def test_hidden_commands_stay_hidden() -> None:
    """As click's own group does it."""
    assert "secret" not in CliRunner().invoke(tool, ["--help"]).output


@pytest.mark.parametrize("command", [evaluate, export])
def test_lists_stand_as_they_were_written(command: click.Command) -> None:
    """A line each, without the sign that tells click so."""
    shown = CliRunner().invoke(command, ["--help"]).output
    assert "\\b" not in shown
    assert [line for line in shown.splitlines() if line.startswith(("  exact  ", "  csv, parquet  "))]
