"""`shipper status`: where every event is."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson

from shipper.cli.duration import DURATION
from shipper.embedded import find_node
from shipper.errors import ShipperError
from shipper.read.closing import close
from shipper.read.delivery import StoreBooks, heartbeat_books, read_store_books
from shipper.settings import Settings, without_credentials
from shipper.spool.books import ProcessBooks, finished_balance, finished_books, read_books
from shipper.spool.folder import spool_size
from shipper.spool.ledger import Balance
from shipper.spool.refused import refused_numbers
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.read.closing import Closing


@click.command()
@click.option(
    "--end-to-end",
    is_flag=True,
    help="Also compare what each process accepted with what the store holds, number by number.",
)
@click.option(
    "--wait",
    "wait_s",
    type=DURATION,
    help="With --end-to-end: give what is under way so long to arrive, such as 30s.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def status(end_to_end: bool, wait_s: float | None, as_json: bool) -> None:
    """Show the ledger: accepted = delivered + duplicate + conflicting + dead-lettered + dropped + pending.

    For this machine's processes, living and dead, from the spool; and from the store's heartbeats for all. Exit
    code 1 when the books don't balance or events were dropped, and with --end-to-end also when something that was
    delivered is not in the store, or is there twice.
    """
    if wait_s is not None and not end_to_end:
        raise click.UsageError("--wait belongs to --end-to-end.")
    settings = Settings.load()
    processes = read_books(settings.spool_dir)
    finished = finished_balance(settings.spool_dir)
    total = Balance.total([finished, *(process.balance for process in processes)])
    closings = _close(settings, wait_s or 0.0) if end_to_end else None
    where, store = _store(settings)
    if as_json:
        click.echo(_as_json(settings, where, processes, finished, total, store, closings))
    else:
        _print(settings, where, processes, finished, total, store)
        if closings is not None:
            _print_closings(closings)
    if total.difference or total.dropped or not all(one.closes for one in closings or ()):
        raise click.exceptions.Exit(1)


def _store(settings: Settings) -> tuple[str, StoreBooks | str]:
    """Where events go, and what the store says; a sentence when it says nothing."""
    if settings.logstash_url:
        where = "Logstash at " + ", ".join(map(without_credentials, settings.logstash_url))
    elif settings.elasticsearch_url:
        where = "Elasticsearch at " + ", ".join(map(without_credentials, settings.elasticsearch_url))
    else:
        node = find_node(settings.home)
        where = (
            f"the embedded node at {node.url}"
            if node
            else "nowhere yet (no embedded node runs: `shipper up`)"
        )
    try:
        with open_store(settings) as client:
            return where, read_store_books(client)
    except ShipperError as error:
        return where, str(error)


def _close(settings: Settings, wait_s: float) -> list[Closing]:
    """What the store holds of this machine's processes, and of those that sent it a heartbeat."""
    books = finished_books(settings.spool_dir)
    books |= {process.instance: process.balance for process in read_books(settings.spool_dir)}
    on_disk = refused_numbers(settings.spool_dir)
    deadline = time.monotonic() + wait_s
    with open_store(settings) as client:
        books = heartbeat_books(client) | books
        while True:
            closings = close(client, books, on_disk)
            if all(one.closes for one in closings) or time.monotonic() >= deadline:
                return closings
            time.sleep(1.0)


def _as_json(
    settings: Settings,
    where: str,
    processes: Sequence[ProcessBooks],
    finished: Balance,
    total: Balance,
    store: StoreBooks | str,
    closings: Sequence[Closing] | None,
) -> str:
    document: dict[str, Any] = {
        "home": str(settings.home),
        "destination": where,
        "spool_bytes": spool_size(settings.spool_dir),
        "spool_max_bytes": settings.spool_max_bytes,
        "total": {**asdict(total), "difference": total.difference},
        "finished": asdict(finished),
        "processes": [asdict(process) for process in processes],
        "store": {"error": store} if isinstance(store, str) else asdict(store),
    }
    if closings is not None:
        document["end_to_end"] = [asdict(one) for one in closings]
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _print(
    settings: Settings,
    where: str,
    processes: Sequence[ProcessBooks],
    finished: Balance,
    total: Balance,
    store: StoreBooks | str,
) -> None:
    size = spool_size(settings.spool_dir)
    click.echo(f"Events go to {where}.")
    click.echo(f"Spool: {settings.spool_dir}, {_bytes(size)} of {_bytes(settings.spool_max_bytes)}.")
    click.echo()
    click.echo(
        f"{'this machine':<28}{'accepted':>10}{'delivered':>10}{'dupl.':>7}{'confl.':>7}{'dead':>7}"
        f"{'dropped':>8}{'pending':>8}"
    )
    for process in processes:
        state = "running" if process.alive else "ended"
        _row(f"{process.command or '?'} {process.pid or ''} ({state})", process.balance)
        if process.oldest_pending_at is not None:
            click.echo(f"  oldest pending: {_age(time.time() - process.oldest_pending_at)}")
    if finished.accepted:
        _row("processes that are finished", finished)
    _row("total", total)
    for reason, count in sorted(total.dropped.items()):
        click.echo(f"  dropped because of {reason}: {count}")
    if total.difference:
        click.echo(f"The books don't balance: {total.difference} events are unaccounted for.")
    else:
        click.echo("The books balance.")
    click.echo()
    if isinstance(store, str):
        click.echo(f"The store: {store}")
        return
    click.echo(
        f"The store: {store.completions} completions, {store.feedback} feedback events, "
        f"{store.dead_letters} dead letters; heartbeats of {store.processes} processes."
    )
    for gap in store.gaps:
        click.echo(
            f"  {gap.instance}: accepted {gap.accepted}, accounted for {gap.accounted} "
            f"(last heartbeat {gap.at}{', paused: ' + gap.paused_reason if gap.paused_reason else ''})"
        )


def _print_closings(closings: Sequence[Closing]) -> None:
    click.echo()
    accepted, delivered = (sum(one.accepted for one in closings), sum(one.delivered for one in closings))
    click.echo(
        f"End to end: {len(closings)} processes accepted {accepted} events and delivered {delivered} of them."
    )
    for one in closings:
        if one.closes:
            continue
        gaps = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in one.gaps[:10])
        more = ", …" if len(one.gaps) > 10 else ""
        click.echo(
            f"  {one.instance}: {one.lost} are not in the store, {one.doubled} are there twice"
            f"{gaps and f'; missing numbers: {gaps}{more}'}"
        )
    if all(one.closes for one in closings):
        click.echo("All of these are in the store, each once.")
    else:
        click.echo(
            "They are under way (Logstash's queue, the next refresh), deleted, dead letters on another machine's "
            "disk, or lost: docs/delivery.md."
        )


def _row(name: str, balance: Balance) -> None:
    click.echo(
        f"{name[:27]:<28}{balance.accepted:>10}{balance.delivered:>10}{balance.duplicate:>7}{balance.conflicting:>7}"
        f"{balance.dead_lettered:>7}{sum(balance.dropped.values()):>8}{balance.pending:>8}"
    )


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _age(seconds: float) -> str:
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
