"""An import from beginning to end: sources, place to go on from, target, and the indices' settings put back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipper.history.checkpoint import Books, Checkpoint, Progress, path_of
from shipper.history.formats.llm_queries import queries
from shipper.history.inputs import Iterated, chosen
from shipper.history.job import Job
from shipper.history.mapping import mapped_format, shipped
from shipper.history.plan import Plan, Seen
from shipper.history.quicken import LARGE_BYTES, put_back, put_back_abandoned, quicken
from shipper.history.sources import postgres
from shipper.history.sources.database import no_queries
from shipper.history.sources.files import STDIN, members
from shipper.history.sources.indices import SCHEMES, IndexSource
from shipper.history.sources.read import Reader
from shipper.history.target import ELASTICSEARCH, target_of
from shipper.record.ids import new_event_id
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from elastic_transport import Transport

    from shipper.history.event import Format
from shipper.history.inputs import Input


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants imported. `to`: `elasticsearch`, `logstash` or a file; None is as the settings say."""

    sources: tuple[str, ...] = ()
    form: str | None = None
    mapping: str | None = None
    app: str | None = None
    version: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    dry_run: bool = False
    rejects: Path | None = None
    are_rejects: bool = False
    beside: tuple[str, ...] = ()
    """What rejected rows refer to: looked into, not imported."""
    restart: bool = False
    to: str | None = None
    rows: Iterable[Mapping[str, Any] | str | bytes] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an import."""

    books: Books
    batch_id: str
    seconds: float
    resumed_at: str = ""
    """The place where it went on, when it was resumed."""
    not_put_back: tuple[str, ...] = ()
    """Indices that still have the settings of loading."""


def import_history(
    sources: str | Path | Sequence[str | Path] = (),
    *,
    rows: Iterable[Mapping[str, Any] | str | bytes] | None = None,
    format: str | None = None,  # noqa: A002 - the command's word
    map: str | Path | None = None,  # noqa: A002 - likewise
    app: str | None = None,
    version: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    rejects: str | Path | None = None,
    restart: bool = False,
    dry_run: bool = False,
    to: str | None = None,
    settings: Settings | None = None,
) -> Report:
    """Import what was logged elsewhere, with its true times. Doing it twice changes nothing.

    Args:
        sources: files, folders, patterns, archives, addresses.
        rows: instead of sources: objects or lines of JSON, from an iterator; `sources` then names them.
        format: see `shipper import --help`; None recognises it.
        map: a mapping file, or the name of one that comes with the package.
        app: the application that it belongs to; None takes what the source says, else the setting.
        version: its version; None takes what the source says, else the setting.
        since: only what happened at or after this time.
        until: only what happened before this time.
        limit: at most so many events.
        rejects: a file for rows that can't be imported.
        restart: begin anew, though an earlier import of the same sources was interrupted.
        dry_run: read and build everything, send nothing.
        to: `elasticsearch`, `logstash` or a file's path; None is as the settings say.
        settings: None reads them from the environment and the file.

    Raises:
        UsageError: a source can't be read, or its format can't be told.
        StoreError: the store is away for too long, or refuses to take anything.
        SettingsError: the environment or the settings file is wrong.
    """
    given = [sources] if isinstance(sources, (str, Path)) else sources
    wanted = Wanted(
        sources=tuple(str(one) for one in given),
        form=format,
        mapping=None if map is None else str(map),
        app=app,
        version=version,
        since=since,
        until=until,
        limit=limit,
        dry_run=dry_run,
        rejects=None if rejects is None else Path(rejects),
        restart=restart,
        to=to,
        rows=rows,
    )
    return run(wanted, settings if settings is not None else Settings.load())


def run(
    wanted: Wanted, settings: Settings, observe: Callable[[Seen, Books], None] = lambda _seen, _books: None
) -> Report:
    """Import it.

    Args:
        wanted: what.
        settings: the store, and how much at a time.
        observe: is told how far it is.

    Raises:
        UsageError, StoreError, SettingsError: as `import_history`.
        OSError: the disk is full.
    """
    began = time.monotonic()
    plan = _plan(wanted, settings)
    if wanted.dry_run:
        progress = Progress(new_event_id())
        books = Job(plan, settings, None, None, progress, observe).run()
        return Report(books, progress.batch_id, time.monotonic() - began)
    where = [
        one if one == STDIN or ":" in one else str(Path(one).absolute())
        for one in (*wanted.sources, *wanted.beside)
    ]
    options = (wanted.form, wanted.mapping, wanted.app, wanted.version, wanted.to)
    checkpoint = Checkpoint(path_of(settings.home, where, *options, *_days(wanted.since, wanted.until)))
    try:
        progress = _begin(checkpoint, wanted)
        resumed_at = f"{progress.source}:{progress.line}" if progress.source else ""
        left = _import(plan, settings, wanted.to, checkpoint, progress, observe)
    finally:
        checkpoint.close()
    return Report(progress.books, progress.batch_id, time.monotonic() - began, resumed_at, tuple(left))


def _begin(checkpoint: Checkpoint, wanted: Wanted) -> Progress:
    """Where the earlier import stopped, if there was one and it is to go on; else the beginning."""
    kept = checkpoint.load()
    new = Progress(new_event_id())
    if kept is None:
        return new
    if kept.finished or wanted.restart:
        new.quickened = kept.quickened  # what a killed one changed is put back by this one
        return new
    return kept


def _import(
    plan: Plan,
    settings: Settings,
    to: str | None,
    checkpoint: Checkpoint,
    progress: Progress,
    observe: Callable[[Seen, Books], None],
) -> list[str]:
    """Import, and put the indices' settings back whatever happens; the indices where that failed."""
    store = to == ELASTICSEARCH or (to is None and not settings.logstash_url)
    if store:
        put_back_abandoned(settings)

    def made(transport: Transport, index: str) -> None:
        quicken(transport, index, job.quicken)

    sink = target_of(settings, to, progress.output_bytes, made if store and _is_large(plan) else None)
    job = Job(plan, settings, sink, checkpoint, progress, observe)
    left: list[str] = []
    try:
        job.run()
        progress.finished = True
    finally:
        sink.close()
        if progress.quickened:
            left = put_back(settings, progress.quickened)
            progress.quickened = {index: had for index, had in progress.quickened.items() if index in left}
        job.keep()
    return left


def _is_large(plan: Plan) -> bool:
    """Whether it is worth while to change the indices for it; what has no size may be large."""
    sizes = [one.size for one in plan.inputs]
    return None in sizes or sum(size for size in sizes if size is not None) >= LARGE_BYTES


def _inputs(source: str, form: Format | None, settings: Settings) -> Iterator[Input]:
    if source.startswith(SCHEMES):
        yield IndexSource(source, settings)
        return
    if source.startswith(postgres.SCHEMES):
        yield postgres.SpendLogs(source)
        return
    for member in members([source]):
        yield Reader(member, queries if form is None or form.name == "llm-logs" else no_queries)


def _plan(wanted: Wanted, settings: Settings) -> Plan:
    mapping = mapped_format(wanted.mapping) if wanted.mapping is not None else None
    form = chosen(wanted.form, mapping)
    also: list[Format] = [mapped_format(name) for name in shipped()] if form is None else []
    if wanted.rows is not None:
        inputs: list[Input] = [Iterated(wanted.rows, wanted.sources[0] if wanted.sources else "rows")]
    else:
        inputs = [one for source in wanted.sources for one in _inputs(source, form, settings)]
    return Plan(
        inputs,
        form,
        also,
        wanted.app,
        wanted.version,
        _ns(wanted.since),
        _ns(wanted.until),
        wanted.limit,
        wanted.rejects,
        wanted.are_rejects,
        [one for source in wanted.beside for one in _inputs(source, form, settings)],
    )


def _days(*moments: datetime | None) -> list[str]:
    """Moments to the day: an age such as 30d is another moment each time that it is said."""
    return ["" if moment is None else f"{moment:%Y-%m-%d}" for moment in moments]


def _ns(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1e6) * 1000
