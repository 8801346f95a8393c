"""Request lines of OpenAI's Batch API: the same calls again, for another model or another day. Pure.

https://platform.openai.com/docs/api-reference/batch/request-input (August 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.export.messages import (
    Json,
    Unrepresentable,
    chat_messages,
    chat_tools,
    response_items,
    with_own_keys,
)
from shipper.read.figures import text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

_URLS = {
    "chat_completions": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
}
_MAX_TOKENS = {"chat_completions": "max_completion_tokens", "responses": "max_output_tokens"}
_SAME = ("model", "temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")
_STREAMING = ("stream", "stream_options")


def request_of(document: Mapping[str, Any]) -> Json | str:
    """The request that a completion was, or in a few words why there is none. Never raises.

    The provider's request as it was sent if it was kept, else made of the messages and parameters. A batch does not
    stream. The `custom_id` is the event id, so that the answers find their way back.
    """
    api = text_at(document, "openai.api.type")
    if api not in _URLS:
        return "of an API that has no batches"
    body = value_at(document, "llm.raw.request")
    if not isinstance(body, dict):
        try:
            body = _body(document, api)
        except Unrepresentable:
            return "not representable"
        if body is None:
            return "no prompt stored"
    body = with_own_keys(body, value_at(document, "llm.sanitised"))
    body = {key: value for key, value in body.items() if key not in _STREAMING}
    return {"custom_id": text_at(document, "event.id"), "method": "POST", "url": _URLS[api], "body": body}


def _body(document: Mapping[str, Any], api: str) -> Json | None:
    messages = value_at(document, "gen_ai.input.messages")
    if not isinstance(messages, list) or not messages:
        return None
    system, tools = (
        value_at(document, "gen_ai.system_instructions"),
        value_at(document, "gen_ai.tool.definitions"),
    )
    body = _parameters(document, api)
    if api == "chat_completions":
        body["messages"] = chat_messages(messages, system)
        if tools:
            body["tools"] = chat_tools(tools)
    elif api == "responses":
        items = response_items(messages)
        is_text = (
            len(items) == 1 and items[0].get("role") == "user" and isinstance(items[0].get("content"), str)
        )
        body["input"] = items[0]["content"] if is_text else items
        if isinstance(system, list):
            body["instructions"] = "\n".join(text_at(part, "content") for part in system)
        if tools:
            body["tools"] = tools
    else:
        parts = [_part(message) for message in messages]
        if api == "completions" and parts and parts[-1].get("type") == "suffix":
            body["suffix"] = parts.pop().get("content")
        texts = [_text(part) for part in parts]
        body["input" if api == "embeddings" else "prompt"] = texts[0] if len(texts) == 1 else texts
    return body


def _parameters(document: Mapping[str, Any], api: str) -> Json:
    found = value_at(document, "gen_ai.request")
    given: Json = found if isinstance(found, dict) else {}
    body: Json = {key: given[key] for key in _SAME if key in given}
    if "max_tokens" in given:
        body[_MAX_TOKENS.get(api, "max_tokens")] = given["max_tokens"]
    if (count := value_at(given, "choice.count")) is not None:
        body["n"] = count
    if stop := given.get("stop_sequences"):
        body["stop"] = stop
    more = value_at(document, "llm.request")
    about: Json = more if isinstance(more, dict) else {}
    params = about.get("params")
    if isinstance(params, dict):
        body.update(params)
    choice, form = about.get("tool_choice"), about.get("response_format")
    if isinstance(choice, str) and ":" not in choice and choice != "object":
        body.setdefault("tool_choice", choice)
    if isinstance(form, str) and "response_format" not in body and "text" not in body:
        body["response_format"] = {"type": form}
    return body


def _part(message: Any) -> Json:
    parts = message.get("parts") if isinstance(message, dict) else None
    if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict):
        raise Unrepresentable("not one part")
    return parts[0]


def _text(part: Json) -> Any:
    if part.get("type") not in ("text", "token_ids"):
        raise Unrepresentable("not one text")
    return part.get("content")
