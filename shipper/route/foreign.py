"""What a record lacks that did not come from the shipper: its place in our terms, a dataset, a time, an id.

A record of the shipper passes unchanged. A line of python-json-logger, a span of OpenTelemetry (see `otlp`) or a
document written by hand is brought into the record's form, or refused with a reason.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from shipper.route.jsontext import dump
from shipper.route.letter import Refusal
from shipper.route.moment import nanoseconds, text
from shipper.route.nested import at, put, take

DATASETS = ("llm.completion", "llm.feedback", "llm.amendment", "llm.delivery", "llm.deadletter")

ROOTS = (
    "ecs",
    "error",
    "event",
    "gen_ai",
    "host",
    "http",
    "llm",
    "log",
    "openai",
    "parent",
    "process",
    "service",
    "span",
    "trace",
    "user",
)
"""Top-level objects of the record: dotted keys that begin so are put into them."""

OBJECTS = (
    *ROOTS,
    "gen_ai.evaluation",
    "gen_ai.evaluation.score",
    "gen_ai.input",
    "gen_ai.output",
    "gen_ai.provider",
    "gen_ai.request",
    "gen_ai.response",
    "gen_ai.usage",
    "gen_ai.usage.cache_creation",
    "gen_ai.usage.cache_read",
    "gen_ai.usage.cache_write",
    "gen_ai.usage.cost",
    "http.response",
    "llm.application",
    "llm.cost",
    "llm.input",
    "llm.join",
    "llm.output",
    "llm.schema",
    "llm.ship",
    "llm.shipper",
    "llm.usage",
)
"""Fields that hold other fields and that this road reads or writes. The store would refuse anything else there."""

LOGGING = {
    "asctime": ("@timestamp",),
    "timestamp": ("@timestamp",),
    "time": ("@timestamp",),
    "levelname": ("log", "level"),
    "level": ("log", "level"),
    "name": ("log", "logger"),
    "logger": ("log", "logger"),
    "exc_info": ("error", "stack_trace"),
}
"""Names that logging libraries use, and the record's."""

PLAIN = {
    "event": ("message",),
    "host": ("host", "name"),
    "user": ("user", "id"),
    "error": ("error", "message"),
}
"""Where a plain text goes that stands in the place of one of our objects."""

_NOT_OURS = Refusal(
    "not_an_llm_event",
    "It has neither an event.dataset of ours nor gen_ai fields: an ordinary log line, or another system's event.",
)
_NO_TIME = Refusal(
    "no_time",
    "No @timestamp, event.start or event.created that can be read as a time of the years 1970 to 2261: "
    "without one a retry might be stored twice.",
)


def recognise(record: dict[str, Any], origin: str, position: int) -> Refusal | None:
    """Bring a record into our form, or say why that can't be done.

    Args:
        record: as it was read; changed in place.
        origin: the text that it came in, which is its identity when it has no id.
        position: its place in that text, from 0.

    Returns:
        Why it is refused; None when it is a record.

    Never raises for JSON.
    """
    for name in ("@metadata", "@version"):
        record.pop(name, None)
    _unfold(record)
    if at(record, "event", "dataset") is None and record.get("gen_ai") is None:
        return _NOT_OURS
    for name in OBJECTS:
        path = name.split(".")
        value = at(record, *path)
        if value is None:
            take(record, *path)  # Logstash can't write below a null
        elif not isinstance(value, dict):
            return Refusal("wrong_type", f"{name} has to be an object; nothing can be read below it.")
    if at(record, "event", "dataset") is None:
        _rename_logging(record)
        put(
            record,
            "llm.feedback" if "evaluation" in record["gen_ai"] else "llm.completion",
            "event",
            "dataset",
        )
    elif at(record, "event", "dataset") not in DATASETS:
        return Refusal("unknown_dataset", f"event.dataset has to be one of {', '.join(DATASETS)}.")
    refusal = _write_time(record) or _write_id(record, origin, position)
    if refusal is None:
        _write_tags(record)
    return refusal


def _unfold(record: dict[str, Any]) -> None:
    """Put dotted keys, and texts in the place of objects, where they belong."""
    for name, path in PLAIN.items():
        if isinstance(value := record.get(name), str):
            del record[name]
            if at(record, *path) is None:
                put(record, value, *path)
    for name in [name for name in record if "." in name and name.partition(".")[0] in ROOTS]:
        if put(record, record[name], *name.split(".")):
            del record[name]


def _rename_logging(record: dict[str, Any]) -> None:
    for name, path in LOGGING.items():
        if record.get(name) is None or at(record, *path) is not None:
            continue
        if path[0] == "@timestamp" and nanoseconds(record[name]) is None:
            continue
        value = record.pop(name)
        put(record, value.lower() if path[-1] == "level" and isinstance(value, str) else value, *path)


def _write_time(record: dict[str, Any]) -> Refusal | None:
    for path in (("@timestamp",), ("event", "start"), ("event", "created")):
        if (ns := nanoseconds(at(record, *path))) is not None:
            record["@timestamp"] = text(ns)
            return None
    return _NO_TIME


def _write_id(record: dict[str, Any], origin: str, position: int) -> Refusal | None:
    given = at(record, "event", "id")
    if given is None or given == "":
        seed = f"{origin}\n{position}".encode("utf-8", "surrogatepass")
        put(record, f"sha256:{sha256(seed).hexdigest()}", "event", "id")
    elif isinstance(given, int) and not isinstance(given, bool):
        put(record, str(given), "event", "id")
    elif not isinstance(given, str):
        return Refusal("wrong_type", "event.id has to be a text.")
    return None


def _write_tags(record: dict[str, Any]) -> None:
    tags = record.get("tags")
    if tags is None:
        record.pop("tags", None)
        return
    items = tags if isinstance(tags, list) else [tags]
    record["tags"] = [one if isinstance(one, str) else dump(one) for one in items if one is not None]
