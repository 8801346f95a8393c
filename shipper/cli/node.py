"""`shipper up` and `shipper down`: the embedded node."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from shipper.embedded import NodeAlreadyRunning, remove_node, start_node, stop_node
from shipper.feedback.background import remove_joiner, start_joiner, stop_joiner
from shipper.settings import Settings
from shipper.store.client import connect
from shipper.store.setup import setup

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.option("--heap", "heap_mb", default=512, show_default=True, help="Java heap, MB.")
@click.option("--port", type=int, help="HTTP port; a free one is chosen and remembered otherwise.")
def up(heap_mb: int, port: int | None) -> None:
    """Start a real Elasticsearch on this machine, put the index templates, and join feedback as it comes.

    The first start downloads 46 MB. The node is reached from this machine only.
    """
    settings = Settings.load()
    try:
        with _Display() as display:
            node = start_node(
                settings.home, heap_mb=heap_mb, port=port, progress=display.show, cache_dir=settings.cache
            )
        click.echo(f"Elasticsearch {node.version} runs at {node.url} (pid {node.pid}).")
    except NodeAlreadyRunning as running:
        node = running.info
        click.echo(f"Elasticsearch {node.version} already runs at {node.url} (pid {node.pid}).")
    with connect(settings, node.url) as client:
        changed = [change for change in setup(client) if change.action != "unchanged"]
    if changed:
        click.echo(f"Index templates: {len(changed)} put.")
    start_joiner(settings.home)
    click.echo(f"Data: {node.data_dir}. Stop: `shipper down`. Remove everything: `shipper down --remove`.")


@click.command()
@click.option(
    "--remove",
    is_flag=True,
    help="Also delete the node's data, the spool, and the downloads, which all homes of this user share.",
)
@click.option("--yes", is_flag=True, help="Don't ask before removing.")
def down(remove: bool, yes: bool) -> None:
    """Stop the embedded node."""
    settings = Settings.load()
    if not remove:
        stop_joiner(settings.home)
        click.echo("Stopped." if stop_node(settings.home) else "No embedded node is running.")
        return
    if not yes and sys.stdin.isatty():
        click.confirm(
            f"Delete all logs in {settings.home} and the downloads in {settings.cache}?", abort=True
        )
    remove_joiner(settings.home)
    remove_node(settings.home, cache=True, cache_dir=settings.cache)
    from shipper.spool.remove import remove_spool

    left = remove_spool(settings.spool_dir)
    click.echo(f"Removed {settings.home / 'embedded'} and {settings.cache}.")
    if left:
        click.echo(f"Left in {settings.spool_dir}: folders of running processes ({', '.join(left)}).")


class _Display:
    """Shows a download on a terminal, and nothing in a pipe."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._status: dict[str, Callable[[int, int], None]] = {}
        self._stage = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        if stage == "download":
            self._bar(done, total)
        elif stage != self._stage:
            click.echo(_STAGES.get(stage, stage), err=True)
        self._stage = stage

    def _bar(self, done: int, total: int) -> None:
        if not self._progress.tasks:
            self._progress.add_task("Downloading Elasticsearch", total=total)
        self._progress.update(self._progress.task_ids[0], completed=done, total=total)


_STAGES = {"start": "Starting Elasticsearch …", "recover": "Waiting until its indices are open …"}
