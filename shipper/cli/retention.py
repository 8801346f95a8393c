"""`shipper retention`: delete whole partitions that are old enough."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from shipper.settings import Settings
from shipper.store.client import open_store
from shipper.store.retention import DATASETS, Dataset, check_clock, delete, expired, stored_indices

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_AGE = re.compile(r"(\d{1,5})([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 366}
MIB = 1024 * 1024
_KEPT: dict[Dataset, str] = {
    "completions": "Keep calls for so long after the end of their partition.",
    "figures": "The same for the figures beside them.",
    "feedback": "The same for feedback and amendments.",
    "deadletter": "The same for dead letters.",
    "delivery": "The same for the processes' delivery reports.",
}


def parse_age(text: str) -> timedelta:
    """A number of days, weeks or years: `90d`, `13w`, `2y` (a year has 366 days).

    Raises:
        click.BadParameter: it is something else.
    """
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no age: 90d, 13w or 2y")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def age_options(*, variables: bool = False) -> Callable[[F], F]:
    """An option for the age of each dataset; with `variables`, read from `RETENTION_COMPLETIONS` and so on too."""

    def decorate(command: F) -> F:
        for dataset in reversed(DATASETS):
            command = click.option(
                f"--{dataset}",
                type=parse_age,
                metavar="AGE",
                envvar=f"RETENTION_{dataset.upper()}" if variables else None,
                help=_KEPT[dataset],
            )(command)
        return command

    return decorate


@click.command()
@age_options()
@click.option("--app", help="Of this application only.")
@click.option("--delete", "really", is_flag=True, help="Delete them. Without: only show what would go.")
@click.option("--even-all", is_flag=True, help="Also when nothing of a dataset would be left.")
@click.option("--json", "as_json", is_flag=True, help="Print the partitions as NDJSON.")
def retention(
    app: str | None,
    really: bool,
    even_all: bool,
    as_json: bool,
    **ages: timedelta | None,
) -> None:
    """Delete partitions past an age, by the date in their names; show them first.

    A dataset without an age is kept, and so is `undated`. A month goes when its last day is past the age. Nothing
    goes while this machine's clock and the store's disagree, nor the whole of a dataset without --even-all.
    """
    wanted = given_ages(ages)
    if not wanted:
        raise click.UsageError("Give an age for at least one dataset, such as --completions 365d.")
    now = datetime.now(UTC)
    with open_store(Settings.load()) as client:
        sizes = stored_indices(client)
        check_clock(client, now)
        old = expired(sizes, wanted, now, application=app, even_all=even_all)
        if really:
            delete(client, old)
    for one in old:
        if as_json:
            click.echo(orjson.dumps({**asdict(one), "bytes": sizes[one.index], "deleted": really}))
        else:
            click.echo(
                f"{'deleted' if really else 'would go'}: {one.index}  {sizes[one.index] / MIB:.1f} MiB"
            )
    if as_json:
        return
    total = sum(sizes[one.index] for one in old) / MIB
    click.echo(
        f"{len(old)} partitions, {total:.1f} MiB, {'deleted' if really else 'would go (see --delete)'}."
    )


def given_ages(ages: dict[str, timedelta | None]) -> dict[Dataset, timedelta]:
    """The ages that were given, by dataset. Never raises."""
    return {dataset: age for dataset in DATASETS if (age := ages.get(dataset)) is not None}
