"""Stored documents as the joiner sees them: what it asks of each again and again, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shipper.feedback.plan import moment_of
from shipper.record.feedback import AMENDMENT
from shipper.record.times import parse_time

Json = dict[str, Any]
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a document lies."""

    index: str
    id: str


@dataclass(slots=True)
class Stored:
    """A document as it was read, with the version that a write must meet."""

    place: Place
    source: Json
    seq_no: int
    primary_term: int
    is_whole: bool = False
    """Whether `source` is all of it, or only what joining needs."""


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

    __slots__ = ("application", "event_id", "keys", "response_id", "stored")

    def __init__(self, stored: Stored) -> None:
        source = stored.source
        llm: Json = source.get("llm") or _NOTHING
        self.stored = stored
        self.keys = texts((llm.get("join") or _NOTHING).get("key"))
        self.application = application_of(llm)
        self.event_id = (source.get("event") or _NOTHING).get("id")
        self.response_id = ((source.get("gen_ai") or _NOTHING).get("response") or _NOTHING).get("id")

    @property
    def arrived_ns(self) -> int:
        """When it came to the store, ns since the epoch."""
        source = self.stored.source
        ingested = (source.get("event") or _NOTHING).get("ingested")
        return parse_time(ingested, "", []) or parse_time(source.get("@timestamp"), "", []) or 0


def texts(value: Any) -> list[str]:
    """The texts of a field that may hold one value or several."""
    if type(value) is list:
        return [one for one in value if type(one) is str]
    return [value] if type(value) is str else []


def application_of(llm: Json) -> str:
    """The application's name; `default` as in index names where there is none."""
    name = (llm.get("application") or _NOTHING).get("name")
    return name if type(name) is str else "default"
