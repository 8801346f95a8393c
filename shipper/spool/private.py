"""Files that nobody else on the machine can read: they hold prompts and answers."""

from __future__ import annotations

import os


def private(path: str, flags: int) -> int:
    """Open a file for `open(…, opener=private)`: one that is made is its owner's alone, whatever the umask.

    Raises:
        OSError: as `os.open`.
    """
    return os.open(path, flags, 0o600)
