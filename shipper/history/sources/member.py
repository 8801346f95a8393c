"""One file of a source, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a source. `name` is the same wherever the source is kept; `size` is in bytes as it lies there."""

    name: str
    size: int | None
    modified_ns: int | None
    open: Callable[[], BinaryIO]
    path: Path | None = None
