# One argument more is an incompatible override to a type checker, and is meant to be:
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false, reportInvalidTypeVarUse=false

# What type checkers and editors see of the clients: openai's own types, and one argument more, `shipper`.
# The API's arguments come from the TypedDicts that openai ships for each endpoint, so that they are openai's, of
# whichever version is installed.

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Required, TypedDict, TypeVar, Unpack, overload

import openai
from openai import AsyncStream, Stream
from openai.lib.streaming.chat import AsyncChatCompletionStreamManager, ChatCompletionStreamManager
from openai.lib.streaming.responses import AsyncResponseStreamManager, ResponseStreamManager
from openai.resources import chat as chat_resources
from openai.resources import completions as completions_resources
from openai.resources import embeddings as embeddings_resources
from openai.resources.chat import completions as chat_completions_resources
from openai.resources.responses import responses as responses_resources
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    EmbeddingCreateParams,
    completion_create_params,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ParsedChatCompletion,
)
from openai.types.chat import (
    completion_create_params as chat_create_params,
)
from openai.types.responses import ParsedResponse, Response, ResponseStreamEvent, response_create_params

from shipper.openai.capture import Capture
from shipper.openai.config import CallParams, CaptureConfig

_Client = TypeVar("_Client", openai.OpenAI, openai.AsyncOpenAI)
_Format = TypeVar("_Format")

class _Common(TypedDict, total=False):
    shipper: CallParams | None
    extra_headers: Mapping[str, Any] | None
    extra_query: Mapping[str, object] | None
    extra_body: object | None
    timeout: Any

class _Chat(chat_create_params.CompletionCreateParamsNonStreaming, _Common): ...
class _ChatStreaming(chat_create_params.CompletionCreateParamsStreaming, _Common): ...

class _ChatEither(chat_create_params.CompletionCreateParamsBase, _Common):
    stream: Required[bool]

class _Text(completion_create_params.CompletionCreateParamsNonStreaming, _Common): ...
class _TextStreaming(completion_create_params.CompletionCreateParamsStreaming, _Common): ...

class _TextEither(completion_create_params.CompletionCreateParamsBase, _Common):
    stream: Required[bool]

class _Response(response_create_params.ResponseCreateParamsNonStreaming, _Common): ...
class _ResponseStreaming(response_create_params.ResponseCreateParamsStreaming, _Common): ...

class _ResponseEither(response_create_params.ResponseCreateParamsBase, _Common):
    stream: Required[bool]

class _Embedding(EmbeddingCreateParams, _Common): ...

class _ChatCompletions(chat_completions_resources.Completions):
    @overload
    def create(self, **arguments: Unpack[_Chat]) -> ChatCompletion: ...
    @overload
    def create(self, **arguments: Unpack[_ChatStreaming]) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(self, **arguments: Unpack[_ChatEither]) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    def parse(
        self,
        *,
        messages: Any,
        model: str,
        response_format: type[_Format] = ...,
        shipper: CallParams | None = None,
        **arguments: Any,
    ) -> ParsedChatCompletion[_Format]: ...
    def stream(
        self,
        *,
        messages: Any,
        model: str,
        response_format: type[_Format] = ...,
        shipper: CallParams | None = None,
        **arguments: Any,
    ) -> ChatCompletionStreamManager[_Format]: ...

class _AsyncChatCompletions(chat_completions_resources.AsyncCompletions):
    @overload
    async def create(self, **arguments: Unpack[_Chat]) -> ChatCompletion: ...
    @overload
    async def create(self, **arguments: Unpack[_ChatStreaming]) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self, **arguments: Unpack[_ChatEither]
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]: ...
    async def parse(
        self,
        *,
        messages: Any,
        model: str,
        response_format: type[_Format] = ...,
        shipper: CallParams | None = None,
        **arguments: Any,
    ) -> ParsedChatCompletion[_Format]: ...
    def stream(
        self,
        *,
        messages: Any,
        model: str,
        response_format: type[_Format] = ...,
        shipper: CallParams | None = None,
        **arguments: Any,
    ) -> AsyncChatCompletionStreamManager[_Format]: ...

class _ChatResource(chat_resources.Chat):
    @cached_property
    def completions(self) -> _ChatCompletions: ...

class _AsyncChatResource(chat_resources.AsyncChat):
    @cached_property
    def completions(self) -> _AsyncChatCompletions: ...

class _Completions(completions_resources.Completions):
    @overload
    def create(self, **arguments: Unpack[_Text]) -> Completion: ...
    @overload
    def create(self, **arguments: Unpack[_TextStreaming]) -> Stream[Completion]: ...
    @overload
    def create(self, **arguments: Unpack[_TextEither]) -> Completion | Stream[Completion]: ...

class _AsyncCompletions(completions_resources.AsyncCompletions):
    @overload
    async def create(self, **arguments: Unpack[_Text]) -> Completion: ...
    @overload
    async def create(self, **arguments: Unpack[_TextStreaming]) -> AsyncStream[Completion]: ...
    @overload
    async def create(self, **arguments: Unpack[_TextEither]) -> Completion | AsyncStream[Completion]: ...

class _Responses(responses_resources.Responses):
    @overload
    def create(self, **arguments: Unpack[_Response]) -> Response: ...
    @overload
    def create(self, **arguments: Unpack[_ResponseStreaming]) -> Stream[ResponseStreamEvent]: ...
    @overload
    def create(self, **arguments: Unpack[_ResponseEither]) -> Response | Stream[ResponseStreamEvent]: ...
    def parse(
        self, *, text_format: type[_Format] = ..., shipper: CallParams | None = None, **arguments: Any
    ) -> ParsedResponse[_Format]: ...
    def stream(
        self, *, text_format: type[_Format] = ..., shipper: CallParams | None = None, **arguments: Any
    ) -> ResponseStreamManager[_Format]: ...

class _AsyncResponses(responses_resources.AsyncResponses):
    @overload
    async def create(self, **arguments: Unpack[_Response]) -> Response: ...
    @overload
    async def create(self, **arguments: Unpack[_ResponseStreaming]) -> AsyncStream[ResponseStreamEvent]: ...
    @overload
    async def create(
        self, **arguments: Unpack[_ResponseEither]
    ) -> Response | AsyncStream[ResponseStreamEvent]: ...
    async def parse(
        self, *, text_format: type[_Format] = ..., shipper: CallParams | None = None, **arguments: Any
    ) -> ParsedResponse[_Format]: ...
    def stream(
        self, *, text_format: type[_Format] = ..., shipper: CallParams | None = None, **arguments: Any
    ) -> AsyncResponseStreamManager[_Format]: ...

class _Embeddings(embeddings_resources.Embeddings):
    def create(self, **arguments: Unpack[_Embedding]) -> CreateEmbeddingResponse: ...

class _AsyncEmbeddings(embeddings_resources.AsyncEmbeddings):
    async def create(self, **arguments: Unpack[_Embedding]) -> CreateEmbeddingResponse: ...

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
