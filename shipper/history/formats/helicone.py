"""Helicone's export of requests (JSON, JSONL, CSV).

https://docs.helicone.ai/tools/export , and the rows that its tool writes:
https://github.com/Helicone/helicone/blob/main/examples/export/typescript/index.ts (`request_created_at`,
`response_created_at`, `request_body`, `response_body`, `response_status`, `request_user_id`, `request_properties`,
`model`, `prompt_tokens`, `completion_tokens`, `latency`, `cost`). Sessions are properties named `Helicone-Session-…`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import filled, opened_row, request_of, response_of, texted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_SESSION, _PROMPT = "Helicone-Session-Id", "Helicone-Prompt-Id"
_FAILED = 400
_KNOWN = frozenset(
    [
        *(
            "request_id",
            "response_id",
            "request_created_at",
            "response_created_at",
            "request_body",
            "response_body",
        ),
        *("response_status", "request_user_id", "request_properties", "properties", "model", "prompt_tokens"),
        *(
            "completion_tokens",
            "total_tokens",
            "latency",
            "delay_ms",
            "cost",
            "costUSD",
            "scores",
            "provider",
        ),
        *("time_to_first_token", "feedback_rating", "feedback_created_at", "feedback_id", "signed_body_url"),
        *("request_model", "response_model", "model_override", "request_path", "prompt_cache_read_tokens"),
    ]
)


def _recognise(sample: Sequence[Any]) -> float:
    return share(
        sample,
        lambda row: "request_created_at" in row and ("response_status" in row or "request_body" in row),
    )


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict) or "request_created_at" not in value:
        raise Rejected("no_request", "no request_created_at: not a request of Helicone")
    row = opened_row(value)
    event = _call(row)
    yield event
    yield from _judgements(row)


def _call(row: Json) -> Event:
    properties = row.get("request_properties") or row.get("properties") or {}
    properties = dict(properties) if isinstance(properties, dict) else {}
    model = next(
        (text for name in ("response_model", "model", "request_model") if (text := texted(row.get(name)))),
        None,
    )
    provider = texted(row.get("provider"))
    status, body = row.get("response_status"), row.get("response_body")
    failed = isinstance(status, int) and (status >= _FAILED or status < 0)
    call: Json = {
        "started_at": time_ns(row["request_created_at"]),
        "ended_at": time_ns(row.get("response_created_at")),
        "user_id": texted(row.get("request_user_id")),
        "session_id": texted(properties.pop(_SESSION, None)),
        "prompt": texted(properties.pop(_PROMPT, None)),
        "labels": properties or None,
        "http": {"status": status} if isinstance(status, int) and status > 0 else None,
        "error": _error(body, status) if failed else None,
        "provider": provider.lower() if provider else None,
        "join_keys": [key for name in ("request_id", "response_id") if (key := texted(row.get(name)))],
        "request_attributes": {name: one for name, one in row.items() if name not in _KNOWN} or None,
    }
    first = row.get("time_to_first_token")
    if isinstance(first, (int, float)) and first > 0:
        call["stream"] = {"time_to_first_chunk_s": first / 1000}
    request = request_of(row.get("request_body"), model)
    response: tuple[Json, Any] = ({}, None) if call["error"] else response_of(body, model, _usage(row))
    cost = row.get("costUSD", row.get("cost"))
    identity = texted(row.get("request_id")) or texted(row.get("response_id"))
    return Event(
        filled(call, request, response),
        id=identity,
        stated_cost=cost if isinstance(cost, (int, float)) else None,
    )


def _error(body: Any, status: Any) -> Any:
    """What the body says, else the status alone; Helicone's own are below 0, as for a request that was given up."""
    if isinstance(body, dict):
        return body.get("error") or {"status": status, "body": body}
    return {"status": status, "message": body} if body else {"status": status}


def _usage(row: Json) -> Json | None:
    inputs, outputs = row.get("prompt_tokens"), row.get("completion_tokens")
    if not isinstance(inputs, int) and not isinstance(outputs, int):
        return None
    usage: Json = {"prompt_tokens": inputs or 0, "completion_tokens": outputs or 0}
    if isinstance(cached := row.get("prompt_cache_read_tokens"), int) and cached:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    return usage


def _judgements(row: Json) -> Iterator[Event]:
    """The thumb, and scores by their names: values from 0 to 1, or in percent as older exports have them."""
    if isinstance(rating := row.get("feedback_rating"), (bool, int)):
        call: Json = {"name": "rating", "value": bool(rating), "author_kind": "human", "channel": "helicone"}
        if (given := time_ns(row.get("feedback_created_at"))) is not None:
            call["created_at"] = given
        yield Event(call, FEEDBACK, texted(row.get("feedback_id")))
    scores = row.get("scores")
    for name, score in scores.items() if isinstance(scores, dict) else ():
        value = score.get("value") if isinstance(score, dict) else score
        yield Event(
            {"name": name, "value": value, "author_kind": "evaluator", "channel": "helicone"}, FEEDBACK
        )


FORMAT = Format("helicone", _recognise, _events)
