"""A background response that is asked for again: what has become of it amends the record of the call that began it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from shipper.openai.exchange import Exchange, Recorder

if TYPE_CHECKING:
    from shipper.openai.known import Known

_OVER = frozenset({"completed", "failed", "incomplete", "cancelled"})
_REMEMBERED = 10_000  # background responses; the oldest are forgotten


class Begun:
    """The background responses that this process began, and which of them are over. Thread-safe without a lock."""

    def __init__(self) -> None:
        self._events: dict[str, str] = {}
        self._over: dict[str, str] = {}

    def remember(self, response: Any, event_id: str) -> None:
        """A call was recorded; keep it in mind if its answer comes later."""
        if type(response) is dict and response.get("background") is True:
            _keep(self._events, str(response.get("id")), event_id)

    def event_of(self, response_id: Any) -> str | None:
        """The event that recorded this response, if this process began it in the background."""
        return self._events.get(response_id) if type(response_id) is str else None

    def settle(self, response_id: str) -> bool:
        """Whether nobody said before that this response is over; remembers that somebody has now."""
        first = response_id not in self._over
        _keep(self._over, response_id, "")
        return first


def _keep(values: dict[str, str], key: str, value: str) -> None:
    values[key] = value
    while len(values) > _REMEMBERED:
        with suppress(RuntimeError, StopIteration):  # another thread makes room too
            values.pop(next(iter(values)), None)


class Amender(Recorder, Protocol):
    """Where retrievals go."""

    begun: Begun

    def amend(self, retrieval: Retrieval, response: dict[str, Any]) -> None:
        """A background response is over.

        Raises: whatever is wrong with it.
        """


class Retrieval(Exchange):
    """Asks for a response, or cancels it. No record of its own."""

    def __init__(self, amender: Amender, known: Known) -> None:
        """Prepare; `amender` gets the response when it is over."""
        super().__init__(amender, known)
        self._amender = amender
        self.keys = {}  # until it is known whose answer this is

    def _record(self) -> None:
        response = self.collected.response
        if type(response) is dict and response.get("background") is True and response.get("status") in _OVER:
            self._amender.amend(self, response)

    def marked(self, data: Any) -> Any:
        """The JSON of the answer, with the feedback key of the call that began it, if this process made that call."""
        if type(data) is dict and not self.keys:
            inner = data.get("response")
            response_id = inner.get("id") if type(inner) is dict else data.get("id")
            if event_id := self._amender.begun.event_of(response_id):
                self.keys = self._amender.keys_of(event_id)
        return super().marked(data)
