"""API and provider are found out from what the call says."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.record.openai.detect import api_of, provider_of


@pytest.mark.parametrize(
    ("request_", "response", "api"),
    [
        ({"messages": []}, {}, "chat_completions"),
        ({"prompt": "x"}, {}, "completions"),
        ({"prompt": {"id": "pmpt_1"}}, {}, "responses"),
        ({"model": "gpt-5", "input": "x"}, {}, "responses"),
        ({"model": "gpt-5", "previous_response_id": "r"}, {}, "responses"),
        ({"model": "text-embedding-3-small", "input": "x"}, {}, "embeddings"),
        ({"model": "bge", "input": "x", "encoding_format": "float"}, {}, "embeddings"),
        ({"model": "omni-moderation-latest", "input": "x"}, {}, "moderations"),
        ({"model": "dall-e-3", "prompt": "x"}, {}, "images"),
        ({"model": "tts-1", "input": "x", "voice": "alloy"}, {}, "audio"),
        ({"model": "whisper-1", "file": "x"}, {}, "audio"),
        ({}, {"object": "chat.completion"}, "chat_completions"),
        ({}, {"object": "text_completion"}, "completions"),
        ({}, {"object": "response"}, "responses"),
        ({}, {"output": []}, "responses"),
        ({}, {"choices": [{"text": "x"}]}, "completions"),
        ({}, {"choices": [{"message": {}}]}, "chat_completions"),
        ({}, {"object": "list", "data": [{"embedding": []}]}, "embeddings"),
        ({}, {"data": [{"b64_json": "x"}]}, "images"),
        ({}, {"results": [{"flagged": True}]}, "moderations"),
        ({"prompt": "x"}, {"object": "chat.completion"}, "chat_completions"),
        ({"question": "x"}, {"answer": "y"}, None),
        ({}, {}, None),
    ],
)
def test_the_api_is_what_the_response_is_else_what_the_request_asks(
    request_: Any, response: Any, api: str | None
) -> None:
    """The response knows best."""
    assert api_of({}, request_, response) == api
    assert api_of({"api": "mine"}, request_, response) == "mine"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://my.openai.azure.com/openai/deployments/x", "azure.ai.openai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://us-central1-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("https://bedrock-mantle.us-east-2.api.aws/v1", "aws.bedrock"),
        ("api.groq.com/openai", "groq"),
        ("http://localhost:8000/v1", "openai"),
        ("https://notopenrouter.ai.example.com", "openai"),
        ("http://[", "openai"),
        (5, "openai"),
        (None, "openai"),
    ],
)
def test_the_provider_is_known_by_its_address(url: Any, name: str) -> None:
    """An address that nobody knows speaks OpenAI's API."""
    assert provider_of({"base_url": url}, "chat_completions", {}, {}) == name


@pytest.mark.parametrize(
    ("response", "name"),
    [
        ({"prompt_filter_results": []}, "azure.ai.openai"),
        ({"usage": {"prompt_cache_hit_tokens": 1}}, "deepseek"),
        ({"provider": "Together", "usage": {"cost": 0.1}}, "openrouter"),
        ({"type": "message", "stop_reason": "end_turn"}, "anthropic"),
        ({}, "openai"),
    ],
)
def test_the_provider_is_known_by_the_marks_it_leaves(response: Any, name: str) -> None:
    """Fields that only one provider has."""
    assert provider_of({}, "chat_completions", {}, response) == name
    assert provider_of({"provider": "mine"}, "chat_completions", {}, response) == "mine"


def test_a_model_of_ones_own_has_no_provider() -> None:
    """`app.log` of any function says nothing of OpenAI."""
    assert provider_of({}, None, {}, {}) is None
    assert provider_of({}, None, {"model": "m"}, {}) == "openai"
