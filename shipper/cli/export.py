"""`shipper export`: completions and all that belongs to them, as files."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
import orjson

from shipper.cli.filters import filters, query_from
from shipper.cli.heap import keep_freed_memory
from shipper.cli.progress import ProgressLine
from shipper.errors import UsageError
from shipper.export import Plan, Summary, export_to_stream
from shipper.export import export as export_to_file
from shipper.export.figures import keep_figures
from shipper.export.formats import NAMES, Name, format_of
from shipper.export.packing import plain_name
from shipper.export.plan import DATASETS, Dataset
from shipper.read.figures import duration_text
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from shipper.redact import Redactor

_STDOUT = "-"


@click.command()
@filters
@click.option("--format", "form", type=click.Choice(NAMES), help="Unless OUTPUT's name tells.")
@click.option(
    "--output", "-o", default=_STDOUT, metavar="FILE", help="Where to; - is the standard output. [default: -]"
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    type=click.Choice([*DATASETS, "all"]),
    help="Instead of completions; may be repeated. [ndjson: also several]",
)
@click.option(
    "--fields", help="Only these fields: names with commas between them, * for any part (gen_ai.usage.*)."
)
@click.option("--no-content", is_flag=True, help="Figures, ids and names only: nothing of what was said.")
@click.option(
    "--redact", type=click.Choice(["secrets", "all"]), help="Replace secrets, or personal data too."
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="openai-finetune: only what was judged so well, or corrected.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many, the newest.")
@click.option("--restart", is_flag=True, help="Begin anew instead of going on with an interrupted export.")
@click.option(
    "--to",
    "target",
    type=click.Choice(["elasticsearch"]),
    help="With --no-content: keep indices llm-figures-* up to date.",
)
def export(
    words: tuple[str, ...],
    tags: tuple[str, ...],
    since: str | None,
    until: str | None,
    form: Name | None,
    output: str,
    datasets: tuple[str, ...],
    fields: str | None,
    no_content: bool,
    redact: str | None,
    min_score: float | None,
    limit: int | None,
    restart: bool,
    target: str | None,
    **names: str | None,
) -> None:
    """Write calls to a file: those that match WORDS and options (as for `search`), or all.

    \b
    ndjson           the stored documents as they are, with index and id: `shipper import` restores them
    csv, parquet     a row for each, a column for each field
    openai-finetune  conversations to learn from: the better response if there is one, else the choice used
    openai-batch     the same requests again
    otlp-json        spans of OpenTelemetry's GenAI conventions

    All is of one moment, whatever arrives meanwhile. A name that ends with .gz or .zst is compressed. An export into
    a file that was interrupted goes on when the same command is given within an hour. Exit code 1 when nothing was found.
    """  # noqa: D301 - click wants the character itself
    wanted = _datasets(datasets)
    query = query_from(words, tags, since, until, datetime.now(UTC), **names)
    if target is not None and (not no_content or output != _STDOUT):
        raise UsageError("--to elasticsearch goes with --no-content and without --output.")
    plan = Plan(
        form="ndjson" if target is not None else form or _guessed(output),
        query=query,
        datasets=wanted,
        fields=tuple(part for part in (fields or "").split(",") if part),
        content=not no_content,
        redactor=_redactor(redact),
        min_score=min_score,
        limit=limit,
    )
    asked: dict[str, Any] = {
        **{key: value for key, value in click.get_current_context().params.items() if key != "restart"},
    }
    keep_freed_memory()
    with open_store(Settings.load()) as client, _Shown() as shown:
        if target is not None:
            summary = keep_figures(client, plan, progress=shown.progress)
        elif output == _STDOUT:
            summary = export_to_stream(client, plan, sys.stdout.buffer, progress=shown.progress)
        else:
            try:
                summary = export_to_file(
                    client, plan, Path(output), asked=asked, restart=restart, progress=shown.progress
                )
            except OSError as error:
                raise UsageError(
                    f"{output} can't be written: {error.strerror or error}. What is done already is kept: give the "
                    "command again when there is room, or choose another place."
                ) from error
    _tell(summary, to_stderr=output == _STDOUT and target is None)
    if not summary.documents:
        raise click.exceptions.Exit(1)


def _datasets(given: tuple[str, ...]) -> tuple[Dataset, ...]:
    if "all" in given:
        return DATASETS
    return tuple(dataset for dataset in DATASETS if dataset in given) or ("completion",)


def _guessed(output: str) -> Name:
    found = format_of(plain_name(output))
    if found is None:
        raise UsageError(f"Give --format: the name {output} tells none. There are {', '.join(NAMES)}.")
    return found


def _redactor(what: str | None) -> Redactor | None:
    if what is None:
        return None
    from shipper.redact import Redactor  # compiles many patterns

    return Redactor("all" if what == "all" else "secrets")


def _tell(summary: Summary, *, to_stderr: bool) -> None:
    """A sentence for people, JSON for programs."""
    stream = sys.stderr if to_stderr else sys.stdout
    if not stream.isatty():
        click.echo(
            orjson.dumps({**asdict(summary), "seconds": round(summary.seconds, 3)}).decode(), err=to_stderr
        )
        return
    rate = summary.documents / summary.seconds if summary.seconds else 0
    click.echo(
        f"{summary.documents:,} documents, {summary.bytes:,} bytes, {rate:,.0f} a second.", err=to_stderr
    )
    for reason, count in summary.skipped.items():
        click.echo(f"{count:,} left out: {reason}.", err=to_stderr)


class _Shown:
    """Rate and time left, on a terminal."""

    def __init__(self) -> None:
        self._line = ProgressLine()
        self._began = time.monotonic()
        self._first: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.end()

    def progress(self, read: int, total: int) -> None:
        """Show documents read and of how many."""
        if self._first is None:
            self._first = read  # what an earlier process has read
        rate = (read - self._first) / max(1e-3, time.monotonic() - self._began)
        self._line.show(lambda: _progress_text(read, total, rate))


def _progress_text(read: int, total: int, rate: float) -> str:
    left = f", {duration_text(1000 * (total - read) / rate)} left" if rate and read < total else ""
    return f"{read:,} of {total:,} documents, {rate:,.0f}/s{left}"
