"""Import what only sending needs, in the sender's thread, and never across a fork.

The store's client and the price lists take half a second to import, which the first log call must not pay. A
fork in the middle would leave the child with import locks that nobody ever gives back, so a fork waits. Some of
what they import can't be imported once the interpreter is shutting down, so that is done with this module.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from contextlib import suppress

_MODULES = (
    "shipper.sink.elasticsearch",
    "shipper.sink.logstash",
    "genai_prices.data",
    "genai_prices.data_snapshot",
)
importlib.import_module("concurrent.futures.thread")
_lock = threading.Lock()


def import_what_sending_needs() -> None:
    """Import it; quick when it is there already.

    Raises:
        ImportError: a dependency is missing or broken.
    """
    with _lock:
        for module in _MODULES:
            importlib.import_module(module)


def import_what_openai_looks_at() -> None:
    """In the caller's thread, before the sender's imports it: openai 3 takes a half imported `httpx` for a whole one.

    The store's client imports it where it is installed; a call of openai's in that moment would fail. Never raises.
    """
    if "openai" in sys.modules and "httpx" not in sys.modules:
        with _lock, suppress(Exception):
            importlib.import_module("httpx")


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
