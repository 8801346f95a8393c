"""The request's part of a completion document: model, parameters, messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shipper.record.coerce import Flags, boolean, double, keyword, keywords, long
from shipper.record.context import STORED_PROMPT
from shipper.record.safe import flattened

if TYPE_CHECKING:
    from shipper.record.reading import Json, Reading

_Reader = Callable[[Any, str, Flags], Any]


def _seed(value: Any, where: str, flags: Flags) -> int | None:
    return long(value, where, flags, low=-(2**63))


# Parameter → name under gen_ai.request, and its type. The first that is given of several with one name is taken.
_FIELDS: dict[str, tuple[str, _Reader]] = {
    "model": ("model", keyword),
    "temperature": ("temperature", double),
    "top_p": ("top_p", double),
    "max_tokens": ("max_tokens", long),
    "max_completion_tokens": ("max_tokens", long),
    "max_output_tokens": ("max_tokens", long),
    "seed": ("seed", _seed),
    "frequency_penalty": ("frequency_penalty", double),
    "presence_penalty": ("presence_penalty", double),
    "stream": ("stream", boolean),
    "stop": ("stop_sequences", keywords),
}


def write_request(request: Json, content: frozenset[str], reading: Reading, gen_ai: Json, llm: Json) -> Json:
    """Write what was asked for, and return the parameters without a field of their own.

    `content` are the keys that a reader has turned into messages, instructions and tools.
    """
    flags = reading.flags
    fields: Json = {}
    params: Json = {}
    if type(prompt := request.get("prompt")) is dict:  # kept by the provider, see `context`
        rest = {name: value for name, value in prompt.items() if name not in STORED_PROMPT}
        request = {**request, "prompt": rest or None}
    for key, value in request.items():
        if value is None or key in content:
            continue
        known = _FIELDS.get(key)
        if known is not None and known[0] not in fields:
            read = known[1](value, f"request.{key}", flags)
            if read is not None and read != []:
                fields[known[0]] = read
                continue
        elif key == "n" and (count := long(value, "request.n", flags)) is not None:
            fields["choice"] = {"count": count}
            continue
        params[key] = value
    if fields:
        gen_ai["request"] = fields
    if params:
        _write_params(dict(params), llm, flags)
    if reading.inputs:
        gen_ai["input"] = {"messages": reading.inputs}
    if reading.system:
        gen_ai["system_instructions"] = reading.system
    if reading.tools:
        gen_ai["tool"] = {"definitions": reading.tools}
    return params


def _write_params(params: Json, llm: Json, flags: Flags) -> None:
    """Parameters without a field of their own; two have a keyword for what is usually asked of them."""
    group: Json = {}
    choice = params.get("tool_choice")
    if type(choice) is str:
        group["tool_choice"] = params.pop("tool_choice")
    elif type(choice) is dict:
        group["tool_choice"] = _tool_choice(choice)
    form = params.get("response_format")
    if form is None and type(text := params.get("text")) is dict:
        form = text.get("format")
    if type(form) is dict and type(form.get("type")) is str:
        group["response_format"] = form["type"]
        if len(form) == 1 and "response_format" in params:
            del params["response_format"]
    elif type(form) is str:
        group["response_format"] = form
        params.pop("response_format", None)
    if params:
        group["params"] = flattened(params, "request", flags)
    llm["request"] = group


def _tool_choice(choice: Json) -> str:
    """`function:name`, or the type of another kind of choice."""
    inner = choice.get("function") or choice.get("custom")
    name = inner.get("name") if type(inner) is dict else choice.get("name")
    kind = choice.get("type")
    return ":".join(word for word in (kind, name) if type(word) is str) or "object"
