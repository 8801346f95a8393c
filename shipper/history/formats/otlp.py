"""Spans of models as OpenTelemetry's exporters write them (OTLP/JSON), of several ages of the conventions.

Read by `shipper.route.otlp`, as everywhere in the project, after older ways to say it are brought into today's:

- OpenLLMetry, attributes `gen_ai.prompt.0.role`, `gen_ai.completion.0.content`, `llm.usage.total_tokens`, at first
  `llm.prompts.0.role` and `llm.request.model`:
  https://github.com/traceloop/openllmetry/blob/main/packages/opentelemetry-semantic-conventions-ai
- conventions 1.27, events `gen_ai.content.prompt` and `gen_ai.content.completion` with JSON;
  1.28 to 1.36, events `gen_ai.user.message`, `gen_ai.choice`, …:
  https://github.com/open-telemetry/semantic-conventions/tree/v1.30.0/docs/gen-ai
- OpenInference, attributes `llm.input_messages.0.message.role`, `llm.token_count.prompt`, `llm.model_name`:
  https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
- the AI SDK, attributes `ai.prompt.messages`, `ai.response.text`: https://ai-sdk.dev/docs/ai-sdk-core/telemetry
- Logfire, attributes `events`, or `request_data` and `response_data`, as JSON: https://logfire.pydantic.dev/docs
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipper.history.event import Document, Format, Json, Rejected, share
from shipper.history.formats.turns import object_of, opened
from shipper.route.jsontext import dump
from shipper.route.otlp import any_value, attributes_of, is_export, spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_INDEXED = {
    "input": re.compile(r"(?:gen_ai\.prompt|llm\.prompts|llm\.input_messages)\.(\d+)\.(?:message\.)?(.+)"),
    "output": re.compile(
        r"(?:gen_ai\.completion|llm\.completions|llm\.output_messages)\.(\d+)\.(?:message\.)?(.+)"
    ),
}
_WHOLE = {  # attributes with all messages, or a request or an answer that holds them
    "input": ("gen_ai.prompt", "ai.prompt.messages", "request_data", "input.value"),
    "output": ("gen_ai.completion", "response_data", "output.value"),
}
_OF_MODELS = "LLM"  # OpenInference's kind of span; others have values too, and are no calls
_OPERATIONS = {"completion": "text_completion", "embedding": "embeddings"}
_CONTENT_EVENTS = {
    "gen_ai.content.prompt": ("input", "gen_ai.prompt"),
    "gen_ai.content.completion": ("output", "gen_ai.completion"),
}
_CONTENT = re.compile(r"contents\.(\d+)\.message_content\.(.+)")
_MESSAGE_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message")
_RENAMED = {
    "llm.vendor": "gen_ai.provider.name",
    "llm.request.model": "gen_ai.request.model",
    "llm.response.model": "gen_ai.response.model",
    "llm.request.max_tokens": "gen_ai.request.max_tokens",
    "llm.temperature": "gen_ai.request.temperature",
    "llm.top_p": "gen_ai.request.top_p",
    "llm.usage.prompt_tokens": "gen_ai.usage.input_tokens",
    "llm.usage.completion_tokens": "gen_ai.usage.output_tokens",
    "llm.model_name": "gen_ai.request.model",
    "llm.provider": "gen_ai.provider.name",
    "llm.system": "gen_ai.provider.name",
    "llm.token_count.prompt": "gen_ai.usage.input_tokens",
    "llm.token_count.completion": "gen_ai.usage.output_tokens",
    "llm.token_count.prompt_details.cache_read": "gen_ai.usage.cache_read.input_tokens",
    "session.id": "gen_ai.conversation.id",
    "traceloop.association.properties.session_id": "gen_ai.conversation.id",
    "traceloop.association.properties.user_id": "user.id",
}


def _recognise(sample: Sequence[Any]) -> float:
    return share(sample, is_export)


def _events(value: Any, lookup: Lookup) -> Iterator[Document]:
    del lookup
    if not is_export(value):
        raise Rejected("no_export", "no resourceSpans: not an export of spans")
    for group in value["resourceSpans"]:
        for scope in group.get("scopeSpans") or group.get("instrumentationLibrarySpans") or ():
            for span in scope.get("spans") or ():
                upgrade(span)
        group.setdefault("scopeSpans", group.get("instrumentationLibrarySpans") or [])
    for _, record in spans(value):
        if record is not None:
            yield Document(record)


def upgrade(span: Json) -> None:
    """Bring a span of an older convention into today's, in place. Never raises for JSON."""
    attributes = attributes_of(span.get("attributes"))
    lists, taken = _messages(span, attributes)
    added: Json = {
        f"gen_ai.{side}.messages": found
        for side, found in lists.items()
        if found and f"gen_ai.{side}.messages" not in attributes
    }
    for old, new in _RENAMED.items():
        if old in attributes and new not in attributes and new not in added:
            added[new] = attributes[old]
            taken.add(old)
    if "gen_ai.operation.name" not in attributes and isinstance(
        kind := attributes.get("llm.request.type"), str
    ):
        added["gen_ai.operation.name"] = _OPERATIONS.get(kind, kind)
    kept = [
        one for one in span.get("attributes") or () if isinstance(one, dict) and one.get("key") not in taken
    ]
    span["attributes"] = kept + [{"key": name, "value": _value(value)} for name, value in added.items()]


def _messages(span: Json, attributes: Json) -> tuple[dict[str, list[Json]], set[str]]:
    """What went in and what came out, and the attributes that say nothing else."""
    indexed: dict[str, dict[int, Json]] = {"input": {}, "output": {}}
    taken: set[str] = set()
    for name, value in attributes.items():
        for side, pattern in _INDEXED.items():
            if (found := pattern.fullmatch(name)) is not None:
                indexed[side].setdefault(int(found[1]), {})[found[2]] = value
                taken.add(name)
    lists = {side: [_message(one[key]) for key in sorted(one)] for side, one in indexed.items() if one}
    for event in span.get("events") or ():
        if isinstance(event, dict):
            _take_event(event.get("name"), attributes_of(event.get("attributes")), lists)
    listed = opened(attributes.get("events"))
    for event in listed if isinstance(listed, list) else ():
        if isinstance(event, dict):
            _take_event(event.get("event.name"), event, lists)
    for side in _WHOLE:
        if side not in lists and (said := _whole(side, attributes)):
            lists[side] = said
    return lists, taken


def _whole(side: str, attributes: Json) -> list[Json]:
    """Messages that stand in one attribute."""
    role = "user" if side == "input" else "assistant"
    if side == "output" and (said := _of_ai_sdk(attributes)) is not None:
        return [said]
    for name in _WHOLE[side]:
        value = opened(attributes.get(name))
        is_value = name.endswith(".value") and attributes.get("openinference.span.kind") != _OF_MODELS
        if value is None or value == "" or is_value:
            continue
        if isinstance(value, dict):
            inner = value.get("messages", value.get("message", value.get("choices")))
            value = value.get("combined_chunk_content", value) if inner is None else inner
        many = value if isinstance(value, list) else [value]
        return [_told(object_of(one).get("message", one), role) for one in many]
    return []


def _told(value: Any, role: str) -> Json:
    if isinstance(value, dict) and isinstance(value.get("parts"), list):
        return {"role": role, **value}
    if isinstance(value, dict) and not {"content", "tool_calls", "text"} & value.keys():
        value = dump(value)
    return _message(value if isinstance(value, dict) else {"content": value}, role)


def _of_ai_sdk(attributes: Json) -> Json | None:
    text = attributes.get("ai.response.text", attributes.get("ai.result.text"))
    listed = opened(attributes.get("ai.response.toolCalls", attributes.get("ai.result.toolCalls")))
    calls = [
        {
            "id": one.get("toolCallId"),
            "name": one.get("toolName"),
            "arguments": one.get("args", one.get("input")),
        }
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict)
    ]
    if text is None and not calls:
        return None
    return _message({"content": text, "tool_calls": calls}, "assistant")


def _take_event(name: Any, attributes: Json, lists: dict[str, list[Json]]) -> None:
    if name in _CONTENT_EVENTS:
        side, key = _CONTENT_EVENTS[name]
        found = opened(attributes.get(key))
        for one in found if isinstance(found, list) else [found]:
            content = one if isinstance(one, dict) else {"content": one}
            lists.setdefault(side, []).append(_message(content, "user" if side == "input" else "assistant"))
    elif isinstance(name, str) and (role := _MESSAGE_EVENT.fullmatch(name)):
        lists.setdefault("input", []).append(_message(attributes, role[1]))
    elif name == "gen_ai.choice":
        inner = opened(attributes.get("message"))
        message = inner if isinstance(inner, dict) else attributes
        said = _message({**message, "finish_reason": attributes.get("finish_reason")}, "assistant")
        lists.setdefault("output", []).append(said)


def _message(said: Json, role: str = "user") -> Json:
    """A message in the shape that the conventions have today: role and parts."""
    content = opened(said.get("content", said.get("text")))
    parts: list[Any] = content if isinstance(content, list) else []
    if content is not None and not isinstance(content, list):
        parts = [{"type": "text", "content": content if isinstance(content, str) else str(content)}]
    parts = [_part(one) for one in [*parts, *_contents(said)]]
    parts += _tool_calls(said)
    role = said.get("role", role)
    if role == "tool" and "tool_call_id" in said:
        texts = [part["content"] for part in parts if part.get("type") == "text"]
        told = "\n".join(texts) if len(texts) == len(parts) else parts
        parts = [{"type": "tool_call_response", "id": said["tool_call_id"], "response": told}]
    message: Json = {"role": role, "parts": parts}
    if said.get("finish_reason") is not None:
        message["finish_reason"] = said["finish_reason"]
    return message


def _contents(said: Json) -> list[Json]:
    """OpenInference's parts of a content, with their numbers in the attributes' names."""
    contents: dict[int, Json] = {}
    for name, value in said.items():
        if (found := _CONTENT.fullmatch(name)) is not None:
            contents.setdefault(int(found[1]), {})[found[2]] = value
    parts: list[Json] = []
    for index in sorted(contents):
        one = contents[index]
        if (url := one.get("image.image.url")) is not None:
            parts.append({"type": "uri", "modality": "image", "uri": url})
        else:
            parts.append(one)
    return parts


def _part(part: Any) -> Json:
    if isinstance(part, dict) and part.get("type") == "text" and "text" in part:
        return {"type": "text", "content": part["text"]}
    return part if isinstance(part, dict) else {"type": "text", "content": str(part)}


def _tool_calls(said: Json) -> list[Json]:
    """Tool calls, as a list or with their numbers in the attributes' names."""
    calls: dict[str, Json] = {}
    listed = opened(said.get("tool_calls"))
    for index, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict):
            function = one.get("function") if isinstance(one.get("function"), dict) else one
            calls[str(index)] = {
                "id": one.get("id"),
                "name": function.get("name"),
                "arguments": function.get("arguments"),
            }
    for name, value in said.items():
        words = name.split(".")
        if len(words) > 2 and words[0] == "tool_calls":
            calls.setdefault(words[1], {})[words[-1]] = value
    return [
        {"type": "tool_call", **{key: one for key, one in call.items() if one is not None}}
        for call in calls.values()
    ]


def _value(value: Any) -> Json:
    """A value as OTLP's `AnyValue`; messages as JSON in a text, as instrumentations write them."""
    return any_value(dump(value) if isinstance(value, (list, dict)) else value)


FORMAT = Format("otlp", _recognise, _events)
