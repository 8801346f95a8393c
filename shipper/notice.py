"""What shipper says about itself: to the logger `shipper`, and no more than once a minute for each matter."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

LOGGER = logging.getLogger("shipper")
_INTERVAL_S = 60.0
_last: dict[str, float] = {}
_lock = threading.Lock()
reraise = False  # tests set it: what production swallows, they see


def warn(matter: str, message: str) -> None:
    """Warn, unless this matter was warned about within the last minute. Never raises."""
    now = time.monotonic()
    with _lock:
        if now - _last.get(matter, -_INTERVAL_S) < _INTERVAL_S:
            return
        _last[matter] = now
    with suppress(Exception):  # a handler of the application's may raise
        LOGGER.warning("%s", message)


def internal_error(message: str, error: Exception) -> None:
    """A fault of our own, at the boundary to the application: said, not raised. Its message may hold what a call said.

    Raises:
        Exception: the fault itself, but only where tests asked for it (`reraise`).
    """
    if reraise:
        raise error
    fault = type(error).__name__
    for frame, line in traceback.walk_tb(error.__traceback__):  # the last is where it arose
        fault = f"{type(error).__name__} ({Path(frame.f_code.co_filename).name}, line {line})"
    warn(f"internal {type(error).__name__}", f"{message}: {fault}.")


def reset() -> None:
    """Forget what was said: after a fork, and between tests."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    _last.clear()
