"""Log the demo's calls: plain chats through `logging`, the rest through the application API."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from shipper.capture.application import Application
from shipper.capture.handler import CompletionHandler
from shipper.demo.calls import APPLICATION, chat_calls, other_calls
from shipper.spool.ledger import load_json, save_json

if TYPE_CHECKING:
    from shipper.settings import Settings


def log_demo(settings: Settings) -> int:
    """Log all of the demo's calls; those that were logged before are recognised by their ids.

    Returns:
        How many calls were logged.

    Raises:
        OSError: the home folder can't be written.
    """
    anchor = _anchor(settings)
    chats, others = chat_calls(), other_calls()
    loggers: dict[str, logging.Logger] = {}
    for call in chats:
        version = call["version"]
        if version not in loggers:
            loggers[version] = _logger(settings, version)
        loggers[version].info("answered", extra={"completion": _timed(call, anchor)})
    applications: dict[str, Application] = {}
    for call in others:
        version = call["version"]
        if version not in applications:
            applications[version] = Application(
                APPLICATION, version=version, environment="demo", settings=settings
            )
        applications[version].record(
            {
                name: value
                for name, value in _timed(call, anchor).items()
                if name not in ("event_id", "feedback")
            },
            event_id=call["fields"]["event_id"],
            feedback=call["fields"].get("feedback"),
        )
    return len(chats) + len(others)


def _timed(call: dict[str, Any], anchor: float) -> dict[str, Any]:
    started = anchor - call["age_s"]
    return {**call["fields"], "started_at": started, "ended_at": started + call["seconds"]}


def _logger(settings: Settings, version: str) -> logging.Logger:
    logger = logging.getLogger(f"{APPLICATION}.{version}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [CompletionHandler(APPLICATION, version=version, environment="demo", settings=settings)]
    return logger


def _anchor(settings: Settings) -> float:
    """The time of the first run: a second one has to say the same times, or its records would be others."""
    path = settings.home / "demo.json"
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    stored = load_json(path).get("anchor")
    if isinstance(stored, float):
        return stored
    anchor = round(time.time(), 3)
    save_json(path, {"anchor": anchor})
    return anchor
