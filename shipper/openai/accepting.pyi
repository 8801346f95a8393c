# One argument more is an incompatible override to a type checker, and is meant to be:
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false, reportInvalidTypeVarUse=false

# What type checkers and editors see of the resources that take `shipper=`: openai's own types, and one argument more.
# The API's arguments come from the TypedDicts that openai ships for each endpoint, so that they are openai's, of
# whichever version is installed. The classes are here alone: at run time they are openai's, derived from.

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, Required, TypedDict, TypeVar, Unpack, overload

from openai import AsyncStream, Stream
from openai._legacy_response import HttpxBinaryResponseContent
from openai.lib.streaming.chat import AsyncChatCompletionStreamManager, ChatCompletionStreamManager
from openai.lib.streaming.responses import AsyncResponseStreamManager, ResponseStreamManager
from openai.resources import audio as audio_resources
from openai.resources import chat as chat_resources
from openai.resources import completions as completions_resources
from openai.resources import embeddings as embeddings_resources
from openai.resources import images as images_resources
from openai.resources import moderations as moderations_resources
from openai.resources.chat import completions as chat_completions_resources
from openai.resources.responses import responses as responses_resources
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    EmbeddingCreateParams,
    ImageCreateVariationParams,
    ImageEditStreamEvent,
    ImageGenStreamEvent,
    ImagesResponse,
    ModerationCreateParams,
    ModerationCreateResponse,
    completion_create_params,
    image_edit_params,
    image_generate_params,
)
from openai.types.audio import (
    SpeechCreateParams,
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    Translation,
    TranslationCreateParams,
    TranslationVerbose,
    transcription_create_params,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ParsedChatCompletion,
)
from openai.types.chat import (
    completion_create_params as chat_create_params,
)
from openai.types.responses import (
    ParsedResponse,
    Response,
    ResponseStreamEvent,
    response_create_params,
    response_retrieve_params,
)

from shipper.openai.config import CallParams

RESOURCES: tuple[str, ...]

def accepting(resource: Any) -> Any: ...
def as_before(resource: Any) -> None: ...
def accept_in(derived: type, original: type, names: Sequence[str]) -> None: ...

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

class _Retrieve(response_retrieve_params.ResponseRetrieveParamsNonStreaming, _Common): ...
class _RetrieveStreaming(response_retrieve_params.ResponseRetrieveParamsStreaming, _Common): ...

class _RetrieveEither(response_retrieve_params.ResponseRetrieveParamsBase, _Common):
    stream: Required[bool]

class _Embedding(EmbeddingCreateParams, _Common): ...
class _Moderation(ModerationCreateParams, _Common): ...
class _Generate(image_generate_params.ImageGenerateParamsNonStreaming, _Common): ...
class _GenerateStreaming(image_generate_params.ImageGenerateParamsStreaming, _Common): ...

class _GenerateEither(image_generate_params.ImageGenerateParamsBase, _Common):
    stream: Required[bool | None]

class _Edit(image_edit_params.ImageEditParamsNonStreaming, _Common): ...
class _EditStreaming(image_edit_params.ImageEditParamsStreaming, _Common): ...

class _EditEither(image_edit_params.ImageEditParamsBase, _Common):
    stream: Required[bool | None]

class _Variation(ImageCreateVariationParams, _Common): ...
class _Speak(SpeechCreateParams, _Common): ...

class _Transcribe(transcription_create_params.TranscriptionCreateParamsNonStreaming, _Common, total=False):
    response_format: Literal["json"]

class _TranscribeVerbose(transcription_create_params.TranscriptionCreateParamsNonStreaming, _Common):
    response_format: Required[Literal["verbose_json"]]

class _TranscribeDiarized(transcription_create_params.TranscriptionCreateParamsNonStreaming, _Common):
    response_format: Required[Literal["diarized_json"]]

class _TranscribeText(transcription_create_params.TranscriptionCreateParamsNonStreaming, _Common):
    response_format: Required[Literal["text", "srt", "vtt"]]

class _TranscribeStreaming(transcription_create_params.TranscriptionCreateParamsStreaming, _Common): ...

class _TranscribeEither(transcription_create_params.TranscriptionCreateParamsBase, _Common, total=False):
    stream: bool | None

class _Translate(TranslationCreateParams, _Common, total=False):
    response_format: Literal["json"]

class _TranslateVerbose(TranslationCreateParams, _Common):
    response_format: Required[Literal["verbose_json"]]

class _TranslateText(TranslationCreateParams, _Common):
    response_format: Required[Literal["text", "srt", "vtt"]]

class _TranslateEither(TranslationCreateParams, _Common): ...

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
    @overload
    def retrieve(self, response_id: str, **arguments: Unpack[_Retrieve]) -> Response: ...
    @overload
    def retrieve(
        self, response_id: str, **arguments: Unpack[_RetrieveStreaming]
    ) -> Stream[ResponseStreamEvent]: ...
    @overload
    def retrieve(
        self, response_id: str, **arguments: Unpack[_RetrieveEither]
    ) -> Response | Stream[ResponseStreamEvent]: ...

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
    @overload
    async def retrieve(self, response_id: str, **arguments: Unpack[_Retrieve]) -> Response: ...
    @overload
    async def retrieve(
        self, response_id: str, **arguments: Unpack[_RetrieveStreaming]
    ) -> AsyncStream[ResponseStreamEvent]: ...
    @overload
    async def retrieve(
        self, response_id: str, **arguments: Unpack[_RetrieveEither]
    ) -> Response | AsyncStream[ResponseStreamEvent]: ...

class _Embeddings(embeddings_resources.Embeddings):
    def create(self, **arguments: Unpack[_Embedding]) -> CreateEmbeddingResponse: ...

class _AsyncEmbeddings(embeddings_resources.AsyncEmbeddings):
    async def create(self, **arguments: Unpack[_Embedding]) -> CreateEmbeddingResponse: ...

class _Moderations(moderations_resources.Moderations):
    def create(self, **arguments: Unpack[_Moderation]) -> ModerationCreateResponse: ...

class _Images(images_resources.Images):
    @overload
    def generate(self, **arguments: Unpack[_Generate]) -> ImagesResponse: ...
    @overload
    def generate(self, **arguments: Unpack[_GenerateStreaming]) -> Stream[ImageGenStreamEvent]: ...
    @overload
    def generate(
        self, **arguments: Unpack[_GenerateEither]
    ) -> ImagesResponse | Stream[ImageGenStreamEvent]: ...
    @overload
    def edit(self, **arguments: Unpack[_Edit]) -> ImagesResponse: ...
    @overload
    def edit(self, **arguments: Unpack[_EditStreaming]) -> Stream[ImageEditStreamEvent]: ...
    @overload
    def edit(self, **arguments: Unpack[_EditEither]) -> ImagesResponse | Stream[ImageEditStreamEvent]: ...
    def create_variation(self, **arguments: Unpack[_Variation]) -> ImagesResponse: ...

class _Transcriptions(audio_resources.Transcriptions):
    @overload
    def create(self, **arguments: Unpack[_Transcribe]) -> Transcription: ...
    @overload
    def create(self, **arguments: Unpack[_TranscribeVerbose]) -> TranscriptionVerbose: ...
    @overload
    def create(self, **arguments: Unpack[_TranscribeDiarized]) -> TranscriptionDiarized: ...
    @overload
    def create(self, **arguments: Unpack[_TranscribeText]) -> str: ...
    @overload
    def create(self, **arguments: Unpack[_TranscribeStreaming]) -> Stream[TranscriptionStreamEvent]: ...
    @overload
    def create(
        self, **arguments: Unpack[_TranscribeEither]
    ) -> (
        Transcription | TranscriptionVerbose | TranscriptionDiarized | str | Stream[TranscriptionStreamEvent]
    ): ...

class _Translations(audio_resources.Translations):
    @overload
    def create(self, **arguments: Unpack[_Translate]) -> Translation: ...
    @overload
    def create(self, **arguments: Unpack[_TranslateVerbose]) -> TranslationVerbose: ...
    @overload
    def create(self, **arguments: Unpack[_TranslateText]) -> str: ...
    @overload
    def create(self, **arguments: Unpack[_TranslateEither]) -> Translation | TranslationVerbose | str: ...

class _Speech(audio_resources.Speech):
    def create(self, **arguments: Unpack[_Speak]) -> HttpxBinaryResponseContent: ...

class _Audio(audio_resources.Audio):
    @cached_property
    def transcriptions(self) -> _Transcriptions: ...
    @cached_property
    def translations(self) -> _Translations: ...
    @cached_property
    def speech(self) -> _Speech: ...

class _AsyncModerations(moderations_resources.AsyncModerations):
    async def create(self, **arguments: Unpack[_Moderation]) -> ModerationCreateResponse: ...

class _AsyncImages(images_resources.AsyncImages):
    @overload
    async def generate(self, **arguments: Unpack[_Generate]) -> ImagesResponse: ...
    @overload
    async def generate(self, **arguments: Unpack[_GenerateStreaming]) -> AsyncStream[ImageGenStreamEvent]: ...
    @overload
    async def generate(
        self, **arguments: Unpack[_GenerateEither]
    ) -> ImagesResponse | AsyncStream[ImageGenStreamEvent]: ...
    @overload
    async def edit(self, **arguments: Unpack[_Edit]) -> ImagesResponse: ...
    @overload
    async def edit(self, **arguments: Unpack[_EditStreaming]) -> AsyncStream[ImageEditStreamEvent]: ...
    @overload
    async def edit(
        self, **arguments: Unpack[_EditEither]
    ) -> ImagesResponse | AsyncStream[ImageEditStreamEvent]: ...
    async def create_variation(self, **arguments: Unpack[_Variation]) -> ImagesResponse: ...

class _AsyncTranscriptions(audio_resources.AsyncTranscriptions):
    @overload
    async def create(self, **arguments: Unpack[_Transcribe]) -> Transcription: ...
    @overload
    async def create(self, **arguments: Unpack[_TranscribeVerbose]) -> TranscriptionVerbose: ...
    @overload
    async def create(self, **arguments: Unpack[_TranscribeDiarized]) -> TranscriptionDiarized: ...
    @overload
    async def create(self, **arguments: Unpack[_TranscribeText]) -> str: ...
    @overload
    async def create(
        self, **arguments: Unpack[_TranscribeStreaming]
    ) -> AsyncStream[TranscriptionStreamEvent]: ...
    @overload
    async def create(
        self, **arguments: Unpack[_TranscribeEither]
    ) -> (
        Transcription
        | TranscriptionVerbose
        | TranscriptionDiarized
        | str
        | AsyncStream[TranscriptionStreamEvent]
    ): ...

class _AsyncTranslations(audio_resources.AsyncTranslations):
    @overload
    async def create(self, **arguments: Unpack[_Translate]) -> Translation: ...
    @overload
    async def create(self, **arguments: Unpack[_TranslateVerbose]) -> TranslationVerbose: ...
    @overload
    async def create(self, **arguments: Unpack[_TranslateText]) -> str: ...
    @overload
    async def create(
        self, **arguments: Unpack[_TranslateEither]
    ) -> Translation | TranslationVerbose | str: ...

class _AsyncSpeech(audio_resources.AsyncSpeech):
    async def create(self, **arguments: Unpack[_Speak]) -> HttpxBinaryResponseContent: ...

class _AsyncAudio(audio_resources.AsyncAudio):
    @cached_property
    def transcriptions(self) -> _AsyncTranscriptions: ...
    @cached_property
    def translations(self) -> _AsyncTranslations: ...
    @cached_property
    def speech(self) -> _AsyncSpeech: ...
