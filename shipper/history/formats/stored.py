"""Stored completions, as OpenAI's API returns them: one, or a page of them, or a page of one's messages.

https://platform.openai.com/docs/api-reference/chat/list : completions with the request's parameters beside the
choices, and `messages` where somebody added them. https://platform.openai.com/docs/api-reference/chat/getMessages : the
messages of one, with ids that are the completion's and a number from 0. Give both together. Answers of the Responses API
and of legacy completions come in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Json, Kept, Rejected
from shipper.record.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.history.event import Lookup

_MESSAGES, _COMPLETIONS = "a message", "a completion"
_KINDS = {"chat.completion": "choices", "text_completion": "choices", "response": "output"}
_OF_ANSWER = frozenset(
    [
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"),
        *("created_at", "completed_at", "status", "error", "incomplete_details", "output", "output_text"),
    ]
)
_OF_MESSAGE = ("id", "object", "content_parts")


def is_of_it(value: Json) -> bool:
    """Whether it is a stored completion, or a page of them or of messages. Never raises."""
    page = _page(value)
    return _is_answer(value) or (bool(page) and (_is_message(page[0]) or _is_answer(page[0])))


def kept(value: Json) -> Iterator[Kept]:
    """Messages are kept for the completion that they belong to, by their ids; of completions, that they are there."""
    for one in [value] if _is_answer(value) else _page(value):
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            if _is_message(one):
                yield Kept(_MESSAGES, one["id"], one)
            elif _is_answer(one):
                yield Kept(_COMPLETIONS, one["id"], True)


def events(value: Json, lookup: Lookup) -> Iterator[Event]:
    """The completions in it. Messages are read with the completion that they belong to.

    Raises:
        Rejected: an entry of a page is no completion, or its messages are there twice and differ.
    """
    if _is_answer(value):
        yield _event(value, lookup)
        return
    for one in _page(value):
        if isinstance(one, dict) and _is_answer(one):
            yield _event(one, lookup)
        elif not isinstance(one, dict) or not _is_message(one):
            raise Rejected("no_completion", "an entry of the page is neither a completion nor a message")
        elif lookup.find(_COMPLETIONS, (completion := one["id"].rpartition("-")[0])) is None:
            raise Rejected(
                "no_completion", f"messages of {completion}, which is in no file: import it with them"
            )


def _page(value: Json) -> list[Any]:
    """What is on a page of a listing; a message alone is a page of one."""
    data = value.get("data")
    if value.get("object") == "list" and isinstance(data, list):
        return data if data and isinstance(data[0], dict) else []
    return [value] if _is_message(value) else []


def _is_answer(value: Json) -> bool:
    return isinstance(value.get(_KINDS.get(str(value.get("object")), "")), list)


def _is_message(value: Json) -> bool:
    """`chatcmpl-…-0` with a role."""
    identity = value.get("id")
    if not isinstance(identity, str) or "role" not in value or "content" not in value:
        return False
    completion, _, number = identity.rpartition("-")
    return completion.startswith("chatcmpl-") and number.isdigit()


def _event(answer: Json, lookup: Lookup) -> Event:
    request = {name: one for name, one in answer.items() if name not in _OF_ANSWER and one is not None}
    own, request_id = answer.get("id"), request.pop("request_id", None)
    metadata, user = request.pop("metadata", None), request.pop("input_user", None)
    request["model"] = answer.get("model")
    if "messages" not in request and isinstance(own, str) and (messages := _messages_of(own, lookup)):
        request["messages"] = messages
    call: Json = {
        "request": request,
        "response": {name: one for name, one in answer.items() if name in _OF_ANSWER},
        "started_at": answer.get("created", answer.get("created_at")),
        "ended_at": _end_of(answer),
        "http": {"request_id": request_id} if request_id else None,
        "request_attributes": metadata or None,
        "user_id": user or None,
    }
    call = {name: one for name, one in call.items() if one is not None}
    return Event(call, id=own if isinstance(own, str) else None)


def _end_of(answer: Json) -> Any:
    end = answer.get("completed_at")
    return end if parse_time(end, "", []) is not None else None


def _messages_of(completion: str, lookup: Lookup) -> list[Any]:
    """Its messages, of whatever pages they are on."""
    found: list[Any] = []
    while (message := lookup.find(_MESSAGES, f"{completion}-{len(found)}")) is not None:
        found.append(_message(message))
    return found


def _message(message: Json) -> Json:
    parts = message.get("content_parts")
    plain = {name: one for name, one in message.items() if name not in _OF_MESSAGE and one is not None}
    return {**plain, "content": parts} if parts else plain
