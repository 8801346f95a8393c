"""`shipper setup`: templates, lifecycle policy and aliases into the store."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import orjson

from shipper.settings import Settings
from shipper.store.client import open_store
from shipper.store.setup import check_setup
from shipper.store.setup import setup as put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.store.setup import Change, Drift


@click.command()
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; exit code 1 if something would change."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as NDJSON.")
def setup(only_check: bool, as_json: bool) -> None:
    """Put what the store must hold before anything is written: index templates, lifecycle policy, lost aliases.

    Can be repeated at any time. Needs a key with the cluster privileges `monitor`, `manage_index_templates` and
    `manage_ilm`, and `manage` on `llm-*` for the aliases; --check needs `monitor`, `read_ilm` and
    `view_index_metadata`. Your own settings belong into the component template `llm@custom`, which stays as it is.
    """
    settings = Settings.load()
    if only_check:
        with open_store(settings) as client:
            drifts = check_setup(client)
        _print(drifts, as_json, [f"{one.problem}: {one.kind} {one.name}" for one in drifts])
        if any(one.problem != "newer" for one in drifts):
            raise click.exceptions.Exit(1)
        return
    with open_store(settings) as client:
        changes = put(client)
    _print(changes, as_json, [f"{one.action}: {one.kind} {one.name}" for one in changes])


def _print(results: Sequence[Change | Drift], as_json: bool, lines: Sequence[str]) -> None:
    if as_json:
        for one in results:
            click.echo(orjson.dumps(asdict(one)))
        return
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("Everything is as it should be.")
