"""Numbers, bytes and times as JSON scalars, each with what was changed ("" for nothing).

A decimal number is kept as a number when the text that JSON writes for it says the same number: 0.1 is, although no
double is exactly a tenth, since whoever reads the record reads 0.1.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from decimal import Decimal
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fractions import Fraction

MAX_TEXT_CHARS: Final = 1000

Simple = tuple[Any, str]
"""A JSON scalar, or a container of parts that are still to be done; and what was changed, "" for nothing."""


def integer(value: int) -> Simple:
    """As a number if Elasticsearch's long holds it, else as text."""
    number = int.__int__(value)
    if -(2**63) <= number < 2**63:
        return number, ""
    # int to decimal text is quadratic, and refused past 4,300 digits
    return (str(number) if number.bit_length() < 10_000 else hex(number)), "integer beyond 64 bits, as text"


def real(value: float) -> Simple:
    """As a number if it is finite; JSON has no NaN and no infinity."""
    number = float.__float__(value)
    if isfinite(number):
        return number, ""
    return None, "NaN" if isnan(number) else "infinity"


def decimal(value: Decimal) -> Simple:
    """As a number if a double written in JSON reads as the same decimal, else as text."""
    if not value.is_finite():
        return None, "NaN" if value.is_nan() else "infinity"
    if -20 < value.adjusted() < 19 and value == value.to_integral_value():
        return integer(int(value))
    number = float(value)
    if isfinite(number) and Decimal(repr(number)) == value:
        return number, ""
    return str(value)[:MAX_TEXT_CHARS], "decimal with more digits than a double, as text"


def fraction(value: Fraction) -> Simple:
    """As a number if a double is exactly that (binary fractions of up to 53 bits), else as text."""
    if value.denominator.bit_count() == 1 and abs(value.numerator) < 2**53 and value.denominator < 2**53:
        return value.numerator / value.denominator, ""
    return f"{value.numerator}/{value.denominator}"[:MAX_TEXT_CHARS], "fraction, as text"


def binary(value: bytes | bytearray | memoryview) -> Simple:
    """As base64."""
    return b64encode(bytes(value)).decode("ascii"), "bytes, as base64"


def instant(value: datetime) -> Simple:
    """As ISO 8601, with the offset that it has, or none."""
    if value != value:
        return None, "not a time"
    try:
        return datetime.isoformat(value), ""
    except Exception:
        return datetime.isoformat(value.replace(tzinfo=None)), "time zone not readable"
