"""LangSmith's runs (JSON, JSONL, Parquet of its bulk export) and feedback.

https://github.com/langchain-ai/langsmith-sdk/blob/main/python/langsmith/schemas.py (`RunBase`, `Run`, `FeedbackBase`)
and https://docs.smith.langchain.com/observability/how_to_guides/data_export . Runs of type `llm` and `embedding` become
calls; the others are where they stand (`trace_id`, `parent_run_id`). A run's `feedback_stats` are averages and stay
attributes; feedback rows become feedback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import (
    filled,
    object_of,
    opened_row,
    others,
    request_of,
    response_of,
    texted,
)
from shipper.record.openai.usage import openais_details

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_CALLS = ("llm", "embedding")
_OF_CALL = frozenset(
    [
        *("id", "name", "run_type", "start_time", "end_time", "first_token_time", "extra", "error", "inputs"),
        *(
            "outputs",
            "trace_id",
            "parent_run_id",
            "reference_example_id",
            "tags",
            "session_name",
            "feedback_stats",
        ),
        *("total_cost", "prompt_tokens", "completion_tokens", "total_tokens", "child_runs", "status"),
        *("prompt_token_details", "completion_token_details"),
    ]
)
_PERSONS = ("app", "api_user")


def _is_run(row: Json) -> bool:
    return "run_type" in row and "id" in row and ("start_time" in row or "inputs" in row)


def _is_feedback(row: Json) -> bool:
    return "run_id" in row and "key" in row and ("score" in row or "value" in row)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, lambda row: _is_run(row) or _is_feedback(row))


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a run is a JSON object")
    row = opened_row(value)
    if _is_feedback(row):
        yield _feedback(row)
    elif _is_run(row):
        if row["run_type"] in _CALLS:
            yield _call(row)
        for child in row.get("child_runs") or ():
            yield from _events(child, lookup)
    else:
        raise Rejected("no_run", "neither a run nor feedback of LangSmith")


def _call(row: Json) -> Event:
    extra = object_of(row.get("extra"))
    metadata = dict(extra.get("metadata") or {})
    parameters = dict(extra.get("invocation_params") or {})
    for name in ("_type", "n_messages"):
        parameters.pop(name, None)
    model = next(
        (
            text
            for one in (
                parameters.pop("model", None),
                parameters.pop("model_name", None),
                metadata.pop("ls_model_name", None),
            )
            if (text := texted(one))
        ),
        None,
    )
    start, first = time_ns(row.get("start_time")), time_ns(row.get("first_token_time"))
    call: Json = {
        "started_at": start,
        "ended_at": time_ns(row.get("end_time")),
        "operation": "embeddings" if row["run_type"] == "embedding" else None,
        "trace_id": texted(row.get("trace_id")),
        "span_id": texted(row["id"]),
        "parent_id": texted(row.get("parent_run_id")),
        "datapoint_id": texted(row.get("reference_example_id")),
        "session_id": next(
            (
                texted(metadata.pop(name))
                for name in ("thread_id", "session_id", "conversation_id")
                if name in metadata
            ),
            None,
        ),
        "user_id": texted(metadata.pop("user_id", None)),
        "provider": texted(metadata.pop("ls_provider", None)),
        "tags": row.get("tags") or None,
        "labels": {"name": row["name"]} if row.get("name") else None,
        "error": row.get("error"),
        "request_attributes": others(row, _OF_CALL, metadata),
        "response_attributes": {"feedback_stats": row["feedback_stats"]}
        if row.get("feedback_stats")
        else None,
        "stream": {"time_to_first_chunk_s": (first - start) / 1e9}
        if start and first and first >= start
        else None,
    }
    outputs = row.get("outputs")
    request = request_of(row.get("inputs"), model, parameters)
    response = response_of(outputs, _model_of(outputs) or model, _usage(row, outputs))
    cost = row.get("total_cost")
    return Event(
        filled(call, request, response),
        id=texted(row["id"]),
        app=texted(row.get("session_name")),
        version=texted(metadata.get("revision_id")),
        stated_cost=float(cost) if isinstance(cost, (int, float)) and cost else None,
    )


def _model_of(outputs: Any) -> str | None:
    said = outputs.get("llm_output") if isinstance(outputs, dict) else None
    return texted(said.get("model_name")) if isinstance(said, dict) else None


def _usage(row: Json, outputs: Any) -> Json | None:
    """Tokens with their parts: the run's own counts, else what the answer says in LangChain's names or OpenAI's."""
    found = _usage_metadata(outputs)
    details = {
        side: row.get(f"{side}_token_details") or found.get(f"{other}_token_details")
        for side, other in (("prompt", "input"), ("completion", "output"))
    }
    inputs, answered = row.get("prompt_tokens"), row.get("completion_tokens")
    if not isinstance(inputs, int) and not isinstance(answered, int):
        inputs, answered = found.get("input_tokens"), found.get("output_tokens")
    if isinstance(inputs, int) or isinstance(answered, int):
        return {
            "prompt_tokens": inputs or 0,
            "completion_tokens": answered or 0,
            **{
                f"{side}_tokens_details": openais_details(object_of(parts))
                for side, parts in details.items()
                if parts
            },
        }
    said = outputs.get("llm_output") if isinstance(outputs, dict) else None
    usage = said.get("token_usage") if isinstance(said, dict) else None
    return usage if isinstance(usage, dict) else None


def _usage_metadata(outputs: Any) -> Json:
    """LangChain's `usage_metadata`, of the answer or of its first message."""
    if not isinstance(outputs, dict):
        return {}
    if isinstance(found := outputs.get("usage_metadata"), dict):
        return found
    generations = outputs.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    message = object_of(object_of(generations).get("message"))
    return object_of(object_of(message.get("kwargs", message)).get("usage_metadata"))


def _feedback(row: Json) -> Event:
    source = object_of(row.get("feedback_source"))
    value = row["score"] if row.get("score") is not None else row.get("value")
    call: Json = {
        "join_keys": [texted(row["run_id"])],
        "name": row["key"],
        "value": value,
        "comment": row.get("comment"),
        "better_response": texted(row.get("correction")),
        "author": texted(source.get("user_id")),
        "author_kind": "human" if source.get("type") in _PERSONS else "evaluator",
        "channel": "langsmith",
        "created_at": time_ns(row.get("created_at")),
    }
    return Event(
        {name: one for name, one in call.items() if one is not None}, FEEDBACK, texted(row.get("id"))
    )


FORMAT = Format("langsmith", _recognise, _events)
