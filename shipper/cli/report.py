"""`shipper report`: what the dashboards show, in the terminal, as rows, or as one HTML file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Console

from shipper.errors import UsageError
from shipper.panels.budget import with_budget
from shipper.panels.catalogue import DASHBOARDS
from shipper.panels.model import Window
from shipper.panels.overview import OVERVIEW
from shipper.panels.run import documents
from shipper.panels.sources import Filters
from shipper.read.judged import judged, page_of
from shipper.read.judged import rows_of as judged_rows
from shipper.read.query import Query
from shipper.read.when import parse_when
from shipper.report.as_json import rows_of
from shipper.report.charts import begin
from shipper.report.comparison import compare_versions, latest_two
from shipper.report.documents import document_lines
from shipper.report.html import page
from shipper.report.pair import pair_lines, pair_rows
from shipper.report.selection import Selection, sections
from shipper.report.terminal import lines_of
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from elasticsearch import Elasticsearch
    from rich.text import Text

    from shipper.panels.model import Dashboard

_REPORTS = {one.id.removeprefix("llm-"): one for one in DASHBOARDS}
_FEEDBACK = "feedback"
_NARROWEST, _WIDEST = 80, 120
_SENT_S = 0.05
"""The question is on its way by then; if not, it is answered as well, only later."""
_WHEN = "an age (30d, 12h), a date, or an ISO date and time."


@click.command()
@click.argument("name", type=click.Choice((*_REPORTS, _FEEDBACK)), required=False)
@click.argument("versions", nargs=-1)
@click.option("--app", help="Calls of this application.")
@click.option("--version", help="Calls of this version.")
@click.option("--environment", help="Calls of this environment.")
@click.option("--model", help="Calls of this model.")
@click.option("--prompt", help="Calls of this prompt.")
@click.option("--since", default="30d", show_default=True, help=f"Started at or after: {_WHEN}")
@click.option("--until", help="Started before, in the same forms; a date means the end of that day.")
@click.option(
    "--documents",
    "shown",
    type=click.IntRange(0, 100),
    default=2,
    show_default=True,
    help="So many of the documents behind a report: errors, better responses, dead letters.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the rows as NDJSON.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write a page instead, all reports in it unless one is named. Needs the extra [report].",
)
def report(
    name: str | None,
    versions: tuple[str, ...],
    since: str,
    until: str | None,
    shown: int,
    as_json: bool,
    html: Path | None,
    **names: str | None,
) -> None:
    """What the dashboards show, without Kibana: figures against the period before, and how they ran.

    `shipper report versions A B` compares two versions, and says which differences can be chance.
    """
    if versions and (name != "versions" or len(versions) != 2):
        raise click.UsageError("Two versions are compared by: shipper report versions A B")
    if name == _FEEDBACK and (html or names["environment"] or names["prompt"]):
        raise click.UsageError("report feedback knows neither --environment nor --prompt nor --html.")
    selection = selection_of(since, until, names)
    settings = Settings.load()
    chosen = (
        tuple(_REPORTS.values()) if name is None and html else (_REPORTS.get(name or "overview", OVERVIEW),)
    )
    dashboards = with_budget(chosen, settings.budget_usd)
    with open_store(settings) as client:
        if name == _FEEDBACK:
            _judged(client, selection, as_json=as_json)
        elif html is not None:
            write_page(client, html, dashboards, selection)
        elif versions:
            _compare(client, (versions[0], versions[1]), selection, as_json=as_json)
        else:
            _show(client, dashboards[0], selection, shown=shown, as_json=as_json)


def selection_of(since: str, until: str | None, names: Mapping[str, str | None]) -> Selection:
    """The options as a span of time and filters.

    Raises:
        UsageError: a point in time can't be read.
        click.UsageError: the span is empty.
    """
    now = datetime.now(UTC)
    start, end = parse_when(since, now), parse_when(until, now, end=True) if until else now
    if start >= end:
        raise click.UsageError("--since is not before --until: there is no time between them.")
    filters = Filters(
        application=names.get("app"),
        **{one: names.get(one) for one in ("version", "environment", "model", "prompt")},
    )
    return Selection(Window(start, end), filters)


def print_lines(lines: Iterable[Text]) -> None:
    """Lines of a report on the terminal, or plain in a pipe."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line, no_wrap=True, crop=False, overflow="ignore")


def width() -> int:
    """Characters in a line of a report."""
    return max(_NARROWEST, min(_WIDEST, Console().width))


def _show(
    client: Elasticsearch, dashboard: Dashboard, selection: Selection, *, shown: int, as_json: bool
) -> None:
    found = sections(client, (dashboard,), selection)
    if as_json:
        for row in rows_of(found):
            click.echo(orjson.dumps(row))
        return
    click.echo(selection.title)
    for section in found:
        print_lines(lines_of(section, width()))
    for search in () if dashboard.by_conversation or not shown else dashboard.searches:
        click.echo()
        some = documents(client, search, selection.window, selection.filters, size=shown)
        print_lines(document_lines(search, some, width()))


def _judged(client: Elasticsearch, selection: Selection, *, as_json: bool) -> None:
    filters, window = selection.filters, selection.window
    found = judged(
        client,
        Query(
            app=filters.application,
            version=filters.version,
            model=filters.model,
            since=window.start,
            until=window.end,
        ),
    )
    if as_json:
        for row in judged_rows(found):
            click.echo(orjson.dumps(row))
        return
    click.echo(selection.title)
    for line in page_of(found, width()):
        click.echo(line)


def _compare(
    client: Elasticsearch, versions: tuple[str, str], selection: Selection, *, as_json: bool
) -> None:
    pair = compare_versions(client, versions, selection)
    if as_json:
        for row in pair_rows(pair):
            click.echo(orjson.dumps(row))
    else:
        click.echo(selection.title)
        print_lines(pair_lines(pair, width()))
    if not all(pair.calls):
        raise click.exceptions.Exit(1)


def write_page(
    client: Elasticsearch, path: Path, dashboards: tuple[Dashboard, ...], selection: Selection
) -> None:
    """Write the page, and say where it is.

    Raises:
        UsageError: the charting library is not installed, or the file can't be written.
    """
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(sections, client, dashboards, selection)
        wait([asked], _SENT_S)
        begin()  # while the store thinks: no other thread of ours runs in it
        found = asked.result()
    two = latest_two([result for section in found for result in section.results])
    pair = compare_versions(client, two, selection) if two is not None else None
    text = page(found, selection, datetime.now(UTC), pair)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror or error}.") from None
    click.echo(f"The report is in {path.resolve()} ({len(text.encode()) / 1024:,.0f} kB).")
