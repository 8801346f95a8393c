"""Files of OpenAI's Batch API: requests, outputs and errors, joined by `custom_id`, at the batch price.

https://platform.openai.com/docs/api-reference/batch (request input object, request output object): input lines are
`{"custom_id", "method", "url", "body"}`, output and error lines `{"id", "custom_id", "response": {"status_code",
"request_id", "body"}, "error": {"code", "message"}}`; servers that speak the same protocol leave out `url`, or what is
null. Give all files of a batch together: answers have no requests in them. Requests without an answer become calls
without one. The batch itself (`{"object": "batch"}`) is no call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Kept, Rejected, share
from shipper.history.formats.providers import provider_of
from shipper.history.formats.turns import object_of, others, texted
from shipper.record.openai.detect import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_REQUESTS, _ANSWERS, _IDS, _BATCHES = "a batch's request", "a batch's answer", "an answer's id", "a batch"
_BATCH_PRICE = {"processing": "batch"}  # what selects it in the price list
_APIS = {
    "chat/completions": CHAT,
    "completions": COMPLETIONS,
    "responses": RESPONSES,
    "embeddings": EMBEDDINGS,
    "moderations": "moderations",
    "images/generations": "images",
    "images/edits": "images",
}
_OF_REQUEST = frozenset(["custom_id", "method", "url", "body"])
_OF_ANSWER = frozenset(["id", "custom_id", "response", "error"])
_FAILED = 400
# The first half of the hexadecimal part is when it was made, in seconds; so it is in files with `created` beside it.
_MADE_AT = re.compile(r"batch_req_([0-9a-f]{8})[0-9a-f]{24}")


def _is_request(value: Json) -> bool:
    return "custom_id" in value and isinstance(value.get("body"), dict)


def _is_answer(value: Json) -> bool:
    return "custom_id" in value and ("response" in value or "error" in value)


def _batches(value: Json) -> list[Json]:
    """The batches that a row is: one, or a page of a listing."""
    page = value.get("data") if value.get("object") == "list" else [value]
    found = [one for one in page if isinstance(one, dict)] if isinstance(page, list) else []
    return [one for one in found if one.get("object") == "batch" and "input_file_id" in one]


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, lambda value: _is_request(value) or _is_answer(value) or bool(_batches(value)))


def _keep(value: Any) -> Iterator[Kept]:
    if not isinstance(value, dict):
        return
    for one in _batches(value):
        yield Kept(_BATCHES, "", one.get("created_at"))
    if (key := texted(value.get("custom_id"))) is None:
        return
    if _is_request(value):
        yield Kept(_REQUESTS, key)
    elif _is_answer(value):
        yield Kept(_ANSWERS, key, True)
        if (own := texted(value.get("id"))) is not None:
            yield Kept(_IDS, own, key)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    if isinstance(value, dict) and _batches(value):
        return
    if not isinstance(value, dict) or (key := texted(value.get("custom_id"))) is None:
        raise Rejected("no_custom_id", "neither a request nor an answer of a batch: it has no custom_id")
    if _is_request(value):
        if lookup.find(_ANSWERS, key) is None:
            call: Json = {**_asked(value), "join_keys": [key]}
            call["request"] |= _BATCH_PRICE
            yield Event({**call, **_begun(lookup)})
    elif _is_answer(value):
        yield _answer(value, key, lookup)
    else:
        raise Rejected("no_batch_line", "neither a body, nor a response or an error: no line of a batch")


def _asked(line: Json) -> Json:
    """What a batch's request says of its call; also when the request is not there."""
    call: Json = {"request": dict(object_of(line.get("body")))}
    url = texted(line.get("url")) or ""
    if (api := _APIS.get(url.strip("/").removeprefix("v1/"))) is not None:
        call["api"] = api
    if more := others(line, _OF_REQUEST):
        call["request_attributes"] = more
    return call


def _begun(lookup: Lookup) -> Json:
    """When the batch was made, where nothing else tells the time."""
    begun = _only(_BATCHES, "", lookup)
    return {"created_at": begun} if isinstance(begun, (int, float)) else {}


def _answer(line: Json, key: str, lookup: Lookup) -> Event:
    call: Json = {**_asked(object_of(lookup.find(_REQUESTS, key))), "join_keys": [key]}
    own = texted(line.get("id"))
    response = line.get("response")
    if isinstance(response, dict):
        _write_response(response, call)
    elif response:
        call["response"] = response
    if line.get("error"):
        call["error"] = line["error"]
    if "created_at" not in call:
        found = _MADE_AT.fullmatch(own or "")
        call |= {"created_at": int(found[1], 16)} if found else _begun(lookup)
    if more := others(line, _OF_ANSWER):
        call["response_attributes"] = more
    if (provider := provider_of(call["request"], call.get("response"))) is not None:
        call["provider"] = provider
    if call["request"] or isinstance(call.get("response"), dict):
        call["request"] |= _BATCH_PRICE
    if own is not None and _only(_IDS, own, lookup) is None:
        own = f"{own}.{key}"  # in examples several have one id
    return Event(call, id=own)


def _only(table: str, key: str, lookup: Lookup) -> Any:
    """What was kept under a key; None where several were."""
    try:
        return lookup.find(table, key)
    except Rejected:
        return None


def _write_response(response: Json, call: Json) -> None:
    """The HTTP response: its status, and its body, which is an answer, an error, or what a gateway says."""
    status, body = response.get("status_code"), response.get("body")
    call["http"] = {"status": status, "request_id": response.get("request_id")}
    failed = isinstance(status, int) and status >= _FAILED
    if isinstance(body, dict):
        call["response"] = body
        made = next((body[name] for name in ("created", "created_at") if body.get(name)), None)
        if isinstance(made, (int, float)):
            call["created_at"] = made
    elif failed:
        call["error"] = {"message": body or response.get("message") or f"status {status}"}
    elif body:
        call["response"] = body


FORMAT = Format("openai-batch", _recognise, _events, _keep)
