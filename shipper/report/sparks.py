"""Small charts in characters. Pure; never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_GAP = " "


def sparkline(values: Sequence[float | None], width: int, highest: float | None = None) -> str:
    """A line of at most so many characters; a blank where nothing is known. Zero is the bottom.

    Args:
        values: none of them below zero.
        width: where there are more values, neighbours share a character, and the largest of them shows.
        highest: what the top stands for; None: the largest value.
    """
    kept = _squeezed(values, width)
    known = [value for value in kept if value is not None]
    top = highest if highest is not None else max(known, default=0.0)
    return "".join(_GAP if value is None else _LEVELS[_level(value, top)] for value in kept)


def bar(value: float | None, highest: float, width: int) -> str:
    """A horizontal bar, padded to the width; anything above zero shows at least a sliver."""
    if value is None or value <= 0 or highest <= 0:
        return " " * width
    eighths = max(1, round(8 * width * min(1.0, value / highest)))
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def _level(value: float, top: float) -> int:
    if top <= 0:
        return 0
    return max(0, min(len(_LEVELS) - 1, round(value / top * (len(_LEVELS) - 1))))


def _squeezed(values: Sequence[float | None], width: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    out: list[float | None] = []
    for place in range(width):
        part = values[place * len(values) // width : (place + 1) * len(values) // width]
        out.append(max((value for value in part if value is not None), default=None))
    return out
