"""`shipper tail`: the newest calls, and those that arrive."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Console

from shipper.read.follow import Arrivals
from shipper.read.listing import listing, tab_separated
from shipper.read.query import Query
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.read.search import Hit

_POLL_S = 1.0


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on and print what arrives, until interrupted.")
@click.option(
    "-n", "--lines", "limit", type=click.IntRange(0, 10_000), default=10, show_default=True, help="So many."
)
@click.option("--app", help="Of this application.")
@click.option("--outcome", type=click.Choice(["success", "failure", "unknown"]), help="With this outcome.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored documents as NDJSON.")
def tail(follow: bool, limit: int, app: str | None, outcome: str | None, as_json: bool) -> None:
    """Print the calls that arrived last, the newest at the end, and with --follow those that arrive."""
    settings = Settings.load()
    with open_store(settings) as client:
        arrivals = Arrivals(client, Query(app=app, outcome=outcome))
        _print(arrivals.newest(limit), as_json)
        while follow:
            time.sleep(_POLL_S)
            _print(arrivals.later(), as_json)


def _print(hits: Iterable[Hit], as_json: bool) -> None:
    if sys.stdout.isatty() and not as_json:
        console = Console(highlight=False)
        for line in listing(list(hits), [], console.width, datetime.now(UTC)):
            console.print(line, no_wrap=True, crop=False, overflow="ignore")
        return
    for hit in hits:
        click.echo(orjson.dumps(hit.document) if as_json else tab_separated(hit, []))
    sys.stdout.flush()
