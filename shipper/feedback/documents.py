"""Stored documents as the joiner sees them: what it asks of each again and again, read once."""

from __future__ import annotations

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
        """Keep it as JSON, which takes a fifth of the memory; its bytes."""
        if not isinstance(self._source, bytes):
            self._source = orjson.dumps(self._source)
        return len(self._source)


class Event:
    """A stored feedback or amendment."""

    __slots__ = (
        "application",
        "arrived_ns",
        "at_ns",
        "attempts",
        "is_amendment",
        "is_joined",
        "join",
        "keys",
        "moment",
        "stored",
    )

    def __init__(self, stored: Stored) -> None:
        source = stored.source
        llm: Json = source.get("llm") or _NOTHING
        event: Json = source.get("event") or _NOTHING
        self.stored = stored
        self.join: Json = llm.get("join") or _NOTHING
        self.keys = texts(self.join.get("key"))
        self.application = application_of(llm)
        self.is_amendment = event.get("dataset") == AMENDMENT
        self.is_joined = self.join.get("status") == "joined"
        attempts = self.join.get("attempts")
        self.attempts = attempts if type(attempts) is int else 0
        self.at_ns = parse_time(source.get("@timestamp"), "", []) or 0
        self.arrived_ns = parse_time(event.get("ingested"), "", []) or self.at_ns
        target: Json = _NOTHING if self.is_joined else llm.get("target") or _NOTHING
        self.moment = moment_of(self.at_ns, parse_time(target.get("timestamp"), "", []))


class Completion:
    """A stored completion."""

    __slots__ = ("_arrived", "application", "event_id", "keys", "response_id", "stored", "target")

    def __init__(self, stored: Stored) -> None:
        source = stored.source
        llm: Json = source.get("llm") or _NOTHING
        event: Json = source.get("event") or _NOTHING
        self.stored = stored
        self.keys = texts((llm.get("join") or _NOTHING).get("key"))
        self.application = application_of(llm)
        self.event_id = event.get("id")
        self.response_id = ((source.get("gen_ai") or _NOTHING).get("response") or _NOTHING).get("id")
        self.target: Json = {
            "timestamp": source.get("@timestamp"),
            "version": value_at(source, "service.version"),
            "prompt_name": value_at(source, "gen_ai.prompt.name"),
            "prompt_version": value_at(source, "gen_ai.prompt.version"),
            "model": value_at(source, "gen_ai.response.model") or value_at(source, "gen_ai.request.model"),
        }
        """What scores are grouped by; None where it doesn't say."""
        self._arrived = event.get("ingested")

    @property
    def arrived_ns(self) -> int:
        """When it came to the store, ns since the epoch."""
        return parse_time(self._arrived, "", []) or parse_time(self.target["timestamp"], "", []) or 0


def texts(value: Any) -> list[str]:
    """The texts of a field that may hold one value or several."""
    if type(value) is list:
        return [one for one in value if type(one) is str]
    return [value] if type(value) is str else []


def application_of(llm: Json) -> str:
    """The application's name; `default` as in index names where there is none."""
    name = (llm.get("application") or _NOTHING).get("name")
    return name if type(name) is str else "default"
