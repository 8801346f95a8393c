"""The `shipper` command: dispatch only. Each verb has a module of its own, loaded when it is used."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any

import click

from shipper._version import __version__
from shipper.cli.group import CommandGroup
from shipper.errors import SettingsError, ShipperError

_VERBS = {
    "up": "shipper.cli.node",
    "down": "shipper.cli.node",
    "status": "shipper.cli.status",
    "setup": "shipper.cli.setup",
    "doctor": "shipper.cli.doctor",
    "search": "shipper.cli.search",
    "show": "shipper.cli.show",
    "tail": "shipper.cli.tail",
    "export": "shipper.cli.export",
    "drain": "shipper.cli.drain",
    "deadletter": "shipper.cli.deadletter",
    "join": "shipper.cli.join",
    "feedback": "shipper.cli.feedback",
    "import": "shipper.cli.import_",
    "evaluate": "shipper.cli.evaluate",
    "demo": "shipper.cli.demo",
    "report": "shipper.cli.report",
    "alerts": "shipper.cli.alerts",
    "keys": "shipper.cli.keys",
    "retention": "shipper.cli.retention",
    "reprice": "shipper.cli.reprice",
    "stack": "shipper.cli.stack",
}
_FUNCTIONS = {"import": "import_"}  # whose name is a word of the language
_INTERRUPTED = 130


class _Verbs(CommandGroup):
    """A group whose commands are imported only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _VERBS:
            return None
        command: Any = getattr(importlib.import_module(_VERBS[cmd_name]), _FUNCTIONS.get(cmd_name, cmd_name))
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shipper")
def _shipper() -> None:
    """Log LLM calls to Elasticsearch, search them, and see where every one of them is.

    Settings come from SHIPPER_* variables or a TOML file: see docs/settings.md. Exit codes: 0 fine, 1 found
    nothing or something is wrong with what was looked at, 2 and 64 wrong usage, 69 the store is away, 76 it
    answered something unexpected, 77 it refused the key, 78 settings or templates.
    """


def main() -> None:
    """Run the command line; the process ends with the code that tells scripts what happened."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows what it can
    try:
        code = _shipper(standalone_mode=False)  # the exit code that a verb asked for, if it asked for one
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ShipperError as error:
        click.echo(f"shipper: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:  # what a verb can say better, it has said
        place = f"{error.filename}: " if error.filename else ""
        click.echo(
            f"shipper: {place}{error.strerror or error}. Is the folder this user's, and has its disk room? "
            "SHIPPER_HOME says where it is; `shipper doctor` looks at it.",
            err=True,
        )
        sys.exit(SettingsError.exit_code)
