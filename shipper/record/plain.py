"""Whether a value is plain JSON already, in one short walk: the usual case, and the hot one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import islice, repeat
from math import isfinite
from operator import is_
from typing import Any, Final
from uuid import UUID

_MAX_CONTAINERS: Final = 20_000
_LONG_LIST: Final = 32


def is_plain(value: object, max_containers: int = _MAX_CONTAINERS) -> bool:
    """Whether orjson writes exactly this: JSON's own types, finite floats, integers that fit into a long.

    orjson alone would write NaN as null, and integers up to 2**64 - 1 where Elasticsearch's long ends at 2**63 - 1.
    Lone surrogates, keys that are not str and more than 254 levels are left to it: there it raises TypeError.
    The walk ends after `max_containers` dicts and lists, and says no: so it ends on a cycle too.

    Types are compared by `is`: `in` and `==` would run the code of somebody's metaclass.

    Raises: RuntimeError or IndexError when another thread changes the value meanwhile.
    """
    containers: list[Any] = [(value,)]
    for container in islice(containers, max_containers):
        for item in container.values() if type(container) is dict else container:
            kind = type(item)
            if kind is str or item is None:
                continue
            if kind is int:
                if not -0x8000000000000000 <= item <= 0x7FFFFFFFFFFFFFFF:
                    return False
            elif kind is dict or kind is tuple:
                containers.append(item)
            elif kind is float:
                if item - item != 0.0:  # NaN and the infinities
                    return False
            elif kind is list:
                if len(item) <= _LONG_LIST or not is_vector(item):
                    containers.append(item)
            elif kind is not bool and not _is_native(item):
                return False
    return len(containers) <= max_containers


def _is_native(item: Any) -> bool:
    """Whether orjson writes this object itself, and without loss."""
    kind = type(item)
    if kind is datetime:
        # other zones may be Python code, or have offsets that orjson rounds to minutes
        return item.tzinfo is None or item.tzinfo is UTC
    return kind is date or kind is UUID


def is_vector(items: list[Any]) -> bool:
    """Whether these are finite floats only, as in an embedding; at C speed. The list is not empty."""
    return type(items[0]) is float and all(map(is_, map(type, items), repeat(float))) and isfinite(sum(items))
