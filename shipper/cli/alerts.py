"""`shipper alerts`: what is worth waking somebody for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from shipper.alerts.check import check as look
from shipper.alerts.check import dashboard_link, value_text
from shipper.alerts.measures import MEASURES
from shipper.alerts.notify import tell
from shipper.alerts.rules import rules_of, shipped
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from shipper.alerts.check import Finding
    from shipper.alerts.rules import Rule

_FILE = click.option(
    "--file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Rules to look at instead of the setting's or the package's.",
)


@click.group()
def alerts() -> None:
    """Rules about errors, latency, cost, silence and verdicts: for cron and CI without Kibana."""


@alerts.command()
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print what every rule saw, as NDJSON.")
@click.option("--notify", is_flag=True, help="Tell what has begun and what is over by webhook and mail.")
@click.option(
    "--kibana", metavar="URL", help="Messages link to its dashboards. [KIBANA_URL]", envvar="KIBANA_URL"
)
def check(file: Path | None, as_json: bool, notify: bool, kibana: str | None) -> None:
    """Look once. Exit code 0 when nothing fires, 1 when something does.

    A rule fires when all of its looks, this one and those before it, are over its threshold; looks into the past need
    no memory. With too few calls, or in a store that is too young, it says nothing.
    """
    settings = Settings.load()
    rules = _rules(settings, file)
    now = datetime.now(UTC)
    with open_store(settings) as client:
        found = look(client, rules, now)
    firing = {
        one.key: one.message(dashboard_link(kibana, one, now) if kibana else "")
        for one in found
        if one.state == "firing"
    }
    for one in found:
        if as_json:
            click.echo(orjson.dumps(_row(one, firing.get(one.key))))
        elif one.state == "firing":
            click.echo(firing[one.key])
    if not as_json and not firing:
        young = sum(one.state == "young" for one in found)
        waits = f" {young} would, but the store is young." if young else ""
        click.echo(f"Nothing fires: {len(rules)} rules, {len(found)} readings.{waits}")
    if notify:
        for line in tell(settings, firing):
            click.echo(f"told: {line}", err=True)
    if firing:
        raise click.exceptions.Exit(1)


@alerts.command(name="list")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print the rules as NDJSON.")
def list_rules(file: Path | None, as_json: bool) -> None:
    """Show the rules."""
    for rule in _rules(Settings.load(), file):
        limit = value_text(rule.threshold, MEASURES[rule.measure].unit)
        if as_json:
            spans = {name: getattr(rule, name).total_seconds() for name in ("window", "every", "min_age")}
            row = {name: getattr(rule, name) for name in rule.__dataclass_fields__} | spans
            click.echo(orjson.dumps(row))
        else:
            looks = f"{rule.checks} looks" if rule.checks > 1 else "1 look"
            click.echo(f"{rule.id:<16}{rule.title:<44}from {limit}, {looks} over {rule.window}")


def _rules(settings: Settings, file: Path | None) -> list[Rule]:
    chosen = file or settings.alerts_file
    return shipped() if chosen is None else rules_of(chosen)


def _row(one: Finding, message: str | None) -> dict[str, object]:
    return {
        "rule": one.rule.id,
        "application": one.group,
        "state": one.state,
        "value": one.value,
        "threshold": one.rule.threshold,
        "unit": MEASURES[one.rule.measure].unit,
        "count": one.count,
        "said": one.said,
        "message": message,
    }
