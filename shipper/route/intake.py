"""From the text of one message to documents with their places: all that Logstash does, as one pure function.

`tests/vectors/` holds Logstash to the same results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shipper.route.destination import destination
from shipper.route.enrich import enrich
from shipper.route.foreign import recognise
from shipper.route.jsontext import MAX_LEVELS, dump, load
from shipper.route.letter import Refusal, letter
from shipper.route.otlp import is_export, spans

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = " \t\r\n\ufeff"
_NOT_JSON = Refusal(
    "malformed_json",
    f"The text is not JSON, or is nested deeper than {MAX_LEVELS} levels: nothing in it could be read.",
)
_NOT_AN_OBJECT = Refusal("not_an_object", "A record has to be a JSON object.")
_NO_MODEL_CALL = Refusal("not_an_llm_event", "A span without gen_ai attributes is no model call.")


@dataclass(frozen=True, slots=True)
class Routed:
    """A document and where it is stored."""

    index: str
    id: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Found:
    """Something in a message: a record, or what it is instead."""

    original: str
    position: int
    record: Any
    refusal: Refusal | None = None


def intake(message: str, arrived_ns: int, partition: Literal["month", "day"] = "month") -> list[Routed]:
    """Every document that a message comes to; what is no record becomes a dead letter.

    Args:
        message: a JSON object, an array of them, one on each line, or an export of OpenTelemetry's spans. A blank
            message comes to nothing.
        arrived_ns: when it arrived, ns since the epoch.
        partition: time span of one index.

    Never raises.
    """
    text = message.strip(_BLANK)
    return [_routed(found, text, arrived_ns, partition) for found in _find(text)]


def _routed(found: _Found, text: str, arrived_ns: int, partition: Literal["month", "day"]) -> Routed:
    refusal = found.refusal or recognise(found.record, text, found.position)
    if refusal is None:
        document = enrich(found.record, arrived_ns)
    else:
        document = letter(refusal, found.original, found.record, arrived_ns, found.position)
    place = destination(document, partition)
    return Routed(place.index, place.id, document)


def _find(text: str) -> Iterator[_Found]:
    if not text:
        return
    try:
        yield from _records(load(text), text)
    except ValueError:
        yield from _lines(text)


def _lines(text: str) -> Iterator[_Found]:
    """Newline-delimited JSON, when at least its first line is JSON; else one unreadable text."""
    lines = [line for line in (line.strip(_BLANK) for line in text.split("\n")) if line]
    position = 0
    for number, line in enumerate(lines):
        try:
            value = load(line)
        except ValueError:
            if number == 0:
                yield _Found(text, 0, None, _NOT_JSON)
                return
            yield _Found(line, position, None, _NOT_JSON)
            position += 1
            continue
        for found in _records(value, line, position):
            yield found
            position += 1


def _records(value: Any, text: str, position: int = 0) -> Iterator[_Found]:
    """The records in a JSON value. `text` is the original of a value that is one record."""
    several = isinstance(value, list)
    for item in value if several else [value]:
        if is_export(item):
            for span, record in spans(item):
                yield _Found(dump(span), position, record, None if record else _NO_MODEL_CALL)
                position += 1
            continue
        original = dump(item) if several else text
        yield _Found(original, position, item, None if isinstance(item, dict) else _NOT_AN_OBJECT)
        position += 1
