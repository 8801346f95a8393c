"""User code that type checkers have to accept, with the types that openai's own client would give."""

from typing import assert_type

import openai
from openai import AsyncStream, Stream
from openai._legacy_response import HttpxBinaryResponseContent
from openai.lib.streaming.chat import ChatCompletionStreamManager
from openai.lib.streaming.responses import ResponseStreamManager
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    ImageEditStreamEvent,
    ImageGenStreamEvent,
    ImagesResponse,
    ModerationCreateResponse,
)
from openai.types.audio import Transcription, TranscriptionStreamEvent, TranscriptionVerbose, Translation
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ParsedChatCompletion
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from shipper.openai import (
    AsyncOpenAI,
    AzureOpenAI,
    CallParams,
    CaptureConfig,
    OpenAI,
    TemplateChat,
    TemplateText,
    fill_prompt,
    instrument,
)


class Answer(BaseModel):
    """What the model is to say."""

    text: str


def sync_client() -> None:
    """The sync client."""
    client = OpenAI(api_key="k", max_retries=1, shipper=CaptureConfig(application="a", version="1"))
    base: openai.OpenAI = client
    messages = TemplateChat([{"role": "user", "content": "{x}"}], {"x": "y"})
    params = CallParams(prompt_template_name="p", tags=["t"])
    chat = client.chat.completions
    assert_type(chat.create(model="m", messages=messages, shipper=params), ChatCompletion)
    assert_type(
        chat.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True),
        Stream[ChatCompletionChunk],
    )
    assert_type(
        chat.parse(model="m", messages=messages, response_format=Answer, shipper=params),
        ParsedChatCompletion[Answer],
    )
    assert_type(
        chat.stream(model="m", messages=messages, response_format=Answer, shipper=params),
        ChatCompletionStreamManager[Answer],
    )
    assert_type(
        client.responses.stream(model="m", input=messages, text_format=Answer, shipper=params),
        ResponseStreamManager[Answer],
    )
    assert_type(client.send_feedback("key", rating=1, better_response="y"), str)
    text = TemplateText("{x}", {"x": "y"})
    assert_type(client.completions.create(model="m", prompt=text, shipper=params), Completion)
    assert_type(client.responses.create(model="m", input=text, shipper=params), Response)
    assert_type(client.responses.create(model="m", input="x", stream=True), Stream[ResponseStreamEvent])
    assert_type(client.responses.retrieve("r", shipper=params), Response)
    assert_type(client.responses.retrieve("r", stream=True, shipper=params), Stream[ResponseStreamEvent])
    assert_type(client.embeddings.create(model="m", input="x", timeout=3), CreateEmbeddingResponse)
    assert_type(client.with_options(timeout=3), OpenAI)
    assert_type(fill_prompt("{x}", {"x": 1}), TemplateText)
    assert_type(instrument(base), openai.OpenAI)


def pictures_and_sounds() -> None:
    """What is recorded without content takes the argument too."""
    client = OpenAI()
    params = CallParams(user_id="u")
    images, audio = client.images, client.audio
    assert_type(client.moderations.create(input="x", shipper=params), ModerationCreateResponse)
    assert_type(images.generate(prompt="x", shipper=params), ImagesResponse)
    assert_type(images.generate(prompt="x", stream=True, shipper=params), Stream[ImageGenStreamEvent])
    assert_type(images.edit(image=b"", prompt="x", shipper=params), ImagesResponse)
    assert_type(images.edit(image=b"", prompt="x", stream=True, shipper=params), Stream[ImageEditStreamEvent])
    assert_type(images.create_variation(image=b"", shipper=params), ImagesResponse)
    heard = audio.transcriptions
    assert_type(heard.create(file=b"", model="m", shipper=params), Transcription)
    assert_type(
        heard.create(file=b"", model="m", response_format="verbose_json", shipper=params),
        TranscriptionVerbose,
    )
    assert_type(heard.create(file=b"", model="m", response_format="srt", shipper=params), str)
    assert_type(
        heard.create(file=b"", model="m", stream=True, shipper=params), Stream[TranscriptionStreamEvent]
    )
    assert_type(audio.translations.create(file=b"", model="m", shipper=params), Translation)
    assert_type(audio.translations.create(file=b"", model="m", response_format="text", shipper=params), str)
    assert_type(
        audio.speech.create(model="m", input="x", voice="alloy", shipper=params), HttpxBinaryResponseContent
    )


async def pictures_and_sounds_later() -> None:
    """The same, awaited."""
    client = AsyncOpenAI()
    params = CallParams(user_id="u")
    assert_type(await client.moderations.create(input="x", shipper=params), ModerationCreateResponse)
    assert_type(await client.images.generate(prompt="x", shipper=params), ImagesResponse)
    assert_type(await client.audio.transcriptions.create(file=b"", model="m", shipper=params), Transcription)
    assert_type(await client.audio.translations.create(file=b"", model="m", shipper=params), Translation)
    assert_type(
        await client.audio.speech.create(model="m", input="x", voice="alloy", shipper=params),
        HttpxBinaryResponseContent,
    )
    assert_type(await client.responses.retrieve("r", shipper=params), Response)


async def async_client() -> None:
    """The async client."""
    client = AsyncOpenAI(shipper=CaptureConfig())
    chat = client.chat.completions
    assert_type(
        await chat.create(model="m", messages=[{"role": "user", "content": "x"}], temperature=0.5),
        ChatCompletion,
    )
    stream = await chat.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
    assert_type(stream, AsyncStream[ChatCompletionChunk])


def azure_client() -> None:
    """Azure's."""
    client = AzureOpenAI(azure_endpoint="https://x", api_version="v", shipper=CaptureConfig())
    assert_type(
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}]), ChatCompletion
    )
