"""Which call came before which: remembered for this process, and read from the request itself. No query is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from shipper.capture.call import provider_response_id

_REMEMBERED: Final = 10_000  # conversations, and as many responses; the ones used longest ago are forgotten

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

    def link(self, application: str, event_id: str, body: dict[str, Any]) -> None:
        """Say in a call's body what came before it, where the caller has not, and remember the call. Never raises."""
        request = body.get("request")
        response = body.get("response")
        chat = chat_of(body.get("session_id"), request)
        asked = _get(request, "previous_response_id")
        # no request can name an answer of the Chat Completions API as the one before it
        nameless = type(response) is dict and "choices" in response
        response_id = None if nameless else provider_response_id(response)
        if chat is None and asked is None and response_id is None:
            return
        place = None if chat is None else f"{application}\x00{chat}"
        previous = self._before(place, asked)
        number = turn_number(request, previous)
        if previous is not None:
            body.setdefault("previous_event_id", previous.event_id)
        if number is not None and (chat is not None or previous is not None):
            body.setdefault("turn", number)
        turn = Turn(event_id, body["turn"] if type(body.get("turn")) is int else number)
        if place is not None:
            self._latest.put(place, turn)
        if response_id is not None:
            self._responses.put(response_id, turn)

    def _before(self, place: str | None, asked: object) -> Turn | None:
        """The call that a request names, else the latest of its conversation."""
        if isinstance(asked, str):
            return self._responses.get(asked)  # one that another process made is named by the request alone
        return self._latest.get(place) if place is not None else None


CONVERSATIONS: Final = Conversations()
"""This process's; a forked child goes on with what its parent knew."""


def chat_of(session_id: object, request: object) -> str | None:
    """The conversation: the caller's id, else the one that the request names. Never raises."""
    if session_id is None:
        session_id = _get(request, "conversation")
        if session_id is not None and not isinstance(session_id, str):
            session_id = _get(session_id, "id")
    if session_id is None:
        return None
    try:
        return str(session_id)
    except Exception:
        return None


def turn_number(request: object, previous: Turn | None) -> int | None:
    """The number of the user's turn that a request answers, from 1; None when nothing tells. Never raises.

    The messages say it themselves; where they hold only the latest part of the conversation, the call before does.
    """
    messages = _get(request, "messages")
    if messages is None:
        messages = _get(request, "input")
    known = previous.number if previous is not None else None
    if isinstance(messages, str):
        return 1 if known is None else known + 1
    if not isinstance(messages, Sequence) or not messages:
        return None if known is None else known + 1
    roles = [_get(message, "role") for message in cast("Sequence[object]", messages)]
    told = max(1, roles.count("user"))
    return told if known is None else max(told, known + (1 if roles[-1] == "user" else 0))


def _get(source: object, name: str) -> Any:
    if type(source) is dict or isinstance(source, Mapping):
        return cast("Mapping[str, Any]", source).get(name)
    try:
        return getattr(source, name, None)
    except Exception:
        return None
