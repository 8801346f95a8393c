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
    _append(refused_file(root, instance), document)


def settle_refused(root: Path, letter_id: str) -> None:
    """One of them was sent again with success: it is not listed any more.

    Its line stays, since a living process may be writing to that file.

    Raises:
        OSError: the disk does not take the note.
    """
    _append(_settled_file(root), letter_id.encode())


def refused_letters(root: Path) -> Iterator[dict[str, Any]]:
    """Those not sent again yet; a line that was cut by a crash is passed over. Raises OSError if they can't be read."""
    folder = root / "refused"
    if not folder.is_dir():
        return
    settled = _settled_file(root)
    done = set(settled.read_text("utf-8").splitlines()) if settled.exists() else set[str]()
    for path in sorted(folder.glob("*.ndjson")):
        for line in path.read_bytes().splitlines():
            try:
                letter = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if letter["event"]["id"] not in done:
                yield letter


def refused_numbers(root: Path) -> dict[str, set[int]]:
    """Which events they were: numbers by process, where they can be told. Raises OSError if they can't be read."""
    numbers: dict[str, set[int]] = {}
    for letter in refused_letters(root):
        if shipped := letter["llm"].get("shipper"):
            numbers.setdefault(shipped["instance"], set()).add(shipped["sequence"])
    return numbers


def _settled_file(root: Path) -> Path:
    return root / "refused" / "settled"


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as file:
        file.write(line + b"\n")
