"""Lines of python-json-logger that carry a completion: `logger.info("…", extra={"completion": {…}})`.

https://nhairs.github.io/python-json-logger/latest/quickstart/ : the record's attributes that the format string names,
`message`, and what was in `extra`, all at the top level. Lines without a completion are ordinary log lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected
from shipper.history.formats.pairs import event_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_TIMES = ("asctime", "timestamp", "@timestamp", "time", "created")
_LEVELS = ("levelname", "level", "log.level", "severity")
_LOGGERS = ("name", "logger", "log.logger")


def _carries(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("completion"), dict) and _is_line(value)


def _is_line(value: Any) -> bool:
    return (
        isinstance(value, dict) and "message" in value and any(name in value for name in (*_TIMES, *_LEVELS))
    )


def _recognise(sample: Sequence[Any]) -> float:
    lines = [one for one in sample if _is_line(one)]
    carried = sum(_carries(one) for one in lines)
    return len(lines) / len(sample) if carried else 0.0


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a log line is a JSON object")
    if not _carries(value):
        return
    completion: Json = dict(value["completion"])
    logged = next((value[name] for name in _TIMES if value.get(name) is not None), None)
    if logged is not None:
        completion.setdefault("created_at", logged)
    event = event_of(completion)
    for key, names in (("level", _LEVELS), ("logger", _LOGGERS), ("message", ("message",))):
        if (text := next((value[name] for name in names if value.get(name) is not None), None)) is not None:
            event.call[key] = text
    known = {"completion", "message", *_TIMES, *_LEVELS, *_LOGGERS}
    if others := {name: other for name, other in value.items() if name not in known and other is not None}:
        event.call["labels"] = others
    yield event


FORMAT = Format("json-logger", _recognise, _events)
