"""Global state department: this process's default settings and pipelines, its forks and its end.

All handlers and applications with equal settings share one pipeline, and so a spool folder and its threads.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from typing import Any

from shipper import notice
from shipper.pipeline import Pipeline
from shipper.settings import Settings

_pipelines: dict[Settings, Pipeline] = {}
_default: Settings | None = None
_guard = threading.RLock()
_ending = False  # the interpreter is shutting down: starting a thread now would wait for ever


def configure(settings: Settings | None = None, /, **options: Any) -> Settings:
    """Set this process's default settings.

    Args:
        settings: ready settings; else they are loaded from the options, the environment and the file.
        options: single settings by name.

    Raises:
        SettingsError: a name or a value is wrong; the defaults stay as they were.
    """
    global _default  # noqa: PLW0603 - the global state department
    chosen = settings if settings is not None else Settings.load(**options)
    with _guard:
        _default = chosen
    return chosen


def default_settings() -> Settings:
    """The settings that were configured, else those of the environment and the file.

    Raises:
        SettingsError: the environment or the file is wrong.
    """
    with _guard:
        return _default if _default is not None else configure()


def pipeline_for(settings: Settings) -> Pipeline:
    """This process's pipeline for these settings, made when first asked for. Never raises."""
    pipeline = _pipelines.get(settings)
    if pipeline is None:
        with _guard:
            pipeline = _pipelines.setdefault(
                settings, Pipeline(settings, sending=settings.send == "background" and not _ending)
            )
    return pipeline


def forget(settings: Settings) -> None:
    """Close the pipeline for these settings, if there is one; who asks for it again gets another. Never raises."""
    pipeline = _pipelines.pop(settings, None)
    if pipeline is not None:
        pipeline.close(settings.exit_timeout_s)


def flush(timeout: float = 5.0) -> bool:
    """Wait until the store has decided about everything that this process has logged so far.

    Args:
        timeout: longest wait, seconds.

    Returns:
        Whether nothing is pending. False means that the rest waits in the spool; nothing is lost.

    Never raises.
    """
    deadline = time.monotonic() + timeout
    pipelines = list(_pipelines.values())
    done = [pipeline.flush(max(0.0, deadline - time.monotonic())) for pipeline in pipelines]
    return all(done)


def close_all() -> None:
    """Close every pipeline; used at exit and between tests. Never raises."""
    with _guard:
        pipelines = list(_pipelines.values())
        _pipelines.clear()
    for pipeline in pipelines:
        pipeline.close(pipeline.settings.exit_timeout_s)


def _at_exit() -> None:
    global _ending  # noqa: PLW0603 - the global state department
    _ending = True
    close_all()


def _after_fork() -> None:
    global _guard  # noqa: PLW0603 - a thread of the parent may have held it
    _guard = threading.RLock()
    notice.reset()
    for pipeline in _pipelines.values():
        pipeline.after_fork()


# Functions registered last run first at exit, and the HTTP client empties its connection pool by a finalizer: a
# request after that would wait for a connection for ever. So finalizers are registered before us.
weakref.finalize(Pipeline, int).detach()
atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
