"""The `logs.db` of the `llm` command.

https://llm.datasette.io/en/stable/logging.html and https://github.com/simonw/llm/blob/main/llm/migrations.py : table
`responses` with `prompt`, `system`, `prompt_json`, `options_json`, `response`, `response_json`, `conversation_id`,
`duration_ms`, `datetime_utc`, later `input_tokens`, `output_tokens`, `token_details`, `resolved_model`, `reasoning` and
tables of fragments, attachments, schemas and tool calls; from 2026 `turns` with messages in parts; before 2023-07 table
`logs` (or `log`) with `chat_id`. What is read of them: `llm_queries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share
from shipper.history.formats.llm_parts import file_part, messages_of_parts, resolved
from shipper.history.formats.spoken import tool_call
from shipper.history.formats.times import ended_at, time_ns
from shipper.history.formats.turns import filled, opened, opened_row, others, request_of, response_of, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_APP = "llm"
_OF_CALL = frozenset(
    [
        *("id", "model", "resolved_model", "prompt_json", "options_json", "response_json", "duration_ms"),
        *("conversation_id", "conversation_name", "thread_id", "chat_id", "datetime_utc", "timestamp_utc"),
        *(
            "timestamp",
            "llm_table",
            "input_tokens",
            "output_tokens",
            "token_details",
            "schema_id",
            "schema_json",
            "tools",
        ),
        *("tool_calls", "tool_results", "fragments", "system_fragments", "attachments", "reasoning"),
        *(
            "prompt",
            "system",
            "response",
            "said_before",
            "messages",
            "parent_message_hash",
            "tip_message_hash",
        ),
    ]
)

_MARKS = (
    "datetime_utc",
    "timestamp_utc",
    "prompt_json",
    "llm_table",
)  # rows of one's own have a timestamp too


def _is_response(row: Json) -> bool:
    return (
        "model" in row
        and "response" in row
        and (not row.keys().isdisjoint(_MARKS) or {"timestamp", "chat_id"} <= row.keys())
    )


def _is_turn(row: Json) -> bool:
    return "tip_message_hash" in row and "messages" in row


def _is_call(row: Json) -> bool:
    asked = "prompt" in row or "prompt_json" in row or "system" in row
    return _is_turn(row) or (_is_response(row) and asked)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_call)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or "model" not in value:
        raise Rejected("no_response", "no model: not a response of the llm command")
    texts = ("prompt", "system", "response", "reasoning")  # which may look like JSON
    row = opened_row({name: one for name, one in value.items() if name not in texts})
    row |= {name: value[name] for name in texts if value.get(name)}
    asked, answer = _turn(row) if _is_turn(row) else _response(row)
    model = texted(row.get("model"))
    request = request_of(asked, model, row.get("options_json"))
    if tools := row.get("tools"):
        request[0]["tools"] = [{"type": "function", "function": tool} for tool in tools]
    if schema := row.get("schema_json"):
        request[0]["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    answered = row.get("response_json")
    usage = _usage(row) or (answered.get("usage") if isinstance(answered, dict) else None)
    response, rest = response_of(answer, texted(row.get("resolved_model")) or model, usage)
    if isinstance(answered, dict):
        response |= {
            name: answered[name] for name in ("id", "created", "system_fingerprint") if answered.get(name)
        }
        if (finish := answered.get("finish_reason")) and "choices" in response:
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


def _response(row: Json) -> tuple[Any, Json]:
    """What was asked and answered, of a response with its fragments, attachments and tools."""
    asked = resolved(row.get("prompt_json"), row.get("said_before") or {})
    if not (isinstance(asked, dict) and ("messages" in asked or "prompt" in asked)):
        system = "\n\n".join([*(row.get("system_fragments") or ()), *filter(None, [row.get("system")])])
        prompt = "\n".join([*(row.get("fragments") or ()), *filter(None, [row.get("prompt")])])
        files = list(map(file_part, row.get("attachments") or ()))
        content: Any = [{"type": "text", "text": prompt}, *files] if files else prompt
        asked = [{"role": "system", "content": system}] if system else []
        asked += [
            {"role": "tool", "tool_call_id": one["id"], "name": one["name"], "content": one["output"]}
            for one in row.get("tool_results") or ()
        ]
        asked += [{"role": "user", "content": content}] if content else []
    answer: Json = {"role": "assistant", "content": row.get("response", "")}
    if row.get("reasoning"):
        answer["reasoning_content"] = row["reasoning"]
    if calls := row.get("tool_calls"):
        answer["tool_calls"] = list(map(tool_call, calls))
    return asked, answer


def _turn(row: Json) -> tuple[Any, Json]:
    """What was asked and answered, of a turn: its messages up to the one that it follows, and those after."""
    asked: list[Json] = []
    said: list[Json] = []
    parent = row.get("parent_message_hash")
    into = said if parent is None else asked
    for message in row["messages"]:
        into += messages_of_parts(message)
        if message["hash"] == parent:
            into = said
    answer: Json = {"role": "assistant", "content": ""}
    for message in said:  # usually one
        answer |= {name: one for name, one in message.items() if one}
    return asked, answer


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
