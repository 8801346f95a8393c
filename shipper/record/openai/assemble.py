"""The chunks of a stream, added up to the answer that the call without `stream` would have shown.

`Assembler.add` is called for each chunk while the caller waits for it, so it only sorts fragments into lists;
`Assembler.result` joins them. Choices are kept apart by index however they are interleaved, tool calls by index (or
id, where a provider gives none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from shipper.record.openai.assemble_chat import ChatStream
from shipper.record.openai.assemble_responses import ResponsesStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, Any]


class StreamFacts(NamedTuple):
    """What is known of a stream besides its answer."""

    chunks: int
    completed: bool  # every choice said why it ended, or the response's last event came
    kind: str  # chat_completions, completions, responses, or unknown


class Assembler:
    """Adds up one stream of chat completions, legacy completions, or Responses events. Not thread-safe."""

    __slots__ = ("_chunks", "_strange", "_stream")

    def __init__(self) -> None:
        self._chunks = 0
        self._stream: ChatStream | ResponsesStream | None = None
        self._strange: list[Any] = []

    def add(self, chunk: Any) -> None:
        """Take one chunk, as a dict; keeps references to parts of it. Never raises for JSON."""
        self._chunks += 1
        stream = self._stream
        if stream is None:
            stream = self._stream = _stream_for(chunk)
        if stream is None or not stream.add(chunk):
            self._strange.append(chunk)

    def writer_of(self, chunk: Json) -> Callable[[str], object] | None:
        """What takes the text of further chunks, if they differ from this one, which was added, in that text alone.

        Such chunks are not counted. None when chunks like this one say more than the text of one choice.
        """
        stream = self._stream
        return stream.writer_of(chunk) if type(stream) is ChatStream else None

    def result(self) -> tuple[Json, StreamFacts]:
        """The answer so far. Chunks that belong to no stream are kept under `unrecognised_chunks`."""
        if self._stream is None:
            answer, completed, kind = {}, False, "unknown"
        else:
            answer, completed, kind = self._stream.result(), self._stream.completed, self._stream.kind
        if self._strange:
            answer["unrecognised_chunks"] = list(self._strange)
        return answer, StreamFacts(self._chunks, completed, kind)


def assemble(chunks: Iterable[Any]) -> tuple[Json, StreamFacts]:
    """The answer that the chunks add up to. Never raises for JSON."""
    assembler = Assembler()
    for chunk in chunks:
        assembler.add(chunk)
    return assembler.result()


def is_stream(value: Any) -> TypeGuard[list[Any]]:
    """Whether a value is a list of chunks that can be added up; something else may come before the first of them."""
    return type(value) is list and any(_stream_for(chunk) is not None for chunk in value[:8])


def _stream_for(chunk: Any) -> ChatStream | ResponsesStream | None:
    if type(chunk) is not dict:
        return None
    kind = chunk.get("type")
    if type(kind) is str and (kind.startswith("response.") or kind == "error"):
        return ResponsesStream()
    choices = chunk.get("choices")
    chat = type(choices) is list and (chunk.get("object") != "chat.completion" or _has_delta(choices))
    if chat or type(chunk.get("error")) is dict:
        return ChatStream()
    return None


def _has_delta(choices: list[Any]) -> bool:
    """Whether what is called a whole answer is a chunk (Perplexity)."""
    return any(type(choice) is dict and "delta" in choice for choice in choices)
