"""`shipper setup`: templates, lifecycle policy and aliases into the store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
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
@click.option("--kibana", metavar="URL", help="Put data views, searches, dashboards and alerts into Kibana.")
@click.option("--space", default="", help="Kibana's space, by its id. Default: the default space.")
@click.option("--kibana-api-key", envvar="KIBANA_API_KEY", help="Default: as for the store. [KIBANA_API_KEY]")
@click.option(
    "--kibana-ca",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="CA certificate (PEM) that signed Kibana's. Default: the store's.",
)
def setup(
    only_check: bool,
    as_json: bool,
    kibana: str | None,
    space: str,
    kibana_api_key: str | None,
    kibana_ca: Path | None,
) -> None:
    """Put what the store must hold before anything is written: index templates, lifecycle policy, lost aliases.

    Indices of before get the fields that are new; what they have stays. Can be repeated at any time. Needs a key with the cluster privileges `monitor`, `manage_index_templates` and
    `manage_ilm`, and `manage` on `llm-*` for aliases and fields; --check needs `monitor`, `read_ilm` and
    `view_index_metadata`. Your own settings belong into the component template `llm@custom`, which stays as it is.

    With --kibana only Kibana is changed: see docs/kibana.md. A dashboard of ours that somebody has changed is put back.
    """
    settings = Settings.load()
    if kibana is not None:
        from shipper.cli.kibana import put_dashboards

        put_dashboards(
            settings,
            kibana,
            space=space,
            key=kibana_api_key,
            ca=kibana_ca,
            only_check=only_check,
            as_json=as_json,
        )
        return
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
