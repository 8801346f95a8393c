"""`shipper import`: what was logged elsewhere, with its true times."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from shipper.cli.heap import keep_freed_memory
from shipper.cli.progress import ProgressLine
from shipper.errors import UsageError
from shipper.history.formats.registry import described, names
from shipper.history.run import Wanted, run
from shipper.read.when import parse_when
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from shipper.history.checkpoint import Books
    from shipper.history.plan import Seen
    from shipper.history.run import Report

_COLLECT_AFTER = 200_000  # documents hold no cycles: looking for some takes a fifth of an import's time
_REJECTED = 1
_STILL_CHANGED = 69


@click.command("import", epilog=f"Formats: {described()}.")
@click.argument("sources", nargs=-1, metavar="SOURCE…")
@click.option("--format", "form", type=click.Choice(names()), help="Recognised unless told.")
@click.option(
    "--map", "mapping", metavar="FILE", help="What the columns mean (TOML), or a mapping that we bring."
)
@click.option("--app", help="The application that it belongs to; else as the source says, else the setting.")
@click.option("--version", help="Its released version; else as the source says, else the setting.")
@click.option("--since", help="Only what happened at or after: an age (30d), a date, or a date and time.")
@click.option(
    "--until", help="Only what happened before, in the same forms; a date means the end of that day."
)
@click.option("--limit", type=click.IntRange(1), help="Stop after so many events; a row is imported whole.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, send nothing.")
@click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="What can't be imported goes here."
)
@click.option(
    "--rejects-of",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Try these again; what they refer to is looked for in SOURCE…",
)
@click.option(
    "--resume/--restart", default=None, help="Go on where it stopped (as it does untold), or begin anew."
)
@click.option("--to", metavar="WHERE", help="elasticsearch, logstash, or a file; else as the settings say.")
def import_(
    sources: tuple[str, ...],
    form: str | None,
    mapping: str | None,
    app: str | None,
    version: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    dry_run: bool,
    rejects: Path | None,
    rejects_of: Path | None,
    resume: bool | None,
    to: str | None,
) -> None:
    """Import calls that were logged elsewhere: files, folders, patterns, archives, addresses; - is the standard input.

    They keep their own times, get the prices of their days, and the keys that feedback finds them by. Importing the
    same twice changes nothing, and an import that was stopped goes on where it was. In a pipe the outcome is JSON.
    Exit code 1 when something was rejected, 69 when the store is away.
    """
    if not sources and rejects_of is None:
        raise UsageError("Name what to import, or a file of rejects with --rejects-of.")
    if rejects is not None and rejects_of is not None and rejects.absolute() == rejects_of.absolute():
        raise UsageError("--rejects has to be another file than --rejects-of, which is being read.")
    now = datetime.now(UTC)
    wanted = Wanted(
        sources=sources if rejects_of is None else (str(rejects_of),),
        form=form,
        mapping=mapping,
        app=app,
        version=version,
        since=parse_when(since, now) if since else None,
        until=parse_when(until, now, end=True) if until else None,
        limit=limit,
        dry_run=dry_run,
        rejects=rejects,
        are_rejects=rejects_of is not None,
        beside=() if rejects_of is None else sources,
        restart=resume is False,
        to=to,
    )
    gc.set_threshold(_COLLECT_AFTER)
    keep_freed_memory()
    with _shown() as watch:
        report = run(wanted, Settings.load(), watch.show)
    _tell(report, dry_run=dry_run, rejects=rejects)
    if report.not_put_back:
        raise click.exceptions.Exit(_STILL_CHANGED)
    if report.books.rejected:
        raise click.exceptions.Exit(_REJECTED)


class _Watch:
    """How far it is, on a terminal."""

    def __init__(self) -> None:
        self._line = ProgressLine()
        self._began = time.monotonic()

    def show(self, seen: Seen, books: Books) -> None:
        """One batch was read."""
        self._line.show(lambda: progress_text(seen, books, time.monotonic() - self._began))

    def end(self) -> None:
        """Leave the line."""
        self._line.end()


@contextmanager
def _shown() -> Generator[_Watch]:
    watch = _Watch()
    try:
        yield watch
    finally:
        watch.end()


def progress_text(seen: Seen, books: Books, seconds: float) -> str:
    """Rows, rate, share, time to go and rejects, in one line. Pure."""
    rate = seen.rows / max(seconds, 0.001)
    parts = [f"{seen.rows:,} rows", f"{rate:,.0f}/s"]
    if seen.bytes_total and seen.bytes_read:
        share = min(1.0, seen.bytes_read / seen.bytes_total)
        left = int(seconds * (1 - share) / share)
        parts.append(f"{share:.0%} of {seen.bytes_total / 1e6:,.0f} MB")
        parts.append(f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} to go")
    parts.append(f"{books.rejected:,} rejected")
    return ", ".join(parts)


def _tell(report: Report, *, dry_run: bool, rejects: Path | None) -> None:
    books = report.books
    if not sys.stdout.isatty():
        summary = {
            **asdict(books),
            "batch_id": report.batch_id,
            "seconds": round(report.seconds, 3),
            "dry_run": dry_run,
            "resumed_at": report.resumed_at or None,
            "not_put_back": list(report.not_put_back),
        }
        click.echo(orjson.dumps(summary))
    else:
        verb = "would be imported" if dry_run else "imported"
        click.echo(
            f"{books.delivered:,} {verb}, {books.duplicate:,} were there, {books.rejected:,} rejected, "
            f"{books.passed_over:,} rows passed over, in {report.seconds:.1f} s."
        )
    if not books.accepted and books.passed_over:
        click.echo(f"Nothing to import is in the {books.passed_over:,} rows that were read.", err=True)
    for reason, count in sorted(books.reasons.items(), key=lambda one: -one[1]):
        click.echo(f"rejected {count:,}: {reason}", err=True)
    if books.rejected and rejects is None:
        click.echo("Keep them with --rejects FILE, with the reason of each.", err=True)
    for index in report.not_put_back:
        click.echo(f"{index} still has no refresh; any later `shipper import` puts it back.", err=True)
