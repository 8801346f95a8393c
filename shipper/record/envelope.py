"""What every document begins and ends with: times, ids, application, process, and the list of what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, keyword, keywords, long
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.record.reading import Json

_ECS_VERSION = "9.0.0"
_SCHEMA_VERSION = "1"
_MAX_FLAGS = 100

# Key of the application → whether its group is under `llm`, group, and name in the group
_PLACES = {
    "name": (False, "service", "name"),
    "version": (False, "service", "version"),
    "environment": (False, "service", "environment"),
    "logger": (False, "log", "logger"),
    "host": (False, "host", "name"),
    "project_id": (True, "project", "id"),
    "shipper": (True, "shipper", "version"),
    "instance": (True, "shipper", "instance"),
}
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


def envelope(entry: Mapping[str, Any], call: Json, dataset: str, flags: Flags) -> Json:
    """The document's beginning. `event.created` is the caller's time, else when the call was logged."""
    logged = parse_time(entry.get("at"), "at", flags) or 0
    created = parse_time(call.get("created_at"), "created_at", flags)
    if created is None:
        created = logged
    when = format_time(created)
    event: Json = {
        "id": keyword(entry.get("id"), "id", flags) or "",
        "kind": "event",
        "dataset": dataset,
        "created": when,
    }
    llm: Json = {"schema": {"version": _SCHEMA_VERSION}}
    document: Json = {"@timestamp": when, "event": event, "ecs": {"version": _ECS_VERSION}, "llm": llm}
    app = entry.get("app")
    if type(app) is dict:
        _write_application(app, call.get("environment"), document, llm, flags)
    if (sequence := entry.get("seq")) is not None:
        sequence = long(sequence, "seq", flags)
        if sequence is not None:
            llm.setdefault("shipper", {})["sequence"] = sequence
    return document


def write_span(call: Json, document: Json, flags: Flags) -> None:
    """Start, end and duration of a call; `@timestamp` is the start when it is known."""
    started = parse_time(call.get("started_at"), "started_at", flags)
    ended = parse_time(call.get("ended_at"), "ended_at", flags)
    event = document["event"]
    if started is not None:
        document["@timestamp"] = format_time(started)
    event["start"] = document["@timestamp"]
    if ended is None:
        return
    event["end"] = format_time(ended)
    if started is None:
        return
    if ended < started:
        flags.append("ended_at: before started_at, no duration")
        return
    event["duration"] = ended - started
    document["llm"]["latency_ms"] = (ended - started) / 1e6


def write_join_keys(call: Json, response_id: str | None, document: Json, flags: Flags) -> None:
    """Every key that feedback may use: event id, provider's response id, the caller's own."""
    keys: dict[str, None] = {document["event"]["id"]: None}
    if response_id is not None:
        keys[response_id] = None
    if (given := call.get("join_keys")) is not None:
        keys.update(dict.fromkeys(keywords(given, "join_keys", flags)))
    keys.pop("", None)
    document["llm"]["join"] = {"key": list(keys)}


def write_log(call: Json, level: str, message: str, document: Json, flags: Flags) -> None:
    """The document as a log record: the caller's level and message, else these."""
    given = call.get("level")
    if given is not None:
        if type(given) is int:
            given = _LEVELS.get(given, str(given))
        level = (keyword(given, "level", flags) or level).lower()
    log: Json = document.setdefault("log", {})  # the application's logger may be in it
    log["level"] = level
    if (logger := keyword(call.get("logger"), "logger", flags)) is not None:
        log["logger"] = logger
    document["message"] = keyword(call.get("message"), "message", flags) or message


def write_import(call: Json, llm: Json, flags: Flags) -> None:
    """Where imported history came from."""
    origin = call.get("import")
    if type(origin) is not dict:
        return
    out: Json = {}
    for key in ("source", "file", "batch_id"):
        if (value := keyword(origin.get(key), f"import.{key}", flags)) is not None:
            out[key] = value
    if (line := long(origin.get("line"), "import.line", flags)) is not None:
        out["line"] = line
    if out:
        llm["import"] = out


def write_flags(entry: Mapping[str, Any], llm: Json, flags: Flags) -> None:
    """What was changed or cut on the way, by the serialiser and here. The last thing to be written."""
    changed = entry.get("changed")
    if changed is not None:
        flags = [*keywords(changed, "changed", []), *flags]
    if flags:
        flags = list(dict.fromkeys(flags))
        if len(flags) > _MAX_FLAGS:
            flags = [*flags[:_MAX_FLAGS], f"and {len(flags) - _MAX_FLAGS} more"]
        llm["sanitised"] = flags
    truncated = entry.get("truncated")
    if type(truncated) is list and (cuts := [cut for item in truncated if (cut := _cut(item))]):
        llm["truncated"] = cuts


def _cut(item: Any) -> Json:
    if type(item) is not dict:
        return {}
    out: Json = {}
    for key in ("field", "hash"):
        if (value := keyword(item.get(key), key, [])) is not None:
            out[key] = value
    if (length := long(item.get("length"), "length", [])) is not None:
        out["length"] = length
    return out


def _write_application(app: Json, environment: Any, document: Json, llm: Json, flags: Flags) -> None:
    """Application and process; the call's environment wins over the application's."""
    for key, value in app.items():
        if value is None or (place := _PLACES.get(key)) is None:
            continue
        in_llm, group, name = place
        text = value if type(value) is str else keyword(value, f"app.{key}", flags)
        (llm if in_llm else document).setdefault(group, {})[name] = text
    if environment is not None:
        document.setdefault("service", {})["environment"] = keyword(environment, "environment", flags)
    if (name := document.get("service", {}).get("name")) is not None:
        llm["application"] = {"name": name}
    if (pid := long(app.get("pid"), "app.pid", flags)) is not None:
        document["process"] = {"pid": pid}
