"""Server-sent events from bytes as they arrive: https://html.spec.whatwg.org/multipage/server-sent-events.html (pure)."""

from __future__ import annotations

from typing import Final

DONE: Final = b"[DONE]"
_DATA: Final = b"data:"
_ONE_LINE: Final = b"data: "


class EventSplitter:
    """Cuts a byte stream into events. Not thread-safe."""

    __slots__ = ("_rest", "_return")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._return = False  # the bytes so far end with a carriage return

    def feed(self, data: bytes) -> list[bytes]:
        """The events that these bytes complete, each without its blank line, lines ended by a newline only."""
        if self._return or b"\r" in data:
            data = self._newlines(data)
        rest = self._rest
        if not rest and data.endswith(b"\n\n"):  # whole events, as they usually come
            return data[:-2].split(b"\n\n")
        start = max(0, len(rest) - 1)
        rest += data
        if rest.find(b"\n\n", start) < 0:
            return []
        events = bytes(rest).split(b"\n\n")
        self._rest = bytearray(events.pop())
        return events

    def _newlines(self, data: bytes) -> bytes:
        if self._return and data.startswith(b"\n"):  # the other half of a line end
            data = data[1:]
        self._return = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def data_of(event: bytes) -> bytes:
    """The data of one event; empty when it has none (a comment, a ping)."""
    if event[:6] == _ONE_LINE and b"\n" not in event:
        return event[6:]
    lines = event.split(b"\n")
    return b"\n".join(
        [line[5:].removeprefix(b" ") for line in lines if line.startswith(_DATA) or line == b"data"]
    )
