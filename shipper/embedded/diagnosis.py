"""From the node's log to one sentence: why it didn't start, and what to do."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.embedded.paths import NodePaths

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 256 * 1024
_DISK_FLOOR_BYTES = 250 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    sentence: str


def _cause(pattern: str, sentence: str) -> _Cause:
    return _Cause(re.compile(pattern), sentence)


# The first that matches is said, so that a cause stands before what it brings about.
_CAUSES = (
    _cause(
        r"No space left on device|flood.stage disk watermark|disk usage exceeded flood-stage",
        "The disk is full: free some space (the store needs 500 MB at least), or delete old partitions with "
        "`shipper retention`.",
    ),
    _cause(
        r"java\.lang\.OutOfMemoryError: (?:Java heap space|GC overhead)|Too small (?:initial|maximum) heap",
        "The node's heap is too small for its data: start it with a larger one.",
    ),
    _cause(
        r"Could not reserve enough space|insufficient memory for the Java Runtime|Cannot allocate memory"
        r"|OutOfMemoryError: unable to create native thread|error='Not enough space'",
        "This machine has too little free memory for the node: close something, or start it with a smaller heap.",
    ),
    _cause(
        r"BindHttpException|BindTransportException|Address already in use",
        "Another program took the node's port while it started: start again, another port is chosen then.",
    ),
    _cause(
        r"failed to obtain node locks|LockObtainFailedException: Lock held by another program",
        "Another Elasticsearch process uses the same data folder: end that one first.",
    ),
    _cause(
        r"cannot downgrade a node from version|cannot upgrade a node from version|IndexFormatTooNewException"
        r"|IndexFormatTooOldException",
        "The data folder was written by another version of Elasticsearch: install the release of llm-shipper that "
        "made it, or remove the folder.",
    ),
    _cause(
        r"CorruptIndexException|CorruptStateException|TranslogCorruptedException|failed to load metadata"
        r"|codec (?:footer|header) mismatch|checksum failed",
        "Files in the data folder are damaged: restore a snapshot, or remove the folder and import again.",
    ),
    _cause(
        r"AccessDeniedException|Permission denied|Read-only file system",
        "The node may not write its folder: give this user the right to, or choose another home with SHIPPER_HOME.",
    ),
    _cause(
        r"Too many open files",
        "The limit of open files is too low: raise it (`ulimit -n 65535`) and start again.",
    ),
    _cause(
        r"UnsupportedClassVersionError|JVMNotFoundException|no libjvm in|Unable to start JVM",
        "The Java runtime does not fit or is incomplete: pip install --force-reinstall 'llm-shipper[embedded]'",
    ),
    _cause(
        r"NoClassDefFoundError|ClassNotFoundException|Class \S+ is not found",
        "Parts of Elasticsearch are missing from the cache: remove the cache folder and start again.",
    ),
    _cause(
        r"ModuleNotFoundError|ImportError",
        "Packages of the extra are missing or broken: pip install --force-reinstall 'llm-shipper[embedded]'",
    ),
)


def explain(log: str) -> str | None:
    """One sentence for the first known cause in a log, None if there is none. Pure; never raises."""
    return next((cause.sentence for cause in _CAUSES if cause.pattern.search(log)), None)


def diagnose(home: Path) -> str | None:
    """Why the node of this home did not start, or ended, as one sentence with what to do.

    Reads what the latest start printed and logged. None if nothing known is in it. Never raises.
    """
    paths = NodePaths.of_home(home)
    try:
        if shutil.disk_usage(paths.root).free < _DISK_FLOOR_BYTES:
            return _CAUSES[0].sentence
    except OSError:
        return None
    return explain(_tail(paths.console_log)) or explain(_tail(paths.node_log))


def node_log_tail(home: Path, lines: int = 50) -> str:
    """The last lines of the node's log, else of what its process printed; empty if there is neither. Never raises."""
    paths = NodePaths.of_home(home)
    text = _tail(paths.node_log) or _tail(paths.console_log)
    return "\n".join(text.splitlines()[-lines:])


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
