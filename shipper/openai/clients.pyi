# One argument more is an incompatible override to a type checker, and is meant to be:
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false, reportPrivateUsage=false

# What type checkers and editors see of the clients: openai's own types, and one argument more, `shipper`.

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, TypedDict, TypeVar, Unpack

import openai

from shipper.openai.accepting import (
    _AsyncAudio,
    _AsyncChatResource,
    _AsyncCompletions,
    _AsyncEmbeddings,
    _AsyncImages,
    _AsyncModerations,
    _AsyncResponses,
    _Audio,
    _ChatResource,
    _Completions,
    _Embeddings,
    _Images,
    _Moderations,
    _Responses,
)
from shipper.openai.capture import Capture
from shipper.openai.config import CaptureConfig

_Client = TypeVar("_Client", openai.OpenAI, openai.AsyncOpenAI)

class ClientOptions(TypedDict, total=False):
    admin_api_key: str | None
    workload_identity: Any
    organization: str | None
    project: str | None
    webhook_secret: str | None
    websocket_base_url: Any
    timeout: Any
    max_retries: int
    default_headers: Mapping[str, str] | None
    default_query: Mapping[str, object] | None
    http_client: Any
    _strict_response_validation: bool
    _enforce_credentials: bool

class OpenAIOptions(ClientOptions, total=False):
    provider: Any
    base_url: Any
    data_residency: Any

class AzureOptions(ClientOptions, total=False):
    api_version: str | None
    azure_endpoint: str
    azure_deployment: str | None
    azure_ad_token: str | None
    azure_ad_token_provider: Callable[[], str | Awaitable[str]] | None
    base_url: str

class SyncRecording:
    shipper_capture: Capture
    def send_feedback(
        self, feedback_key: str, *, rating: float | bool | None = None, better_response: str | None = None
    ) -> str: ...
    @cached_property
    def chat(self) -> _ChatResource: ...
    @cached_property
    def completions(self) -> _Completions: ...
    @cached_property
    def responses(self) -> _Responses: ...
    @cached_property
    def embeddings(self) -> _Embeddings: ...
    @cached_property
    def images(self) -> _Images: ...
    @cached_property
    def audio(self) -> _Audio: ...
    @cached_property
    def moderations(self) -> _Moderations: ...

class AsyncRecording:
    shipper_capture: Capture
    def send_feedback(
        self, feedback_key: str, *, rating: float | bool | None = None, better_response: str | None = None
    ) -> str: ...
    @cached_property
    def chat(self) -> _AsyncChatResource: ...
    @cached_property
    def completions(self) -> _AsyncCompletions: ...
    @cached_property
    def responses(self) -> _AsyncResponses: ...
    @cached_property
    def embeddings(self) -> _AsyncEmbeddings: ...
    @cached_property
    def images(self) -> _AsyncImages: ...
    @cached_property
    def audio(self) -> _AsyncAudio: ...
    @cached_property
    def moderations(self) -> _AsyncModerations: ...

class OpenAI(SyncRecording, openai.OpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        shipper: CaptureConfig | None = None,
        **options: Unpack[OpenAIOptions],
    ) -> None: ...

class AsyncOpenAI(AsyncRecording, openai.AsyncOpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = None,
        shipper: CaptureConfig | None = None,
        **options: Unpack[OpenAIOptions],
    ) -> None: ...

class AzureOpenAI(SyncRecording, openai.AzureOpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        shipper: CaptureConfig | None = None,
        **options: Unpack[AzureOptions],
    ) -> None: ...

class AsyncAzureOpenAI(AsyncRecording, openai.AsyncAzureOpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = None,
        shipper: CaptureConfig | None = None,
        **options: Unpack[AzureOptions],
    ) -> None: ...

def instrument(client: _Client, config: CaptureConfig | None = None) -> _Client: ...
def uninstrument(client: _Client) -> _Client: ...
