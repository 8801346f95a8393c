"""`shipper show`: one call, with everything that is known about it."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import orjson
from rich.console import Console

from shipper.read.joins import events_about
from shipper.read.listing import listing
from shipper.read.page import page_of
from shipper.read.show import find
from shipper.settings import Settings
from shipper.store.client import open_store


@click.command()
@click.argument("key", metavar="ID")
@click.option("--full", is_flag=True, help="Show every text to its end.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored document, or documents, as NDJSON.")
def show(key: str, full: bool, as_json: bool) -> None:
    """Show one call: its conversation, every choice with the selected one marked, tokens, cost and feedback.

    ID is an event id or the beginning of one (8 characters or more), a provider's response id, or a join key. Exit
    code 1 when nothing or more than one call was found.
    """
    with open_store(Settings.load()) as client:
        hits = find(client, key)
        events = events_about(client, hits[0].document) if len(hits) == 1 else []
    if not hits:
        click.echo(
            f"No call has the id {key!r}. It may not have been sent yet: `shipper status` tells what waits. "
            "The index needs a second to show what has just arrived.",
            err=True,
        )
        raise click.exceptions.Exit(1)
    if as_json:
        for hit in hits:
            click.echo(orjson.dumps(hit.document))
        return
    console = Console(highlight=False, soft_wrap=True)
    if len(hits) == 1:
        for line in page_of(hits[0], full=full, events=events):
            console.print(line)
        return
    click.echo(f"{len(hits)} calls have the id {key!r}; show one of them by its event id.", err=True)
    for line in listing(hits, [], console.width, datetime.now(UTC)):
        console.print(line, no_wrap=True, crop=False)
    raise click.exceptions.Exit(1)
