"""Spans of time as people write them on a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS: Mapping[str, float] = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhd]?)")


class Duration(click.ParamType[float]):
    """Seconds, of a text such as `90`, `1.5s`, `5m`, `2h` or `1d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; a text that can't be read ends the command with a sentence."""
        if isinstance(value, (int, float)):
            return float(value)
        found = _SPAN.fullmatch(str(value).strip().lower())
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no span of time. Write 90, 30s, 5m, 2h or 1d.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


DURATION = Duration()
