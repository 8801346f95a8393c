"""`shipper evaluate`: check answers against what is known to be true, and compare versions."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from shipper import process
from shipper.cli.filters import filters, query_from
from shipper.errors import UsageError
from shipper.evaluate.checks import check_of
from shipper.evaluate.compare import compare, estimate, sentence
from shipper.evaluate.run import evaluate as run
from shipper.evaluate.run import send
from shipper.evaluate.truths import GivenTruths, StoredTruths, Truth
from shipper.feedback.rows import arguments_of_row, format_of, rows_of
from shipper.read.search import count
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipper.evaluate.compare import Comparison, Estimate
    from shipper.evaluate.run import Result

_FLUSH_TIMEOUT_S = 60.0
Scores = dict[tuple[str, str], list[float]]


@click.command()
@filters
@click.option(
    "--check", "checks", multiple=True, required=True, metavar="CHECK", help="May be repeated; see below."
)
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV or JSON lines with columns key (a join key or data point) and ground_truth. Without: the truths sent.",
)
@click.option(
    "--compare", "versions", nargs=2, metavar="VERSION VERSION", help="The second version against the first."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="At most so many calls, the newest.",
)
@click.option("--dry-run", is_flag=True, help="Show the result, log nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(
    words: tuple[str, ...],
    checks: tuple[str, ...],
    truth: Path | None,
    versions: tuple[str, str] | None,
    tags: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    dry_run: bool,
    as_json: bool,
    **names: str | None,
) -> None:
    """Check the answers of calls, those with all WORDS if there are any, and log the scores as feedback.

    \b
    exact         the answer is the truth
    normalised    the same but for case, blanks and punctuation around it
    contains      the truth (or each of a list) occurs in it
    regex=…       the pattern is found in it; without a pattern the truth is one
    json_schema=FILE   it is JSON as the schema wants it
    similarity    1 - edit distance / length
    numeric=0.5   its last number is the truth's, give or take so much (or 5%)
    module:function    your own: called with answer, truth and call, returns a score

    NAME@ before a check gives it another name. Exit code 1 when nothing could be checked.
    """  # noqa: D301 - click wants the character itself
    query = query_from(words, tags, since, until, datetime.now(UTC), limit=limit, **names)
    wanted = [check_of(text) for text in checks]
    scores: Scores = defaultdict(list)
    with open_store(Settings.load()) as client:
        left_out = max(0, count(client, query) - limit)
        truths = StoredTruths(client) if truth is None else GivenTruths(_truths_of(truth))
        results = _counted(run(client, query, truths, wanted), scores)
        sent = sum(1 for _ in results) if dry_run else send(results)
    if left_out:
        click.echo(
            f"{left_out:,} more calls match and were left out: --limit {limit + left_out} takes them too.",
            err=True,
        )
    if not sent:
        click.echo(
            "Nothing could be checked: no call has an answer and a truth. See docs/evaluate.md.", err=True
        )
        raise click.exceptions.Exit(1)
    figures = {key: estimate(values) for key, values in sorted(scores.items())}
    compared = _compared(scores, versions) if versions else {}
    if as_json:
        click.echo(_as_json(figures, compared, versions, left_out))
    else:
        click.echo("\n".join(_lines(figures, compared, versions)))
    if not dry_run and not process.flush(_FLUSH_TIMEOUT_S):
        click.echo("Some scores are not sent yet; they wait in the spool: `shipper status`.", err=True)
        raise click.exceptions.Exit(69)


def _counted(results: Iterator[Result], scores: Scores) -> Iterator[Result]:
    for result in results:
        scores[result.check, result.version].append(result.verdict.score)
        yield result


def _compared(scores: Scores, versions: tuple[str, str]) -> dict[str, Comparison]:
    first, second = versions
    checks = dict.fromkeys(check for check, _ in scores)
    out: dict[str, Comparison] = {}
    for check in checks:
        ours, theirs = scores.get((check, first)), scores.get((check, second))
        if not ours or not theirs:
            missing = first if not ours else second
            raise UsageError(
                f"No call of version {missing} could be checked by {check}; there is nothing to compare."
            )
        out[check] = compare(ours, theirs)
    return out


def _truths_of(path: Path) -> dict[str, Truth]:
    """The truths in a file; a later row of the same key wins."""
    found: dict[str, Truth] = {}
    with path.open("rb") as file:
        beginning = file.read(4096)
        file.seek(0)
        for row in rows_of(file, format_of(path.name, beginning)):
            arguments = arguments_of_row(row.values, {})
            key, value = arguments.get("key"), arguments.get("ground_truth")
            if row.fault or key is None or value is None:
                raise UsageError(
                    f"{path}, line {row.line}: {row.fault or 'it has no key or no ground_truth'}. Each row needs the "
                    "columns key and ground_truth."
                )
            found[key] = Truth(value, arguments.get("choice_index"))
    return found


def _lines(
    figures: Mapping[tuple[str, str], Estimate],
    compared: Mapping[str, Comparison],
    versions: tuple[str, str] | None,
) -> Iterator[str]:
    width = max(len(check) for check, _ in figures)
    column = max(7, *(len(version) for _, version in figures))
    yield f"{'check':<{width}}  {'version':<{column}}  {'calls':>8}  score  95 % interval"
    for (check, version), one in figures.items():
        interval = f"{one.low:.2f} to {one.high:.2f}"
        yield f"{check:<{width}}  {version:<{column}}  {one.count:>8,}   {one.mean:.2f}  {interval}"
    if versions is not None:
        yield ""
        for check, found in compared.items():
            yield sentence(check, versions, found)


def _as_json(
    figures: Mapping[tuple[str, str], Estimate],
    compared: Mapping[str, Comparison],
    versions: tuple[str, str] | None,
    left_out: int,
) -> str:
    rows: list[dict[str, Any]] = [
        {
            "check": check,
            "version": version,
            "count": one.count,
            "mean": one.mean,
            "low": one.low,
            "high": one.high,
        }
        for (check, version), one in figures.items()
    ]
    differences = [
        {
            "check": check,
            "versions": versions,
            "counts": (one.first.count, one.second.count),
            "difference": one.difference,
            "low": one.low,
            "high": one.high,
            "is_clear": one.is_clear,
            "enough": one.enough,
            "needed": one.needed,
        }
        for check, one in compared.items()
    ]
    document = {"scores": rows, "comparisons": differences, "left_out": left_out}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
