"""The strings of a JSON value: gathered into one text that is searched in one go, and put back changed.

Also keys, long whole numbers, and JSON inside strings (arguments of tools). The tokens of log probabilities, whose
texts spell the answer a second time, are read as the one text that they are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from shipper.redact.spans import AFTER_KEY, BETWEEN, Span, searchable
from shipper.redact.tokens import blank, spelled

Spared = Mapping[str, "Spared | None"]
"""Keys whose values stay as they are: None for all of a value, else what is spared in it. `*` are a list's items."""

NOTHING: Final[Spared] = {}
_LONGEST_SHORT_NUMBER: Final = 99_999_999  # numbers that are somebody's have more digits
_LARGEST_WHOLE_FLOAT: Final = 2.0**63
_NAME: Final = re.compile("[a-z_]{1,32}")  # such a key only tells what its value is
_BEGINS: Final = ("{", "[", '"')
_ENDS: Final = ("}", "]", '"')
_MAX_LEVELS: Final = 4  # JSON in a string of JSON in a string …


class Leaf(NamedTuple):
    """One text and where it came from."""

    start: int
    text: str
    container: Any
    key: Any  # None: the container itself is a row of tokens
    is_key: bool


class _Embedded(NamedTuple):
    """JSON that was in a string, and the leaves in it."""

    container: Any
    key: Any
    value: Any
    first: int
    last: int


class Tree:
    """The strings of one JSON value. `replace` changes the value in place, so it must be the caller's own copy."""

    def __init__(self, root: Any, spared: Spared = NOTHING) -> None:
        self._holder: list[Any] = [root]
        self._parts: list[str] = []
        self._length = 0
        self._embedded: list[_Embedded] = []
        self.leaves: list[Leaf] = []
        self._walk(self._holder, {"*": spared}, 0)
        self.text = searchable("".join(self._parts))

    @property
    def root(self) -> Any:
        """The value, as it is now."""
        return self._holder[0]

    def replace(self, spans: Sequence[Span], placeholder: Callable[[Span], str]) -> None:
        """Put placeholders in the place of the spans, which are in order and don't overlap."""
        starts = [leaf.start for leaf in self.leaves]
        within: dict[int, list[tuple[Span, str]]] = {}
        for span in spans:
            number = bisect_right(starts, span.start) - 1
            if number < 0:
                continue
            start, text = self.leaves[number][:2]
            if span.start < start + len(text):  # else in a key that is only a name
                local = Span(span.start - start, min(span.end - start, len(text)), span.kind)
                within.setdefault(number, []).append((local, placeholder(span)))
        renamed: dict[int, tuple[dict[str, Any], dict[str, str]]] = {}
        for number, found in within.items():
            _, text, container, key, is_key = self.leaves[number]
            if is_key:
                renamed.setdefault(id(container), (container, {}))[1][key] = _filled(text, found)
            elif key is None:
                blank(container, found)
            else:
                container[key] = _filled(text, found)
        names = {number: _rename(container, wanted) for number, (container, wanted) in renamed.items()}
        self._write_embedded(sorted(within), names)

    def _write_embedded(self, changed: list[int], names: Mapping[int, Mapping[str, str]]) -> None:
        """JSON in strings is written anew where something in it was replaced; the innermost first."""
        for container, key, value, first, last in self._embedded:
            place = bisect_left(changed, first)
            if place < len(changed) and changed[place] < last:
                container[names.get(id(container), {}).get(key, key)] = orjson.dumps(value[0]).decode()

    def _walk(self, container: Any, spared: Spared, level: int) -> None:
        stack = [self._items(container, spared)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                continue
            holder, key, value, below = item
            if type(value) is str:
                self._string(holder, key, value, level)
            elif type(value) is int:
                if abs(value) > _LONGEST_SHORT_NUMBER:
                    self._add(Leaf(self._length, str(value), holder, key, False))
            elif type(value) is float:
                if _LONGEST_SHORT_NUMBER < abs(value) < _LARGEST_WHOLE_FLOAT and value.is_integer():
                    self._add(Leaf(self._length, str(int(value)), holder, key, False))
            elif (text := spelled(value)) is not None:
                self._add(Leaf(self._length, text, value, None, False))
            elif value and type(value) in (dict, list):
                stack.append(self._items(value, below))

    def _items(self, container: Any, spared: Spared) -> Iterator[tuple[Any, Any, Any, Spared]]:
        """The values of a container that are not spared; the text of a key is gathered before its value."""
        if type(container) is list:
            below = spared.get("*", NOTHING)
            if below is not None:
                yield from ((container, place, value, below) for place, value in enumerate(container))
            return
        for key, value in container.items():
            below = spared.get(key, NOTHING)
            if below is None:
                continue
            if _NAME.fullmatch(key) is None:
                self.leaves.append(Leaf(self._length, key, container, key, True))
            end = BETWEEN if type(value) in (dict, list) else AFTER_KEY
            self._parts += (key, end)
            self._length += len(key) + 1
            yield container, key, value, below

    def _string(self, holder: Any, key: Any, text: str, level: int) -> None:
        if text[:1] in _BEGINS and text[-1] in _ENDS and level < _MAX_LEVELS:
            try:
                value = [orjson.loads(text)]
            except ValueError:
                pass
            else:
                first = len(self.leaves)
                self._walk(value, NOTHING, level + 1)
                self._embedded.append(_Embedded(holder, key, value, first, len(self.leaves)))
                return
        if text:
            self._add(Leaf(self._length, text, holder, key, False))

    def _add(self, leaf: Leaf) -> None:
        self.leaves.append(leaf)
        self._parts += (leaf.text, BETWEEN)
        self._length += len(leaf.text) + 1


def _filled(text: str, found: Sequence[tuple[Span, str]]) -> str:
    """The text with placeholders where the spans were."""
    parts: list[str] = []
    end = 0
    for span, placeholder in found:
        parts += (text[end : span.start], placeholder)
        end = span.end
    return "".join((*parts, text[end:]))


def _rename(container: dict[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """Change keys, in their order; the new names by the old. Two that became alike are told apart by a number."""
    items = list(container.items())
    container.clear()
    names: dict[str, str] = {}
    for key, value in items:
        name = wanted.get(key, key)
        number = 1
        while name in container:
            number += 1
            name = f"{wanted.get(key, key)}#{number}"
        container[name] = value
        names[key] = name
    return names
