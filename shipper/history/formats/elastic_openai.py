"""Indices of Elastic's own OpenAI integration: usage by bucket, as the organisation's usage API reports it.

https://github.com/elastic/integrations/tree/main/packages/openai (data_stream/*/sample_event.json, fields.yml):
`openai.base.*` (`model`, `start_time`, `end_time`, `num_model_requests`, `project_id`, `user_id`, `api_key_id`) and the
counts of `openai.completions.*`, `openai.embeddings.*` and others; its first age has `openai.usage.*` with `data`,
`dalle`, `whisper` or `tts`. A bucket is not a call: it becomes one document of the operation `usage_report` with its
sums, the number of requests and the bucket's end in its labels, and no duration: that would be no latency. Audit events
and rate limits of the same integration say nothing of calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share, source_of
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import object_of, texted
from shipper.record.openai.detect import CHAT, EMBEDDINGS
from shipper.route.nested import at, put

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_KINDS = (
    *("completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions"),
    *("vector_stores", "code_interpreter_sessions"),
)
_FIRST_KINDS = (
    *("data", "dalle", "whisper", "tts", "ft_data"),
    *("assistant_code_interpreter", "retrieval_storage"),
)
_APIS = {"completions": CHAT, "data": CHAT, "embeddings": EMBEDDINGS}
_OTHER_STREAMS = ("audit", "rate_limits")
_NAMED = ("model", "user_id", "snapshot_id", "model_id", "email")


def _openai(value: Json) -> Json:
    """The integration's part of a document; of one whose fields have dots in their names too, as Kibana shows it."""
    document = source_of(value)
    found = document.get("openai")
    if isinstance(found, dict) or not any(name.startswith("openai.") for name in document):
        return object_of(found)
    whole: Json = {}
    for name, one in document.items():
        if name.startswith("openai."):
            put(whole, one[0] if isinstance(one, list) and len(one) == 1 else one, *name.split("."))
    return object_of(whole.get("openai"))


def _is_of_it(value: Json) -> bool:
    found = _openai(value)
    return any(isinstance(found.get(name), dict) for name in ("base", "usage", *_OTHER_STREAMS))


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_of_it)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or not _is_of_it(value):
        raise Rejected(
            "no_usage_bucket", "no openai.base and no openai.usage: not of Elastic's OpenAI integration"
        )
    openai = _openai(value)
    base, kinds, holder = object_of(openai.get("base")), _KINDS, openai
    if not base:
        base, kinds, holder = object_of(openai.get("usage")), _FIRST_KINDS, object_of(openai.get("usage"))
    if not base:
        return
    kind = next((name for name in kinds if isinstance(holder.get(name), dict)), None)
    counts: Json = holder[kind] if kind is not None else {}
    told = {**counts, **base}
    model = next(
        (texted(told[name]) for name in ("model", "snapshot_id", "model_id") if told.get(name)), None
    )
    request: Json = {"model": model} if model else {}
    if counts.get("batch") is True or counts.get("request_type") == "batch":
        request["processing"] = "batch"
    document = source_of(value)
    call: Json = {
        "operation": "usage_report",
        "api": _APIS.get(kind or ""),
        "provider": "openai",
        "started_at": time_ns(base.get("start_time")) or time_ns(_one(document.get("@timestamp"))),
        "user_id": texted(told.get("user_id")) or texted(told.get("email")),
        "labels": {**_labels(base), **_requests(counts), "kind": kind},
        "tags": document.get("tags"),
        "request": request,
        "response": {"model": model, "usage": _usage(counts)} if model else {"usage": _usage(counts)},
        "response_attributes": counts or None,
    }
    identity = texted(value.get("_id")) or texted(at(document, "event", "id"))
    yield Event({name: one for name, one in call.items() if one is not None}, id=identity)


def _labels(base: Json) -> Json:
    return {
        name: one
        for name, one in base.items()
        if name not in _NAMED and one != "" and not isinstance(one, dict)
    }


def _requests(counts: Json) -> Json:
    """How many requests a bucket of the first age stands for, by the name that later ones have for it."""
    total = counts.get("requests_total")
    return {} if total is None else {"num_model_requests": total}


def _usage(counts: Json) -> Json | None:
    inputs = counts.get("input_tokens", counts.get("context_tokens_total"))
    outputs = counts.get("output_tokens", counts.get("generated_tokens_total"))
    cached = counts.get("input_cached_tokens", counts.get("cached_context_tokens_total"))
    if not isinstance(inputs, int):
        return None
    return {
        "prompt_tokens": inputs,
        "completion_tokens": outputs or 0,
        "prompt_tokens_details": {"cached_tokens": cached or 0},
    }


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


FORMAT = Format("elastic-openai", _recognise, _events, takes_hits=True)
