"""Checks of what callers say in feedback: each returns the value in its plain form, or says what can't be meant."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from decimal import Decimal
from typing import Any, Final, cast

from shipper.errors import UsageError
from shipper.record.coerce import SHORT_MAX
from shipper.record.fields.kinds import MAX_TERM_UNITS
from shipper.record.times import parse_time

KINDS: Final = ("human", "implicit", "evaluator", "ground_truth")
NOTHING_LOGGED: Final = "Nothing was logged."
NAME_MAX: Final = 256


def check_key(key: object) -> str:
    """The join key, if it can be one.

    Raises:
        UsageError: it is no text, empty, or too long to be found again.
    """
    if not isinstance(key, str):
        raise UsageError(
            f"A join key has to be text, and this is {described(key)}. JoinKey.from_dict makes one of a dict. "
            f"{NOTHING_LOGGED}"
        )
    if not key.strip():
        raise UsageError(f"The join key is empty: it says which call the feedback is about. {NOTHING_LOGGED}")
    if len(key.encode("utf-16-le", "surrogatepass")) > 2 * MAX_TERM_UNITS:
        raise UsageError(
            f"The join key has {len(key):,} characters; one of more than {MAX_TERM_UNITS:,} can't be searched for. "
            f"{NOTHING_LOGGED}"
        )
    return key


def check_time(value: object, what: str) -> object:
    """The time as the caller gave it, if it can be read.

    Raises:
        UsageError: it can't, or is outside 1970 to 2261.
    """
    readable = value.isoformat() if isinstance(value, dt.datetime) else value
    if parse_time(readable, what, []) is None:
        raise UsageError(
            f"{what} is {described(value)}, which is no time between 1970 and 2261: give a datetime, an ISO 8601 "
            f"text or an epoch number. {NOTHING_LOGGED}"
        )
    return value


def check_kind(value: object) -> str:
    """Who judged; a person unless told.

    Raises:
        UsageError: it is none of `KINDS`.
    """
    if value is None:
        return "human"
    if value not in KINDS:
        raise UsageError(
            f"author_kind is {described(value)}; it is one of {', '.join(KINDS)}. {NOTHING_LOGGED}"
        )
    return str(value)


def check_id(value: object, what: str) -> str:
    """An id of any type as text.

    Raises:
        UsageError: it is empty.
    """
    text = str(value)
    if not text.strip():
        raise UsageError(f"{what} is empty; leave it out instead. {NOTHING_LOGGED}")
    return text


def check_index(value: object) -> int:
    """The index of a choice.

    Raises:
        UsageError: it is no whole number from 0.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not 0 <= int(value) <= SHORT_MAX:
        raise UsageError(f"choice_index is {described(value)}; it is a whole number from 0. {NOTHING_LOGGED}")
    return int(value)


def check_name(name: object) -> str | None:
    """What is judged; None stays None.

    Raises:
        UsageError: it is no text, empty, or longer than `NAME_MAX` characters.
    """
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MAX:
        raise UsageError(
            f"name is {described(name)}; it is a text of 1 to {NAME_MAX} characters that says what is judged. "
            f"{NOTHING_LOGGED}"
        )
    return name


def check_text(value: object, what: str) -> str:
    """A text that is not empty.

    Raises:
        UsageError: it is something else.
    """
    if not isinstance(value, str) or not value.strip():
        raise UsageError(
            f"{what} is {described(value)}; it has to be a text that is not empty. {NOTHING_LOGGED}"
        )
    return value


def check_score(number: float | bool, scale: list[float] | None, what: str) -> float | bool:
    """The number, if it lies on the scale: the caller's, else 0 to 1. A boolean needs none.

    Raises:
        UsageError: it lies beyond, or is no number (NaN).
    """
    low, high = scale or (0.0, 1.0)
    if isinstance(number, bool) or low <= number <= high:
        return number
    hint = "" if scale else " Say its scale if it has another: rating=4, scale=(1, 5)."
    raise UsageError(f"{what} is {number!r}, not within {low:g} to {high:g}.{hint} {NOTHING_LOGGED}")


def check_scale(scale: object) -> list[float] | None:
    """The ends of the caller's scale; None stays None.

    Raises:
        UsageError: they are not two numbers in rising order.
    """
    if scale is None:
        return None
    ends = list(cast("list[object]", scale)) if isinstance(scale, (list, tuple)) else []
    found = [plain_number(end) for end in ends]
    if len(found) == 2:
        low, high = found
        if low is not None and high is not None and low < high and math.isfinite(high - low):
            return [float(low), float(high)]
    raise UsageError(
        f"scale is {described(scale)}; it is the worst and the best value in rising order, such as (1, 5). "
        f"{NOTHING_LOGGED}"
    )


def plain_number(value: object) -> float | bool | None:
    """A number or boolean of any library as Python's own, None for anything else. NaN stays NaN. Never raises."""
    if isinstance(value, bool):
        return value
    try:
        if isinstance(value, numbers.Integral):
            return int(value)
        if isinstance(value, (numbers.Real, Decimal)):
            return float(value)
        if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
            return plain_number(cast("Any", value).item())
    except Exception:  # a number that no double holds
        return math.nan
    return None


def described(value: object) -> str:
    """The value for a message, not too long. Never raises."""
    try:
        shown = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else f"{shown[:60]}…"
