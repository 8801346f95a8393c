"""What an amendment sets in a completion: its fields as parts, each of which is replaced as a whole or not at all.

A part is a set of fields that belong together, since half of an answer and half of another is no answer. What a part
holds follows from the amendment alone, never from the completion that it is put into.
"""

from __future__ import annotations

from typing import Any, Final

from shipper.record.completion import completion

Json = dict[str, Any]

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "output": (
        "gen_ai.output",
        "gen_ai.response.finish_reasons",
        "llm.output",
        "llm.outputs",
        "llm.choices",
        "llm.selected_choice_index",
        "llm.tool",
    ),
    "response": ("gen_ai.response.id", "gen_ai.response.model"),
    "usage": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read",
        "gen_ai.usage.cache_write",
        "gen_ai.usage.reasoning",
        "llm.usage",
    ),
    "cost": ("gen_ai.usage.cost", "llm.cost"),
    "error": ("error", "http"),
    "outcome": ("event.outcome",),
}
ATTRIBUTES: Final = "llm.attributes.response"
ATTRIBUTE_PART: Final = "attributes."
CONTENT: Final = frozenset({"output"})
"""Parts that must not get into a completion whose content is not to be stored; nor may attributes."""


def parts_of(fields: Any) -> dict[str, Json]:
    """The parts that an amendment's fields set: by part, values by the dotted names of the completion's fields.

    Args:
        fields: `llm.amendment.fields`: any of output, error, cost, attributes.

    Never raises for JSON.
    """
    if type(fields) is not dict:
        return {}
    call: Json = {name: fields[name] for name in ("error", "cost") if fields.get(name) is not None}
    if (output := fields.get("output")) is not None:
        call |= _answer(output)
    if (attributes := fields.get("attributes")) is not None:
        call["response_attributes"] = attributes
    document = completion({"at": 0, "id": "", "dataset": "llm.completion", "call": call})
    parts: dict[str, Json] = {}
    for part, names in PARTS.items():
        found = {name: value for name in names if (value := value_at(document, name)) is not None}
        if found:
            parts[part] = found
    if output is None:
        parts.pop("output", None)
        if "error" not in call:
            parts.pop("outcome", None)
    for key, value in (value_at(document, ATTRIBUTES) or {}).items():
        parts[f"{ATTRIBUTE_PART}{key}"] = {key: value}
    return parts


def set_part(document: Json, part: str, values: Json) -> None:
    """Replace a part of a completion: what the part has no value for is removed. Never raises."""
    if part.startswith(ATTRIBUTE_PART):
        group = _object_at(document, ATTRIBUTES)
        group.update(values)
        return
    for name in PARTS.get(part, ()):
        parent, _, leaf = name.rpartition(".")
        if name in values:
            _object_at(document, parent)[leaf] = values[name]
        else:
            remove(document, name)


def value_at(document: Json, name: str) -> Any:
    """The value of a dotted name; None where there is none. Never raises."""
    value: Any = document
    for key in name.split("."):
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


def remove(document: Json, name: str) -> None:
    """Remove a dotted name, and the objects that are left empty. Never raises."""
    parent, _, leaf = name.rpartition(".")
    group = value_at(document, parent) if parent else document
    if type(group) is dict and leaf in group:
        del group[leaf]
        if not group and parent:
            remove(document, parent)


def _answer(output: Any) -> Json:
    """The output as the response of a call."""
    if type(output) is not str:
        return {"response": output}
    choice = {"index": 0, "message": {"role": "assistant", "content": output}}
    return {"response": {"choices": [choice]}, "api": "chat_completions"}


def _object_at(document: Json, name: str) -> Json:
    """The object of a dotted name, made where it is missing."""
    group = document
    for key in filter(None, name.split(".")):
        inner = group.get(key)
        if type(inner) is not dict:
            inner = group[key] = {}
        group = inner
    return group
