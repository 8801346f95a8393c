"""Dead letters that the store would not take either: they stay on this machine's disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def refused_file(root: Path, instance: str) -> Path:
    """Where a process keeps them."""
    return root / "refused" / f"{instance}.ndjson"


def keep_refused(root: Path, instance: str, document: bytes) -> None:
    """Keep one dead letter.

    Raises:
        OSError: the disk does not take it.
    """
    path = refused_file(root, instance)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as file:
        file.write(document + b"\n")


def refused_letters(root: Path) -> Iterator[dict[str, Any]]:
    """All of them; a line that was cut by a crash is passed over. Raises OSError if they can't be read."""
    folder = root / "refused"
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
