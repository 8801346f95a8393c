"""`save=False`: a call without its content. What stays is named here; everything else goes.

Kept are figures, ids, models and names: parameters with scalar values, usage, finish reasons, the indexes of choices,
the names of tools. Gone are messages, texts, arguments and definitions of tools, inputs and outputs, attributes, the
prompt's template and variables, raw payloads, captured output, and what errors and log records say in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.openai import detect
from shipper.record.openai.assemble import assemble, is_stream
from shipper.record.openai.embeddings import without_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipper.record.reading import Json

_CALL = frozenset(
    [
        "api",
        "base_url",
        "chain_id",
        "cost",
        "created_at",
        "datapoint_id",
        "ended_at",
        "environment",
        "http",
        "import",
        "join_keys",
        "level",
        "logger",
        "operation",
        "parent_id",
        "previous_event_id",
        "privacy",
        "provider",
        "requester_type",
        "retry_count",
        "run_id",
        "save",
        "selected_choice_index",
        "selected_choice_invalid",
        "session_id",
        "source",
        "span_id",
        "started_at",
        "stream",
        "tags",
        "labels",
        "trace_id",
        "turn",
        "user_id",
    ]
)
_PROMPT = frozenset(["name", "version", "id", "version_id", "hash", "path"])
_ERROR = frozenset(["type", "code", "status", "request_id", "param"])
_REQUEST = frozenset(
    [
        "model",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tool_calls",
        "seed",
        "n",
        "best_of",
        "echo",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "stream",
        "logprobs",
        "top_logprobs",
        "parallel_tool_calls",
        "store",
        "background",
        "truncation",
        "dimensions",
        "encoding_format",
        "service_tier",
        "reasoning_effort",
        "verbosity",
        "prompt_cache_retention",
        "previous_response_id",
        "user",
        "safety_identifier",
        "size",
        "quality",
        "voice",
        "language",
    ]
)
_RESPONSE = frozenset(
    [
        "id",
        "object",
        "created",
        "created_at",
        "completed_at",
        "model",
        "status",
        "system_fingerprint",
        "service_tier",
        "provider",
        "type",
        "role",
        "stop_reason",
        "background",
        "previous_response_id",
    ]
)
_OUTPUT_ITEM = frozenset(["type", "id", "call_id", "status", "role", "name", "server_label"])


def strip_content(call: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a call that holds no content, for the spool; building from it equals building with `save` False.

    A stream's chunks are added up first. Stripping twice changes nothing. Never raises for JSON.
    """
    request, response = call.get("request"), call.get("response")
    out: Json = {key: value for key, value in call.items() if key in _CALL}
    out["save"] = False
    if is_stream(response):
        response, facts = assemble(response)
        given = out.get("stream")
        told = {"chunks": facts.chunks, "completed": facts.completed}
        out["stream"] = {**told, **given} if type(given) is dict else told
    request_fields: Json = request if type(request) is dict else {}
    response_fields: Json = response if type(response) is dict else {}
    if (api := detect.api_of(dict(call), request_fields, response_fields)) is not None:
        out["api"] = api
    if (provider := detect.provider_of(dict(call), api, request_fields, response_fields)) is not None:
        out["provider"] = provider
    if request is not None:
        out["request"] = _request(request_fields)
    if response is not None:
        kept = _response(response_fields)
        out["response"] = kept if kept or not response else {"object": "unread"}  # that there was one
    for key in ("inputs", "outputs"):
        if call.get(key) is not None:
            out[key] = {}  # that there was one
    if (error := call.get("error")) is not None and error is not False:
        out["error"] = _error(error)
    if type(prompt := call.get("prompt")) is dict:
        out["prompt"] = _scalars(prompt, _PROMPT)
    return out


def _scalars(source: Json, names: frozenset[str]) -> Json:
    return {
        key: value
        for key, value in source.items()
        if key in names and value is not None and type(value) is not dict and type(value) is not list
    }


def _request(request: Json) -> Json:
    out = _scalars(request, _REQUEST)
    stop = request.get("stop")
    if type(stop) is str or (type(stop) is list and all(type(item) is str for item in stop)):
        out["stop"] = stop
    if type(reasoning := request.get("reasoning")) is dict:
        out["reasoning"] = _scalars(reasoning, frozenset(["effort", "summary"]))
    for key in ("response_format", "tool_choice"):
        value = request.get(key)
        if type(value) is str:
            out[key] = value
        elif type(value) is dict:
            out[key] = _scalars(value, frozenset(["type", "name"]))
            if type(function := value.get("function")) is dict:
                out[key]["function"] = _scalars(function, frozenset(["name"]))
    tools = request.get("tools")
    if type(tools) is list:
        out["tools"] = [_named(tool) for tool in tools if type(tool) is dict]
    if type(prompt := request.get("prompt")) is dict:
        out["prompt"] = _scalars(prompt, _PROMPT)
    conversation = request.get("conversation")
    if type(conversation) is str:
        out["conversation"] = conversation
    elif type(conversation) is dict:
        out["conversation"] = _scalars(conversation, frozenset(["id"]))
    return out


def _named(tool: Json) -> Json:
    """A tool or a call of one, by id, type and name."""
    out = _scalars(tool, frozenset(["id", "type", "name"]))
    for key in ("function", "custom"):
        if type(inner := tool.get(key)) is dict:
            out[key] = _scalars(inner, frozenset(["name"]))
    return out


def _response(response: Json) -> Json:
    out = _scalars(response, _RESPONSE)
    if (usage := _figures(response.get("usage"))) is not None:
        out["usage"] = usage
    if type(choices := response.get("choices")) is list:
        out["choices"] = [_choice(choice) for choice in choices if type(choice) is dict]
    if type(output := response.get("output")) is list:
        out["output"] = [_scalars(item, _OUTPUT_ITEM) for item in output if type(item) is dict]
    if type(data := without_vectors(response).get("data")) is list:
        out["data"] = [_scalars(item, frozenset(["index", "dimensions"])) for item in data]
    if type(details := response.get("incomplete_details")) is dict:
        out["incomplete_details"] = _scalars(details, frozenset(["reason"]))
    if (error := response.get("error")) is not None:
        out["error"] = _error(error)
    return out


def _choice(choice: Json) -> Json:
    out = _scalars(choice, frozenset(["index", "finish_reason", "native_finish_reason"]))
    message = choice.get("message")
    if message is None and "text" in choice:
        return {**out, "text": ""}
    kept: Json = {}
    if type(message) is dict:
        kept = _scalars(message, frozenset(["role"]))
        if type(calls := message.get("tool_calls")) is list:
            kept["tool_calls"] = [_named(call) for call in calls if type(call) is dict]
        if type(call := message.get("function_call")) is dict:
            kept["function_call"] = _scalars(call, frozenset(["name"]))
    return {**out, "message": kept}


def _error(error: Any) -> Json:
    if type(error) is not dict:
        return {}
    inner = error.get("error")
    out = _scalars(error, _ERROR)
    return {**_scalars(inner, _ERROR), **out} if type(inner) is dict else out


def _figures(value: Any, levels: int = 4) -> Any:
    """The numbers in an object, at any of its levels; None when there is none."""
    if isinstance(value, (int, float)):
        return value
    if type(value) is not dict or levels == 0:
        return None
    return {key: number for key, item in value.items() if (number := _figures(item, levels - 1)) is not None}
