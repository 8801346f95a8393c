"""How the commands that move a great deal take memory from the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1  # glibc's numbers of M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 64 * 1024 * 1024
_LARGEST_BYTES: Final = 32 * 1024 * 1024  # no larger one is allowed


def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to 64 MiB, for the next batch.

    A batch takes some megabytes. glibc gives them back to the system each time and gets them anew page by page, which
    was a third of all that an export did. See https://man7.org/linux/man-pages/man3/mallopt.3.html (August 2026).

    Other C libraries are left as they are. Never raises.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):  # musl has no such function
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES)
