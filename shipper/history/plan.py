"""What is imported and how, as it was asked for; and how far the reading is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shipper.history.event import Format
    from shipper.history.inputs import Input


@dataclass(frozen=True, slots=True)
class Plan:
    """What is imported, and how."""

    inputs: Sequence[Input]
    form: Format | None = None
    also: Sequence[Format] = ()
    app: str | None = None
    version: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    limit: int | None = None
    rejects: Path | None = None
    are_rejects: bool = False
    beside: Sequence[Input] = ()
    """What rejected rows refer to."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the reading is, for people."""

    source: str
    rows: int
    bytes_read: int
    bytes_total: int | None
