"""Chunks that differ from one before in their text alone: most of a stream, read without parsing them (pure).

A chunk of chat completions repeats all that it says around its few letters of text. Where that is, byte for byte, what
an earlier chunk said, only the text needs to be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FIELD: Final = len(b"data: ")
_TEXT: Final = re.compile(rb'"content": ?"([^"\\]*)"')
_PADDING: Final = re.compile(
    rb'"obfuscation": ?"([A-Za-z0-9]+)"\}\Z'
)  # random letters against guessing by length
_AFTER_PADDING: Final = b'"}'
_NOT_COMPARED: Final = frozenset({"choices", "obfuscation"})


class _Frame(NamedTuple):
    """What stands behind the text, and what takes the text."""

    behind: bytes  # up to the padding, or to the end
    padded: bool
    write: Callable[[str], object]


class Alike:
    """Chunks of one stream as they are known so far. Not thread-safe."""

    __slots__ = ("_begin", "_frames", "_rest")

    def __init__(self) -> None:
        self._frames: dict[bytes, _Frame] = {}  # by what stands before the text: one for each choice
        self._begin = 0  # where the text begins, in all of them
        self._rest = b""  # what the latest chunk said besides its choices

    def others(self, events: Iterable[bytes]) -> Iterator[bytes]:
        """Write the text of those events that are known but for it, and yield the others, in order. Never raises."""
        for event in events:
            begin = self._begin
            if (frame := self._frames.get(event[:begin])) is not None:
                behind, padded, write = frame
                end = event.find(b'"', begin)
                tail = event[end:]
                if padded:
                    padding = tail[len(behind) : -len(_AFTER_PADDING)]
                    known = tail.startswith(behind) and tail.endswith(_AFTER_PADDING) and padding.isalnum()
                else:
                    known = tail == behind
                if known:
                    try:
                        write(orjson.loads(event[begin - 1 : end + 1]))
                    except ValueError:
                        pass
                    else:
                        continue
            yield event

    def learn(self, event: bytes, chunk: dict[str, Any], write: Callable[[str], object] | None) -> None:
        """Look at a chunk that was parsed and added.

        Args:
            event: one line, `data: ` and the chunk.
            chunk: what orjson made of it.
            write: takes the text of chunks like this one, if they add nothing but text; until another comes.
        """
        try:
            rest = orjson.dumps({key: value for key, value in chunk.items() if key not in _NOT_COMPARED})
        except TypeError:  # half a surrogate pair, or nested deeper than orjson writes
            self.forget()
            return
        if write is None or rest != self._rest:  # it may come once only: wait for a second one
            self._rest = rest
            self._frames.clear()
            return
        found = _TEXT.search(event)
        if found is None:
            return
        begin, end = found.span(1)
        if self._frames and (begin != self._begin or event[:begin] in self._frames):
            return
        padding = _PADDING.search(event, end)
        behind = event[end : padding.start(1)] if padding else event[end:]
        # proven by one letter more in the text and in the padding: that is what the chunk says more then, and no else
        grown = [event[_FIELD:begin], found[1], b"?", behind, *([padding[1], b'?"}'] if padding else [])]
        try:
            other = orjson.loads(b"".join(grown))
        except ValueError:
            return
        said, more = chunk["choices"][0]["delta"]["content"], other["choices"][0]["delta"]["content"]
        if more != said + "?" or (padding and other["obfuscation"] != chunk["obfuscation"] + "?"):
            return
        self._begin = begin
        self._frames[event[:begin]] = _Frame(behind, padding is not None, write)

    def forget(self) -> None:
        """Nothing is known of what comes now."""
        self._frames.clear()
        self._rest = b""
