"""Langfuse: traces, observations and scores, from its blob storage export, its tables' export, or its API.

https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields (2026): snake_case rows of
`observations_v2` (with the trace's fields), `observations`, `traces` and `scores`, as JSON, JSONL, CSV or Parquet.
https://api.reference.langfuse.com : the same in camelCase, traces with their observations and scores inside. Give
traces, observations and scores together: observations of the older exports get user and session from their trace.
Generations and embeddings become calls; scores become feedback on their observation, else on its trace.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Kept, Rejected, share
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import filled, opened_row, others, request_of, response_of, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_TRACES = "a trace"
_MODEL_CALLS = ("GENERATION", "EMBEDDING")
_TYPES = (*_MODEL_CALLS, "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL")
_KINDS = {"ANNOTATION": "human", "API": "evaluator", "EVAL": "evaluator"}
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_COUNTS = ("input_usage", "output_usage", "total_usage", "prompt_tokens", "completion_tokens", "total_tokens")
_MAIN = (
    ("input", "input_tokens", "prompt", "prompt_tokens"),
    ("output", "output_tokens", "completion", "completion_tokens"),
)
_BOOLEAN = "BOOLEAN"
_OF_CALL = frozenset(
    [
        *(
            "id",
            "trace_id",
            "type",
            "start_time",
            "end_time",
            "completion_start_time",
            "name",
            "metadata",
            "level",
        ),
        *(
            "status_message",
            "input",
            "output",
            "provided_model_name",
            "model",
            "model_parameters",
            "usage_details",
        ),
        *(
            "usage",
            "total_cost",
            "calculated_total_cost",
            "prompt_name",
            "prompt_version",
            "prompt_id",
            "user_id",
        ),
        *(
            "session_id",
            "tags",
            "release",
            "environment",
            "parent_observation_id",
            "latency",
            "time_to_first_token",
        ),
    ]
)


def _row(value: Any) -> Json:
    """A row with snake_case names and its texts opened."""
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a row of Langfuse is a JSON object")
    return {_CAMEL.sub(r"_\1", name).lower(): one for name, one in opened_row(value).items()}


def _is_observation(row: Json) -> bool:
    return row.get("type") in _TYPES and ("trace_id" in row or "start_time" in row)


def _is_score(row: Json) -> bool:
    named = "name" in row and ("trace_id" in row or "observation_id" in row or "session_id" in row)
    return named and ("value" in row or "string_value" in row) and "type" not in row


def _is_trace(row: Json) -> bool:
    return (
        "timestamp" in row
        and "id" in row
        and bool({"observations", "user_id", "bookmarked", "public"} & row.keys())
    )


def _is_whole(row: Json) -> bool:
    """Whether it is a trace as the web pages give it for download, beside its observations."""
    return isinstance(row.get("trace"), dict) and isinstance(row.get("observations"), list)


def _is_page(row: Json) -> bool:
    """Whether it is an answer of the API, with several rows inside."""
    return isinstance(row.get("data"), list) and "meta" in row


def _is_known(value: Json) -> bool:
    row = _row(value)
    return _is_observation(row) or _is_score(row) or _is_trace(row) or _is_page(row) or _is_whole(row)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_known)


def _keep(value: Any) -> list[Kept]:
    row = _row(value)
    if _is_observation(row) or _is_score(row) or not isinstance(row.get("id"), str):
        return []
    return [Kept(_TRACES, row["id"])] if _is_trace(row) else []


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    row = _row(value)
    if _is_page(row):
        for one in row["data"]:
            yield from _events(one, lookup)
    elif _is_whole(row):
        yield from _events({**row["trace"], "observations": row["observations"]}, lookup)
    elif _is_observation(row):
        if row["type"] in _MODEL_CALLS:
            yield _call(row, _trace_of(row, lookup))
    elif _is_score(row):
        yield _score(row)
    elif _is_trace(row):
        for one in row.get("observations") or ():
            if isinstance(one, dict) and (inner := _row(one)).get("type") in _MODEL_CALLS:
                yield _call(inner, row)
        for one in row.get("scores") or ():
            if isinstance(one, dict):
                yield _score({"trace_id": row["id"], **_row(one)})
    else:
        raise Rejected("no_observation", "neither a trace nor an observation nor a score")


def _trace_of(row: Json, lookup: Lookup) -> Json:
    trace_id = texted(row.get("trace_id"))
    found = lookup.find(_TRACES, trace_id) if trace_id else None
    return _row(found) if found is not None else {}


def _call(row: Json, trace: Json) -> Event:
    model = texted(row.get("provided_model_name")) or texted(row.get("model"))
    failed = row.get("level") == "ERROR"
    metadata = row.get("metadata")
    call: Json = {
        "started_at": time_ns(row.get("start_time")),
        "ended_at": time_ns(row.get("end_time")),
        "operation": "embeddings" if row["type"] == "EMBEDDING" else None,
        "trace_id": texted(row.get("trace_id")) or texted(trace.get("id")),
        "span_id": texted(row.get("id")),
        "parent_id": texted(row.get("parent_observation_id")),
        "user_id": texted(row.get("user_id")) or texted(trace.get("user_id")),
        "session_id": texted(row.get("session_id")) or texted(trace.get("session_id")),
        "tags": row.get("tags") or trace.get("tags"),
        "prompt": _prompt(row),
        "join_keys": [key for key in (texted(row.get("trace_id")),) if key],
        "request_attributes": others(row, _OF_CALL, metadata),
        "labels": {"name": row["name"]} if row.get("name") else None,
        "error": {"message": row.get("status_message") or "ERROR"} if failed else None,
        "stream": _stream(row),
    }
    request = request_of(row.get("input"), model, row.get("model_parameters"))
    response = response_of(row.get("output"), model, _usage(row))
    return Event(
        filled(call, request, response),
        id=texted(row.get("id")),
        version=texted(row.get("release")) or texted(trace.get("release")) or texted(row.get("version")),
        environment=texted(row.get("environment")) or texted(trace.get("environment")),
        stated_cost=_cost(row),
    )


def _prompt(row: Json) -> Json | None:
    named = {"name": row.get("prompt_name"), "version": row.get("prompt_version"), "id": row.get("prompt_id")}
    return {name: value for name, value in named.items() if value is not None} or None


def _stream(row: Json) -> Json | None:
    start, first = time_ns(row.get("start_time")), time_ns(row.get("completion_start_time"))
    return {"time_to_first_chunk_s": (first - start) / 1e9} if start and first and first >= start else None


def _usage(row: Json) -> Json | None:
    """Totals with their parts.

    Langfuse counts in buckets that don't overlap (`input_cached_tokens` is not in `input`); what others send it may
    overlap, and then `input` and `output` alone make the `total`.
    """
    details = row.get("usage_details") or row.get("usage")
    if not isinstance(details, dict):
        details = {name.removesuffix("_usage").removesuffix("_tokens"): row.get(name) for name in _COUNTS}
    counts = {
        _CAMEL.sub(r"_\1", name).lower(): int(count)
        for name, count in details.items()
        if isinstance(count, (int, float)) and not isinstance(count, bool)
    }
    inputs = sum(count for name, count in counts.items() if name.startswith(("input", "prompt")))
    outputs = sum(count for name, count in counts.items() if name.startswith(("output", "completion")))
    main = [next((counts[name] for name in names if name in counts), 0) for names in _MAIN]
    if sum(main) == counts.get("total", counts.get("total_tokens")):
        inputs, outputs = main
    cached = sum(count for name, count in counts.items() if "cache" in name and "creat" not in name)
    reasoning = sum(count for name, count in counts.items() if "reasoning" in name)
    if not inputs and not outputs:
        return None
    return {
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "prompt_tokens_details": {"cached_tokens": min(cached, inputs)},
        "completion_tokens_details": {"reasoning_tokens": min(reasoning, outputs)},
    }


def _cost(row: Json) -> float | None:
    for name in ("total_cost", "calculated_total_cost"):
        if isinstance(row.get(name), (int, float)) and row[name]:
            return float(row[name])
    details = row.get("cost_details")
    if isinstance(details, dict) and isinstance(details.get("total"), (int, float)) and details["total"]:
        return float(details["total"])
    return None


def _score(row: Json) -> Event:
    keys = [texted(row.get("observation_id")) or texted(row.get("trace_id")) or texted(row.get("session_id"))]
    value = row.get("value")
    if row.get("data_type") == _BOOLEAN and value in (0, 1):
        value = bool(value)
    elif row.get("string_value") is not None:
        value = row["string_value"]
    call: Json = {
        "join_keys": [key for key in keys if key],
        "name": row.get("name"),
        "value": value,
        "comment": row.get("comment"),
        "author": texted(row.get("author_user_id")),
        "author_kind": _KINDS.get(str(row.get("source", "")).upper(), "evaluator"),
        "channel": "langfuse",
        "created_at": time_ns(row.get("timestamp")) or time_ns(row.get("created_at")),
    }
    filled_in = {name: one for name, one in call.items() if one is not None}
    return Event(filled_in, FEEDBACK, texted(row.get("id")), environment=texted(row.get("environment")))


FORMAT = Format("langfuse", _recognise, _events, _keep)
