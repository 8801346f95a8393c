"""Log the month as an application would, join its feedback, and take everything away again."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.capture.application import Application
from shipper.capture.feedback import send_judgement
from shipper.capture.handler import ATTRIBUTE, CompletionHandler
from shipper.demo.month.plan import name_of, plan_month
from shipper.demo.month.story import APPLICATION
from shipper.errors import StoreUnreachable
from shipper.feedback.joiner import Joiner
from shipper.process import flush
from shipper.spool.ledger import load_json, save_json
from shipper.store.retention import delete, partition_of, stored_indices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elasticsearch import Elasticsearch

    from shipper.demo.month.opinions import Opinion
    from shipper.demo.month.plan import Call
    from shipper.settings import Settings

_FLUSH_S = 600.0
_INDICES = "llm-*"
_FILE, _ENDS = "demo.json", "months"
_OF_RECORD = frozenset({"stream", "retry_count", "turn"})
"""What the handler takes for the caller's metadata: a call with one of these goes through the application."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What was logged."""

    calls: int
    opinions: int
    joined: int
    was_there: bool
    """Whether all of it was in the store already."""


def log_month(
    client: Elasticsearch, settings: Settings, *, seed: int, days: int, calls: int, end: float | None = None
) -> Logged:
    """Log the month in place of another one; what was logged before is recognised by its ids.

    Args:
        client: the store.
        settings: where it is, and the home folder.
        seed: another one makes other calls.
        days: the month's length.
        calls: how many.
        end: its last moment, seconds since the epoch; None: the minute of the first run.

    Raises:
        OSError: the home folder can't be written.
        StoreUnreachable: the store did not take it in time.
        ApiError, TransportError: the store refused or did not answer.
    """
    if _others(settings, seed, days, calls):
        remove_month(client, settings)
    end = _end(settings, seed, days, calls) if end is None else end
    if _is_there(client, name_of(seed=seed, end=end, days=days, calls=calls), calls):
        return Logged(calls, 0, 0, was_there=True)
    month = plan_month(seed=seed, end=end, days=days, calls=calls)
    _log_calls(settings, month.calls)
    _wait()
    # A joiner that runs beside us puts off what it can't find yet: opinions come when their calls can be found.
    client.indices.refresh(index=_INDICES)
    _log_opinions(settings, month.opinions)
    if not _has_clashes(client):
        _log_calls(settings, month.clashes)
    _wait()
    client.indices.refresh(index=_INDICES)
    joined = Joiner(client, settings).run().joined
    client.indices.refresh(index=_INDICES)
    return Logged(len(month.calls), len(month.opinions), joined, was_there=False)


def log_any_month(client: Elasticsearch, settings: Settings, *, calls: int) -> Logged:
    """The month that was logged last, else one of thirty days.

    Raises:
        OSError, StoreUnreachable, ApiError, TransportError: as `log_month`.
    """
    for name in _known(settings):
        seed, days, known = (int(part) for part in name.split("/"))
        return log_month(client, settings, seed=seed, days=days, calls=known)
    return log_month(client, settings, seed=1, days=30, calls=calls)


def remove_month(client: Elasticsearch, settings: Settings) -> int:
    """Delete everything that was logged as the month's application; how many indices that were.

    Raises:
        OSError: the home folder can't be written.
        ApiError, TransportError: the store refused or did not answer.
    """
    found = [partition_of(index) for index in stored_indices(client)]
    ours = [one for one in found if one is not None and one.application == APPLICATION]
    delete(client, ours)
    path = settings.home / _FILE
    stored = load_json(path)
    if stored.pop(_ENDS, None) is not None:
        save_json(path, stored)
    return len(ours)


def _log_calls(settings: Settings, calls: Iterable[Call]) -> None:
    applications: dict[str, Application] = {}
    loggers: dict[str, logging.Logger] = {}
    for call in calls:
        version = call.version
        if version not in applications:
            applications[version] = Application(APPLICATION, version=version, settings=settings)
            loggers[version] = _logger(settings, version)
        if _OF_RECORD & call.fields.keys():
            applications[version].record(call.fields, event_id=call.event_id)
        else:
            completion = {**call.fields, "event_id": call.event_id}
            level = logging.ERROR if "error" in call.fields else logging.INFO
            loggers[version].log(level, "called the model", extra={ATTRIBUTE: completion})


def _log_opinions(settings: Settings, opinions: Iterable[Opinion]) -> None:
    application = Application(APPLICATION, settings=settings)
    for one in opinions:
        said = {**one.arguments, "created_at": one.at}
        send_judgement(one.key, said, event_id=one.event_id, application=application)


def _logger(settings: Settings, version: str) -> logging.Logger:
    logger = logging.getLogger(f"{APPLICATION}.{version}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [CompletionHandler(APPLICATION, version=version, settings=settings)]
    return logger


def _wait() -> None:
    """Until the store has everything.

    Raises:
        StoreUnreachable: it has not in time.
    """
    if not flush(_FLUSH_S):
        raise StoreUnreachable(
            "The store did not take the demo's month in time. Nothing is lost: it waits in the spool, see `shipper "
            "status`."
        )


def _has_clashes(client: Elasticsearch) -> bool:
    """Whether an earlier run has logged them: each try makes a dead letter."""
    letters = client.count(
        index=f"llm-deadletter-{APPLICATION}@*", ignore_unavailable=True, allow_no_indices=True
    )
    return letters["count"] > 0


def _is_there(client: Elasticsearch, name: str, calls: int) -> bool:
    """Whether the store has all calls of a month, and its dead letters, which come last."""
    found = client.count(
        index=f"llm-completions-{APPLICATION}@*",
        query={"prefix": {"event.id": f"{name}-"}},
        ignore_unavailable=True,
        allow_no_indices=True,
    )
    return found["count"] >= calls and _has_clashes(client)


def _known(settings: Settings) -> dict[str, float]:
    """The ends of the months that were logged, by `seed/days/calls`."""
    ends = load_json(settings.home / _FILE).get(_ENDS)
    return {str(name): float(end) for name, end in ends.items()} if isinstance(ends, dict) else {}


def _others(settings: Settings, seed: int, days: int, calls: int) -> bool:
    return bool(set(_known(settings)) - {f"{seed}/{days}/{calls}"})


def _end(settings: Settings, seed: int, days: int, calls: int) -> float:
    """The minute of the first run of this month: a second run has to say the same times."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    known, name = _known(settings), f"{seed}/{days}/{calls}"
    if name not in known:
        known[name] = float(time.time() // 60 * 60)
        path = settings.home / _FILE
        save_json(path, {**load_json(path), _ENDS: known})
    return known[name]
