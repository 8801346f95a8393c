"""The `logs.db` of the `llm` command.

https://llm.datasette.io/en/stable/logging.html and https://github.com/simonw/llm/blob/main/llm/migrations.py : table
`responses` with `prompt`, `system`, `prompt_json`, `options_json`, `response`, `response_json`, `conversation_id`,
`duration_ms`, `datetime_utc`, later `input_tokens`, `output_tokens`, `token_details`, `resolved_model` and tables of tool
calls; before 2023-07 table `logs` (or `log`) with `chat_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share
from shipper.history.formats.times import ended_at, time_ns
from shipper.history.formats.turns import filled, opened, opened_row, others, request_of, response_of, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_TOOLS = (
    "(SELECT json_group_array(json_object('id', tool_call_id, 'name', name, 'arguments', arguments)) "
    "FROM tool_calls WHERE tool_calls.response_id = responses.id) AS tool_calls"
)
_RESPONSES = (
    "FROM responses LEFT JOIN conversations ON conversations.id = conversation_id ORDER BY responses.id"
)
QUERIES = (
    f"SELECT responses.*, conversations.name AS conversation_name, {_TOOLS} {_RESPONSES}",
    f"SELECT responses.*, conversations.name AS conversation_name {_RESPONSES}",
    "SELECT * FROM logs ORDER BY id",
    "SELECT rowid AS id, * FROM log ORDER BY rowid",
)
_APP = "llm"
_OF_CALL = frozenset(
    [
        *(
            "id",
            "model",
            "resolved_model",
            "prompt_json",
            "options_json",
            "response_json",
            "duration_ms",
            "tool_calls",
        ),
        *("conversation_id", "conversation_name", "chat_id", "datetime_utc", "timestamp_utc", "timestamp"),
        *("input_tokens", "output_tokens", "token_details"),
    ]
)


def _is_response(row: Json) -> bool:
    return (
        "model" in row
        and "response" in row
        and bool({"datetime_utc", "timestamp_utc", "timestamp", "prompt_json"} & row.keys())
    )


def _recognise(sample: Sequence[Any]) -> float:
    return share(
        sample, lambda row: _is_response(row) and ("prompt" in row or "prompt_json" in row or "system" in row)
    )


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or "model" not in value:
        raise Rejected("no_response", "no model: not a response of the llm command")
    row = opened_row(
        {name: one for name, one in value.items() if name not in ("prompt", "system", "response")}
    )
    prompt, system, said = (value.get(name) for name in ("prompt", "system", "response"))
    model = texted(row.get("model"))
    asked = row.get("prompt_json")
    messages = [
        {"role": role, "content": text} for role, text in (("system", system), ("user", prompt)) if text
    ]
    given = asked if isinstance(asked, dict) and ("messages" in asked or "prompt" in asked) else messages
    request = request_of(given, model, row.get("options_json"))
    answered = row.get("response_json")
    usage = _usage(row) or (answered.get("usage") if isinstance(answered, dict) else None)
    response, rest = response_of(
        _message(said, row.get("tool_calls")), texted(row.get("resolved_model")) or model, usage
    )
    if isinstance(answered, dict):
        response |= {
            name: answered[name] for name in ("id", "created", "system_fingerprint") if answered.get(name)
        }
        if finish := answered.get("finish_reason"):
            response["choices"][0]["finish_reason"] = finish
    start = next(
        (
            found
            for name in ("datetime_utc", "timestamp_utc", "timestamp")
            if (found := time_ns(row.get(name)))
        ),
        None,
    )
    span = row.get("duration_ms")
    call: Json = {
        "started_at": start,
        "ended_at": ended_at(start, span) if start is not None and isinstance(span, (int, float)) else None,
        "session_id": texted(row.get("conversation_id")) or texted(row.get("chat_id")),
        "request_attributes": others(row, _OF_CALL),
        "labels": {"conversation": row["conversation_name"]} if row.get("conversation_name") else None,
    }
    identity = texted(row.get("id"))
    unique = identity if identity is not None and not identity.isdigit() else None  # the oldest have numbers
    yield Event(filled(call, request, (response, rest)), id=unique, app=_APP)


def _message(said: Any, tool_calls: Any) -> Json:
    message: Json = {"role": "assistant", "content": said or ""}
    if isinstance(tool_calls, list) and tool_calls:
        message["tool_calls"] = [
            {
                "id": one.get("id"),
                "type": "function",
                "function": {"name": one.get("name"), "arguments": one.get("arguments")},
            }
            for one in tool_calls
            if isinstance(one, dict)
        ]
    return message


def _usage(row: Json) -> Json | None:
    if not isinstance(row.get("input_tokens"), int) and not isinstance(row.get("output_tokens"), int):
        return None
    details = opened(row.get("token_details"))
    extra = (
        {name: one for name, one in details.items() if name.endswith("_details")}
        if isinstance(details, dict)
        else {}
    )
    return {
        "prompt_tokens": row.get("input_tokens") or 0,
        "completion_tokens": row.get("output_tokens") or 0,
        **extra,
    }


FORMAT = Format("llm-logs", _recognise, _events)
