"""Chats a line: OpenAI's fine-tuning examples, preference pairs, graded prompts, and stored completions.

https://platform.openai.com/docs/guides/supervised-fine-tuning : `{"messages": […], "tools": […]}`, the last message the
answer. https://platform.openai.com/docs/guides/direct-preference-optimization : `{"input": {"messages": […]},
"preferred_output": […], "non_preferred_output": […]}`, here the answer is the one that was not preferred and the other
the better response. https://platform.openai.com/docs/guides/reinforcement-fine-tuning : messages without an answer, and
what graders compare with; `reference_answer` is what is true. Examples have no time of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import FEEDBACK, Event, Format, Json, Kept, Rejected, share
from shipper.history.formats import stored
from shipper.history.formats.turns import object_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_PARAMETERS = frozenset(
    ["model", "tools", "functions", "parallel_tool_calls", "function_call", "response_format"]
)
_OF_EXAMPLE = _PARAMETERS | {"messages", "metadata", "weight"}
_TRUTH = "reference_answer"
_ANSWERED = frozenset(["response", "result", "choices", "completion", "output", "error", "request"])
_LEGACY = {"prompt", "completion"}
_UNSURE = 0.6  # rows of other kinds have messages too


def _is_example(value: Json) -> bool:
    return isinstance(value.get("messages"), list) and value.keys() <= _OF_EXAMPLE


def _is_graded(value: Json) -> bool:
    return isinstance(value.get("messages"), list) and value.keys().isdisjoint(_ANSWERED)


def _is_preference(value: Json) -> bool:
    return isinstance(value.get("preferred_output"), list) and isinstance(value.get("input"), dict)


def _is_sure(value: Json) -> bool:
    return (
        _is_example(value)
        or _is_preference(value)
        or stored.is_of_it(value)
        or value.keys() == _LEGACY
        or (_TRUTH in value and _is_graded(value))
    )


def _recognise(sample: Sequence[Any]) -> float:
    return max(
        share(sample, _is_sure), _UNSURE * share(sample, lambda value: _is_sure(value) or _is_graded(value))
    )


def _keep(value: Any) -> Iterator[Kept]:
    if isinstance(value, dict):
        yield from stored.kept(value)


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "an example is a JSON object")
    if stored.is_of_it(value):
        yield from stored.events(value, lookup)
    elif _is_preference(value):
        yield from _preference(value)
    elif value.keys() == _LEGACY:
        choice = {"index": 0, "text": value["completion"]}
        yield Event({"request": {"prompt": value["prompt"]}, "response": {"choices": [choice]}})
    elif _is_graded(value) and value["messages"]:
        yield from _example(value)
    else:
        raise Rejected("no_chat", "no messages, no preferred_output and no choices are in it")


def _example(value: Json) -> Iterator[Event]:
    messages: list[Any] = value["messages"]
    request = {name: one for name, one in value.items() if name in _PARAMETERS and one is not None}
    call: Json = {"request": {**request, "messages": messages}}
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") == "assistant":
        call["request"]["messages"] = messages[:-1]
        call["response"] = {"choices": [{"index": 0, "message": last}]}
    others = {name: one for name, one in value.items() if name not in (*_PARAMETERS, "messages", _TRUTH)}
    metadata = others.pop("metadata", None)
    if attributes := {**others, **(object_of(metadata) or ({"metadata": metadata} if metadata else {}))}:
        call["request_attributes"] = attributes
    yield Event(call)
    if value.get(_TRUTH) is not None:
        name = "ground_truth"
        truth = {"name": name, "author": name, "author_kind": name, "ground_truth": value[_TRUTH]}
        yield Event(truth, FEEDBACK)


def _preference(value: Json) -> Iterator[Event]:
    others, preferred = value.get("non_preferred_output") or [], value["preferred_output"]
    choices = [{"index": index, "message": one} for index, one in enumerate((*others[-1:], *preferred[-1:]))]
    yield Event({"request": value["input"], "response": {"choices": choices}})
    if not preferred or not isinstance(preferred[-1], dict):
        return
    judged: Json = {"name": "preferred", "author_kind": "human", "choice_index": 0}
    if isinstance(text := preferred[-1].get("content"), str):
        judged["better_response"] = text
    yield Event({**judged, "value": False}, FEEDBACK)


FORMAT = Format("chats", _recognise, _events, _keep)
