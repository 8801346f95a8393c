"""A stable join key from a dict, so that feedback can be matched later by whoever can rebuild the same dict.

The canonical form is written down in docs/join-keys.md: values of different kinds never give the same bytes, and
values that a database or JSON may hand back in another Python type give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from shipper.errors import UsageError

TAG: Final = "jk1:"  # names this canonical form; another one gets another tag
_MAX_LEVELS: Final = 50
_MAX_BITS: Final = 10_000  # making decimal digits of an integer takes quadratic time


class JoinKey:
    """Makes join keys: texts under which feedback finds the completion it is about."""

    @staticmethod
    def from_dict(mapping: Mapping[str, Any]) -> str:
        """Return the key of a dict: "jk1:" and 32 hexadecimal digits.

        Equal dicts give equal keys, whatever the order of their items; 1, 1.0 and Decimal("1.00") are one number,
        True is none; a time is its instant. The whole canonical form is in docs/join-keys.md.

        Raises:
            UsageError: not a dict, or something in it has no canonical form (NaN, an object of another class,
                a key that is not text, a cycle). Nothing was logged.
        """
        if not isinstance(mapping, Mapping):
            raise UsageError(
                f"JoinKey.from_dict needs a dict, and got {_named(mapping)}. A text can be a join key as it is."
            )
        return TAG + blake2b(_canonical(mapping, "", 0), digest_size=16).hexdigest()


def _canonical(value: Any, where: str, level: int) -> bytes:
    """The bytes that stand for a value; no two values of different meaning have the same.

    `where` is its path in the dict, for messages.
    """
    if isinstance(value, Enum):
        return _canonical(value.value, where, level + 1)
    scalar = _scalar(value, where)
    if scalar is not None:
        return scalar
    if level >= _MAX_LEVELS:
        raise UsageError(
            f"Join key: {where} is nested deeper than {_MAX_LEVELS} levels, or contains itself. Use a flat dict of ids."
        )
    if isinstance(value, Mapping):
        return _framed(b"m", b"".join(sorted(_items(value, where, level))))
    if isinstance(value, (list, tuple)):
        return _framed(b"l", b"".join(_parts(value, where, level)))
    if isinstance(value, AbstractSet):
        return _framed(b"u", b"".join(sorted(set(_parts(value, where, level)))))
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return _canonical(value.item(), where, level + 1)
    raise UsageError(
        f"Join key: {where} is {_named(value)}, which has no canonical form. "
        "Use text, numbers, booleans, None, dates, UUIDs, bytes, and lists, sets or dicts of these."
    )


def _scalar(value: Any, where: str) -> bytes | None:
    if value is None:
        return b"n"
    if isinstance(value, str):
        return _framed(b"s", str.encode(value, "utf-8", "surrogatepass"))
    if isinstance(value, bool):  # before int, which it is too
        return b"t" if value else b"f"
    if isinstance(value, (int, float, Decimal)):
        return _framed(b"d", _number(value, where))
    if isinstance(value, UUID):
        return _framed(b"s", str(value).encode())
    if isinstance(value, date):
        return _framed(b"i", _instant(value, where))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _framed(b"b", bytes(value))
    return None


def _framed(kind: bytes, content: bytes) -> bytes:
    return b"%b%d:%b" % (kind, len(content), content)


def _items(mapping: Mapping[Any, Any], where: str, level: int) -> Iterable[bytes]:
    for key, item in mapping.items():
        if isinstance(key, Enum):
            key = key.value  # noqa: PLW2901 - the key is its value
        if not isinstance(key, str):
            raise UsageError(
                f"Join key: {where or 'the dict'} has a key that is {_named(key)}. Keys have to be text: "
                "JSON and databases hand others back in another type."
            )
        inside = f"{where}.{key:.60}" if where else f"{key:.60}"
        yield _canonical(key, inside, level) + _canonical(item, inside, level + 1)


def _parts(items: Iterable[Any], where: str, level: int) -> Iterable[bytes]:
    return (_canonical(item, f"{where}[{index}]", level + 1) for index, item in enumerate(items))


def _number(value: float | Decimal, where: str) -> bytes:
    """Digits without trailing zeros, "e", exponent: the decimal number that the value is written as.

    A float is the shortest decimal that reads back as it, as in JSON and in databases: 0.1, not the binary fraction.
    """
    if isinstance(value, float):
        number = Decimal(float.__repr__(value))
    elif isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise UsageError(f"Join key: {where} is an integer of more than {_MAX_BITS:,} bits.")
        number = Decimal(int(value))
    else:
        number = value
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise UsageError(
            f"Join key: {where} is {number}, and would match nothing reliably. Leave it out, or use None."
        )
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    if not significant:
        return b"0e0"
    return f"{'-' if sign else ''}{significant}e{exponent + len(text) - len(significant)}".encode()


def _instant(value: date, where: str) -> bytes:
    """A time as its instant in UTC; without a zone it is taken as UTC, as in a record; a day as itself."""
    if not isinstance(value, datetime):
        return date.isoformat(value).encode()
    try:
        known = value if value.utcoffset() is not None else value.replace(tzinfo=UTC)
        return datetime.isoformat(known.astimezone(UTC), timespec="microseconds").encode()
    except (OverflowError, ValueError) as error:
        raise UsageError(f"Join key: {where} is a time that has no instant in UTC ({error}).") from error


def _named(value: object) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1] in "aeiouAEIOU" else f"a {name}"
