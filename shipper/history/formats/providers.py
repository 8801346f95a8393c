"""Requests and responses of APIs that are not made like OpenAI's, in OpenAI's form; what has no name there is kept.

https://ai.google.dev/api/generate-content (Gemini, also as google-genai writes it, in snake_case),
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (Amazon Bedrock) and
https://github.com/ollama/ollama/blob/main/docs/api.md (Ollama). Anthropic's form is read as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shipper.history.formats.spoken import is_in_parts, tool_call, whole_messages

if TYPE_CHECKING:
    from shipper.history.event import Json

_PARAMETERS = {
    "temperature": "temperature",
    "topP": "top_p",
    "top_p": "top_p",
    "maxOutputTokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxTokens": "max_tokens",
    "stopSequences": "stop",
    "stop_sequences": "stop",
    "candidateCount": "n",
    "candidate_count": "n",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "presence_penalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "frequency_penalty": "frequency_penalty",
}
_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}

_FAMILIES = {
    "claude-": "anthropic",
    "gemini-": "gcp.gemini",
    "mistral-": "mistral_ai",
    "ministral-": "mistral_ai",
    "codestral-": "mistral_ai",
    "magistral-": "mistral_ai",
    "deepseek-": "deepseek",
    "grok-": "x_ai",
}
"""Models that go by OpenAI's form, by how their names begin at their maker's own address."""


def provider_of(request: Any, response: Any) -> str | None:
    """Whose form a request or a response is in, where it is none of OpenAI's; else whose model is asked.

    Never raises.
    """
    asked, answered = _object(request), _object(response)
    if "contents" in asked or isinstance(answered.get("candidates"), list):
        return "gcp.gemini"
    if "modelId" in asked or _is_converse(answered):
        return "aws.bedrock"
    if _is_ollama(answered):
        return "ollama"
    model = asked.get("model") or answered.get("model")
    if not isinstance(model, str) or "provider" in answered:  # OpenRouter says who answered
        return None
    return next((one for name, one in _FAMILIES.items() if model.startswith(name)), None)


def request_in_openais(request: Any) -> Any:
    """A request in OpenAI's form; one of another kind as it is. Never raises."""
    if not isinstance(request, dict):
        return request
    if "contents" in request:
        return _gemini_request(request)
    if "modelId" in request and isinstance(request.get("messages"), list):
        return _converse_request(request)
    return request


def response_in_openais(response: Any) -> Any:
    """A response in OpenAI's form; one of another kind as it is. Never raises."""
    if not isinstance(response, dict):
        return response
    if isinstance(response.get("candidates"), list):
        return _gemini_response(response)
    if _is_converse(response):
        return _converse_response(response)
    return _ollama_response(response) if _is_ollama(response) else response


def _gemini_request(request: Json) -> Json:
    rest = dict(request)
    contents = rest.pop("contents")
    settings = {}
    for name in ("generationConfig", "generation_config", "config"):
        settings |= _object(rest.pop(name, None))
    told = None
    for place in (rest, settings):
        for name in ("systemInstruction", "system_instruction"):
            told = place.pop(name, None) or told
    tools = rest.pop("tools", None) or settings.pop("tools", None)
    out = _with_parameters(rest, settings, "generation_config")
    out["messages"] = [message for one in _list(contents) for message in _gemini_messages(one, "user")]
    if told is not None:
        out["messages"] = [*_gemini_messages(told, "system"), *out["messages"]]
    if tools:
        out["tools"] = [tool for one in _list(tools) for tool in _gemini_tools(one)]
    return out


def _gemini_messages(content: Any, role: str) -> list[Any]:
    """A content; where only a text or a part is given, it is one of this role."""
    if isinstance(content, dict) and is_in_parts(content):
        return whole_messages({**content, "role": content.get("role") or role})
    if isinstance(content, dict) and "text" in content:
        content = content["text"]
    return [{"role": role, "content": content}] if isinstance(content, str) else [content]


def _gemini_tools(tool: Any) -> list[Any]:
    declared = _object(tool).get("functionDeclarations", _object(tool).get("function_declarations"))
    if not isinstance(declared, list):
        return [tool]
    return [{"type": "function", "function": one} for one in declared]


def _gemini_response(response: Json) -> Json:
    choices: list[Json] = []
    for number, candidate in enumerate(one for one in response["candidates"] if isinstance(one, dict)):
        rest = dict(candidate)
        said = _gemini_messages(rest.pop("content", None) or {"parts": []}, "assistant")
        reason = rest.pop("finishReason", rest.pop("finish_reason", None))
        choices.append({"index": number, "message": said[-1], "finish_reason": _reason(reason), **rest})
    counts = response.get("usageMetadata", response.get("usage_metadata"))
    return {
        **_without(response, "candidates", "usageMetadata", "usage_metadata", "modelVersion", "responseId"),
        "id": response.get("responseId", response.get("response_id")),
        "model": response.get("modelVersion", response.get("model_version")),
        "choices": choices,
        "usage": _gemini_usage(_object(counts)),
    }


def _gemini_usage(counts: Json) -> Json | None:
    """Tokens: what was thought is counted beside what was said."""

    def count(camel: str, snake: str) -> Any:
        return counts.get(camel, counts.get(snake))

    usage = {
        "prompt_tokens": count("promptTokenCount", "prompt_token_count"),
        "completion_tokens": count("candidatesTokenCount", "candidates_token_count"),
        "total_tokens": count("totalTokenCount", "total_token_count"),
    }
    if cached := count("cachedContentTokenCount", "cached_content_token_count"):
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if thought := count("thoughtsTokenCount", "thoughts_token_count"):
        usage["completion_tokens"] = usage["completion_tokens"] or 0
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    usage = {name: one for name, one in usage.items() if one is not None}
    return usage or None


def _is_converse(response: Json) -> bool:
    return "stopReason" in response and isinstance(_object(response.get("output")).get("message"), dict)


def _converse_request(request: Json) -> Json:
    rest = _without(request, "modelId", "messages", "system", "inferenceConfig", "toolConfig")
    out = _with_parameters(rest, _object(request.get("inferenceConfig")), "inferenceConfig")
    out["model"] = request["modelId"]
    told = [{"role": "system", "content": one} for one in map(_text, _list(request.get("system"))) if one]
    said = [one for message in request["messages"] for one in _converse_messages(message)]
    out["messages"] = [*told, *said]
    tools = dict(_object(request.get("toolConfig")))
    if isinstance(listed := tools.pop("tools", None), list):
        out["tools"] = [_converse_tool(one) for one in listed]
    if tools:
        out["tool_choice"] = tools.get("toolChoice", tools)
    return out


def _converse_tool(tool: Any) -> Any:
    spec = _object(_object(tool).get("toolSpec"))
    if not spec:
        return tool
    schema = _object(spec.get("inputSchema"))
    function = {**_without(spec, "inputSchema"), "parameters": schema.get("json", schema)}
    return {"type": "function", "function": function}


def _converse_messages(message: Any) -> list[Any]:
    """A message; results of tools are messages of their own."""
    blocks = _object(message).get("content")
    if not isinstance(blocks, list):
        return [message]
    said: Json = {**_without(message, "content")}
    content: list[Any] = []
    calls: list[Json] = []
    results: list[Json] = []
    for block in blocks:
        kind, inner = next(iter(block.items())) if isinstance(block, dict) and block else ("text", block)
        if kind == "text":
            content.append({"type": "text", "text": inner})
        elif kind == "toolUse" and isinstance(inner, dict):
            call = {"id": inner.get("toolUseId"), "name": inner.get("name"), "arguments": inner.get("input")}
            calls.append(tool_call(call))
        elif kind == "toolResult" and isinstance(inner, dict):
            told = "\n".join(filter(None, map(_text, _list(inner.get("content")))))
            results.append({"role": "tool", "tool_call_id": inner.get("toolUseId"), "content": told})
        elif kind == "reasoningContent":
            said["reasoning_content"] = _text(_object(inner).get("reasoningText")) or ""
        else:
            content.append({"type": kind, kind: inner})
    if calls:
        said["tool_calls"] = calls
    if not content and results and not calls:
        return results
    only = len(content) == 1 and content[0]["type"] == "text"
    said["content"] = content[0]["text"] if only else content or None
    return [*results, said]


def _converse_response(response: Json) -> Json:
    message = _converse_messages(response["output"]["message"])[-1]
    counts = _object(response.get("usage"))
    usage = {
        "input_tokens": counts.get("inputTokens"),
        "output_tokens": counts.get("outputTokens"),
        "total_tokens": counts.get("totalTokens"),
        "cache_read_input_tokens": counts.get("cacheReadInputTokens"),
        "cache_creation_input_tokens": counts.get("cacheWriteInputTokens"),
    }
    choice = {"index": 0, "message": message, "finish_reason": _reason(response["stopReason"])}
    return {
        **_without(response, "output", "stopReason", "usage"),
        "choices": [choice],
        "usage": {name: one for name, one in usage.items() if one is not None} or None,
    }


def _is_ollama(response: Json) -> bool:
    said = isinstance(response.get("message"), dict) or isinstance(response.get("response"), str)
    return said and isinstance(response.get("done"), bool)


def _ollama_response(response: Json) -> Json:
    rest = _without(
        response, "message", "response", "done_reason", "prompt_eval_count", "eval_count", "context"
    )
    choice: Json = {"index": 0, "finish_reason": response.get("done_reason")}
    if isinstance(said := response.get("message"), dict):
        choice["message"] = {**_without(said, "thinking"), "reasoning_content": said.get("thinking")}
    else:
        choice["text"] = response["response"]
    usage = {
        "prompt_tokens": response.get("prompt_eval_count"),
        "completion_tokens": response.get("eval_count"),
    }
    usage = {name: one for name, one in usage.items() if one is not None}
    return {**rest, "choices": [choice], "usage": usage or None}


def _with_parameters(rest: Json, settings: Json, name: str) -> Json:
    """A request's parameters by OpenAI's names, those that it has none for as they were."""
    out = dict(rest)
    others = {}
    for key, value in settings.items():
        if (known := _PARAMETERS.get(key)) is not None and known not in out:
            out[known] = value
        else:
            others[key] = value
    return {**out, name: others} if others else out


def _reason(given: Any) -> Any:
    return _REASONS.get(given, given.lower()) if isinstance(given, str) else None


def _text(block: Any) -> str | None:
    """The words of a block, or its JSON."""
    if isinstance(block, str):
        return block
    inner = _object(block)
    if isinstance(text := inner.get("text"), str):
        return text
    return orjson.dumps(inner.get("json", inner)).decode() if inner else None


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _without(values: Json, *names: str) -> Json:
    return {name: one for name, one in values.items() if name not in names}
