"""Indices of Elastic's own OpenAI integration: usage by bucket, as the organisation's usage API reports it.

https://github.com/elastic/integrations/tree/main/packages/openai (data_stream/*/sample_event.json): `openai.base.*`
(`model`, `start_time`, `end_time`, `num_model_requests`, `project_id`, `user_id`, `api_key_id`) and the counts of
`openai.completions.*`, `openai.embeddings.*`. A bucket is not a call: it becomes one document of the operation
`usage_report` with its sums, the number of requests in its labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share, source_of
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import texted
from shipper.route.nested import at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_KINDS = (
    *("completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions"),
    *("vector_stores", "code_interpreter_sessions"),
)


def _is_bucket(value: Json) -> bool:
    return isinstance(at(source_of(value), "openai", "base"), dict)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, _is_bucket)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or not _is_bucket(value):
        raise Rejected("no_usage_bucket", "no openai.base: not of Elastic's OpenAI integration")
    document = source_of(value)
    base: Json = document["openai"]["base"]
    kind = next((name for name in _KINDS if isinstance(document["openai"].get(name), dict)), None)
    counts: Json = document["openai"][kind] if kind is not None else {}
    model = texted(base.get("model"))
    request: Json = {"model": model} if model else {}
    if counts.get("batch") is True:
        request["processing"] = "batch"
    call: Json = {
        "operation": "usage_report",
        "provider": "openai",
        "started_at": time_ns(base.get("start_time")) or time_ns(document.get("@timestamp")),
        "ended_at": time_ns(base.get("end_time")),
        "user_id": texted(base.get("user_id")),
        "labels": {
            **{name: one for name, one in base.items() if name not in ("model", "user_id")},
            "kind": kind,
        },
        "tags": document.get("tags"),
        "request": request,
        "response": {"model": model, "usage": _usage(counts)} if model else {"usage": _usage(counts)},
        "response_attributes": counts or None,
    }
    identity = texted(value.get("_id"))
    yield Event({name: one for name, one in call.items() if one is not None}, id=identity)


def _usage(counts: Json) -> Json | None:
    inputs, outputs = counts.get("input_tokens"), counts.get("output_tokens", 0)
    if not isinstance(inputs, int):
        return None
    return {
        "prompt_tokens": inputs,
        "completion_tokens": outputs,
        "prompt_tokens_details": {"cached_tokens": counts.get("input_cached_tokens") or 0},
    }


FORMAT = Format("elastic-openai", _recognise, _events, takes_hits=True)
