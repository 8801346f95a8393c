"""Objects and lists that arrive in fragments, added up to what the same answer says without `stream` (pure)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

Json = dict[str, Any]

_ONCE = frozenset({"id", "name", "role", "type", "format"})  # said once, or repeated, never in pieces
_JOINED_PARTS = frozenset({"text", "thinking", "reasoning.text", "reasoning.summary", "reasoning.encrypted"})
_MAX_LEVELS = 16  # of objects that arrive in fragments


class Fragments:
    """An object that arrives in fragments: texts are joined, lists extended, objects merged, the rest replaced."""

    __slots__ = ("_levels", "lists", "texts", "values")

    def __init__(self, levels: int = _MAX_LEVELS) -> None:
        self._levels = levels
        self.texts: dict[str, list[str]] = {}
        self.lists: dict[str, list[Any]] = {}
        self.values: dict[str, Any] = {}

    def add(self, key: str, value: Any) -> None:
        """Take the next fragment of one of its properties. Never raises for JSON."""
        kind = type(value)
        if kind is str and key not in _ONCE:
            if (texts := self.texts.get(key)) is None:
                self.texts[key] = [value]
            else:
                texts.append(value)
        elif kind is list:
            self.lists.setdefault(key, []).extend(value)
        elif kind is dict and self._levels:
            inner = self.values.get(key)
            if type(inner) is not Fragments:
                inner = self.values[key] = Fragments(self._levels - 1)
            for name, item in value.items():
                inner.add(name, item)
        elif value is None or (kind is str and self.values.get(key)):
            self.values.setdefault(key, None)
        else:
            self.values[key] = value

    def result(self) -> Json:
        """The object so far."""
        out: Json = {}
        for key, value in self.values.items():
            out[key] = value.result() if type(value) is Fragments else value
        for key, items in self.lists.items():
            out[key] = list(items)
        for key, texts in self.texts.items():
            out[key] = "".join(texts)
        return out


def update(values: Json, key: str, value: Any) -> None:
    """Keep the latest value; objects are merged, since a provider may tell them bit by bit."""
    known = values.get(key)
    values[key] = {**known, **value} if type(value) is dict and type(known) is dict else value


def joined_parts(parts: list[Any]) -> list[Any]:
    """A list of parts, fragments that follow each other as one, as without `stream`.

    https://docs.mistral.ai/capabilities/reasoning/ (content), https://openrouter.ai/docs/use-cases/reasoning-tokens
    (`reasoning_details`).
    """
    out: list[Any] = []
    for (kind, _), group in groupby(parts, _part_key):
        if type(kind) is not str or kind not in _JOINED_PARTS:
            out += group
            continue
        whole = Fragments()
        for part in group:
            for key, value in part.items():
                whole.add(key, value)
        joined = {"type": kind, **whole.result()}
        if type(inner := joined.get("thinking")) is list:
            joined["thinking"] = joined_parts(inner)
        out.append(joined)
    return out


def _part_key(part: Any) -> tuple[Any, Any]:
    return (part.get("type"), part.get("index")) if type(part) is dict else (None, None)
