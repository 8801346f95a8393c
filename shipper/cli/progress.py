"""One line on a terminal that is written over and over; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL_S = 0.25


class ProgressLine:
    """Shows how far something is, at most four times a second, on standard error."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = 0.0
        self._width = 0

    def show(self, text: Callable[[], str]) -> None:
        """Show a text, made only if it is time to."""
        now = time.monotonic()
        if not self._shown or now - self._last < _INTERVAL_S:
            return
        self._last = now
        line = text()
        click.echo(f"\r{line:<{self._width}}", nl=False, err=True)
        self._width = len(line)

    def end(self) -> None:
        """Leave the line."""
        if self._shown and self._last:
            click.echo(err=True)
