"""Reading and writing values in nested objects by their path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def at(document: Mapping[str, Any], *path: str) -> Any:
    """The value at a path; None when there is none. Never raises."""
    value: Any = document
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def put(document: dict[str, Any], value: Any, *path: str) -> bool:
    """Write a value, making the objects on the way; False where something else than an object stands there. Never raises.

    Null is nothing that stands there.
    """
    *parents, last = path
    target = document
    for key in parents:
        if target.get(key) is None:
            target[key] = {}
        if not isinstance(inner := target[key], dict):
            return False
        target = inner
    target[last] = value
    return True


def take(document: dict[str, Any], *path: str) -> Any:
    """Remove and return the value at a path; None when there is none. Never raises."""
    *parents, last = path
    target = at(document, *parents)
    return target.pop(last, None) if isinstance(target, dict) else None
