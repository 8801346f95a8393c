"""Spans of models as OpenTelemetry's exporters write them (OTLP/JSON), of several ages of the conventions.

Read by `shipper.route.otlp`, as everywhere in the project, after older ways to say it are brought into today's:

- OpenLLMetry, attributes `gen_ai.prompt.0.role`, `gen_ai.completion.0.content`, `llm.usage.total_tokens`:
  https://github.com/traceloop/openllmetry/blob/main/packages/opentelemetry-semantic-conventions-ai
- conventions 1.27, events `gen_ai.content.prompt` and `gen_ai.content.completion` with JSON;
  1.28 to 1.36, events `gen_ai.user.message`, `gen_ai.choice`, …:
  https://github.com/open-telemetry/semantic-conventions/tree/v1.30.0/docs/gen-ai
- OpenInference, attributes `llm.input_messages.0.message.role`, `llm.token_count.prompt`, `llm.model_name`:
  https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipper.history.event import Document, Format, Json, Rejected, share
from shipper.history.formats.turns import opened
from shipper.route.jsontext import dump
from shipper.route.otlp import any_value, attributes_of, is_export, spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_INDEXED = {
    "input": re.compile(r"(?:gen_ai\.prompt\.(\d+)\.|llm\.input_messages\.(\d+)\.message\.)(.+)"),
    "output": re.compile(r"(?:gen_ai\.completion\.(\d+)\.|llm\.output_messages\.(\d+)\.message\.)(.+)"),
}
_CONTENT_EVENTS = {
    "gen_ai.content.prompt": ("input", "gen_ai.prompt"),
    "gen_ai.content.completion": ("output", "gen_ai.completion"),
}
_MESSAGE_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message")
_RENAMED = {
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
    messages: dict[str, dict[int, Json]] = {"input": {}, "output": {}}
    taken: set[str] = set()
    for name, value in attributes.items():
        for side, pattern in _INDEXED.items():
            if (found := pattern.fullmatch(name)) is not None:
                index = int(found[1] or found[2])
                messages[side].setdefault(index, {})[found[3]] = value
                taken.add(name)
    found_lists = {side: [_message(one[key]) for key in sorted(one)] for side, one in messages.items() if one}
    for event in span.get("events") or ():
        if isinstance(event, dict):
            _take_event(event, found_lists)
    added = {
        f"gen_ai.{side}.messages": found
        for side, found in found_lists.items()
        if found and f"gen_ai.{side}.messages" not in attributes
    }
    for old, new in _RENAMED.items():
        if old in attributes and new not in attributes and new not in added:
            added[new] = attributes[old]
            taken.add(old)
    kept = [
        one for one in span.get("attributes") or () if isinstance(one, dict) and one.get("key") not in taken
    ]
    span["attributes"] = kept + [{"key": name, "value": _value(value)} for name, value in added.items()]


def _take_event(event: Json, lists: dict[str, list[Json]]) -> None:
    name = event.get("name")
    attributes = attributes_of(event.get("attributes"))
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
    parts = [_part(one) for one in parts]
    parts += _tool_calls(said)
    message: Json = {"role": said.get("role", role), "parts": parts}
    if said.get("finish_reason") is not None:
        message["finish_reason"] = said["finish_reason"]
    return message


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
