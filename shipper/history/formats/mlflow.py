"""MLflow traces, as `Trace.to_json` and `mlflow.search_traces` give them (JSON, JSONL, Parquet).

https://github.com/mlflow/mlflow/blob/master/mlflow/entities/trace.py , span.py, trace_info_v3.py and assessment.py :
`{"info": {…, "assessments": […]}, "data": {"spans": […]}}`; spans of version 3 have `start_time_unix_nano`, those of
version 2 `start_time` and `context`; attributes are JSON texts (`mlflow.spanType`, `mlflow.spanInputs`,
`mlflow.spanOutputs`, `mlflow.chat.tokenUsage`, `mlflow.llm.model`, `mlflow.llm.cost`). Spans of models become calls,
assessments feedback and ground truth on the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import (
    filled,
    object_of,
    opened,
    opened_row,
    others,
    request_of,
    response_of,
    texted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_CALLS = ("LLM", "CHAT_MODEL", "EMBEDDING")
_KINDS = {"HUMAN": "human", "LLM_JUDGE": "evaluator", "CODE": "evaluator"}
_OF_CALL = frozenset(
    [
        *(
            "mlflow.spanType",
            "mlflow.spanInputs",
            "mlflow.spanOutputs",
            "mlflow.chat.tokenUsage",
            "mlflow.llm.model",
        ),
        *("mlflow.llm.provider", "mlflow.llm.cost", "mlflow.traceRequestId", "mlflow.experimentId", "model"),
    ]
)
_CACHE = {"cache_read_input_tokens": "cached_tokens", "cache_creation_input_tokens": "cache_write_tokens"}
_USER, _SESSION = "mlflow.trace.user", "mlflow.trace.session"


def _is_trace(row: Json) -> bool:
    data = row.get("data")
    inside = isinstance(data, dict) and "spans" in data and "info" in row
    return inside or ("spans" in row and ("trace_id" in row or "request_id" in row))


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_trace)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or not _is_trace(row := opened_row(value)):
        raise Rejected("no_trace", "no info and spans: not a trace of MLflow")
    info = opened(row.get("info", row))
    spans = opened(row["data"]["spans"] if isinstance(row.get("data"), dict) else row["spans"])
    trace_id = texted(info.get("trace_id")) or texted(info.get("request_id"))
    metadata = opened(info.get("trace_metadata") or info.get("request_metadata") or {})
    for span in spans if isinstance(spans, list) else ():
        if isinstance(span, dict):
            attributes = {name: _attribute(one) for name, one in (span.get("attributes") or {}).items()}
            if attributes.get("mlflow.spanType", span.get("span_type")) in _CALLS:
                yield _call(span, attributes, trace_id, metadata if isinstance(metadata, dict) else {})
    for one in opened(info.get("assessments")) or ():
        if isinstance(one, dict):
            yield _assessment(one, trace_id)


def _attribute(value: Any) -> Any:
    """MLflow writes every attribute as JSON, texts with their quotes."""
    if isinstance(value, str) and value[:1] == '"' == value[-1:] and len(value) > 1:
        return opened(f"[{value}]")[0] if isinstance(opened(f"[{value}]"), list) else value
    return opened(value)


def _call(span: Json, attributes: Json, trace_id: str | None, metadata: Json) -> Event:
    context = object_of(span.get("context"))
    span_id = texted(span.get("span_id")) or texted(context.get("span_id"))
    outputs = attributes.get("mlflow.spanOutputs", span.get("outputs"))
    model = texted(attributes.get("mlflow.llm.model")) or texted(attributes.get("model"))
    answered = texted(outputs.get("model")) if isinstance(outputs, dict) else None
    status = span.get("status")
    failed = (isinstance(status, dict) and "ERROR" in str(status.get("code"))) or "ERROR" in str(
        span.get("status_code", "")
    )
    call: Json = {
        "started_at": time_ns(span.get("start_time_unix_nano") or span.get("start_time")),
        "ended_at": time_ns(span.get("end_time_unix_nano") or span.get("end_time")),
        "operation": "embeddings" if attributes.get("mlflow.spanType") == "EMBEDDING" else None,
        "provider": texted(attributes.get("mlflow.llm.provider")),
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_id": texted(span.get("parent_span_id")) or texted(span.get("parent_id")),
        "user_id": texted(metadata.get(_USER)),
        "session_id": texted(metadata.get(_SESSION)),
        "join_keys": [trace_id] if trace_id else None,
        "labels": {"name": span["name"]} if span.get("name") else None,
        "error": _error(span, status) if failed else None,
        "request_attributes": others(attributes, _OF_CALL),
    }
    usage = _usage(
        attributes.get("mlflow.chat.tokenUsage"), f"{call['provider']} {answered or model}".lower()
    )
    cost = attributes.get("mlflow.llm.cost")
    total = cost.get("total_cost") if isinstance(cost, dict) else None
    request = request_of(attributes.get("mlflow.spanInputs", span.get("inputs")), model)
    response = response_of(outputs, answered or model, usage)
    identity = f"{trace_id}-{span_id}" if trace_id and span_id else None
    stated = float(total) if isinstance(total, (int, float)) and total else None
    return Event(filled(call, request, response), id=identity, stated_cost=stated)


def _usage(usage: Any, served_by: str) -> Json | None:
    """Cached tokens are under Anthropic's names whoever serves; only Anthropic counts them beside the input."""
    if not isinstance(usage, dict):
        return None
    if "anthropic" in served_by or "claude" in served_by:
        return usage
    details = {_CACHE[name]: usage[name] for name in _CACHE if name in usage}
    rest = {name: count for name, count in usage.items() if name not in _CACHE}
    return {**rest, "input_tokens_details": details} if details else rest


def _error(span: Json, status: Any) -> Json:
    for event in span.get("events") or ():
        told = event.get("attributes") if isinstance(event, dict) else None
        if isinstance(told, dict) and "exception.message" in told:
            return {
                "type": told.get("exception.type"),
                "message": told["exception.message"],
                "stack_trace": told.get("exception.stacktrace"),
            }
    said = status.get("message") if isinstance(status, dict) else span.get("status_message")
    return {"message": said or "ERROR"}


def _assessment(row: Json, trace_id: str | None) -> Event:
    source = object_of(row.get("source"))
    feedback, expected = row.get("feedback"), row.get("expectation")
    kind = _KINDS.get(str(source.get("source_type", "")).upper(), "evaluator")
    call: Json = {
        "join_keys": [key for key in (texted(row.get("trace_id")) or trace_id,) if key],
        "name": row.get("assessment_name") or row.get("name"),
        "comment": row.get("rationale"),
        "author": texted(source.get("source_id")),
        "author_kind": kind,
        "channel": "mlflow",
        "created_at": time_ns(row.get("create_time") or row.get("create_time_ms")),
    }
    if isinstance(feedback, dict):
        call["value"] = feedback.get("value")
    elif isinstance(expected, dict):
        call |= {
            "ground_truth": expected.get("value", expected.get("serialized_value")),
            "author_kind": "ground_truth",
        }
    return Event(
        {name: one for name, one in call.items() if one is not None},
        FEEDBACK,
        texted(row.get("assessment_id")),
    )


FORMAT = Format("mlflow", _recognise, _events)
