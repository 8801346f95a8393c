"""What went in and what came out, however a tracing tool wrote it down, as a request and a response.

Tools keep messages as a list, inside an object, as LangChain's serialised objects, as plain text, or as JSON in a text;
cells of a CSV file are texts anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shipper.feedback.rows import Cell, plain
from shipper.history.formats.providers import request_in_openais, response_in_openais
from shipper.history.formats.spoken import is_in_parts, whole_messages

if TYPE_CHECKING:
    from shipper.history.event import Json

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "chat": "user",
    "HumanMessage": "user",
    "HumanMessageChunk": "user",
    "ChatMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
    "FunctionMessage": "function",
}
_REQUESTS = ("messages", "prompt", "input", "contents")
_RESPONSES = ("choices", "output", "candidates", "stop_reason")


def opened(value: Any) -> Any:
    """JSON in a text as what it says; a CSV cell as number, boolean or text; anything else as it is. Never raises."""
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "[") and value[-1:] in ("}", "]"):
        try:
            return orjson.loads(str(value))
        except ValueError:
            return str(value)
    found = plain(value) if isinstance(value, Cell) else value
    return str(found) if isinstance(found, Cell) else found


def opened_row(row: Json) -> Json:
    """A row without empty cells, its texts opened where they are JSON. Never raises."""
    return {name: opened(value) for name, value in row.items() if value is not None and value != ""}


def object_of(value: Any) -> Json:
    """An object, empty where something else is. Never raises."""
    return value if isinstance(value, dict) else {}


def others(row: Json, known: frozenset[str], more: Any = None) -> Json | None:
    """What a row holds beyond the names that are known, and more; None when that is nothing. Never raises."""
    found = {
        name: value for name, value in row.items() if name not in known and value not in (None, "", [], {})
    }
    if isinstance(more, dict):
        found |= more
    elif more:
        found["metadata"] = more
    return found or None


def texted(value: Any) -> str | None:
    """An id or a name as text; None when there is none. Never raises."""
    return (
        str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None
    )


def messages_of(value: Any) -> list[Any] | None:
    """Messages in OpenAI's form, of a list of messages in any form; None when it is none. Never raises."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # LangChain's batch of one
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    messages = [
        message
        for one in value
        for message in (whole_messages(one) if is_in_parts(one) else [message_of(one)])
    ]
    return messages if all("role" in one for one in messages) else None


def message_of(value: Json) -> Json:
    """One message in OpenAI's form. Never raises."""
    kwargs = value.get("kwargs") if value.get("type") == "constructor" else value.get("data")
    if isinstance(kwargs, dict):  # LangChain's serialised message, by constructor or by type and data
        kind = value["id"][-1] if isinstance(value.get("id"), list) and value["id"] else value.get("type")
        return message_of({"role": _ROLES.get(str(kind), str(kind)), **kwargs, "type": None})
    message = dict(value)
    kind = message.pop("type", None)
    if "role" not in message and isinstance(kind, str) and "content" in message:
        message["role"] = kind
    if isinstance(message.get("role"), str):
        message["role"] = _ROLES.get(message["role"], message["role"])
    extra = message.pop("additional_kwargs", None)
    if isinstance(extra, dict):
        message = {**extra, **message}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [_tool_call(one) for one in calls]
    elif calls is not None:
        del message["tool_calls"]
    return {name: one for name, one in message.items() if one is not None or name == "content"}


def request_of(given: Any, model: str | None, parameters: Any = None) -> tuple[Json, Any]:
    """The request that some input is, and the input itself when it is none.

    Args:
        given: messages, a request, a text, or anything.
        model: what was asked.
        parameters: of the model.

    Never raises.
    """
    request: Json = dict(parameters) if isinstance(parameters, dict) else {}
    request = {name: value for name, value in request.items() if value is not None}
    if model:
        request["model"] = model
    given = opened(given)
    if isinstance(given, dict) and any(given.get(name) is not None for name in _REQUESTS):
        inner = dict(request_in_openais(given))
        if (messages := messages_of(inner.get("messages"))) is not None:
            inner["messages"] = messages
        return {**request, **inner}, None
    if isinstance(given, dict) and "role" in given:
        given = [given]
    if (messages := messages_of(given)) is not None:
        return {**request, "messages": messages}, None
    if isinstance(given, str):
        return {**request, "messages": [{"role": "user", "content": given}]}, None
    return request, given


def response_of(
    given: Any, model: str | None, usage: Json | None, finish_reason: Any = None
) -> tuple[Json, Any]:
    """The response that some output is, and the output itself when it is none.

    Args:
        given: a response, messages, a message, a text, or anything.
        model: what answered.
        usage: tokens, where the output has none.
        finish_reason: of the first answer, where it says none.

    Never raises.
    """
    response: Json = {"model": model} if model else {}
    if usage:
        response["usage"] = usage
    given = response_in_openais(opened(given))
    if isinstance(given, dict):
        if any(given.get(name) is not None for name in _RESPONSES) and "messages" not in given:
            return {**response, **{name: value for name, value in given.items() if value is not None}}, None
        if (generations := given.get("generations")) is not None:
            return {**response, "choices": _generations(generations)}, None
        if isinstance(given.get("message"), dict) and messages_of([given["message"]]):
            given = given["message"]
    messages = messages_of([given] if isinstance(given, dict) else given)
    if messages is None and isinstance(given, str):
        messages = [{"role": "assistant", "content": given}]
    if messages is None:
        return response, given
    answers = [one for one in messages if one["role"] == "assistant"][-1:] or messages[-1:]
    choice: Json = {"index": 0, "message": answers[0]}
    if isinstance(finish_reason, str):
        choice["finish_reason"] = finish_reason
    return {**response, "choices": [choice]}, None


def filled(call: Json, request: tuple[Json, Any], response: tuple[Json, Any]) -> Json:
    """A call with what `request_of` and `response_of` found, without what is empty. Never raises."""
    for name, (payload, rest) in (("request", request), ("response", response)):
        if payload:
            call[name] = payload
        if rest is not None and rest != {} and rest != []:
            call["inputs" if name == "request" else "outputs"] = rest
    return {name: value for name, value in call.items() if value is not None}


def _generations(value: Any) -> list[Json]:
    """LangChain's generations, one list a prompt, as choices."""
    flat = (
        [one for group in value for one in (group if isinstance(group, list) else [group])]
        if isinstance(value, list)
        else []
    )
    choices: list[Json] = []
    for index, one in enumerate(one for one in flat if isinstance(one, dict)):
        message = one.get("message")
        found = message_of(message) if isinstance(message, dict) else {"content": one.get("text")}
        choice: Json = {"index": index, "message": {"role": "assistant", **found}}
        info = one.get("generation_info")
        if isinstance(info, dict) and isinstance(info.get("finish_reason"), str):
            choice["finish_reason"] = info["finish_reason"]
        choices.append(choice)
    return choices


def _tool_call(value: Any) -> Any:
    """LangChain's tool call in OpenAI's form."""
    if not isinstance(value, dict) or "function" in value or "args" not in value:
        return value
    function = {"name": value.get("name"), "arguments": orjson.dumps(value["args"]).decode()}
    return {"id": value.get("id"), "type": "function", "function": function}
