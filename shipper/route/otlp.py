"""Spans of OpenTelemetry's GenAI conventions, as a collector's HTTP, Kafka or file exporter writes them (OTLP/JSON).

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding and
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (August 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.route.jsontext import dump
from shipper.route.moment import END_NS, text
from shipper.route.nested import at, put

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOTS = ("gen_ai.", "error.", "openai.", "user.")
_DETAILS = "gen_ai.client.inference.operation.details"
_OUTCOMES = {1: "success", 2: "failure", "STATUS_CODE_OK": "success", "STATUS_CODE_ERROR": "failure"}
_RESOURCE = {
    "service.name": ("service", "name"),
    "service.version": ("service", "version"),
    "deployment.environment": ("service", "environment"),
    "deployment.environment.name": ("service", "environment"),
    "host.name": ("host", "name"),
}
_EXCEPTION = {"exception.type": "type", "exception.message": "message", "exception.stacktrace": "stack_trace"}


def is_export(value: Any) -> bool:
    """Whether this is an export of spans. Never raises."""
    return isinstance(value, dict) and isinstance(value.get("resourceSpans"), list)


def spans(export: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each span, and the record that it is; None for one that is no model call. Never raises for JSON."""
    for group in _objects(export.get("resourceSpans")):
        resource = attributes_of(at(group, "resource", "attributes"))
        for scope in _objects(group.get("scopeSpans")):
            for span in _objects(scope.get("spans")):
                yield span, _record(span, resource)


def _record(span: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any] | None:
    attributes = attributes_of(span.get("attributes"))
    exception: dict[str, Any] = {}
    for event in _objects(span.get("events")):
        if event.get("name") == _DETAILS:
            attributes = {**attributes_of(event.get("attributes")), **attributes}
        elif event.get("name") == "exception":
            exception = attributes_of(event.get("attributes"))
    if not any(name.startswith("gen_ai.") for name in attributes):
        return None
    record: dict[str, Any] = {"event": {"dataset": "llm.completion"}}
    for name, path in _RESOURCE.items():
        if name in resource:
            put(record, resource[name], *path)
    _write_identity(span, record)
    _write_times(span, record)
    labels = {
        name: value
        for name, value in attributes.items()
        if not (name.startswith(_ROOTS) and put(record, value, *name.split(".")))
    }
    if labels:
        record["labels"] = labels
    _write_status(span, exception, record)
    return record


def _write_identity(span: dict[str, Any], record: dict[str, Any]) -> None:
    trace, own, parent = span.get("traceId"), span.get("spanId"), span.get("parentSpanId")
    for group, value in (("trace", trace), ("span", own), ("parent", parent)):
        if isinstance(value, str) and value:
            record[group] = {"id": value}
    if "trace" in record and "span" in record:
        record["event"]["id"] = f"{trace}-{own}"
    if isinstance(name := span.get("name"), str):
        record["message"] = name


def _write_times(span: dict[str, Any], record: dict[str, Any]) -> None:
    start, end = (_time(span.get(name)) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    if start is not None:
        record["@timestamp"] = record["event"]["start"] = text(start)
    if end is not None:
        record["event"]["end"] = text(end)
    if start is not None and end is not None and end >= start:
        record["event"]["duration"] = end - start


def _write_status(span: dict[str, Any], exception: dict[str, Any], record: dict[str, Any]) -> None:
    for name, key in _EXCEPTION.items():
        if name in exception and at(record, "error", key) is None:
            put(record, exception[name], "error", key)
    code, said = at(span, "status", "code"), at(span, "status", "message")
    if isinstance(said, str) and said and at(record, "error", "message") is None:
        put(record, said, "error", "message")
    if isinstance(code, (int, str)) and not isinstance(code, bool) and code in _OUTCOMES:
        record["event"]["outcome"] = _OUTCOMES[code]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def attributes_of(value: Any) -> dict[str, Any]:
    """Attributes of a span, an event or a resource by name, as plain JSON. Never raises for JSON."""
    return {
        one["key"]: _value(one.get("value")) for one in _objects(value) if isinstance(one.get("key"), str)
    }


def any_value(value: Any) -> dict[str, Any]:
    """A JSON value as OTLP's `AnyValue`; whole numbers are text there. Never raises for JSON."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        pairs = [{"key": key, "value": any_value(item)} for key, item in value.items()]
        return {"kvlistValue": {"values": pairs}}
    return {}


def _value(value: Any) -> Any:
    """A value of OTLP's `AnyValue` as plain JSON."""
    if not isinstance(value, dict):
        return value
    if "intValue" in value:
        number = _integer(value["intValue"])
        return value["intValue"] if number is None else number
    for kind in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if kind in value:
            return value[kind]
    if "arrayValue" in value:
        items = at(value, "arrayValue", "values")
        return [_value(one) for one in items] if isinstance(items, list) else []
    if "kvlistValue" in value:
        return attributes_of(at(value, "kvlistValue", "values"))
    return dump(value)


def _time(value: Any) -> int | None:
    number = _integer(value)
    return number if number is not None and 0 < number < END_NS else None


def _integer(value: Any) -> int | None:
    """64-bit integers are text in OTLP/JSON."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return None
