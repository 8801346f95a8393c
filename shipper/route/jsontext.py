"""JSON as both executors read and write it: strict, bounded in depth, every number and character representable."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_LEVELS = 128
"""Nesting of objects and lists; what is deeper counts as unreadable: at 250 levels Logstash runs out of stack, and ends."""

MAX_DIGITS = 4300
"""Digits of a number; Python reads no integers that have more."""


def load(text: str, max_levels: int = MAX_LEVELS) -> Any:
    """The JSON value of a text.

    Numbers that no double can hold are kept as a word.

    Raises:
        ValueError: it is no JSON, nested too deeply, holds half a character or a number of more than 4300 digits.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_number)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError from None
    if _is_deeper(value, max_levels):
        raise ValueError
    return value


def dump(value: Any) -> str:
    """Compact JSON of a value that was read by `load`. Never raises."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _number(digits: str) -> float | str:
    if len(digits) > MAX_DIGITS and sum(map(str.isdigit, digits)) > MAX_DIGITS:
        raise ValueError(digits[:20])
    number = float(digits)
    return number if math.isfinite(number) else "-Infinity" if number < 0 else "Infinity"


def _is_deeper(value: Any, max_levels: int) -> bool:
    stack = [(value, 1)]
    while stack:
        item, level = stack.pop()
        if not isinstance(item, (dict, list)):
            continue
        if level > max_levels:
            return True
        stack.extend((inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item))
    return False
