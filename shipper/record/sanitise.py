"""A copy of any Python value that holds JSON's own types and nothing else, and the list of what was changed.

The walk keeps its own stack, so that neither the depth of the value nor that of the caller matters. Parts are
written into the copy as they are reached; a container's end is marked on the stack, which tells a cycle (it is
still open) from a part that merely occurs twice.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from shipper.record.plain import is_plain, is_vector
from shipper.record.scalars import MAX_TEXT_CHARS
from shipper.record.simplify import NOT_GIVEN, Pairs, class_name, simplify

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LEVELS: Final = 200  # orjson ends at 254, and the value becomes a part of something else
MAX_CONTAINERS: Final = 50_000  # lists and objects; a few that contain each other are billions
MAX_REPORTED: Final = 50
_OUTLINE_COST: Final = 500  # containers; each outline reads about a hundred
_SHARED_LEVELS: Final = 4  # call, request, messages, message
_MAX_SHARED: Final = 1000  # containers in a part that is not copied
_MAX_NOT_SHARED: Final = 100  # looks in vain: many parts that reach one cycle must not cost much
_MAX_PATH_CHARS: Final = 300
_MAX_KEY_CHARS: Final = 60

Path = tuple["Path", str] | None
_Task = tuple[Any, Any, Any, Path, int]  # container to write into, key, value, path, level
_CLOSE: Final = object()


def sanitise(value: object, *, thorough: bool) -> tuple[Any, list[str]]:
    """Return a copy in JSON's own types, and what was changed: "path: what", at most 50 and then a count.

    Unless `thorough`, parts near the top that `is_plain` are not copied, which is much quicker; orjson may then
    still refuse the result. Nothing of the value is modified. Never raises, save MemoryError,
    KeyboardInterrupt, and RecursionError when the caller has used up the stack.
    """
    walk = _Walk(thorough=thorough)
    return walk.copy(value), walk.report()


class _Walk:
    """The state of one walk over one value."""

    def __init__(self, *, thorough: bool) -> None:
        self._shared_levels = 0 if thorough else _SHARED_LEVELS
        self._changed: list[str] = []
        self._unreported = 0
        self._tasks: list[_Task] = []
        self._open: dict[int, Any] = {}  # the containers that the current one is inside of
        self._containers_left = MAX_CONTAINERS
        self._looks_left = _MAX_NOT_SHARED

    def copy(self, value: object) -> Any:
        result: list[Any] = [None]
        self._tasks.append((result, 0, value, None, 0))
        while self._tasks:
            into, key, item, path, level = self._tasks.pop()
            if into is _CLOSE:
                del self._open[key]
                continue
            plain = self._plain(item, path, level)
            if plain is not NOT_GIVEN:
                into[key] = plain
            elif type(into) is dict:
                del into[key]
            else:
                into[key] = None
        return result[0]

    def report(self) -> list[str]:
        if self._unreported:
            return [*self._changed, f"$: and {self._unreported:,} more changes"]
        return self._changed

    def _plain(self, item: Any, path: Path, level: int) -> Any:
        """The item as JSON; of a container the empty copy, its parts being put on the stack."""
        if id(item) in self._open:
            self._note(path, "cycle")
            return "<cycle>"
        if (type(item) is dict or type(item) is list) and self._may_share(item, level):
            return item
        simple, what = simplify(item)
        if what:
            self._note(path, what)
        if type(simple) is str:
            return self._text(simple, path)
        if type(simple) not in (dict, list, Pairs):
            return simple
        if type(simple) is dict and self._may_share(simple, level):
            return simple
        self._containers_left -= 1 if level < MAX_LEVELS else _OUTLINE_COST
        if self._containers_left < 0:
            self._note(path, f"left out: more than {MAX_CONTAINERS:,} lists and objects")
            return f"<{class_name(item)}>"
        if level >= MAX_LEVELS:
            self._note(path, f"deeper than {MAX_LEVELS} levels, as text")
            return self._text(outline(simple), path)
        return self._opened(item, simple, path, level)

    def _may_share(self, part: Any, level: int) -> bool:
        """Whether a part can be written as it is, without a copy."""
        if level >= self._shared_levels or not self._looks_left:
            return False
        try:
            plain = is_plain(part, _MAX_SHARED)
        except Exception:  # another thread is changing it
            plain = False
        self._looks_left -= not plain
        return plain

    def _opened(self, item: Any, simple: Any, path: Path, level: int) -> Any:
        copy: Any
        tasks: list[_Task] = []
        if type(simple) is list:
            copy = simple  # it is ours already
            if simple and is_vector(simple):
                return copy
            for index, part in enumerate(simple):
                if not _is_simple(part):
                    tasks.append((copy, index, part, (path, f"[{index}]"), level + 1))
        else:
            copy = {}
            for key, part in simple.items() if type(simple) is dict else simple:
                text = self._key(key, copy, path)
                copy[text] = part
                if not _is_simple(part):
                    tasks.append((copy, text, part, (path, text), level + 1))
        if tasks:
            self._open[id(item)] = item
            self._tasks.append((_CLOSE, id(item), None, None, 0))
            self._tasks.extend(reversed(tasks))
        return copy

    def _key(self, key: Any, copy: dict[str, Any], path: Path) -> str:
        if type(key) is str and key.isascii() and key not in copy:
            return key
        raw, what = key_text(key)
        text = without_surrogates(raw)
        if text is not raw:
            self._note((path, text), "lone surrogate in the key")
        if what:
            self._note((path, text), what)
        if text not in copy:
            return text
        number = 2
        while f"{text}#{number}" in copy:
            number += 1
        self._note((path, text), f'second key of this text, now "{text[:_MAX_KEY_CHARS]}#{number}"')
        return f"{text}#{number}"

    def _text(self, text: str, path: Path) -> str:
        if text.isascii():
            return text
        clean = without_surrogates(text)
        if clean is not text:
            self._note(path, "lone surrogate")
        return clean

    def _note(self, path: Path, what: str) -> None:
        if len(self._changed) < MAX_REPORTED:
            self._changed.append(f"{path_text(path)}: {what}")
        else:
            self._unreported += 1


def _is_simple(value: Any) -> bool:
    """Whether a part can stay as it is: most parts, at little cost."""
    kind = type(value)
    if kind is str:
        return value.isascii()
    if kind is float:
        return isfinite(value)
    if kind is int:
        return -(2**63) <= value < 2**63
    return value is None or kind is bool


def key_text(key: Any) -> tuple[str, str]:
    """Return a dict's key as text, as JSON encoders do, and what was changed if that is not obvious. Never raises."""
    if type(key) is str:
        return key, ""
    simple, what = simplify(key)
    if type(simple) is str:
        return simple, what
    if type(simple) is bool or simple is None:
        return ("null", what) if simple is None else (str(simple).lower(), what)
    if type(simple) in (int, float):
        return repr(simple), what
    return outline(simple), what or f"{class_name(key)} as key, as text"


def without_surrogates(text: str) -> str:
    """Return the text, or a copy that can be UTF-8: pairs of surrogates joined, lone ones U+FFFD. Never raises."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def outline(value: Any) -> str:
    """Return something like the JSON text of a value's beginning, at most 1,000 characters. Never raises.

    Without recursion, so that it is safe on what is too deep; a cycle just goes on until the text is full.
    """
    parts: list[str] = []
    length = 0
    todo: list[Iterator[Any]] = [iter((value,))]
    while todo and length < MAX_TEXT_CHARS:
        for item in todo[-1]:
            simple = item if type(item) is _Token else simplify(item)[0]
            if type(simple) in (dict, list, Pairs):
                todo.append(_tokens(simple))
                break
            parts.append(str(simple)[:MAX_TEXT_CHARS])
            length += len(parts[-1])
            if length >= MAX_TEXT_CHARS:
                break
        else:
            todo.pop()
    return "".join(parts)[:MAX_TEXT_CHARS]


class _Token(str):
    """A bracket, comma or colon of an outline."""

    __slots__ = ()


def _tokens(simple: Any) -> Iterator[Any]:
    """A container's parts, with the punctuation between them."""
    if type(simple) is list:
        yield _Token("[")
        for index, part in enumerate(simple):
            if index:
                yield _Token(", ")
            yield part
        yield _Token("]")
        return
    yield _Token("{")
    for index, (key, part) in enumerate(simple.items() if type(simple) is dict else simple):
        if index:
            yield _Token(", ")
        yield key
        yield _Token(": ")
        yield part
    yield _Token("}")


def path_text(path: Path) -> str:
    """Return "request.messages[0].content" for a path, "$" for the whole. Never raises."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(step[:_MAX_KEY_CHARS])
    text = "".join(step if step.startswith("[") else f".{step}" for step in reversed(steps)).removeprefix(".")
    if len(text) > _MAX_PATH_CHARS:
        text = f"{text[: _MAX_PATH_CHARS // 2]}…{text[-_MAX_PATH_CHARS // 2 :]}"
    return text or "$"
