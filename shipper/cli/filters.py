"""The options that choose completions, for every command that reads some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from shipper.read.query import Query
from shipper.read.when import parse_when

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

F = TypeVar("F", bound="Callable[..., Any]")

_WHEN = "now, an age (30m, 2h, 7d, 2w), a date, or an ISO date and time; in this machine's zone unless it says one."
_OPTIONS = (
    click.argument("words", nargs=-1),
    click.option("--app", help="Of this application."),
    click.option("--version", help="Of this version of the application."),
    click.option("--model", help="Of this model, as it was asked for or as it answered."),
    click.option("--user", help="Of this user."),
    click.option("--session", help="Of this session or conversation."),
    click.option("--tag", "tags", multiple=True, help="With this tag; may be repeated."),
    click.option(
        "--outcome", type=click.Choice(["success", "failure", "unknown"]), help="With this outcome."
    ),
    click.option("--since", help=f"Started at or after: {_WHEN}"),
    click.option("--until", help="Started before, in the same forms; a date means the end of that day."),
)


def filters(command: F) -> F:
    """Give a command WORDS and the options that choose completions; `query_from` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def query_from(
    words: tuple[str, ...],
    tags: tuple[str, ...],
    since: str | None,
    until: str | None,
    now: datetime,
    **names: Any,
) -> Query:
    """What the options ask for; `names` are the rest of them, and a limit if there is one.

    Raises:
        UsageError: a time can't be read.
    """
    return Query(
        text=" ".join(words),
        tags=tags,
        since=parse_when(since, now) if since else None,
        until=parse_when(until, now, end=True) if until else None,
        **names,
    )
