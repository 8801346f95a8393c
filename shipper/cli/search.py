"""`shipper search`: completions by words and by what is known about them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Console

from shipper.cli.filters import filters, query_from
from shipper.read.listing import listing, tab_separated
from shipper.read.query import terms_of
from shipper.read.search import count
from shipper.read.search import search as find
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.read.query import Query
    from shipper.read.search import Hit


@click.command()
@filters
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored documents as NDJSON.")
def search(
    words: tuple[str, ...],
    tags: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
    **names: str | None,
) -> None:
    """Find logged calls: all WORDS must occur, anywhere in prompt, answers or error.

    '"A phrase in quotes"' has to occur as it stands (the outer quotes are for your shell), -word must not occur,
    begin* stands for any ending; put -- before WORDS when the first is a -word. The best match comes first;
    without WORDS the newest does. Exit code 1 when nothing was found.
    """
    query = query_from(words, tags, since, until, datetime.now(UTC), limit=limit, **names)
    with open_store(Settings.load()) as client:
        hits = find(client, query, brief=not as_json)
        shown = print_json(hits) if as_json else print_list(hits, query)
        if shown == limit and sys.stdout.isatty():
            click.echo(f"{shown} of {count(client, query):,}. See more with --limit.", err=True)
    if not shown:
        click.echo("Nothing found.", err=True)
        raise click.exceptions.Exit(1)


def print_json(hits: Iterable[Hit]) -> int:
    """Print stored documents, one a line; how many there were."""
    shown = 0
    for hit in hits:
        click.echo(orjson.dumps(hit.document))
        shown += 1
    return shown


def print_list(hits: Iterable[Hit], query: Query) -> int:
    """Print for people on a terminal, for programs in a pipe; how many there were."""
    terms = terms_of(query.text)
    if sys.stdout.isatty():
        console = Console(highlight=False)
        found = list(hits)
        for line in listing(found, terms, console.width, datetime.now(UTC)):
            console.print(line, no_wrap=True, crop=False, overflow="ignore")
        return len(found)
    shown = 0
    for hit in hits:
        click.echo(tab_separated(hit, terms))
        shown += 1
    return shown
