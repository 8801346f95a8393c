"""One call of a model, from the request to its record.

An `Exchange` travels with openai's request options as their `post_parser`, the one thing that openai's client carries
through copies and retries to the place where the answer is parsed. It keeps no reference to the client, the response
or the stream, so that an abandoned stream is freed at once.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

import openai

from shipper import notice
from shipper.capture.call import loads
from shipper.openai.collect import Collected, Collector, collector_of, request_id_in
from shipper.openai.known import Known
from shipper.openai.raised import arose_in_openai, body_of, renamed
from shipper.openai.tap import tapped
from shipper.record.ids import new_event_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipper.openai.endpoints import Endpoint

EXTENSION = "shipper"  # where a response says which exchange it belongs to
_STREAMS = (openai.Stream, openai.AsyncStream)
_NOTHING = Collected(None, None)
_BATCH = 32_768  # bytes: read in less than a millisecond


class Recorder(Protocol):
    """Where exchanges go. None of its methods but `record` raises."""

    keeps_raw: bool  # the chunks of a stream are wanted as they came

    def keys_of(self, feedback_key: str) -> dict[str, str]:
        """What goes into an answer."""
        ...

    def watch(self, exchange: Exchange) -> None:
        """A stream is open."""

    def defer(self, job: Callable[[], None]) -> None:
        """Do this soon, in another place; callable from a destructor."""

    def record(self, exchange: Exchange) -> None:
        """The exchange is over.

        Raises: whatever is wrong with it.
        """


class Exchange(Known):
    """One call. Its methods never raise into the application; each ends at this boundary."""

    endpoint: Endpoint
    base_url: str
    provider: str | None = None  # where the client's class says it
    within: Mapping[str, Any] | None = None  # what was bound to the context when the call began
    hide_usage = False  # the chunk with token counts was not the caller's wish
    status: int | None = None
    request_id: str | None = None
    retries: int | None = None
    collected: Collected = _NOTHING
    error: BaseException | None = None
    first_chunk_s: float | None = None
    _mark = b"data"  # in the first piece that holds an event; comments may come before
    ended_ns = 0
    tapped = False  # the caller reads the body in pieces
    is_behind = False  # a batch of it is to be looked at
    _json: Any = None  # the request, as the caller's thread had it
    _request: Any = None  # the request, as it went out
    _whole: Any = None  # the response, if its body is not read in pieces
    _collector: Collector | None = None
    _marked = False
    _parsed = False  # openai's Stream reads, not the caller

    def __init__(self, recorder: Recorder, known: Known) -> None:
        """Prepare; `recorder` gets it when it is over."""
        super().__init__(known.params, known.template, known.then)
        params = known.params
        self.event_id = str(params.event_id) if params.event_id is not None else new_event_id()
        self.keys = recorder.keys_of(params.feedback_key or self.event_id)
        self._recorder = recorder
        self._open = [True]  # its one item is taken by whoever ends the exchange

    # -- the client tells ---------------------------------------------------------------------------------

    def start(self, endpoint: Endpoint, base_url: str, request: Any) -> None:
        """The request is about to be sent."""
        self.endpoint = endpoint
        self.base_url = base_url
        self._json = request
        self.started_ns = time.time_ns()
        self._clock_ns = self._latest_ns = time.perf_counter_ns()

    def responded(self, response: Any, retries: int | None) -> None:
        """The response's head is here, after so many retries, and its body too if it is not read in pieces."""
        try:
            self.status, self.retries = response.status_code, retries
            self._request = response.request
            response.extensions[EXTENSION] = self
            if response.is_closed:
                self._whole = response
            else:
                self.request_id = request_id_in(response.headers)
                if "content-encoding" in response.headers:
                    self._mark = b""
                self._collect_from(response)
                self._unread: list[bytes] = []
                self._unread_size = 0
                self._lock = threading.Lock()
                response.stream = tapped(response.stream, self)
                self.tapped = True
                self._recorder.watch(self)
        except Exception as error:
            notice.internal_error("A response could not be read along with", error)

    def returned(self, result: Any) -> None:
        """The client has an answer for the caller."""
        if self.tapped:
            if hasattr(result, "http_response"):  # a raw response, which the caller reads
                self._attach(result)
            return
        if self.status is None:
            self.collected = Collected(result, None)
        self._end(None)

    def failed(self, error: BaseException) -> None:
        """The client raises this to the caller."""
        if self.status is None and (request := getattr(error, "request", None)) is not None:
            self._request = request
            count = request.headers.get("x-stainless-retry-count", "")
            if count.isdigit():
                self.retries = int(count)
            self.collected = Collected(body_of(error), None)
        self._end(error)

    def __call__(self, parsed: Any) -> Any:
        """The client has parsed the answer: what it wanted to do with it, and our key on a stream.

        Raises: whatever the client's own parser raises.
        """
        parsed = super().__call__(parsed)
        if isinstance(parsed, _STREAMS):
            self._parsed = True
            self._attach(parsed)
        return parsed

    def marked(self, data: Any) -> Any:
        """The JSON of an answer or of a chunk, with the feedback keys where the caller looks for them."""
        if not self.tapped and self._open and not self.endpoint.figures_only:
            self.collected = Collected(data, None)  # what the client has parsed need not be parsed again
        keys = self.keys
        if not keys or type(data) is not dict:
            return data
        if self.tapped and self.endpoint.api == "responses":
            inner = data.get("response")
            if type(inner) is dict:
                data = {**data, "response": {**inner, **keys}}
        if not self.tapped or not self._marked:
            self._marked = True
            data = {**data, **keys}
        return data

    @property
    def has_marked(self) -> bool:
        """Whether no later chunk of the stream is to carry a key."""
        return self._marked and self.tapped and self.endpoint.api != "responses"

    # -- the tap tells ------------------------------------------------------------------------------------

    def took(self, data: bytes) -> bytes:
        """Bytes arrived; they are looked at when the caller has had them, unless some are to be hidden."""
        self._latest_ns = time.perf_counter_ns()
        if self.first_chunk_s is None and self._mark in data:
            self.first_chunk_s = (self._latest_ns - self._clock_ns) / 1e9
        if self.hide_usage:
            return self._feed(data)
        self._unread.append(data)
        self._unread_size += len(data)
        if self._unread_size >= _BATCH:
            self.is_behind = True
        return data

    def catch_up(self) -> None:
        """The caller wants more: look at what it has got already, many events at once, which costs half."""
        self._read_all()

    def broke(self, error: BaseException) -> None:
        """Reading failed."""
        self.error = renamed(error, self._request) if self._parsed else error

    def closed(self, reason: BaseException | None) -> None:
        """The stream is over, or nobody wants the rest."""
        if isinstance(reason, GeneratorExit):  # a generator is destroyed, perhaps by a garbage collection
            self.dropped()
        else:
            self._end(self._cause(reason))

    def dropped(self) -> None:
        """The stream is being destroyed: recorded by another thread, since this one may hold any lock."""
        if self._open:
            self._stop_clock(self._latest_ns)  # a garbage collection comes when it likes
            self._recorder.defer(self._end_dropped)

    def disown(self) -> None:
        """In a forked child: the parent records this."""
        self._open.clear()

    def abandon(self) -> None:
        """The process ends."""
        self._end(self.error)

    # -- within -------------------------------------------------------------------------------------------

    @property
    def request(self) -> Any:
        """The JSON that was sent: as it went out, else as it was about to."""
        try:
            content = self._request.content
        except Exception:
            return self._json
        return loads(content) if content and not self.endpoint.figures_only else self._json

    def _record(self) -> None:
        self._recorder.record(self)

    def _end_dropped(self) -> None:
        self._end(self.error)

    def _end(self, error: BaseException | None) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        try:
            self._stop_clock(time.perf_counter_ns())
            self.error = error
            if self.tapped:
                self._read_all()
            if self._whole is not None:
                self.request_id = request_id_in(self._whole.headers)
                if self.collected is _NOTHING:  # the client has not parsed it
                    self._collect_from(self._whole)
            if self._collector is not None and self.collected is _NOTHING:
                self.collected = self._collector.result()
            self._record()
        except Exception as fault:
            notice.internal_error("A call could not be recorded", fault)
        self._collector = self._request = self._json = self._whole = None

    def _collect_from(self, response: Any) -> None:
        self._collector = collector_of(
            response,
            keep_chunks=self._recorder.keeps_raw and not self.endpoint.retrieval,
            hide_usage=self.hide_usage,
            figures_only=self.endpoint.figures_only,
        )

    def _stop_clock(self, at_ns: int) -> None:
        if not self.ended_ns:
            self.ended_ns = self.started_ns + at_ns - self._clock_ns

    def _read_all(self) -> None:
        unread, self._unread, self._unread_size = self._unread, [], 0
        self.is_behind = False
        if unread:
            self._feed(b"".join(unread))

    def _feed(self, data: bytes) -> bytes:
        if (collector := self._collector) is None:
            return data
        try:
            with self._lock:
                return collector.feed(data)
        except Exception as error:
            notice.internal_error("A stream could not be read along with", error)
            return data

    def _cause(self, reason: BaseException | None) -> BaseException | None:
        """Why the stream ended early: what openai's client made of it, what reading raised, or a cancellation.

        An exception of the caller's own code is not the call's.
        """
        if isinstance(reason, openai.APIError) and cast("Any", reason).request is self._request:
            return reason
        if self.error is not None:
            return self.error
        return None if isinstance(reason, Exception) and not arose_in_openai(reason) else reason

    def _attach(self, target: Any) -> None:
        with suppress(AttributeError):
            for name, value in self.keys.items():
                setattr(target, name, value)
