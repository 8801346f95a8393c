"""Which call came before which: remembered for this process, and read from the request itself. No query is made."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

_REMEMBERED = 10_000  # conversations and responses; the oldest are forgotten

_T = TypeVar("_T")


class Turn(NamedTuple):
    """A call's place in a conversation."""

    event_id: str
    number: int | None


class _Recent(Generic[_T]):
    """A bounded mapping without a lock: a thread of a parent process can't have left it held."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._values: dict[str, _T] = {}

    def get(self, key: str) -> _T | None:
        return self._values.get(key)

    def put(self, key: str, value: _T) -> None:
        values = self._values
        values.pop(key, None)
        values[key] = value
        while len(values) > self._bound:
            with suppress(RuntimeError, StopIteration):  # another thread changes it: it makes room too
                values.pop(next(iter(values)), None)


class Conversations:
    """The latest call of each conversation, and the calls behind the provider's response ids. Thread-safe."""

    def __init__(self, bound: int = _REMEMBERED) -> None:
        self._latest: _Recent[Turn] = _Recent(bound)
        self._responses: _Recent[Turn] = _Recent(bound)
        self._settled: _Recent[bool] = _Recent(bound)

    def before(self, chat: str | None, request: Any) -> Turn | None:
        """The call that a new one follows, as far as this process knows."""
        previous = request.get("previous_response_id") if type(request) is dict else None
        if type(previous) is str and (turn := self._responses.get(previous)) is not None:
            return turn
        return self._latest.get(chat) if chat is not None else None

    def remember(self, turn: Turn, chat: str | None, response: Any) -> None:
        """A call has been recorded."""
        if chat is not None:
            self._latest.put(chat, turn)
        if type(response) is dict and type(response_id := response.get("id")) is str:
            self._responses.put(response_id, turn)

    def event_of(self, response_id: Any) -> str | None:
        """The event that recorded this response, if this process did."""
        turn = self._responses.get(response_id) if type(response_id) is str else None
        return turn.event_id if turn is not None else None

    def settle(self, response_id: str) -> bool:
        """Whether nobody said before that this response is over; remembers that somebody has now."""
        first = self._settled.get(response_id) is None
        self._settled.put(response_id, True)
        return first


def chat_of(chat_id: object, request: Any) -> str | None:
    """The conversation: the caller's id, else the one that the request names."""
    if chat_id is not None:
        return str(chat_id)
    named = request.get("conversation") if type(request) is dict else None
    if type(named) is dict:
        named = named.get("id")
    return named if type(named) is str else None


def turn_number(request: Any, previous: Turn | None) -> int | None:
    """The number of the user's turn that this request answers, from 1; None for requests without messages.

    The messages say it themselves; where they hold only the latest part of the conversation, the call before does.
    """
    if type(request) is not dict:
        return None
    messages = request.get("messages")
    if messages is None:
        messages = request.get("input")
    if type(messages) is str:
        messages = [{"role": "user"}]
    if type(messages) is not list or not messages:
        return previous.number if previous is not None else None
    roles = [message.get("role") for message in messages if type(message) is dict]
    told = max(1, roles.count("user"))
    if previous is None or previous.number is None:
        return told
    return max(told, previous.number + (1 if roles and roles[-1] == "user" else 0))
