"""Legacy text completions."""

from __future__ import annotations

from typing import Any

from shipper.record.messages import text_message
from shipper.record.parts import collect_texts, keep_rest
from shipper.record.reading import Json, Reading, choice_index, reason
from shipper.record.safe import opaque

REQUEST_KEYS = frozenset({"prompt", "suffix"})
RESPONSE_KEYS = frozenset({"choices"})
_CHOICE_KEYS = ("index", "text", "finish_reason")


def read_request(request: Json, reading: Reading) -> None:
    """The prompt: a text, several texts, token ids, or several lists of them. Never raises."""
    add_inputs(request.get("prompt"), "request.prompt", reading)
    if (suffix := request.get("suffix")) is not None:
        collect_texts(suffix, reading.input_texts)
        part = {"type": "suffix", "content": opaque(suffix, "request.suffix", reading.flags)}
        reading.inputs.append({"role": "user", "parts": [part]})


def add_inputs(prompt: Any, where: str, reading: Reading) -> None:
    """A message for each text or list of token ids."""
    if prompt is None:
        return
    several = type(prompt) is list and not (prompt and all(type(item) is int for item in prompt))
    for item in prompt if several else [prompt]:
        if type(item) is str:
            reading.input_texts.append(item)
            reading.inputs.append(text_message("user", item))
            continue
        kind = "token_ids" if type(item) is list else "unknown"
        if kind == "unknown":
            reading.flags.append(f"{where}: neither text nor token ids")
            collect_texts(item, reading.input_texts)
        part = {"type": kind, "content": opaque(item, where, reading.flags)}
        reading.inputs.append({"role": "user", "parts": [part]})


def read_response(response: Json, reading: Reading) -> frozenset[str]:
    """All choices of a response; returns the keys that were read. Never raises."""
    flags = reading.flags
    choices = response.get("choices")
    if choices is not None and type(choices) is not list:
        flags.append("response.choices: not a list")
        choices = [choices]
    for position, choice in enumerate(choices or ()):
        where = f"response.choices[{position}]"
        if type(choice) is not dict:
            flags.append(f"{where}: not an object")
            choice = {"text": choice}  # noqa: PLW2901
        text = choice.get("text")
        if text is not None and type(text) is not str:
            flags.append(f"{where}.text: not a string")
            message: Json = {
                "role": "assistant",
                "parts": [{"type": "unknown", "content": opaque(text, where, flags)}],
            }
        else:
            message = text_message("assistant", text or "")
        keep_rest(message, choice, _CHOICE_KEYS, where, flags)
        index = choice_index(choice.get("index"), position, where, flags)
        reading.add_answer(index, message, reason(choice.get("finish_reason"), where, flags))
    return RESPONSE_KEYS
