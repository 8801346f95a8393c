"""`shipper deadletter`: what the store refused, and another try."""

from __future__ import annotations

from itertools import chain

import click
import orjson

from shipper.cli.group import CommandGroup
from shipper.read.deadletters import dead_letters, letters_on_disk, replay
from shipper.read.terminal import printable
from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.sink.base import Outcome
from shipper.store.client import open_store

_MESSAGE_WIDTH = 200


@click.group(cls=CommandGroup)
def deadletter() -> None:
    """Events that the store refused: list them, show one, send them again."""


@deadletter.command("list")
@click.option("--app", help="Of this application only.")
@click.option("--reason", help="Of this reason only.")
@click.option("--limit", type=int, default=50, show_default=True, help="At most so many.")
@click.option("--replayed", is_flag=True, help="Also those that were sent again with success.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored documents as NDJSON.")
def list_(app: str | None, reason: str | None, limit: int, replayed: bool, as_json: bool) -> None:
    """List dead letters, newest first; those that only this machine's disk holds come last."""
    settings = Settings.load()
    with open_store(settings) as client:
        letters = list(dead_letters(client, app=app, reason=reason, replayed=replayed, limit=limit))
    letters += letters_on_disk(settings, app=app, reason=reason)
    if as_json:
        for letter in letters:
            click.echo(orjson.dumps(letter.document))
        return
    if not letters:
        click.echo("No dead letters.")
        return
    for letter in letters:
        head = (
            letter.id,
            letter.document["@timestamp"][:19],
            letter.document["llm"]["application"]["name"],
            letter.reason,
        )
        click.echo(
            "  ".join(map(printable, head)) + ("" if letter.index else "  (on this machine's disk only)")
        )
        click.echo(f"  {printable(letter.message)[:_MESSAGE_WIDTH]}")


@deadletter.command()
@click.argument("letter_id")
def show(letter_id: str) -> None:
    """Show one dead letter with its original."""
    settings = Settings.load()
    with open_store(settings) as client:
        found = list(dead_letters(client, ids=[letter_id], replayed=True, limit=1))
    found += letters_on_disk(settings, ids=[letter_id])
    if not found:
        click.echo(f"No dead letter has the id {letter_id}: `shipper deadletter list`.", err=True)
        raise click.exceptions.Exit(1)
    click.echo(orjson.dumps(found[0].document, option=orjson.OPT_INDENT_2))


@deadletter.command("replay")
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that were not sent again yet.")
@click.option("--app", help="With --all: of this application only.")
@click.option("--reason", help="With --all: of this reason only.")
@click.option("--new-id", is_flag=True, help="Give each a new id: for events whose id another one has.")
def replay_(
    letter_ids: tuple[str, ...], everything: bool, app: str | None, reason: str | None, new_id: bool
) -> None:
    """Send dead letters again, after the cause was mended. Exit code 1 when some were refused again."""
    if bool(letter_ids) == everything:
        raise click.UsageError("Name the dead letters to send again, or --all.")
    settings = Settings.load()
    sink = make_sink(settings)
    taken = refused = 0
    with open_store(settings) as client:
        chosen = letters_on_disk(settings, ids=letter_ids, app=app, reason=reason)
        for letter in chain(dead_letters(client, ids=letter_ids, app=app, reason=reason), chosen):
            result = replay(client, sink, settings, letter, new_id=new_id)
            if result.outcome in (Outcome.DELIVERED, Outcome.DUPLICATE):
                taken += 1
                continue
            refused += 1
            why = printable(result.reason or result.error_type)
            click.echo(f"{letter.id}: {result.outcome.value}: {why[:300]}", err=True)
    sink.close()
    click.echo(f"{taken} sent again, {refused} refused again.")
    if refused or (letter_ids and taken + refused < len(letter_ids)):
        raise click.exceptions.Exit(1)
