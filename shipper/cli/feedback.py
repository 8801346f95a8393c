"""`shipper feedback`: how joining stands, what waits, feedback from files."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from shipper.cli.duration import DURATION
from shipper.cli.feedback_import import import_
from shipper.cli.group import CommandGroup
from shipper.feedback.joiner import Joiner
from shipper.read.figures import duration_text, text_at, value_at
from shipper.read.joins import ORPHAN_AGE, JoinState, events, join_state
from shipper.read.terminal import printable
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shipper.read.joins import Group, Status


@click.group(cls=CommandGroup)
def feedback() -> None:
    """What people think of the answers, and how it gets to the calls that it is about."""


feedback.add_command(import_)


@feedback.command()
@click.option("--app", help="Of this application only.")
@click.option("--max-lag", type=DURATION, help="Exit code 1 when joining lags more than this.")
@click.option(
    "--max-orphans", type=float, metavar="PERCENT", help="Exit code 1 when a greater part never matched."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def status(app: str | None, max_lag: float | None, max_orphans: float | None, as_json: bool) -> None:
    """Show what waits, what was joined how quickly, and what has never matched.

    The lag is that of the slowest twentieth of the last day's joins, or the age of the oldest event that no joiner
    has looked at. An orphan is an event older than an hour that is on no call.
    """
    now = datetime.now(UTC)
    with open_store(Settings.load()) as client:
        state = join_state(client, now, app=app)
    alarms = list(_alarms(state, now, max_lag, max_orphans))
    click.echo(_as_json(state, now, alarms) if as_json else "\n".join(_lines(state, now)))
    for alarm in alarms:
        click.echo(alarm, err=True)
    if alarms:
        raise click.exceptions.Exit(1)


@feedback.command("list")
@click.option(
    "--pending", "status", flag_value="pending", default=True, help="What waits for its call (default)."
)
@click.option("--expired", "status", flag_value="expired", help="What was given up.")
@click.option("--joined", "status", flag_value="joined", help="What is on its call.")
@click.option("--app", help="Of this application only.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print the stored events as NDJSON.")
def list_(status: Status, app: str | None, limit: int, as_json: bool) -> None:
    """List events by where they stand, oldest first."""
    with open_store(Settings.load()) as client:
        for event in events(client, status, app=app, limit=limit):
            click.echo(orjson.dumps(event) if as_json else line_of(event))


@feedback.command()
@click.option("--app", help="Of this application only.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be joined.")
def rejoin(app: str | None, dry_run: bool) -> None:
    """Join feedback that was given up or still waits, where its call is there, however old it is.

    Feedback finds calls of the 90 days before it by itself. This is for those that are older, such as imported ones.
    """
    settings = Settings.load()
    with open_store(settings) as client:
        joiner = Joiner(client, settings)
        if dry_run:
            found = joiner.findable(application=app)
            for one in found:
                click.echo(line_of(one.stored.source))
            click.echo(f"{len(found)} events would be joined: `shipper feedback rejoin`.")
            return
        report = joiner.rejoin(application=app)
    click.echo(f"{report.joined} of {report.events} events joined, {report.completions} completions changed.")


def line_of(event: Mapping[str, Any]) -> str:
    """An event in one line: when, id, where it stands, and what it says. Pure."""
    stands = text_at(event, "llm.join.status") or "pending"
    tries = value_at(event, "llm.join.attempts")
    reason = text_at(event, "llm.join.reason")
    about = f"{stands} after {tries} tries" if stands == "pending" and tries else stands
    parts = [
        text_at(event, "@timestamp")[:19],
        text_at(event, "event.id"),
        text_at(event, "llm.application.name") or "default",
        about + (f" ({reason})" if reason else ""),
        text_at(event, "message"),
    ]
    return "  ".join(printable(part) for part in parts)


def _alarms(
    state: JoinState, now: datetime, max_lag: float | None, max_orphans: float | None
) -> Iterable[str]:
    lag, share = state.lag_s(now), state.total.orphan_share
    if max_lag is not None and lag > max_lag:
        yield f"The joins lag {_span(lag)}, more than {_span(max_lag)}. Is a joiner running (`shipper join --follow`)?"
    if max_orphans is not None and share is not None and 100 * share > max_orphans:
        yield (
            f"{100 * share:.1f} % of the feedback has never matched, more than {max_orphans:g} %. "
            "See `shipper feedback list`: the keys are often those of another application or environment."
        )


def _lines(state: JoinState, now: datetime) -> Iterable[str]:
    total = state.total
    yield (
        f"{total.events:,} events: {total.joined:,} joined, {total.pending:,} pending, {total.expired:,} expired."
    )
    if state.lag_p95_s is not None and state.lag_p50_s is not None:
        yield f"Join lag of the last day: p50 {_span(state.lag_p50_s)}, p95 {_span(state.lag_p95_s)}."
    if state.oldest_pending is not None:
        yield f"Oldest pending: {_span((now - state.oldest_pending).total_seconds())}."
    if state.oldest_unseen is not None:
        yield f"Oldest that no joiner has looked at: {_span((now - state.oldest_unseen).total_seconds())}."
    if total.orphan_share is not None:
        yield f"Never matched, of those older than {ORPHAN_AGE.total_seconds() / 3600:g} h: {total.orphan_share:.1%}."
    for title, groups in (("application", state.applications), ("age", state.ages)):
        if groups:
            yield ""
            yield f"{title:<28}{'events':>10}{'joined':>10}{'pending':>10}{'expired':>10}{'orphans':>10}"
        for group in groups:
            if group.events:
                yield _row(group)


def _row(group: Group) -> str:
    share = f"{group.orphan_share:.1%}" if group.orphan_share is not None else "–"
    name = printable(group.name)[:27]
    return (
        f"{name:<28}{group.events:>10,}{group.joined:>10,}{group.pending:>10,}{group.expired:>10,}{share:>10}"
    )


def _as_json(state: JoinState, now: datetime, alarms: list[str]) -> str:
    def group(one: Group) -> dict[str, Any]:
        return {**asdict(one), "orphan_share": one.orphan_share}

    document = {
        "total": group(state.total),
        "applications": [group(one) for one in state.applications],
        "ages": [group(one) for one in state.ages],
        "lag_p50_s": state.lag_p50_s,
        "lag_p95_s": state.lag_p95_s,
        "lag_s": state.lag_s(now),
        "oldest_pending": state.oldest_pending,
        "oldest_unseen": state.oldest_unseen,
        "alarms": alarms,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _span(seconds: float) -> str:
    if seconds < 3600:
        return duration_text(seconds * 1000)
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
