"""`shipper drain`: send what lies in the spool."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipper.process import configure
from shipper.send.metrics import Seldom, measure, publish
from shipper.send.sender import Sender
from shipper.sink import make_sink
from shipper.spool.folder import instance_name
from shipper.spool.reader import FolderReader

if TYPE_CHECKING:
    from types import FrameType

_POLL_S = 0.2


@click.command()
@click.option("--follow", is_flag=True, help="Go on until stopped: a sidecar for processes that don't send.")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=60.0,
    show_default=True,
    help="Without --follow: give up after so many seconds without progress.",
)
@click.option(
    "--metrics-port", type=click.IntRange(0, 65535), help="Answer /metrics on 127.0.0.1 for Prometheus."
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the metrics every 15 s, for node_exporter's textfile collector.",
)
def drain(follow: bool, timeout_s: float, metrics_port: int | None, metrics_file: Path | None) -> None:
    """Send what dead processes left, and what processes with `send = "none"` write.

    Can be interrupted at any time; what is not sent stays. Exit code 69 when events remain.
    """
    settings = configure()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    sender = Sender(settings, make_sink(settings), role="drain", instance=instance_name(), adopt_living=True)
    sender.adopt()
    sender.start()
    delivery = sender.delivery
    read = Seldom(
        lambda: measure(settings, paused=bool(delivery.trouble), unknown_answers=delivery.unknown_answers)
    )
    with publish(read, port=metrics_port, textfile=metrics_file):
        sent, drained = _watch(sender, stop, follow=follow, timeout_s=timeout_s)
    trouble = sender.trouble
    if drained:
        sender.adopt()  # the last word about processes that are dead and done
    sender.stop(settings.exit_timeout_s)
    click.echo(f"{sent} events sent.")
    if not follow and not drained:
        click.echo(f"Events remain in the spool: {trouble.rstrip('.') or 'interrupted'}.", err=True)
        raise click.exceptions.Exit(69)


def _watch(sender: Sender, stop: threading.Event, *, follow: bool, timeout_s: float) -> tuple[int, bool]:
    """Wait until everything is sent, nothing moves any more, or somebody stops us.

    Returns:
        Events sent, and whether nothing was left.
    """
    progress = _Progress(sender)
    moved_at, left = time.monotonic(), -1
    drained = False
    while not stop.wait(_POLL_S):
        now, before, left = time.monotonic(), left, sender.backlog_bytes()
        if left != before:
            moved_at = now
        progress.show(left)
        drained = sender.is_drained()
        if not follow and (drained or now - moved_at > timeout_s):
            break
    progress.end()
    return progress.sent(), drained


class _Progress:
    """Rate and time left on a terminal; nothing in a pipe."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._shown = sys.stderr.isatty()
        self._began = time.monotonic()
        self._first_bytes = sender.backlog_bytes()
        self._decided: dict[str, int] = {}
        self._first = self._count()

    def sent(self) -> int:
        return self._count() - self._first

    def show(self, left: int) -> None:
        self._count()
        if not self._shown:
            return
        seconds = max(time.monotonic() - self._began, 0.001)
        speed = (self._first_bytes - left) / seconds
        eta = f", {left / speed:.0f} s left" if speed > 0 and left else ""
        line = f"{self.sent()} sent, {self.sent() / seconds:.0f}/s, {left / 2**20:.1f} MiB pending{eta}"
        click.echo(f"\r{line:<78}", nl=False, err=True)

    def end(self) -> None:
        if self._shown:
            click.echo(err=True)

    def _count(self) -> int:
        """Events delivered from the folders seen so far, those that are finished meanwhile included."""
        for source in self._sender.sources:
            if isinstance(source, FolderReader):
                ledger = source.ledger
                self._decided[source.folder.instance] = ledger.delivered + ledger.duplicate
        return sum(self._decided.values())
