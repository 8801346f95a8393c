"""What came back, from the bytes of the response: a stream's events added up, or one body."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from shipper.capture.call import loads
from shipper.openai.alike import Alike
from shipper.openai.sse import DONE, EventSplitter, data_of
from shipper.record.openai.assemble import Assembler

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

_STREAM_BEGINS = (b"data:", b"event:", b":", b"id:")  # whatever its content type
_REQUEST_IDS = (b"x-request-id", b"apim-request-id", b"request-id")  # OpenAI's, Azure's, Anthropic's
_FIGURES = ("id", "object", "model", "created", "created_at", "size", "quality", "usage")


class Collected(NamedTuple):
    """The answer, and what is known of the stream if it was one."""

    response: Any
    stream: Json | None


class Collector(Protocol):
    """Reads along with the caller. Not thread-safe."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; returns what of them the caller is to see."""
        ...

    def result(self) -> Collected:
        """What there is so far."""
        ...


class Events:
    """A body of server-sent events."""

    def __init__(
        self, *, keep_chunks: bool = False, hide_usage: bool = False, figures_only: bool = False
    ) -> None:
        """Start with nothing.

        Args:
            keep_chunks: the answer is the list of chunks, for who wants the payload as it came.
            hide_usage: keep the chunk that only holds token counts from the caller.
            figures_only: keep no content.
        """
        self._splitter = EventSplitter()
        self._hide_usage = hide_usage
        self._over = False
        self._assembler = Assembler()
        self._alike = Alike()
        self._chunks: list[Any] | None = [] if keep_chunks and not figures_only else None
        self._figures: Json | None = {} if figures_only else None
        self._count = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; returns what of them the caller is to see."""
        events = self._splitter.feed(data)
        self._count += len(events)
        hidden: list[bytes] = []
        for event in self._alike.others(events):
            self._count -= 1
            chunk = self._read(event)
            if self._hide_usage and _is_usage_only(chunk):
                hidden.append(event)
        if not self._hide_usage:
            return data
        return b"".join([event + b"\n\n" for event in events if event not in hidden])

    def _read(self, event: bytes) -> Any:
        data = data_of(event)
        if self._over or not data:
            return None
        try:
            chunk = orjson.loads(data)
        except ValueError:
            self._alike.forget()
            if data.startswith(DONE):
                self._over = True
                return None
            chunk = loads(data)
        self._count += 1
        if self._figures is not None:
            _keep_figures(chunk, self._figures)
            return chunk
        self._assembler.add(chunk)
        if self._chunks is not None:
            self._chunks.append(chunk)
        elif type(chunk) is dict and event.endswith(data):
            self._alike.learn(event, chunk, self._assembler.writer_of(chunk))
        return chunk

    def result(self) -> Collected:
        """What there is so far."""
        if self._figures is not None:
            over = self._over or "usage" in self._figures
            return Collected(self._figures, {"chunks": self._count, "completed": over})
        answer, facts = self._assembler.result()
        stream = {"chunks": self._count, "completed": facts.completed}
        response = self._chunks or answer
        return Collected(response if self._count else None, stream)


class Body:
    """One body, JSON or not."""

    def __init__(
        self, content_type: str, events: Callable[[], Events] = Events, *, figures_only: bool = False
    ) -> None:
        """Start with nothing.

        Args:
            content_type: as the response's header says.
            events: makes what reads a stream, if the body turns out to be one.
            figures_only: keep no content, and of a body that is not JSON not one byte.
        """
        self._type = content_type
        self._events = events
        self._figures_only = figures_only
        self._parts: list[bytes] | None = [] if not figures_only or "json" in content_type else None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; returns what of them the caller is to see."""
        if self._parts is not None:
            self._parts.append(data)
        return data

    def result(self) -> Collected:
        """What there is so far."""
        if self._parts is None:
            return Collected({"object": self._kind() or "binary"}, None)
        content = b"".join(self._parts)
        if not content:
            return Collected(None, None)
        value = loads(content)
        if type(value) is str and content.startswith(_STREAM_BEGINS):
            events = self._events()
            events.feed(content)
            return events.result()
        if self._figures_only:
            figures: Json = {}
            _keep_figures(value, figures)
            return Collected(figures or {"object": self._kind() or "unread"}, None)
        return Collected(value, None)

    def _kind(self) -> str:
        return self._type.partition(";")[0].strip()


class Encoded:
    """A compressed body, read when it is over. The caller sees the bytes as they are."""

    def __init__(self, response: Any, inner: Collector) -> None:
        """Start with nothing.

        Args:
            response: the HTTP library's response, whose class decodes and whose headers say how.
            inner: gets the decoded bytes.
        """
        self._kind = type(response)
        self._encoding = response.headers["content-encoding"]
        self._inner = inner
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; returns what of them the caller is to see."""
        self._parts.append(data)
        return data

    def result(self) -> Collected:
        """What there is so far."""
        if self._parts:
            content = b"".join(self._parts)
            self._parts.clear()
            self._inner.feed(
                self._kind(200, headers={"content-encoding": self._encoding}, content=content).content
            )
        return self._inner.result()


def collector_of(response: Any, *, keep_chunks: bool, hide_usage: bool, figures_only: bool) -> Collector:
    """What reads the body of an HTTP response, and has read one that is here already; options as `Events` and `Body`."""
    headers = response.headers
    kind = headers.get("content-type", "")
    events = partial(Events, keep_chunks=keep_chunks, hide_usage=hide_usage, figures_only=figures_only)
    is_stream = kind.lower().startswith("text/event-stream")
    collector: Collector = events() if is_stream else Body(kind, events, figures_only=figures_only)
    if response.is_closed:
        collector.feed(response.content)
        return collector
    encoded = headers.get("content-encoding", "identity") != "identity"
    return Encoded(response, collector) if encoded else collector


def request_id_in(headers: Any) -> str | None:
    """The provider's id of a request, from all of a response's headers at once: each look-up would read them all."""
    sent: dict[bytes, bytes] = {name.lower(): value for name, value in headers.raw}
    found = next((sent[name] for name in _REQUEST_IDS if sent.get(name)), None)
    return found.decode("latin-1") if found is not None else None


def _is_usage_only(chunk: Any) -> bool:
    """Whether a chunk is the one that `include_usage` adds."""
    return type(chunk) is dict and chunk.get("choices") == [] and bool(chunk.get("usage"))


def _keep_figures(value: Any, figures: Json) -> None:
    if type(value) is not dict:
        return
    for key in _FIGURES:
        if (found := value.get(key)) is not None:
            figures[key] = found
