"""Stored documents as the joiner sees them: what it asks of each again and again, read once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import orjson

from shipper.feedback.plan import moment_of
from shipper.record.amendment import value_at
from shipper.record.feedback import AMENDMENT
from shipper.record.times import parse_time

Json = dict[str, Any]
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a document lies."""

    index: str
    id: str


class Stored:
    """A document as it was read, with the version that a write must meet."""

    __slots__ = ("_source", "is_whole", "place", "primary_term", "seq_no")

    def __init__(
        self, place: Place, source: Json, seq_no: int, primary_term: int, is_whole: bool = False
    ) -> None:
        self.place = place
        self.seq_no = seq_no
        self.primary_term = primary_term
        self.is_whole = is_whole
        """Whether `source` is all of it, or only what joining needs."""
        self._source: Json | bytes = source

    @property
    def source(self) -> Json:
        """Its content; each time anew of one that is packed."""
        return orjson.loads(self._source) if isinstance(self._source, bytes) else self._source

    def pack(self) -> int:
        """Keep it as JSON, which takes a tenth of the memory; its bytes."""
        if not isinstance(self._source, bytes):
            self._source = bytes(memoryview(orjson.dumps(self._source)))  # which leaves room in what it gives
        return len(self._source)


class Event:
    """A stored feedback or amendment. A round has a hundred thousand: it keeps what is asked of each, and its JSON."""

    __slots__ = (
        "application",
        "arrived_ns",
        "attempts",
        "is_amendment",
        "is_joined",
        "keys",
        "moment",
        "stored",
    )

    def __init__(self, stored: Stored) -> None:
        source = stored.source
        llm: Json = source.get("llm") or _NOTHING
        event: Json = source.get("event") or _NOTHING
        join: Json = llm.get("join") or _NOTHING
        self.stored = stored
        self.keys = texts(join.get("key"))
        self.application = sys.intern(application_of(llm))
        self.is_amendment = event.get("dataset") == AMENDMENT
        self.is_joined = join.get("status") == "joined"
        attempts = join.get("attempts")
        self.attempts = attempts if type(attempts) is int else 0
        at_ns = parse_time(source.get("@timestamp"), "", []) or 0
        self.arrived_ns = parse_time(event.get("ingested"), "", []) or at_ns
        target: Json = _NOTHING if self.is_joined else llm.get("target") or _NOTHING
        self.moment = moment_of(at_ns, parse_time(target.get("timestamp"), "", []))

    @property
    def join(self) -> Json:
        """What it says of its join; read anew each time."""
        return (self.stored.source.get("llm") or _NOTHING).get("join") or _NOTHING


class Completion:
    """A stored completion."""

    __slots__ = ("application", "event_id", "keys", "response_id", "stored")

    def __init__(self, stored: Stored) -> None:
        source = stored.source
        llm: Json = source.get("llm") or _NOTHING
        event: Json = source.get("event") or _NOTHING
        self.stored = stored
        self.keys = texts((llm.get("join") or _NOTHING).get("key"))
        self.application = application_of(llm)
        self.event_id = event.get("id")
        self.response_id = ((source.get("gen_ai") or _NOTHING).get("response") or _NOTHING).get("id")

    def is_meant_by(self, key: str, application: str) -> bool:
        """Whether an event of the application that has this key is about it: an own key counts within its own."""
        return key in self.keys and (self.is_id(key) or self.application == application)

    def is_id(self, key: str) -> bool:
        """Whether the key is its own id or its response's, which count everywhere and stand on nothing else."""
        return key in (self.event_id, self.response_id)


class Match:
    """What an event keeps of a completion that holds it: less than a twentieth of it."""

    __slots__ = ("arrived_ns", "place", "target")

    def __init__(self, completion: Completion) -> None:
        source = completion.stored.source
        timestamp = source.get("@timestamp")
        arrived = parse_time((source.get("event") or _NOTHING).get("ingested"), "", [])
        self.place = completion.stored.place
        self.arrived_ns = arrived or parse_time(timestamp, "", []) or 0
        """When it came to the store, ns since the epoch."""
        model = value_at(source, "gen_ai.response.model") or value_at(source, "gen_ai.request.model")
        self.target: Json = {
            "timestamp": timestamp,
            "version": _once(value_at(source, "service.version")),
            "prompt_name": _once(value_at(source, "gen_ai.prompt.name")),
            "prompt_version": _once(value_at(source, "gen_ai.prompt.version")),
            "model": _once(model),
        }
        """What scores are grouped by; None where it doesn't say."""


def _once(value: Any) -> Any:
    """The same text, kept once."""
    return sys.intern(value) if type(value) is str else value


def texts(value: Any) -> list[str]:
    """The texts of a field that may hold one value or several."""
    if type(value) is list:
        return [one for one in value if type(one) is str]
    return [value] if type(value) is str else []


def application_of(llm: Json) -> str:
    """The application's name; `default` as in index names where there is none."""
    name = (llm.get("application") or _NOTHING).get("name")
    return name if type(name) is str else "default"
