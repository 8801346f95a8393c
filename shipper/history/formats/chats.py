"""Chats a line: OpenAI's fine-tuning examples, preference pairs, and stored completions.

https://platform.openai.com/docs/guides/supervised-fine-tuning : `{"messages": […], "tools": […]}`, the last message the
answer. https://platform.openai.com/docs/guides/direct-preference-optimization : `{"input": {"messages": […]},
"preferred_output": […], "non_preferred_output": […]}`, here the answer is the one that was not preferred and the other
the better response. https://platform.openai.com/docs/api-reference/chat/list : completions with the request's
parameters beside the choices, and `messages` where somebody added them. Examples have no time of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Rejected, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_OF_RESPONSE = frozenset(
    [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "request_id",
    ]
)
_OF_EXAMPLE = frozenset(
    ["messages", "tools", "functions", "parallel_tool_calls", "function_call", "metadata", "weight"]
)


def _is_example(value: Json) -> bool:
    return isinstance(value.get("messages"), list) and value.keys() <= _OF_EXAMPLE


def _is_preference(value: Json) -> bool:
    return isinstance(value.get("preferred_output"), list) and isinstance(value.get("input"), dict)


def _is_stored(value: Json) -> bool:
    return value.get("object") == "chat.completion" and isinstance(value.get("choices"), list)


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, lambda value: _is_example(value) or _is_preference(value) or _is_stored(value))


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "an example is a JSON object")
    if _is_stored(value):
        yield _stored(value)
    elif _is_preference(value):
        yield from _preference(value)
    elif _is_example(value) and value["messages"]:
        yield _example(value)
    else:
        raise Rejected("no_chat", "no messages, no preferred_output and no choices are in it")


def _stored(value: Json) -> Event:
    request = {name: one for name, one in value.items() if name not in _OF_RESPONSE and one is not None}
    metadata, user = request.pop("metadata", None), request.pop("input_user", None)
    request["model"] = value.get("model")
    call: Json = {
        "request": request,
        "response": {name: one for name, one in value.items() if name in _OF_RESPONSE},
        "created_at": value.get("created"),
    }
    if metadata:
        call["request_attributes"] = metadata
    if user:
        call["user_id"] = user
    return Event(call, id=value["id"] if isinstance(value.get("id"), str) else None)


def _example(value: Json) -> Event:
    messages: list[Any] = value["messages"]
    request = {name: one for name, one in value.items() if name != "messages"}
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") == "assistant":
        request["messages"] = messages[:-1]
        return Event({"request": request, "response": {"choices": [{"index": 0, "message": last}]}})
    return Event({"request": {**request, "messages": messages}})


def _preference(value: Json) -> Iterator[Event]:
    others, preferred = value.get("non_preferred_output") or [], value["preferred_output"]
    choices = [{"index": index, "message": one} for index, one in enumerate((*others[-1:], *preferred[-1:]))]
    yield Event({"request": value["input"], "response": {"choices": choices}})
    if not preferred or not isinstance(preferred[-1], dict):
        return
    judged: Json = {"name": "preferred", "author_kind": "human", "choice_index": 0}
    if isinstance(text := preferred[-1].get("content"), str):
        judged["better_response"] = text
    yield Event({**judged, "value": False}, FEEDBACK)


FORMAT = Format("chats", _recognise, _events)
