"""Chat completions, and answers in Anthropic's shape, which is a chat message without choices."""

from __future__ import annotations

from shipper.record.messages import message_of
from shipper.record.parts import keep_rest, parts_of
from shipper.record.reading import Json, Reading, choice_index, reason

REQUEST_KEYS = frozenset({"messages", "tools", "functions", "system"})
RESPONSE_KEYS = frozenset({"choices"})
_ANTHROPIC_KEYS = frozenset({"role", "content", "type", "stop_reason"})
_CHOICE_KEYS = ("index", "message", "delta", "finish_reason")


def read_request(request: Json, reading: Reading) -> None:
    """Messages and tools of a request. Never raises."""
    flags, texts = reading.flags, reading.input_texts
    if (system := request.get("system")) is not None:
        reading.system.extend(parts_of(system, "request.system", texts, flags))
    messages = request.get("messages")
    if messages is not None:
        if type(messages) is not list:
            flags.append("request.messages: not a list")
            messages = [messages]
        reading.inputs = [
            message_of(message, f"request.messages[{position}]", texts, flags)
            for position, message in enumerate(messages)
        ]
    if (tools := request.get("tools")) is not None:
        reading.add_tools(tools, "request.tools")
    functions = request.get("functions")
    if functions is not None:
        functions = functions if type(functions) is list else [functions]
        reading.add_tools([{"type": "function", "function": item} for item in functions], "request.functions")


def read_response(response: Json, reading: Reading) -> frozenset[str]:
    """All choices of a response; returns the keys that were read. Never raises."""
    flags = reading.flags
    choices = response.get("choices")
    if choices is None:
        if response.get("type") == "message" or "stop_reason" in response:
            _read_anthropic(response, reading)
            return _ANTHROPIC_KEYS
        return RESPONSE_KEYS
    if type(choices) is not list:
        flags.append("response.choices: not a list")
        choices = [choices]
    for position, choice in enumerate(choices):
        where = f"response.choices[{position}]"
        if type(choice) is not dict:
            flags.append(f"{where}: not an object")
            choice = {"message": choice}  # noqa: PLW2901
        message = choice.get("message")
        if message is None:
            message = choice.get("delta") or {}
        read = message_of(message, where, [], flags, "assistant")
        if len(choice) > 3:
            keep_rest(read, choice, _CHOICE_KEYS, where, flags)
        if type(error := choice.get("error")) is dict and reading.error is None:
            reading.error = error
        index = choice_index(choice.get("index"), position, where, flags)
        reading.add_answer(index, read, reason(choice.get("finish_reason"), where, flags))
    return RESPONSE_KEYS


def _read_anthropic(response: Json, reading: Reading) -> None:
    message = {"role": response.get("role", "assistant"), "content": response.get("content")}
    read = message_of(message, "response", [], reading.flags, "assistant")
    reading.add_answer(0, read, reason(response.get("stop_reason"), "response", reading.flags))
