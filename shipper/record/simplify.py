"""One step from any Python object towards JSON: the object's own meaning, its parts untouched.

`simplify` turns an object into a JSON scalar, or into a dict or list whose parts are still to be done (the walk over
the parts is `sanitise`), and says what was lost on the way. Nothing here trusts the object: it may raise from any
method, lie about its length, or never end. Iterators are not consumed.

Built-in containers, and classes derived from them, are read as they are stored, past any overridden method: so does
every JSON encoder written in C, and nobody's code runs.
"""

from __future__ import annotations

import re
from collections import UserString, deque
from collections.abc import Callable, Iterable, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from uuid import UUID

from shipper.record.scalars import (
    MAX_TEXT_CHARS,
    Simple,
    binary,
    decimal,
    fraction,
    instant,
    integer,
    real,
)

MAX_LAZY_ITEMS: Final = 10_000  # of a Mapping or Sequence that may compute its items without end
_ATTEMPTS: Final = 3
_SDKS: Final = frozenset({"openai", "anthropic"})
_ADDRESS: Final = re.compile(r" at 0x[0-9A-Fa-f]+")

_T = TypeVar("_T")


class Pairs(list[tuple[Any, Any]]):
    """Keys and values of a mapping whose keys are still to become text."""


class Unreadable:
    """Stands for a part of an object that raised when it was read."""


NOT_GIVEN: Final = object()
"""The openai package's "this parameter was not given": the key is left out."""


def simplify(value: Any) -> Simple:
    """Return the value as a JSON scalar, or as a dict, list or `Pairs` of parts; and what was changed.

    Text may still hold lone surrogates. Never raises, save MemoryError and KeyboardInterrupt.
    """
    try:
        for kind, convert in _CONVERTERS:
            if isinstance(value, kind):
                return convert(value)
        return _foreign(value)
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException:
        return unserialisable(value)


def unserialisable(value: object) -> Simple:
    """What is left when nothing can be read of an object. Never raises."""
    return f"<unserialisable {class_name(value)}>", "not serialisable"


def class_name(value: object) -> str:
    """The name of the value's class, at most 100 characters. Never raises."""
    try:
        return str(type(value).__name__)[:100]
    except (MemoryError, KeyboardInterrupt):
        raise
    except BaseException:
        return "object"


def exact_text(value: str) -> str:
    """The characters of a str or of an instance of a derived class, as a str."""
    return str.__str__(value)


def _set(value: AbstractSet[Any]) -> Simple:
    """In a fixed order, since the order of a set of strings differs between two processes."""
    if isinstance(value, set):
        items, note = _copied(lambda: [*set[Any].__iter__(value)]), ""
    elif isinstance(value, frozenset):
        items, note = [*frozenset[Any].__iter__(value)], ""
    else:
        items, note = _sequence(value)
    try:
        kinds = set(map(type, items))
        if len(kinds) == 1 and kinds <= {str, int, float}:
            return sorted(items), note
        return sorted(items, key=_name_and_repr), note
    except Exception:
        return items, note or "set, in no order"


def _name_and_repr(item: object) -> tuple[str, str]:
    return class_name(item), repr(item)


def _tuple(value: tuple[Any, ...]) -> Simple:
    items = list(tuple.__iter__(value))
    names = getattr(type(value), "_fields", None)
    if type(names) is tuple and len(names) == len(items) and all(type(name) is str for name in names):
        return dict(zip(names, items, strict=True)), ""
    return items, ""


def _dict(value: dict[Any, Any]) -> Simple:
    return _copied(lambda: Pairs(dict[Any, Any].items(value))), ""


def _list(value: list[Any]) -> Simple:
    return list[Any].copy(value), ""


def _namespace(value: SimpleNamespace) -> Simple:
    return dict(vars(value)), ""


def _mapping(value: Mapping[Any, Any]) -> Simple:
    pairs = _copied(lambda: Pairs((key, item) for key, item in islice(value.items(), MAX_LAZY_ITEMS + 1)))
    return pairs, _lazy_note(pairs)


def _sequence(value: Iterable[Any]) -> Simple:
    items = _copied(lambda: list(islice(value, MAX_LAZY_ITEMS + 1)))
    return items, _lazy_note(items)


def _lazy_note(items: list[Any]) -> str:
    if len(items) <= MAX_LAZY_ITEMS:
        return ""
    del items[MAX_LAZY_ITEMS:]
    return f"only its first {MAX_LAZY_ITEMS:,} items"


def _copied(copy: Callable[[], _T]) -> _T:
    """Copy a container that another thread may be changing."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return copy()
        except RuntimeError:  # changed size, or mutated, during iteration
            continue
    return copy()


def _exception(value: BaseException) -> Simple:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    try:
        message = exact_text(str(value))
    except Exception:
        message = f"<unserialisable {class_name(value)}>"
    return {"type": f"{module}{kind.__qualname__}", "message": message}, ""


def _foreign(value: Any) -> Simple:
    """An object of somebody's class, by the conventions of the well-known libraries."""
    kind = type(value)
    library = _library(kind)
    if kind.__name__ in ("NotGiven", "Omit") and (library in _SDKS or kind.__module__.endswith("._types")):
        return NOT_GIVEN, ""
    if library == "numpy" and hasattr(kind, "tolist"):
        items = value.tolist()
        return simplify(float(value) if type(items) is kind else items)  # a long double remains one
    if hasattr(kind, "model_dump"):
        return _model(value)
    if hasattr(kind, "__dataclass_fields__"):
        return _attributes(value, kind.__dataclass_fields__), ""
    if hasattr(kind, "__attrs_attrs__"):
        return _attributes(value, [field.name for field in kind.__attrs_attrs__]), ""
    if library.startswith("pydantic"):  # its addresses and secrets
        return exact_text(str(value)), ""
    if (hasattr(kind, "__fields__") and hasattr(kind, "dict")) or _has_to_dict(kind):
        fields = value.to_dict() if _has_to_dict(kind) else value.dict()
        if isinstance(fields, Mapping):
            return simplify(fields)
    return _repr(value)


def _library(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _has_to_dict(kind: type) -> bool:
    """Whether it offers itself as a dict, and is no table: that would be as many dicts as rows or columns."""
    return hasattr(kind, "to_dict") and not hasattr(kind, "shape")


def _model(value: Any) -> Simple:
    """A pydantic model's fields, as Python objects; of a provider's SDK only those that were set, thus sent.

    Not in pydantic's JSON mode, which makes NaN to None without a word.
    """
    try:
        fields = value.model_dump(exclude_unset=_library(type(value)) in _SDKS, warnings=False)
    except Exception:
        fields = None
    if type(fields) is dict:
        return fields, ""
    attributes = dict(vars(value))
    return (attributes, "model_dump failed, its attributes") if attributes else _repr(value)


def _attributes(value: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _attribute(value, name) for name in names}


def _attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception:
        return Unreadable()


def _repr(value: object) -> Simple:
    """The beginning of its repr, without the address in memory, which would make each resend another event."""
    text = _ADDRESS.sub("", exact_text(repr(value))[: 2 * MAX_TEXT_CHARS])
    return text[:MAX_TEXT_CHARS], f"repr of {class_name(value)}"


def _same(value: Any) -> Simple:
    return value, ""


def _as_text(value: object) -> Simple:
    return exact_text(str(value)), ""


_CONVERTERS: Final[tuple[tuple[Any, Callable[[Any], Simple]], ...]] = (
    (Enum, lambda value: simplify(value.value)),
    (str, lambda value: (exact_text(value), "")),
    ((bool, type(None)), _same),
    (int, integer),
    (float, real),
    (dict, _dict),
    (list, _list),
    (tuple, _tuple),
    (datetime, instant),
    (date, lambda value: (date.isoformat(value), "")),
    (time, lambda value: (time.isoformat(value), "")),
    (timedelta, lambda value: (timedelta.total_seconds(value), "duration, in seconds")),
    ((UUID, PurePath, UserString), _as_text),
    (Decimal, decimal),
    (Fraction, fraction),
    (complex, lambda value: (str(complex(value)), "complex number, as text")),
    ((bytes, bytearray, memoryview), binary),
    (BaseException, _exception),
    (SimpleNamespace, _namespace),
    (Unreadable, lambda _: ("<unreadable>", "raised when it was read")),
    (AbstractSet, _set),
    (Mapping, _mapping),
    ((Sequence, MappingView, deque), _sequence),
)
"""In this order: an Enum may be a str, a bool is an int, a datetime is a date."""
