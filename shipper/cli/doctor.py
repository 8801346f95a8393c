"""`shipper doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from shipper.errors import SettingsError
from shipper.read.checks import Check
from shipper.read.doctor import examine
from shipper.settings import Settings

_SIGNS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "skip": ("–", "white")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the checks as NDJSON.")
def doctor(as_json: bool) -> None:
    """Look at settings, folders and the store, and say what to do. Exit code 1 when something has failed."""
    failed = False
    for check in _checks():
        failed = failed or check.status == "fail"
        if as_json:
            click.echo(orjson.dumps(asdict(check)))
            continue
        sign, colour = _SIGNS[check.status]
        click.echo(f"{click.style(sign.ljust(4), fg=colour)}  {check.name.ljust(10)}  {check.message}")
        if check.advice:
            click.echo(f"{' ' * 18}{check.advice}")
    if failed:
        raise click.exceptions.Exit(1)


def _checks() -> list[Check]:
    try:
        settings = Settings.load()
    except SettingsError as error:
        return [Check("settings", "fail", str(error), "docs/settings.md lists all settings.")]
    return list(examine(settings))
