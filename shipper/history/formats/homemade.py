"""What people leave to the reader in rows that they write themselves.

A plain text for messages or for an answer, and the model, the tokens and the reason to end beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shipper.history.formats.turns import request_of, response_of

if TYPE_CHECKING:
    from shipper.history.event import Json

_COUNTS = {
    "prompt_tokens": ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "tokens_in"),
    "completion_tokens": (
        *("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "tokens_out"),
    ),
    "total_tokens": ("total_tokens", "totalTokens"),
}
_PLAIN = ("prompt", "input")


def completed(request: Any, response: Any, beside: Json) -> tuple[Any, Any]:
    """A request and its response in full; what was taken for that is taken out of what stands beside them.

    Args:
        request: as it stands; None when its parameters stand beside the response.
        response: as it stands.
        beside: the rest of the row.

    Never raises.
    """
    asked = beside if request is None else request
    if isinstance(response, str) and response.startswith("data:"):
        response = _chunks_of(response)
    model: Any = (asked.get("model") if isinstance(asked, dict) else None) or beside.get("model")
    model = model if isinstance(model, str) else None
    if isinstance(response, str) and isinstance(asked, dict) and asked.get("prompt") is None:
        response = response_of(response, model, None)[0]
    elif isinstance(response, str) and response and isinstance(asked, dict):
        response = {**({"model": model} if model else {}), "choices": [{"index": 0, "text": response}]}
    elif _is_messages(response):
        response = response_of(response, model, None)[0]
    if isinstance(response, dict):
        response = _with_figures(response, beside)
        _write_messages(asked, response)
    if isinstance(request, dict) and isinstance(beside.get("model"), str) and "model" not in request:
        request = {"model": beside.pop("model"), **request}
    return request, response


def _chunks_of(text: str) -> Any:
    """The chunks of a stream that was kept as it came: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    chunks: list[Any] = []
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            try:
                chunks.append(orjson.loads(data))
            except ValueError:
                return text
    return chunks or text


def _is_messages(response: Any) -> bool:
    """Whether it is a message, or a list of them, where a response should be."""
    first: Any = response[0] if isinstance(response, list) and response else response
    return isinstance(first, dict) and "role" in first and "type" not in first and "stop_reason" not in first


def _with_figures(response: Json, beside: Json) -> Json:
    """The response with the tokens and the reason that stand beside it, where it says none itself."""
    if response.get("usage") is None and (usage := _usage(beside)):
        response = {**response, "usage": usage}
    choices = response.get("choices")
    if isinstance(beside.get("finish_reason"), str) and isinstance(choices, list) and len(choices) == 1:
        choice: Any = choices[0]
        if isinstance(choice, dict) and choice.get("finish_reason") is None:
            response = {**response, "choices": [{**choice, "finish_reason": beside.pop("finish_reason")}]}
    return response


def _usage(beside: Json) -> Json | None:
    given: Any = beside.get("usage")
    if isinstance(given, dict):
        del beside["usage"]
        if not any(name in given for name in ("prompt_tokens", "input_tokens")):
            rest = dict(given)
            return _taken(rest) | rest
        return given
    return _taken(beside) or None


def _taken(values: Json) -> Json:
    """Counts by OpenAI's names, taken out of the values."""
    found: Json = {}
    for name, known in _COUNTS.items():
        for other in known:
            if name not in found and isinstance(count := values.get(other), int) and count is not True:
                found[name] = count
                del values[other]
    return found


def _write_messages(asked: Any, response: Json) -> None:
    """A plain prompt, in place, as the message that a chat's answer is an answer to."""
    if not isinstance(asked, dict) or "messages" in asked or not _is_chat(response):
        return
    for name in _PLAIN:
        given = asked.get(name)
        if isinstance(given, (str, list, dict)):
            found = request_of(given, None)[0].get("messages")
            if found:
                del asked[name]
                asked["messages"] = found
                return


def _is_chat(response: Json) -> bool:
    choices: Any = response.get("choices")
    if not isinstance(choices, list) or not choices:
        return response.get("type") == "message"
    return isinstance(choices[0], dict) and "message" in choices[0]
