"""LiteLLM: rows of its spend logs, and the payloads that its loggers write (proxy logs, S3, JSON files).

https://github.com/BerriAI/litellm/blob/main/schema.prisma (`LiteLLM_SpendLogs`: `request_id`, `call_type`, `spend`,
`startTime`, `endTime`, `completionStartTime`, `model`, `custom_llm_provider`, `messages`, `response`, …) and
https://docs.litellm.ai/docs/proxy/logging_spec (`StandardLoggingPayload`: `id`, `response_cost`, `model_parameters`,
`error_information`, …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import filled, opened_row, request_of, response_of, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_OPERATIONS = {"aembedding": "embeddings", "embedding": "embeddings"}
_CALL_IDS = ("request_id", "id")
_KNOWN = frozenset(
    [
        *("request_id", "id", "trace_id", "startTime", "endTime", "completionStartTime", "model", "messages"),
        *("response", "spend", "response_cost", "prompt_tokens", "completion_tokens", "total_tokens", "user"),
        *("end_user", "session_id", "request_tags", "custom_llm_provider", "model_parameters", "error_str"),
        *(
            "error_information",
            "api_base",
            "status",
            "proxy_server_request",
            "stream",
            "standard_logging_object",
        ),
    ]
)


def _is_log(row: Json) -> bool:
    return "startTime" in row and "call_type" in row and ("spend" in row or "response_cost" in row)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, lambda row: _is_log(row) or isinstance(row.get("standard_logging_object"), dict))


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if isinstance(value, dict) and isinstance(inner := value.get("standard_logging_object"), dict):
        value = inner
    if not isinstance(value, dict) or not _is_log(value):
        raise Rejected("no_spend_log", "no startTime, call_type and spend: not a log of LiteLLM")
    yield _call(opened_row(value))


def _call(row: Json) -> Event:
    start, first = time_ns(row["startTime"]), time_ns(row.get("completionStartTime"))
    end = time_ns(row.get("endTime"))
    model = texted(row.get("model"))
    provider = texted(row.get("custom_llm_provider"))
    failed = row.get("status") == "failure" or bool(row.get("error_str"))
    call: Json = {
        "started_at": start,
        "ended_at": end,
        "operation": _OPERATIONS.get(str(row.get("call_type"))),
        "provider": _PROVIDERS.get(provider, provider) if provider else None,
        "base_url": texted(row.get("api_base")),
        "trace_id": texted(row.get("trace_id")),
        "session_id": texted(row.get("session_id")),
        "user_id": texted(row.get("end_user")) or texted(row.get("user")),
        "tags": row.get("request_tags") or None,
        "error": _error(row) if failed else None,
        "request_attributes": {name: one for name, one in row.items() if name not in _KNOWN and one != {}}
        or None,
    }
    if start and first and start <= first != end:
        call["stream"] = {"time_to_first_chunk_s": (first - start) / 1e9}
    asked = row.get("messages") or (row.get("proxy_server_request") or None)
    request = request_of(asked, model, row.get("model_parameters"))
    response: tuple[Json, Any] = ({}, None)
    if not failed:
        response = response_of(row.get("response") or None, model, _usage(row))
    cost = row.get("spend", row.get("response_cost"))
    identity = next((text for name in _CALL_IDS if (text := texted(row.get(name)))), None)
    stated = float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None
    return Event(filled(call, request, response), id=identity, stated_cost=stated)


def _usage(row: Json) -> Json | None:
    """The counts, with their parts where the provider's own are kept in the metadata."""
    metadata = row.get("metadata")
    usage = metadata.get("usage_object") if isinstance(metadata, dict) else None
    if isinstance(usage, dict) and any(isinstance(count, int) for count in usage.values()):
        return usage
    inputs, outputs = row.get("prompt_tokens"), row.get("completion_tokens")
    if not isinstance(inputs, int) or not isinstance(outputs, int):
        return None
    return {"prompt_tokens": inputs, "completion_tokens": outputs}


def _error(row: Json) -> Json:
    metadata = row.get("metadata")
    found = row.get("error_information") or (
        metadata.get("error_information") if isinstance(metadata, dict) else None
    )
    if not isinstance(found, dict):
        return {"message": texted(row.get("error_str")) or "failure"}
    error = {
        "type": found.get("error_class"),
        "message": found.get("error_message") or row.get("error_str"),
        "code": found.get("error_code"),
        "stack_trace": found.get("traceback"),
    }
    return {name: one for name, one in error.items() if one}


FORMAT = Format("litellm", _recognise, _events)
