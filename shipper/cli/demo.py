"""`shipper demo`: from nothing to a searched log."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shipper.cli.node import up
from shipper.cli.report import print_lines, selection_of, width, write_page
from shipper.demo.calls import APPLICATION
from shipper.demo.month.road import log_any_month, log_month, remove_month
from shipper.demo.month.story import APPLICATION as MONTH
from shipper.demo.run import log_demo
from shipper.panels.catalogue import DASHBOARDS
from shipper.panels.overview import OVERVIEW
from shipper.process import configure, flush
from shipper.read.listing import listing
from shipper.read.query import Query, terms_of
from shipper.read.search import search as find
from shipper.report.selection import sections
from shipper.report.terminal import lines_of
from shipper.store.client import open_store

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.settings import Settings

_FLUSH_S = 60.0
_WORDS = "refund"
_NEXT = (
    (f"search tyres --app {APPLICATION}", "find calls by words"),
    ("show demo-choices", "one call: conversation, choices, tokens, cost"),
    ("status", "where every event is"),
)
_DAYS, _CALLS, _SMALL = 30, 20_000, 2000
_SHOWN = 14  # figures, versions, and when each ran
_NARROWEST, _WIDEST = 80, 120


@click.command()
@click.option("--days", type=click.IntRange(1, 80), help="Log so many days of a shop's bot instead.")
@click.option(
    "--calls", type=click.IntRange(1, 1_000_000), help="So many calls in these days.  [default: 20000]"
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another one makes other calls.")
@click.option("--remove", is_flag=True, help="Delete the days again, all that were logged.")
@click.pass_context
def demo(context: click.Context, days: int | None, calls: int | None, seed: int, remove: bool) -> None:
    """Start the embedded node, log some calls of a small shop's bot, and search them.

    Run it again: nothing is doubled. The calls go the same way as yours will: through `logging` and the
    application API, the spool and the sender.
    """
    settings = configure()
    if remove:
        _remove(settings)
        return
    if not settings.elasticsearch_url:
        context.invoke(up, heap_mb=512, port=None)
    if days is not None or calls is not None:
        _month(settings, seed, days or _DAYS, calls or _CALLS)
        return
    logged = log_demo(settings)
    if not flush(_FLUSH_S):
        click.echo("Not everything was delivered in time: see `shipper status`.", err=True)
        raise click.exceptions.Exit(69)
    with open_store(settings) as client:
        client.indices.refresh(index=f"llm-*-{APPLICATION}@*")
        click.echo(f"\n{logged} calls are logged. The last ones:\n")
        _show(client, Query(app=APPLICATION, limit=8))
        click.echo(f'\nFound by the word "{_WORDS}":\n')
        _show(client, Query(app=APPLICATION, text=_WORDS, limit=1))
        click.echo(
            f"\nA month of application {MONTH}, made up, with some events that are meant to be refused:\n"
        )
        _report(client, settings)
    click.echo("\nTry next:")
    for arguments, what in _NEXT:
        click.echo(f"  {_command()} {arguments:<32} {what}")
    click.echo(f"\nYour logs lie in {settings.home}.")
    click.echo(f"Stop: {_command()} down. Remove everything: {_command()} down --remove")


def _command() -> str:
    """What people type here to get this program."""
    return sys.argv[0] if sys.argv[0].endswith("shipper") else "shipper"


def _month(settings: Settings, seed: int, days: int, calls: int) -> None:
    """Log some days, and say what is in them."""
    with open_store(settings) as client:
        logged = log_month(client, settings, seed=seed, days=days, calls=calls)
    if logged.was_there:
        click.echo(
            f"{logged.calls:,} calls of {days} days were in the store already, as application {MONTH}."
        )
    else:
        click.echo(
            f"{logged.calls:,} calls and {logged.opinions:,} judgements of {days} days are in the store now, as "
            f"application {MONTH}; {logged.joined:,} judgements are joined."
        )
    click.echo(f"Look at them: {_command()} report --app {MONTH}")
    click.echo(f"Take them away again: {_command()} demo --remove")


def _report(client: Elasticsearch, settings: Settings) -> None:
    """The month at a glance, and as a page where the charting library is installed."""
    log_any_month(client, settings, calls=_SMALL)
    selection = selection_of(
        f"{_DAYS + 1}d", None, {"app": MONTH}
    )  # it ends with the minute of its first run
    (overview,) = sections(client, (OVERVIEW,), selection)
    print_lines(lines_of(replace(overview, results=overview.results[:_SHOWN]), width()))
    click.echo(f"\nThe rest of it: {_command()} report --app {MONTH}")
    if find_spec("vl_convert") is None:
        click.echo(
            "As a page with charts: pip install 'llm-shipper[report]', then shipper report --html report.html"
        )
        return
    write_page(client, settings.home / "report.html", DASHBOARDS, selection)


def _remove(settings: Settings) -> None:
    with open_store(settings) as client:
        removed = remove_month(client, settings)
    click.echo(f"{removed} indices of application {MONTH} are deleted." if removed else "There is nothing.")


def _show(client: Elasticsearch, query: Query) -> None:
    console = Console(highlight=False)
    width = max(_NARROWEST, min(_WIDEST, console.width))
    hits = list(find(client, query, brief=True))
    for line in listing(hits, terms_of(query.text), width, datetime.now(UTC)):
        console.print(line, no_wrap=True, crop=False, overflow="ignore")
