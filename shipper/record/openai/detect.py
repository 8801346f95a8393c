"""Which API a call was made with, and which provider answered: from what the call says, never by asking."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from shipper.record.reading import Json

CHAT = "chat_completions"
COMPLETIONS = "completions"
RESPONSES = "responses"
EMBEDDINGS = "embeddings"

OPERATIONS = {
    CHAT: "chat",
    COMPLETIONS: "text_completion",
    RESPONSES: "chat",
    EMBEDDINGS: "embeddings",
    "moderations": "moderation",
    "images": "image_generation",
    "audio": "audio",
}
"""`gen_ai.operation.name` of each API: OpenTelemetry's names, and our own where it has none."""

WITHOUT_CONTENT = frozenset({"moderations", "images", "audio"})
"""APIs of which the figures are recorded and the content is not."""

_OBJECTS = {
    "chat.completion": CHAT,
    "chat.completion.chunk": CHAT,
    "text_completion": COMPLETIONS,
    "response": RESPONSES,
}

# https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ where the name is in the list
_HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together_ai",
    "api.fireworks.ai": "fireworks_ai",
}


def api_of(call: Json, request: Json, response: Json) -> str | None:
    """The API: what the caller says, else what the response is, else what the request asks. None: none that we know."""
    given = call.get("api")
    if type(given) is str and given:
        return given
    kind = response.get("object")
    if type(kind) is str and kind in _OBJECTS:
        return _OBJECTS[kind]
    return _of_response(response) or _of_request(request)


def provider_of(call: Json, api: str | None, request: Json, response: Json) -> str | None:
    """The provider: what the caller says, else by address, else by marks that it leaves, else openai for its APIs."""
    given = call.get("provider")
    if type(given) is str and given:
        return given
    base_url = call.get("base_url")
    if type(base_url) is str and (name := _by_host(base_url)):
        return name
    if "prompt_filter_results" in response:
        return "azure.ai.openai"
    usage = response.get("usage")
    if type(usage) is dict:
        if "prompt_cache_hit_tokens" in usage:
            return "deepseek"
        if "cost" in usage and type(response.get("provider")) is str:
            return "openrouter"
    if response.get("type") == "message" and "stop_reason" in response:
        return "anthropic"
    known = api in OPERATIONS or "model" in request or "model" in response
    return "openai" if known else None


def _of_response(response: Json) -> str | None:
    choices = response.get("choices")
    if type(choices) is list and choices and type(choices[0]) is dict:
        return COMPLETIONS if "text" in choices[0] and "message" not in choices[0] else CHAT
    if type(response.get("output")) is list:
        return RESPONSES
    if response.get("type") == "message" and "stop_reason" in response:
        return CHAT
    data = response.get("data")
    if type(data) is list and data and type(data[0]) is dict:
        if "embedding" in data[0] or "dimensions" in data[0]:
            return EMBEDDINGS
        if "b64_json" in data[0] or "url" in data[0]:
            return "images"
    results = response.get("results")
    if type(results) is list and results and type(results[0]) is dict and "flagged" in results[0]:
        return "moderations"
    return None


def _of_request(request: Json) -> str | None:
    model = request.get("model")
    model = model.lower() if type(model) is str else ""
    if "messages" in request:
        return CHAT
    if "input" in request:
        if "moderation" in model:
            return "moderations"
        if "tts" in model or "voice" in request:
            return "audio"
        if "embed" in model or "encoding_format" in request or "dimensions" in request:
            return EMBEDDINGS
        return RESPONSES
    if "prompt" in request:
        if model.startswith(("dall-e", "gpt-image")) or "size" in request:
            return "images"
        return RESPONSES if type(request["prompt"]) is dict else COMPLETIONS
    if "file" in request and ("whisper" in model or "transcribe" in model):
        return "audio"
    if "instructions" in request or "previous_response_id" in request:
        return RESPONSES
    return None


def _by_host(base_url: str) -> str | None:
    try:
        host = urlsplit(base_url if "//" in base_url else f"//{base_url}").hostname or ""
    except ValueError:
        return None
    while host:
        if host in _HOSTS:
            return _HOSTS[host]
        if host.endswith("-aiplatform.googleapis.com"):
            return "gcp.vertex_ai"
        if host.endswith((".amazonaws.com", ".api.aws")) and host.startswith("bedrock"):
            return "aws.bedrock"
        host = host.partition(".")[2]
    return None
