"""Files of OpenAI's Batch API: requests, outputs and errors, joined by `custom_id`, at the batch price.

https://platform.openai.com/docs/api-reference/batch (request input object, request output object): input lines are
`{"custom_id", "method", "url", "body"}`, output and error lines `{"id", "custom_id", "response": {"status_code",
"request_id", "body"}, "error": {"code", "message"}}`. Give all files of a batch together: answers have no requests in
them. Requests without an answer become calls without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Kept, Rejected, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_REQUESTS, _ANSWERS = "a batch's request", "a batch's answer"
_BATCH_PRICE = {"processing": "batch"}  # what selects it in the price list


def _is_request(value: Json) -> bool:
    return "custom_id" in value and isinstance(value.get("body"), dict) and "url" in value


def _is_answer(value: Json) -> bool:
    return "custom_id" in value and "response" in value and "error" in value


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, lambda value: _is_request(value) or _is_answer(value))


def _keep(value: Any) -> Kept | None:
    if isinstance(value, dict) and isinstance(key := value.get("custom_id"), str):
        return Kept(_REQUESTS if _is_request(value) else _ANSWERS, key)
    return None


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    if not isinstance(value, dict) or not isinstance(key := value.get("custom_id"), str):
        raise Rejected("no_custom_id", "neither a request nor an answer of a batch: it has no custom_id")
    if _is_request(value):
        if lookup.find(_ANSWERS, key) is None:
            yield Event({"request": {**value["body"], **_BATCH_PRICE}, "join_keys": [key]})
        return
    asked = lookup.find(_REQUESTS, key)
    body = asked["body"] if isinstance(asked, dict) else {}
    call: Json = {"request": {**body, **_BATCH_PRICE}, "join_keys": [key]}
    response = value.get("response")
    if isinstance(response, dict):
        answer = response.get("body")
        status = response.get("status_code")
        call["http"] = {"status": status, "request_id": response.get("request_id")}
        if isinstance(answer, dict):
            call["response"] = answer
            for name in ("created", "created_at"):
                if isinstance(answer.get(name), (int, float)):
                    call["created_at"] = answer[name]
    if isinstance(value.get("error"), dict):
        call["error"] = value["error"]
    own = value.get("id")
    yield Event(call, id=own if isinstance(own, str) and own else None)


FORMAT = Format("openai-batch", _recognise, _events, _keep)
