"""`shipper feedback import`: verdicts and truths from a file."""

from __future__ import annotations

import codecs
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson

from shipper import process
from shipper.capture.application import Application
from shipper.capture.feedback import send_judgement
from shipper.cli.progress import ProgressLine
from shipper.errors import UsageError
from shipper.feedback.rows import ARGUMENTS, Row, RowIds, arguments_of_row, format_of, rows_of
from shipper.spool.private import private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipper.feedback.rows import Format

_TOLD = 5  # faults on the terminal; the rest is counted
_FLUSH_ROWS = 5000
_FLUSH_TIMEOUT_S = 60.0


def _mapping(_ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        argument, separator, column = pair.partition("=")
        if not separator or not column or argument not in ARGUMENTS:
            raise click.BadParameter(f"{pair!r}: write ARGUMENT=COLUMN, with one of {', '.join(ARGUMENTS)}")
        columns[argument] = column
    return columns


def _scale(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r}: write the worst and the best value, such as 1,5") from None
    return low, high


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--app", help="The application whose calls are judged; without, the configured one.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="Recognised unless told.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    callback=_mapping,
    metavar="ARGUMENT=COLUMN",
    help="Which column is key, value, author, created_at, …; those named like that need no mapping.",
)
@click.option(
    "--scale", callback=_scale, metavar="WORST,BEST", help="Ends of the numbers' scale, if not 0,1."
)
@click.option("--name", help="What is judged, where no column says it.")
@click.option(
    "--kind",
    type=click.Choice(["human", "implicit", "evaluator", "ground_truth"]),
    help="Who judged, where no column says it.",
)
@click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Rows that can't be meant go here."
)
@click.option("--dry-run", is_flag=True, help="Check every row, log nothing.")
def import_(
    file: Path,
    app: str | None,
    form: Format | None,
    columns: dict[str, str],
    scale: tuple[float, float] | None,
    name: str | None,
    kind: str | None,
    rejects: Path | None,
    dry_run: bool,
) -> None:
    """Log feedback or ground truth from FILE (CSV or JSON lines; - reads the standard input).

    A row needs a key, and a value, a rating, a ground_truth or a better_response; other columns are values by their
    names. Importing a file twice changes nothing: a row without an event_id gets one from its content. A row
    without created_at has the file's own time, a later row a later one. Exit code 1 when rows were rejected, 69 when some were not sent yet.
    """
    given = {"scale": scale, "name": name, "author_kind": kind}
    defaults = {key: value for key, value in given.items() if value is not None}
    application = Application(app)
    job = _Job(application, columns, defaults, file, dry_run=dry_run)
    with ExitStack() as stack:
        source = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
        out = stack.enter_context(open(rejects, "wb", opener=private)) if rejects is not None else None
        job.run(source, form, out)
    verb = "would be logged" if dry_run else "logged"
    click.echo(f"{job.logged:,} rows {verb}, {job.rejected:,} rejected.")
    if not dry_run and not process.flush(_FLUSH_TIMEOUT_S):
        click.echo("Some are not sent yet; they wait in the spool: `shipper status`.", err=True)
        raise click.exceptions.Exit(69)
    if job.rejected:
        raise click.exceptions.Exit(1)


class _Job:
    """One import: rows in, events out, rejects aside, progress on a terminal."""

    def __init__(
        self,
        application: Application,
        columns: Mapping[str, str],
        defaults: Mapping[str, Any],
        file: Path,
        *,
        dry_run: bool,
    ) -> None:
        self.logged = 0
        self.rejected = 0
        self._application = application
        self._columns = columns
        self._defaults = defaults
        self._file = file
        self._dry_run = dry_run
        self._ids = RowIds(application.name)
        self._batch = f"feedback-{file.name}-{int(time.time())}"
        self._created_at: datetime | None = None

    def run(self, source: BinaryIO, form: Format | None, rejects: BinaryIO | None) -> None:
        """Every row of the file."""
        if str(self._file) != "-":
            self._created_at = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
        lines = iter(source)
        first = next(lines, b"")
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UsageError(
                f"{self._file} is UTF-16. Save it as UTF-8 first; spreadsheets call that CSV UTF-8. Nothing was logged."
            )
        form = form or format_of(self._file.name, first)
        progress, began = ProgressLine(), time.monotonic()
        for row in rows_of(_chain(first, lines), form):
            fault = row.fault or self._log(row, form)
            if fault:
                self._reject(row, fault, rejects)
            else:
                self.logged += 1
                if self.logged % _FLUSH_ROWS == 0 and not self._dry_run:
                    process.flush(_FLUSH_TIMEOUT_S)  # the spool stays small, whatever the file's size
            progress.show(lambda: self._so_far(time.monotonic() - began))
        progress.end()

    def _so_far(self, seconds: float) -> str:
        rate = self.logged / max(seconds, 0.001)
        return f"{self.logged:,} rows, {rate:,.0f}/s, {self.rejected:,} rejected"

    def _log(self, row: Row, form: Format) -> str:
        """Log a row; the reason why it can't be, else an empty text."""
        arguments = {**self._defaults, **arguments_of_row(row.values, self._columns)}
        key = arguments.pop("key", None)
        event_id = arguments.pop("event_id", None) or self._ids.id_of({"key": key, **arguments})
        if self._created_at is not None:
            arguments.setdefault("created_at", self._created_at + timedelta(microseconds=row.line))
        arguments["import"] = {
            "source": f"feedback-{form}",
            "file": self._file.name,
            "line": row.line,
            "batch_id": self._batch,
        }
        try:
            if key is None:
                raise UsageError("no key: map the column that has it with --map key=COLUMN")
            send_judgement(
                key, arguments, event_id=event_id, application=self._application, check_only=self._dry_run
            )
        except UsageError as error:
            return str(error).removesuffix(" Nothing was logged.")
        return ""

    def _reject(self, row: Row, fault: str, rejects: BinaryIO | None) -> None:
        self.rejected += 1
        if rejects is not None:
            line = {"line": row.line, "reason": fault, "row": row.values}
            rejects.write(orjson.dumps(line, default=str) + b"\n")
        elif self.rejected <= _TOLD:
            click.echo(f"line {row.line}: {fault}", err=True)
        elif self.rejected == _TOLD + 1:
            click.echo("… see all of them with --rejects FILE.", err=True)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
