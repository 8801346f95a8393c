"""What `shipper setup --kibana` does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import orjson

from shipper.alerts.put import put_rules
from shipper.alerts.rules import rules_of, shipped
from shipper.panels.kibana.files import files
from shipper.stack.furnish import furnish
from shipper.stack.kibana import Kibana, api_key, basic

if TYPE_CHECKING:
    from shipper.settings import Settings
    from shipper.stack.security import Step


def put_dashboards(
    settings: Settings,
    url: str,
    *,
    space: str,
    key: str | None,
    ca: Path | None,
    only_check: bool,
    as_json: bool,
) -> None:
    """Put data views, saved searches, dashboards and alerts, and say what became of each.

    Raises:
        ShipperError: Kibana did not answer, is too old, or refused something.
        click.UsageError: nothing says as whom Kibana is asked.
        click.exceptions.Exit: 1 if only looked, and something would change.
    """
    kibana = Kibana(url, _authorization(settings, key), ca or settings.elasticsearch_ca, space)
    steps = put_files(kibana, settings, change=not only_check)
    rules = shipped() if settings.alerts_file is None else rules_of(settings.alerts_file)
    steps += put_rules(kibana, rules, change=not only_check)
    for step in steps:
        if as_json:
            click.echo(orjson.dumps(asdict(step)))
        elif not only_check or step.action not in ("unchanged", "skipped"):
            done = {"created": "missing", "updated": "changed"}[step.action] if only_check else step.action
            click.echo(f"{done}: {step.kind} {step.name}{step.reason and f' ({step.reason})'}")
    if only_check and any(step.action in ("created", "updated") for step in steps):
        raise click.exceptions.Exit(1)
    if only_check and not as_json:
        click.echo("Everything is as it should be.")


def put_files(kibana: Kibana, settings: Settings, *, change: bool = True) -> list[Step]:
    """Data views, saved searches and dashboards, with the budget of the settings in them; see `furnish`.

    Raises:
        ShipperError: as `furnish`.
    """
    with TemporaryDirectory() as folder:
        for name, text in files(settings.budget_usd).items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return furnish(kibana, Path(folder), change=change)


def _authorization(settings: Settings, key: str | None) -> str:
    if key:
        return api_key(key)
    if settings.elasticsearch_api_key is not None:
        return api_key(settings.elasticsearch_api_key.get_secret_value())
    if settings.elasticsearch_username is not None and settings.elasticsearch_password is not None:
        return basic(settings.elasticsearch_username, settings.elasticsearch_password.get_secret_value())
    raise click.UsageError(
        "Kibana wants to know who asks: --kibana-api-key, or SHIPPER_ELASTICSEARCH_API_KEY, or "
        "SHIPPER_ELASTICSEARCH_USERNAME and _PASSWORD."
    )
