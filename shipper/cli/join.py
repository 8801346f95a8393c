"""`shipper join`: put feedback on the completions that it is about."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import click

from shipper.cli.duration import DURATION
from shipper.errors import ShipperError
from shipper.feedback import background
from shipper.feedback.joiner import Joiner
from shipper.send.heartbeat import heartbeat_document
from shipper.send.prepare import prepared
from shipper.settings import Settings
from shipper.sink import make_sink
from shipper.spool.folder import instance_name
from shipper.spool.ledger import Balance
from shipper.store.client import open_store

if TYPE_CHECKING:
    from types import FrameType

    from shipper.feedback.background import Beside
    from shipper.feedback.joiner import Report


@click.command()
@click.option("--once", is_flag=True, help="Join what waits now, and end. So it is without --follow, too.")
@click.option("--follow", is_flag=True, help="Go on until stopped.")
@click.option(
    "--interval", type=DURATION, default="5m", show_default=True, help="With --follow: from run to run."
)
@click.option(
    "--beside-node", is_flag=True, hidden=True, help="As `shipper up` starts it: ends with the node."
)
def join(once: bool, follow: bool, interval: float, beside_node: bool) -> None:
    """Put feedback and amendments on the completions that they are about.

    Any number of joiners may run at the same time, and any of them may be killed at any time. Exit code 1 when the
    store refused a write.
    """
    if once and follow:
        raise click.UsageError("--once and --follow exclude each other.")
    settings = Settings.load()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if beside_node:
        here = settings.replace(elasticsearch_url=())
        _follow(here, background.INTERVAL_S, stop, background.Beside(settings.home))
    elif follow:
        _follow(settings, interval, stop, None)
    else:
        with open_store(settings) as client:
            report = Joiner(client, settings).run(stopped=stop.is_set)
        click.echo(_sentence(report))
        if report.failed:
            raise click.exceptions.Exit(1)


def _follow(settings: Settings, interval_s: float, stop: threading.Event, beside: Beside | None) -> None:
    """Run after run; a store that is away is told once, and waited for."""
    trouble = ""
    pulse = _Pulse(settings)
    while not stop.is_set() and (beside is None or not beside.is_over()):
        began = time.monotonic()
        try:
            with open_store(settings) as client:
                report = Joiner(client, settings).run(stopped=stop.is_set)
        except ShipperError as error:
            if str(error) != trouble:
                click.echo(f"{error} Trying again every {interval_s:g} s.", err=True)
            trouble = str(error)
        else:
            trouble = ""
            if report.failed or (report.events and beside is None):
                click.echo(_sentence(report))
        pulse.beat(trouble)
        stop.wait(max(0.0, interval_s - (time.monotonic() - began)))
    pulse.end()


class _Pulse:
    """Tells the store now and then that this joiner lives. It accepts no events, so that its books are empty."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sink = make_sink(settings)
        self._instance = instance_name()
        self._next = 0.0

    def beat(self, trouble: str) -> None:
        """Send a heartbeat if one is due. Never raises."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._settings.heartbeat_interval_s
        document = heartbeat_document(
            Balance(),
            application=self._settings.application,
            instance=self._instance,
            role="joiner",
            paused_reason=trouble,
            now_ns=time.time_ns(),
        )
        self._sink.send([prepared(document, self._settings.partition)])

    def end(self) -> None:
        """Close the connections. Never raises."""
        self._sink.close()


def _sentence(report: Report) -> str:
    """One line about a run, and one about each thing that went wrong."""
    counts = f"{report.joined} joined, {report.waiting} wait for a completion, {report.expired} given up"
    lines = [f"{report.events} events: {counts}. {report.completions} completions changed."]
    lines += [
        f"{count} events will be looked at again, because the store refused a write: {reason}"
        for reason, count in report.failed.most_common(5)
    ]
    return "\n".join(lines)
