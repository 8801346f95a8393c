"""`shipper doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from shipper.errors import SettingsError, ShipperError
from shipper.read.checks import Check
from shipper.read.doctor import examine
from shipper.settings import Settings
from shipper.stack.health import examine_stack
from shipper.store.client import open_store

_SIGNS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "skip": ("–", "white")}


@click.command()
@click.option(
    "--stack", is_flag=True, help="Also look at a full cluster: shards, versions, fields, certificates."
)
@click.option(
    "--logstash-api", multiple=True, help="With --stack: address of Logstash's own API; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as NDJSON.")
def doctor(stack: bool, logstash_api: tuple[str, ...], as_json: bool) -> None:
    """Look at settings, folders and the store, and say what to do. Exit code 1 when something has failed."""
    failed = False
    for check in [*_checks(), *(_stack_checks(logstash_api) if stack else [])]:
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


def _stack_checks(logstash_api: tuple[str, ...]) -> list[Check]:
    try:
        settings = Settings.load()
        urls = [
            url for url in (*settings.elasticsearch_url, *settings.logstash_url) if url.startswith("https://")
        ]
        with open_store(settings) as client:
            return list(
                examine_stack(client, logstash_api=logstash_api, tls=urls, ca=settings.elasticsearch_ca)
            )
    except ShipperError as error:
        return [Check("stack", "fail", str(error))]
