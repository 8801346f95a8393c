"""Completions as spans of OpenTelemetry's GenAI conventions, in OTLP's JSON lines. Pure.

Spans and attributes: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ (August 2026); judgements as the
event `gen_ai.evaluation.result` of gen-ai-events there; encoding: https://opentelemetry.io/docs/specs/otlp/
(#json-protobuf-encoding) and …/otel/protocol/file-exporter/. What has no name there keeps ours (`llm.…`).
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from shipper._version import __version__
from shipper.read.columns import columns_of
from shipper.read.figures import text_at, value_at
from shipper.record.fields import Completion
from shipper.record.times import parse_time
from shipper.route.otlp import any_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

_CLIENT: Final = 3  # SPAN_KIND_CLIENT
_OK, _ERROR = 1, 2
_TRACE: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN: Final = re.compile(r"(?!0{16})[0-9a-f]{16}")
_RESOURCE: Final = {
    "service.name": "service.name",
    "service.version": "service.version",
    "service.environment": "deployment.environment.name",
    "host.name": "host.name",
}
_ROOTS: Final = ("gen_ai.", "openai.", "user.", "http.response.", "error.type", "llm.")
_ELSEWHERE: Final = (  # in the event of a judgement, in another form, or about the road that the record took
    "llm.feedback.",
    "llm.choices",
    "llm.input.",
    "llm.output.",
    "llm.raw.",
    "llm.amended",
    "llm.shipper.",
    "llm.ship.",
    "llm.sanitised",
    "llm.content_hash",
    "llm.schema.",
)


def traces_of(document: Mapping[str, Any]) -> Json | str:
    """A `TracesData` with the completion's one span, or in a few words why there is none. Never raises.

    Without a trace id of its own a span gets ids that are a hash of the event id: the same each time.
    """
    start = _time(document, "@timestamp")
    if start is None:
        return "no time"
    event_id = text_at(document, "event.id")
    operation = text_at(document, "gen_ai.operation.name") or "chat"
    end = _time(document, "event.end")
    if end is None:
        lasted = value_at(document, "event.duration")
        end = start + (lasted if isinstance(lasted, int) else 0)
    span: Json = {
        "traceId": _id(text_at(document, "trace.id"), _TRACE, event_id, 16),
        "spanId": _id(text_at(document, "span.id"), _SPAN, event_id, 8),
        "name": f"{operation} {text_at(document, 'gen_ai.request.model')}".strip(),
        "kind": _CLIENT,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": list(_attributes(document)),
        "events": list(_events(document, end)),
        "status": _status(document),
    }
    if _SPAN.fullmatch(parent := text_at(document, "parent.id")):
        span["parentSpanId"] = parent
    resource = [
        {"key": theirs, "value": any_value(value)}
        for ours, theirs in _RESOURCE.items()
        if (value := value_at(document, ours)) is not None
    ]
    scope: Json = {"scope": {"name": "llm-shipper", "version": __version__}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]}


def _attributes(document: Mapping[str, Any]) -> Iterator[Json]:
    for name in _NAMES:
        value = value_at(document, name)
        if value is not None and value != []:
            yield {"key": name, "value": any_value(value)}


_NAMES: Final = tuple(
    column.name
    for column in columns_of(Completion)
    if column.name.startswith(_ROOTS) and not column.name.startswith(_ELSEWHERE)
)


def _events(document: Mapping[str, Any], end: int) -> Iterator[Json]:
    message, stack = text_at(document, "error.message"), text_at(document, "error.stack_trace")
    if message or stack:
        said = {
            "exception.type": text_at(document, "error.type"),
            "exception.message": message,
            "exception.stacktrace": stack,
        }
        yield _event("exception", end, said)
    entries = value_at(document, "llm.feedback.entries")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("withdrawn"):
            continue
        at = parse_time(entry.get("at"), "", [])
        told = {
            "gen_ai.evaluation.name": entry.get("name"),
            "gen_ai.evaluation.score.value": entry.get("score"),
            "gen_ai.evaluation.score.label": entry.get("label"),
            "gen_ai.response.id": text_at(document, "gen_ai.response.id"),
            "llm.feedback.author_kind": entry.get("kind"),
            "llm.feedback.author": entry.get("author"),
            "llm.feedback.choice_index": entry.get("choice"),
            "llm.feedback.better_response": entry.get("better_response"),
        }
        yield _event("gen_ai.evaluation.result", end if at is None else at, told)


def _event(name: str, at: int, attributes: Mapping[str, Any]) -> Json:
    pairs = [
        {"key": key, "value": any_value(value)}
        for key, value in attributes.items()
        if value not in (None, "")
    ]
    return {"name": name, "timeUnixNano": str(at), "attributes": pairs}


def _status(document: Mapping[str, Any]) -> Json:
    outcome = value_at(document, "event.outcome")
    if outcome == "failure":
        message = text_at(document, "error.message")
        return {"code": _ERROR, "message": message} if message else {"code": _ERROR}
    return {"code": _OK} if outcome == "success" else {}


def _id(given: str, form: re.Pattern[str], event_id: str, size: int) -> str:
    if form.fullmatch(given):
        return given
    return blake2b(event_id.encode("utf-8", "replace"), digest_size=size).hexdigest()


def _time(document: Mapping[str, Any], name: str) -> int | None:
    value = value_at(document, name)
    return parse_time(value, "", []) if isinstance(value, str) else None
