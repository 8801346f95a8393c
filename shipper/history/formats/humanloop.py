"""Humanloop's logs export: the folder that its export tool wrote, or what its API returned (JSON, JSONL).

https://github.com/humanloop/humanloop-python/blob/master/src/humanloop/types/prompt_log_response.py : `id`, `prompt`
with its path, version and parameters, `messages`, `inputs`, `output`, `output_message`, `start_time`, `end_time`,
`provider_latency` (seconds), `prompt_tokens`, `output_tokens`, `prompt_cost`, `output_cost`, `evaluator_logs` with
judgments, `source_datapoint_id`, `session`, `parent_id`, `trace_id`, `trace_children`, `metadata`; an agent's log has
`agent` in place of `prompt`. https://github.com/humanloop/humanloop-export : a folder for each file, with `logs/` and
`evaluations/*/logs/`. Logs of flows and tools are no calls of a model; what was called within them is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.times import ended_at, time_ns
from shipper.history.formats.turns import (
    filled,
    object_of,
    opened_row,
    others,
    request_of,
    response_of,
    texted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_OF_CALL = frozenset(
    [
        *(
            "id",
            "prompt",
            "inputs",
            "messages",
            "output",
            "output_message",
            "created_at",
            "start_time",
            "end_time",
        ),
        *(
            "provider_latency",
            "prompt_tokens",
            "output_tokens",
            "reasoning_tokens",
            "prompt_cost",
            "output_cost",
        ),
        *(
            "finish_reason",
            "session",
            "session_id",
            "source_datapoint_id",
            "source",
            "metadata",
            "trace_id",
            "user",
        ),
        *("parent_id", "trace_parent_id", "error", "stdout", "provider_request", "provider_response"),
        *("evaluator_logs", "environment", "agent", "trace_children", "tool_choice"),
    ]
)
_PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "tools",
    "response_format",
    "reasoning_effort",
)
_NO_LIMIT = -1
_OTHERS = ("flow", "tool", "evaluator")
_FILES = ("prompt", "agent", "dataset", *_OTHERS)


def _is_call(row: Json) -> bool:
    """A log of a prompt or an agent."""
    return isinstance(row.get("prompt") or row.get("agent"), dict) and "id" in row and "evaluator" not in row


def _is_log(row: Json) -> bool:
    said = any(name in row for name in ("output", "output_message", "error", "judgment", "evaluator_logs"))
    return said and (
        _is_call(row) or ("id" in row and any(isinstance(row.get(one), dict) for one in _OTHERS))
    )


def _is_evaluated(row: Json) -> bool:
    """A log within an evaluation, with what the evaluators said of it."""
    return (
        "run_id" in row and isinstance(row.get("log"), dict) and isinstance(row.get("evaluator_logs"), list)
    )


def _is_page(row: Json) -> bool:
    return isinstance(row.get("records"), list) and "page" in row


def _is_beside(row: Json) -> bool:
    """What else lies in an export's folder: a file, where it is deployed, an evaluation, a dataset's rows."""
    if row.get("type") in _FILES and "path" in row:
        return True
    if {"version_id", "environment_id"} <= row.keys() or {"run_stats", "status"} <= row.keys():
        return True
    return str(row.get("id")).startswith(("evr_", "dp_")) and not _is_log(row)


def _recognise(sample: Sequence[Any]) -> float:
    tests = (_is_log, _is_evaluated, _is_page, _is_beside)
    return share(sample, lambda row: any(test(row) for test in tests))


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    row = opened_row(value) if isinstance(value, dict) else {}
    if _is_page(row) or _is_evaluated(row):
        for one in row.get("records") or [row["log"]]:
            yield from _events(one, lookup)
        yield from _judgements(row, object_of(row.get("log")).get("id"))
    elif _is_log(value if isinstance(value, dict) else row):
        if _is_call(row):
            yield _call(row)
        elif row.get("judgment") is not None:
            yield _judgement(row, row.get("parent_id"))
        yield from _judgements(row, row["id"])
        for child in row.get("trace_children") or ():
            yield from _events(child, lookup)
    elif not _is_beside(row):
        raise Rejected("no_prompt_log", "neither a log of a prompt nor anything else of Humanloop's export")


def _judgements(row: Json, about: Any) -> Iterator[Event]:
    for one in row.get("evaluator_logs") or ():
        if isinstance(one, dict) and one.get("judgment") is not None:
            yield _judgement(one, about)


def _call(row: Json) -> Event:
    prompt: Json = row.get("prompt") or row["agent"]
    start = time_ns(row.get("start_time")) or time_ns(row.get("created_at"))
    end = time_ns(row.get("end_time"))
    if end is None and start is not None and isinstance(latency := row.get("provider_latency"), (int, float)):
        end = ended_at(start, latency * 1000)
    session = row.get("session")
    model = texted(prompt.get("model"))
    call: Json = {
        "started_at": start,
        "ended_at": end,
        "created_at": time_ns(row.get("created_at")),
        "prompt": {
            "name": prompt.get("name"),
            "path": prompt.get("path"),
            "version": prompt.get("version_name") or prompt.get("version_id"),
            "version_id": prompt.get("version_id"),
            "id": prompt.get("id"),
            "template": prompt.get("template"),
            "variables": row.get("inputs") or None,
        },
        "provider": texted(prompt.get("provider")),
        "session_id": texted(session.get("id"))
        if isinstance(session, dict)
        else texted(row.get("session_id")),
        "trace_id": texted(row.get("trace_id")),
        "parent_id": texted(row.get("parent_id")) or texted(row.get("trace_parent_id")),
        "datapoint_id": texted(row.get("source_datapoint_id")),
        "source": texted(row.get("source")),
        "user_id": texted(row.get("user")),
        "error": row.get("error"),
        "logs": row.get("stdout"),
        "request_attributes": others(row, _OF_CALL, row.get("metadata")),
        "raw_request": row.get("provider_request"),
        "raw_response": row.get("provider_response"),
    }
    call["prompt"] = {name: one for name, one in call["prompt"].items() if one is not None}
    parameters = {name: prompt[name] for name in _PARAMETERS if prompt.get(name) is not None}
    if parameters.get("max_tokens") == _NO_LIMIT:
        del parameters["max_tokens"]
    parameters |= object_of(prompt.get("other"))
    if row.get("tool_choice") is not None:
        parameters["tool_choice"] = row["tool_choice"]
    request = request_of(row.get("messages"), model, parameters)
    answer = row.get("output_message") or row.get("output")
    response = response_of(answer, model, _usage(row), row.get("finish_reason"))
    if provider_id := texted(object_of(row.get("provider_response")).get("id")):
        response[0]["id"] = provider_id
    return Event(
        filled(call, request, response),
        id=texted(row["id"]),
        environment=texted(row.get("environment")),
        stated_cost=_cost(row),
    )


def _usage(row: Json) -> Json | None:
    inputs, outputs = row.get("prompt_tokens"), row.get("output_tokens")
    if not isinstance(inputs, int) and not isinstance(outputs, int):
        return None
    usage: Json = {"prompt_tokens": inputs or 0, "completion_tokens": outputs or 0}
    if isinstance(reasoning := row.get("reasoning_tokens"), int):
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


def _cost(row: Json) -> Json | None:
    parts = {"input": row.get("prompt_cost"), "output": row.get("output_cost")}
    known = {name: cost for name, cost in parts.items() if isinstance(cost, (int, float))}
    return {**known, "amount": sum(known.values()), "currency": "USD"} if known else None


def _judgement(row: Json, about: Any) -> Event:
    evaluator = object_of(row.get("evaluator"))
    spec = object_of(evaluator.get("spec"))
    call: Json = {
        "join_keys": [about] if about else None,
        "name": evaluator.get("name") or evaluator.get("path") or "judgment",
        "value": row["judgment"],
        "author": texted(row.get("user")),
        "author_kind": "human" if spec.get("evaluator_type") == "human" else "evaluator",
        "channel": "humanloop",
        "created_at": time_ns(row.get("created_at")),
    }
    return Event(
        {name: one for name, one in call.items() if one is not None}, FEEDBACK, texted(row.get("id"))
    )


FORMAT = Format("humanloop", _recognise, _events)
