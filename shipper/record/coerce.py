"""JSON values read as the type that a field has.

Each reader returns the value in the field's type, or None when it can't be read. What had to be changed or left
out is appended to `flags` as `path: what`, which ends up in `llm.sanitised`. None never raises and is never flagged.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

Flags = list[str]

LONG_MAX = 2**63 - 1
SHORT_MAX = 2**15 - 1

_UNREADABLE = "[nested too deeply to be written down]"


def json_text(value: Any) -> str:
    """JSON text of any JSON value. Never raises."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError, RecursionError):  # more than 64 bits, lone surrogates, 250 levels
        pass
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return _UNREADABLE


def keyword(value: Any, where: str, flags: Flags) -> str | None:
    """A string; numbers and booleans as JSON writes them, anything else as JSON text (flagged)."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, (bool, int, float)):
        return json_text(value)
    flags.append(f"{where}: not a string")
    return json_text(value)


def keywords(value: Any, where: str, flags: Flags) -> list[str]:
    """A list of strings; a single value counts as a list of one."""
    if value is None:
        return []
    if type(value) is not list:
        value = [value]
    return [word for item in value if (word := keyword(item, where, flags)) is not None]


def long(value: Any, where: str, flags: Flags, low: int = 0, high: int = LONG_MAX) -> int | None:
    """A whole number between `low` and `high`; "12" and 12.0 are read (flagged), anything else is left out."""
    if type(value) is int:
        if low <= value <= high:
            return value
        flags.append(f"{where}: out of range")
        return None
    if value is None:
        return None
    number = _number(value)
    if number is None or number != int(number):
        flags.append(f"{where}: not a whole number")
        return None
    if not low <= number <= high:
        flags.append(f"{where}: out of range")
        return None
    flags.append(f"{where}: {type(value).__name__} read as a whole number")
    return int(number)


def double(value: Any, where: str, flags: Flags) -> float | None:
    """A finite number; strings that hold one are read (flagged), anything else is left out."""
    if type(value) is float and math.isfinite(value):
        return value
    if value is None:
        return None
    number = _number(value)
    if number is None:
        flags.append(f"{where}: not a number")
    elif isinstance(value, str):
        flags.append(f"{where}: str read as a number")
    return None if number is None else float(number)


def boolean(value: Any, where: str, flags: Flags) -> bool | None:
    """True or False; "true", "false", 1 and 0 are read (flagged), anything else is left out."""
    if value is None or type(value) is bool:
        return value
    known: dict[Any, bool] = {"true": True, "false": False, 1: True, 0: False}
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, (str, int, float)) and word in known:
        flags.append(f"{where}: {type(value).__name__} read as a boolean")
        return known[word]
    flags.append(f"{where}: not a boolean")
    return None


def _number(value: Any) -> float | int | None:
    """A finite number, exact for integers in text, or None. A boolean is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
        if not math.isfinite(number):
            return None
        return int(value) if not isinstance(value, float) and number.is_integer() else number
    except (ValueError, OverflowError):
        return float(value) if isinstance(value, str) and _reads_as_float(value) else None


def _reads_as_float(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except (ValueError, OverflowError):
        return False
