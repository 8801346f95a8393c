"""The values of a chat completion's entry that differ from call to call: where they are, and what they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from shipper.record.openai.detect import CHAT
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.record.reading import Json

_SPEAKERS = frozenset({"system", "developer", "user", "assistant"})
_TEXTS = frozenset(
    {"session_id", "user_id", "trace_id", "span_id", "parent_id", "previous_event_id"}
    | {"chain_id", "run_id", "datapoint_id", "message"}
)
_TIMES = frozenset({"created_at", "started_at", "ended_at"})
_MAX_MESSAGES = 1000
_MAX_FIGURE = 2**53

_AT = 7_230_000_000_123_456_000  # in 2199

# Marks: none is a part of another, and nothing has them by accident.
_TEXT_MARK = "gap-0e6b7c5141f4-"
_FIGURE_MARKS = {
    "seq": 40_960_000_000_041,
    "created": 40_960_000_000_043,
    "prompt_tokens": 81_920_000_000_011,
    "completion_tokens": 122_880_000_000_017,
    "total_tokens": 204_800_000_000_028,
    "cached_tokens": 40_960_000_000_031,
    "reasoning_tokens": 40_960_000_000_037,
}
_TIME_MARKS = {
    "at": _AT,
    "created_at": _AT + 777_777_888_999_000,
    "started_at": _AT + 86_461_123_457_000,
    "ended_at": _AT + 518_762_654_321_000,
}
_MARKS = _FIGURE_MARKS | _TIME_MARKS
_LEFT = (_TEXT_MARK.encode(), *(b"%d" % mark for mark in _MARKS.values()), b"2199-")
MARKED_NOW: Final = _AT + 3_196_807_321_000_000
"""When an entry of marks is sent, ns since the epoch."""

EVENT_ID: Final = 0
"""The first of the texts."""
RESPONSE_ID: Final = 1
ANSWER: Final = 2

Place = tuple[Any, str]
"""Object and key."""


class Values(NamedTuple):
    """What stands in the gaps of one entry."""

    texts: Sequence[str]
    """The event's id, the response's id, the answer, then the others."""
    figures: dict[str, int]
    times: dict[str, int]
    """ns since the epoch."""

    def are_plain(self, join_keys: Sequence[Any]) -> bool:
        """Whether each can be replaced by another one that is plain, and nothing else in the document changes.

        Texts are not empty and ids differ from each other and from the caller's keys; no part is larger than its
        whole; times are in order.
        """
        texts, figures, times = self
        prompt, completion = figures["prompt_tokens"], figures["completion_tokens"]
        event_id, response_id = texts[EVENT_ID], texts[RESPONSE_ID]
        return (
            all(texts)
            and max(figures.values()) < _MAX_FIGURE
            and figures.get("total_tokens", prompt + completion) == prompt + completion
            and figures.get("cached_tokens", 0) <= prompt
            and figures.get("reasoning_tokens", 0) <= completion
            and ("ended_at" not in times or times.get("started_at", 0) <= times["ended_at"])
            and event_id != response_id
            and event_id not in join_keys
            and response_id not in join_keys
        )

    def began(self) -> int:
        """When the call began, ns since the epoch."""
        times = self.times
        return times.get("started_at", times.get("created_at", times["at"]))

    def derived(self) -> list[bytes]:
        """What the document says of figures and times beside themselves, as JSON."""
        figures, times = self.figures, self.times
        contents = [b"%d" % (figures["prompt_tokens"] + figures["completion_tokens"])]
        contents += [format_time(moment).encode() for moment in times.values()]
        if "started_at" in times and "ended_at" in times:
            duration = times["ended_at"] - times["started_at"]
            contents += (b"%d" % duration, orjson.dumps(duration / 1e6))
        return contents


class Gaps:
    """The gaps of one entry."""

    def __init__(self, entry: Json) -> None:
        """Find them.

        Raises:
            KeyError, TypeError, ValueError: it is something else than a chat completion of texts, or its values could
                change more in the document than what stands in the gaps.
        """
        call = entry["call"]
        request, response = call["request"], call["response"]
        (choice,) = response["choices"]
        self.join_keys: Sequence[Any] = call.get("join_keys") or ()
        if (
            entry["dataset"] != "llm.completion"
            or response["object"] != "chat.completion"
            or call.get("api", CHAT) != CHAT
            or call.get("save") is False
            or "created" in request
            or "truncated" in entry
            or not all(type(key) is str for key in self.join_keys)
        ):
            raise ValueError
        texts: list[Place] = [(entry, "id"), (response, "id"), (choice["message"], "content")]
        texts += _messages(request["messages"])
        figures: list[Place] = [(entry, "seq"), *_tokens(response["usage"])]
        if "created" in response:
            figures.append((response, "created"))
        times: list[Place] = [(entry, "at")]
        for key in call:
            if key in _TEXTS:
                texts.append((call, key))
            elif key in _TIMES:
                times.append((call, key))
        if "http" in call and call["http"].get("request_id") is not None:
            texts.append((call["http"], "request_id"))
        self.text_places, self.figure_places, self._times = texts, figures, times
        if not self._have_values():
            raise ValueError

    def _have_values(self) -> bool:
        texts = [place[key] for place, key in self.text_places]
        figures = {key: place[key] for place, key in self.figure_places}
        if not all(type(text) is str for text in texts):
            return False
        if not all(type(figure) is int and figure >= 0 for figure in figures.values()):
            return False
        times = {key: time_of(place[key]) for place, key in self._times}
        at_place, at_key = self._times[0]
        if times["at"] != at_place[at_key]:
            return False
        return Values(texts, figures, times).are_plain(self.join_keys)

    @property
    def figures(self) -> list[str]:
        """Their names, in the order in which their marks are listed."""
        return [key for _, key in self.figure_places]

    @property
    def times(self) -> list[str]:
        """Their names, in the order in which their marks are listed."""
        return [key for _, key in self._times]

    def rest_of(self, entry: Json) -> bytes:
        """All of the entry but what stands in its gaps, as JSON."""
        places = (*self.text_places, *self.figure_places, *self._times)
        values = [place[key] for place, key in places]
        for place, key in places:
            place[key] = None
        rest = orjson.dumps(entry)
        for (place, key), value in zip(places, values, strict=True):
            place[key] = value
        return rest

    def mark(self) -> list[bytes]:
        """Put marks into the gaps of the entry: of the texts, then the figures, then the times; as JSON."""
        for number, (place, key) in enumerate(self.text_places):
            place[key] = f"{_TEXT_MARK}{number:04d}"
        for place, key in (*self.figure_places, *self._times):
            place[key] = _MARKS[key]
        return [
            *(place[key].encode() for place, key in self.text_places),
            *(b"%d" % place[key] for place, key in (*self.figure_places, *self._times)),
        ]

    def values(self) -> Values:
        """What stands in them now; times as the entry has them."""
        return Values(
            [place[key] for place, key in self.text_places],
            {key: place[key] for place, key in self.figure_places},
            {key: place[key] for place, key in self._times},
        )


def is_marked(text: bytes) -> bool:
    """Whether a mark, or a part of one, is left in a text."""
    return any(mark in text for mark in _LEFT)


def time_of(value: Any) -> int:
    """A time as callers give it, in ns since the epoch. Raises ValueError: it isn't one, or leaves room for doubt."""
    flags: list[str] = []
    moment = parse_time(value, "", flags)
    if moment is None or flags:
        raise ValueError
    return moment


def _messages(messages: Any) -> list[Place]:
    """Raises: KeyError, TypeError, ValueError."""
    if len(messages) > _MAX_MESSAGES:
        raise ValueError
    places: list[Place] = []
    for message in messages:
        if message["role"] not in _SPEAKERS:  # the text of a tool's result is looked into
            raise ValueError
        places.append((message, "content"))
    return places


def _tokens(usage: Json) -> list[Place]:
    """Raises: KeyError, TypeError, ValueError."""
    places: list[Place] = [(usage, "prompt_tokens"), (usage, "completion_tokens")]
    if "total_tokens" in usage:
        places.append((usage, "total_tokens"))
    for details, key in (
        ("prompt_tokens_details", "cached_tokens"),
        ("completion_tokens_details", "reasoning_tokens"),
    ):
        part = usage.get(details)
        if part and key in part:
            places.append((part, key))
    return places
