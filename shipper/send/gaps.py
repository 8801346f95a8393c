"""The values of a chat completion's entry that differ from call to call: found, marked, and written as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from shipper.record.openai.detect import CHAT
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
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
_MARKS = {
    "seq": 40_960_000_000_041,
    "created": 40_960_000_000_043,
    "prompt_tokens": 81_920_000_000_011,
    "completion_tokens": 122_880_000_000_017,
    "total_tokens": 204_800_000_000_028,
    "cached_tokens": 40_960_000_000_031,
    "reasoning_tokens": 40_960_000_000_037,
    "at": _AT,
    "created_at": _AT + 777_777_888_999_000,
    "started_at": _AT + 86_461_123_457_000,
    "ended_at": _AT + 518_762_654_321_000,
}
_LEFT = (_TEXT_MARK.encode(), *(b"%d" % mark for mark in _MARKS.values()), b"2199-")
MARKED_NOW: Final = _AT + 3_196_807_321_000_000
"""When an entry of marks is sent, ns since the epoch."""

_Place = tuple[Any, str]  # object, key


class Gaps:
    """The gaps of one entry, and what stands in them."""

    __slots__ = ("_figures", "_places", "_texts", "_times", "_values", "answer", "at")

    def __init__(self, entry: Json) -> None:
        """Find them.

        Raises:
            KeyError, TypeError, ValueError: it is something else than a chat completion of texts, or its values could
                change more in the document than what stands in the gaps.
        """
        call = entry["call"]
        request, response = call["request"], call["response"]
        (choice,) = response["choices"]
        if (
            entry["dataset"] != "llm.completion"
            or response["object"] != "chat.completion"
            or call.get("api", CHAT) != CHAT
            or call.get("save") is False
            or "created" in request
        ):
            raise ValueError
        texts: list[_Place] = [(entry, "id"), (response, "id"), (choice["message"], "content")]
        texts += _messages(request["messages"])
        figures: list[_Place] = [(entry, "seq"), *_tokens(response["usage"])]
        if "created" in response:
            figures.append((response, "created"))
        times: list[_Place] = [(entry, "at")]
        for key in call:
            if key in _TEXTS:
                texts.append((call, key))
            elif key in _TIMES:
                times.append((call, key))
        if "http" in call and call["http"].get("request_id") is not None:
            texts.append((call["http"], "request_id"))
        self._places = texts + figures + times
        self._texts: list[str] = [place[key] for place, key in texts]
        self._figures: dict[str, int] = {key: place[key] for place, key in figures}
        self._times: dict[str, int] = {key: _time(place[key]) for place, key in times}
        self.answer = self._texts[2]
        self.at = self._times["at"]
        if self.at != entry["at"] or not self._are_plain(call.get("join_keys", ())):
            raise ValueError

    def _are_plain(self, join_keys: Any) -> bool:
        """Whether each value can be replaced by another one that is plain, and nothing else changes."""
        texts, figures, times = self._texts, self._figures, self._times
        for text in texts:
            if type(text) is not str or not text:
                return False
        for figure in figures.values():
            if type(figure) is not int or not 0 <= figure < _MAX_FIGURE:
                return False
        event_id, response_id = texts[:2]
        prompt, completion = figures["prompt_tokens"], figures["completion_tokens"]
        return (
            figures.get("total_tokens", prompt + completion) == prompt + completion
            and figures.get("cached_tokens", 0) <= prompt
            and figures.get("reasoning_tokens", 0) <= completion
            and ("ended_at" not in times or times.get("started_at", 0) <= times["ended_at"])
            and event_id != response_id
            and (
                not join_keys
                or all(type(key) is str and key not in (event_id, response_id) for key in join_keys)
            )
        )

    def rest_of(self, entry: Json) -> bytes:
        """All of the entry but what stands in its gaps, as JSON."""
        values = [place[key] for place, key in self._places]
        for place, key in self._places:
            place[key] = None
        rest = orjson.dumps(entry)
        for (place, key), value in zip(self._places, values, strict=True):
            place[key] = value
        return rest

    def mark(self) -> None:
        """Put marks into the gaps of the entry."""
        for number, (place, key) in enumerate(self._places):
            place[key] = _MARKS.get(key) or f"{_TEXT_MARK}{number:04d}"

    def written_into(self, outline: Json) -> Json:
        """A document of the same form, with all of this one's values that its place, cost or one-liner depend on."""
        figures, times = self._figures, self._times
        start = times.get("started_at", times.get("created_at", self.at))
        gen_ai, llm = outline["gen_ai"], outline["llm"]
        usage = {
            **gen_ai["usage"],
            "input_tokens": figures["prompt_tokens"],
            "output_tokens": figures["completion_tokens"],
        }
        if "cached_tokens" in figures:
            usage["cache_read"] = {"input_tokens": figures["cached_tokens"]}
        if "reasoning_tokens" in figures:
            usage["reasoning"] = {"output_tokens": figures["reasoning_tokens"]}
        return {
            **outline,
            "@timestamp": format_time(start),
            "event": {**outline["event"], "id": self._texts[0]},
            "gen_ai": {**gen_ai, "usage": usage},
            "llm": {**llm, "output": {"text": self.answer}},
        }

    def contents(self) -> list[bytes]:
        """What stands in the gaps, as it stands in JSON; in the order in which marks do."""
        figures, times = self._figures, self._times
        contents = [orjson.dumps(text)[1:-1] for text in self._texts]
        contents += [b"%d" % figure for figure in figures.values()]
        contents.append(b"%d" % (figures["prompt_tokens"] + figures["completion_tokens"]))
        contents += [format_time(moment).encode() for moment in times.values()]
        if "started_at" in times and "ended_at" in times:
            duration = times["ended_at"] - times["started_at"]
            contents += (b"%d" % duration, orjson.dumps(duration / 1e6))
        return contents


def is_marked(document: bytes) -> bool:
    """Whether a mark, or a part of one, is left in a document."""
    return any(mark in document for mark in _LEFT)


def _messages(messages: Any) -> list[_Place]:
    """Raises: KeyError, TypeError, ValueError."""
    if len(messages) > _MAX_MESSAGES:
        raise ValueError
    places: list[_Place] = []
    for message in messages:
        if message["role"] not in _SPEAKERS:  # the text of a tool's result is looked into
            raise ValueError
        places.append((message, "content"))
    return places


def _tokens(usage: Json) -> list[_Place]:
    """Raises: KeyError, TypeError, ValueError."""
    places: list[_Place] = [(usage, "prompt_tokens"), (usage, "completion_tokens")]
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


def _time(value: Any) -> int:
    """Raises: ValueError."""
    flags: list[str] = []
    moment = parse_time(value, "", flags)
    if moment is None or flags:
        raise ValueError
    return moment
