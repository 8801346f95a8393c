"""From the arguments of a log call to the body of a spool entry: cheap, and without judging the content.

Everything that can wait (messages, text, cost, routing) is done by the sender. Here is only what must be known
before the call returns: the ids, and whether the caller's arguments make sense.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import orjson

from shipper import notice
from shipper.record.ids import new_event_id
from shipper.record.openai.embeddings import without_vectors

_PROMPT_FIELDS = {"prompt_name": "name", "prompt_version": "version", "prompt_variables": "variables"}


class Logged(NamedTuple):
    """What a log call gives back: the event's id, and every key that feedback may use."""

    event_id: str
    join_keys: list[str]


def loads(data: str | bytes | bytearray) -> Any:
    """JSON as Python reads it, with NaN and lone surrogates too; else the text itself. Never raises."""
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data)  # as openai's client does
    except (ValueError, RecursionError):
        return data if isinstance(data, str) else data.decode("utf-8", "replace")


def identify(event_id: object) -> tuple[str, bool]:
    """The caller's id as text and True, else a new one and False. Never raises."""
    if event_id is not None:
        text = _safely(event_id)
        if text.strip():
            return text, True
    return new_event_id(), False


def body_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a completion's entry from the arguments of `Application.log_completion`.

    Args:
        fields: arguments by name; None means "not given". `event_id`, `save` and `feedback` are not for the body.

    Never raises.
    """
    body: dict[str, Any] = {}
    prompt: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name in _PROMPT_FIELDS:
            prompt[_PROMPT_FIELDS[name]] = value
        else:
            body[name] = value
    if prompt:
        body["prompt"] = prompt
    for name in ("request", "response"):
        value = body.get(name)
        if isinstance(value, (str, bytes, bytearray)):
            body[name] = _parsed(value)
    if "error" in body:
        body["error"] = describe_error(body["error"])
    if "join_keys" in body:
        body["join_keys"] = as_texts(body["join_keys"])
    if body.get("selected_choice_index", 0) != 0:
        _check_selection(body)
    return body


def drop_vectors(body: dict[str, Any]) -> None:
    """Leave an embeddings response's vectors out: megabytes that nobody searches; their size is kept. Never raises."""
    response = body.get("response")
    if type(response) is not dict:
        if type(response).__name__ != "CreateEmbeddingResponse":
            return
        try:
            response = cast("Any", response).model_dump(mode="python")
        except Exception:
            return
    if response.get("object") == "list":
        body["response"] = without_vectors(response)


def join_keys_of(event_id: str, body: Mapping[str, Any]) -> list[str]:
    """Every key that feedback on this call may use: its id, the provider's, the caller's. Never raises."""
    keys = [event_id]
    response_id = provider_response_id(body.get("response"))
    if response_id:
        keys.append(response_id)
    if "join_keys" in body:
        keys.extend(body["join_keys"])
        return list(dict.fromkeys(keys))
    return keys


def as_texts(values: object) -> list[str]:
    """One key or several, as texts that are not empty. Never raises."""
    items: Sequence[object] = values if isinstance(values, (list, tuple)) else [values]
    texts = [_safely(item) for item in items if item is not None]
    return [text for text in texts if text.strip()]


def provider_response_id(response: object) -> str | None:
    """The provider's id of a response, of its object or of its stream's chunks. Never raises."""
    if isinstance(response, list) and response:
        first = cast("object", response[0])
        response = _get(first, "response") or first  # the Responses API wraps it into its events
    found = _get(response, "id")
    return found if isinstance(found, str) and found else None


def describe_error(error: object) -> object:
    """An exception as the fields of a record; texts and mappings stay as they are. Never raises."""
    if not isinstance(error, BaseException):
        return error
    described: dict[str, Any] = {"type": type(error).__name__, "message": _safely(error)}
    for name, attribute in (("code", "code"), ("status", "status_code"), ("request_id", "request_id")):
        value = _get(error, attribute)
        if isinstance(value, (str, int)):
            described[name] = value
    if error.__traceback__ is not None:
        described["stack_trace"] = _stack_trace(error)
    return described


def _check_selection(body: dict[str, Any]) -> None:
    """An index that no choice has: tell the developer, keep the record with index 0 and the fault flagged."""
    index = body["selected_choice_index"]
    available = _choice_indexes(body.get("response"))
    if type(index) is int and index >= 0 and (available is None or index in available):
        return
    body["selected_choice_index"] = 0
    body["selected_choice_invalid"] = True
    has = "the response has none" if not available else f"the response has {', '.join(map(str, available))}"
    notice.LOGGER.error(
        "selected_choice_index=%.100s names no choice (%s). The call is logged with choice 0 and flagged.",
        _safely(index),
        has,
        stacklevel=2,
    )


def _choice_indexes(response: object) -> list[int] | None:
    """The indexes of a response's choices; None when they can't be told from here."""
    if isinstance(response, list):
        chunks = cast("list[object]", response)
        choices = [choice for chunk in chunks for choice in _list(_get(chunk, "choices"))]
    else:
        found = _get(response, "choices")
        if found is None:
            return None if response is None else [0]
        choices = _list(found)
    indexes = [_get(choice, "index") for choice in choices]
    if all(index is None for index in indexes):
        return list(range(len(indexes)))
    return sorted({index for index in indexes if type(index) is int})


def _parsed(text: str | bytes | bytearray) -> object:
    """JSON text becomes what it says; other text stays."""
    value: object = loads(text)
    return value if isinstance(value, (dict, list)) else text


def _list(value: object) -> list[object]:
    return list(cast("Sequence[object]", value)) if isinstance(value, (list, tuple)) else []


def _get(source: object, name: str) -> Any:
    if type(source) is dict or isinstance(source, Mapping):
        return cast("Mapping[str, Any]", source).get(name)
    try:
        return getattr(source, name, None)
    except Exception:
        return None


def _safely(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return ""


def _stack_trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return ""
