"""`shipper reprice`: give completions the cost that they could not be given when they were stored."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import orjson

from shipper.feedback.reprice import reprice as run
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from types import FrameType

    from shipper.feedback.reprice import Repriced


@click.command()
@click.option("--app", help="Of this application only.")
@click.option(
    "--again",
    is_flag=True,
    help="Also what another version of the price list priced; the earlier cost is kept in llm.cost.history.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def reprice(app: str | None, again: bool, dry_run: bool, as_json: bool) -> None:
    """Price completions whose cost is pending, or whose model had no price when they were stored.

    Such as those that Logstash took from other senders. What a caller or a provider said (`provided`) stays. Can be
    stopped at any time: the next run goes on. Exit code 1 when the store did not take a completion.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    with open_store(Settings.load()) as client:
        done = run(client, now, application=app, again=again, dry_run=dry_run, stopped=stop.is_set)
    if as_json:
        figures = {name: getattr(done, name) for name in ("changed", "unchanged", "failed", "amounts")}
        click.echo(orjson.dumps(figures).decode())
    else:
        click.echo(_sentence(done, dry_run))
    if done.failed:
        raise click.exceptions.Exit(1)


def _sentence(done: Repriced, dry_run: bool) -> str:
    """What was changed, by new status, and one line about each thing that went wrong."""
    counts = ", ".join(f"{count} {status}" for status, count in sorted(done.changed.items())) or "none"
    sums = ", ".join(f"{amount:.6g} {currency}" for currency, amount in sorted(done.amounts.items()))
    lines = [f"{'Would change' if dry_run else 'Changed'}: {counts}{sums and f' ({sums})'}."]
    if done.unchanged:
        lines.append(f"As before: {done.unchanged}.")
    lines += [f"{count} were not taken: {reason}" for reason, count in done.failed.most_common(5)]
    return "\n".join(lines)
