"""From what somebody says about a call to the events that are logged of it; faults are told before anything is logged.

A dict says several things at once. Each score in it becomes an event of its own, named by its key; its other values
stay together, on the first of them. So the store has one evaluation in each document, and a name to group by.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, cast

from shipper import notice
from shipper.capture.checks import (
    NAME_MAX,
    NOTHING_LOGGED,
    check_id,
    check_index,
    check_key,
    check_kind,
    check_name,
    check_scale,
    check_score,
    check_text,
    check_time,
    described,
    plain_number,
)
from shipper.errors import UsageError
from shipper.record.entry import Call

DATASET: Final = "llm.feedback"
DEFAULT_NAME: Final = "rating"

_TEXTS = ("better_response", "comment")
_ARGUMENTS = frozenset(
    [
        *("rating", "scale", "choice_index", "author", "author_kind", "channel", "event_id", "created_at"),
        *("ground_truth", *_TEXTS),
    ]
)
_NAMED_AFTER = ("better_response", "ground_truth", "values", "comment")  # without a score


class Missing(Enum):
    """The type of `NOT_GIVEN`: None is a value here, the one that takes feedback back."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = Missing.NOT_GIVEN


def judgements_of(key: object, feedback: object, event_id: str, *, given: bool) -> list[Call]:
    """The events of one row of `Application.log`'s feedbacks, now.

    Raises:
        UsageError: says what can't be meant.
    """
    arguments = arguments_of(feedback)
    if (own := arguments.get("event_id")) is not None:
        event_id, given = check_id(own, "event_id"), True
    return events_of(key, arguments, event_id, given=given)


def first_judgements_of(event_id: str, feedback: object, *, given: bool) -> list[Call]:
    """The events of the feedback that is logged with a call; their ids follow from the call's.

    Feedback that can't be meant is told to the developer, and kept as a value without a score. Never raises.
    """
    own_id = f"{event_id}.feedback"
    try:
        return judgements_of(event_id, feedback, own_id, given=given)
    except UsageError as error:
        told = str(error).replace(NOTHING_LOGGED, "It is kept as a value without a score.")
        notice.LOGGER.error("The feedback of call %.100s: %s", event_id, told, stacklevel=5)
        kept = {"join_keys": [event_id], "name": "values", "values": feedback}
        return [Call(DATASET, own_id, given, time.time_ns(), kept)]


def arguments_of(feedback: object) -> dict[str, Any]:
    """A row of feedback as arguments of `send_feedback`.

    Anything but a dict is a value. Of a dict, the keys that are names of arguments mean these (`name` and `value`
    only where both are there); the others are the value.

    Raises:
        UsageError: the dict is empty, or has a name and a value and more.
    """
    if not isinstance(feedback, Mapping):
        return {"value": feedback}
    row = cast("Mapping[Any, Any]", feedback)
    if not row:
        raise UsageError(f"The feedback is an empty dict. {NOTHING_LOGGED}")
    known = {*_ARGUMENTS, "name", "value"} if {"name", "value"} <= row.keys() else _ARGUMENTS
    arguments: dict[str, Any] = {key: value for key, value in row.items() if key in known}
    others = {key: value for key, value in row.items() if key not in known}
    if others and "value" in arguments:
        raise UsageError(
            f"The feedback has a name and a value, and besides {', '.join(map(str, others)):.200}: give one value "
            f"with its name, or several by their names. {NOTHING_LOGGED}"
        )
    if others:
        arguments["value"] = others
    return arguments


def events_of(key: object, arguments: Mapping[str, Any], event_id: str, *, given: bool) -> list[Call]:
    """The events that say it: one, or one for each score in a dict.

    Args:
        key: the join key of the call that it is about.
        arguments: those of `send_feedback` by name; None means "not given", but for `value`, where it takes back.
        event_id: id of the event, and the beginning of their ids when there are several.
        given: whether the caller chose it.

    Raises:
        UsageError: says what can't be meant.
    """
    arguments = _as_truth(arguments)
    bodies = _bodies(arguments, {"join_keys": [check_key(key)], **_circumstances(arguments)})
    now = time.time_ns()
    if len(bodies) == 1:
        return [Call(DATASET, event_id, given, now, bodies[0])]
    return [Call(DATASET, f"{event_id}.{body['name']}", given, now, body) for body in bodies]


def _as_truth(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who says only what is true judges nothing: it is the truth's, so that a later one replaces it."""
    scored = arguments.get("value", NOT_GIVEN) is not NOT_GIVEN or arguments.get("rating") is not None
    if scored or arguments.get("ground_truth") is None:
        return arguments
    said = {name: value for name, value in arguments.items() if value is not None}
    return {"name": "ground_truth", "author": "ground_truth", "author_kind": "ground_truth", **said}


def _circumstances(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What is the same for every event: who, where, when, on which choice, on which scale."""
    out: dict[str, Any] = {"author_kind": check_kind(arguments.get("author_kind"))}
    for name in ("author", "channel"):
        if (value := arguments.get(name)) is not None:
            out[name] = check_id(value, name)
    if (index := arguments.get("choice_index")) is not None:
        out["choice_index"] = check_index(index)
    for name in ("created_at", "target_at"):  # the latter of our own importers: when the call was
        if (time_of := arguments.get(name)) is not None:
            out[name] = check_time(time_of, name)
    if (scale := check_scale(arguments.get("scale"))) is not None:
        out["scale"] = scale
    if (origin := arguments.get("import")) is not None:  # of our own importers: file and line
        out["import"] = origin
    return out


def _bodies(arguments: Mapping[str, Any], shared: dict[str, Any]) -> list[dict[str, Any]]:
    name = check_name(arguments.get("name"))
    extras = _extras(arguments)
    value = _value(arguments, shared.get("scale"))
    if value is None:
        return [_withdrawal(name, extras, shared)]
    named, rest = _said(value, name, shared.get("scale"))
    if rest is not None:
        extras["values"] = rest
    if named:
        first, *others = ({**shared, "name": each, "value": said} for each, said in named)
        return [{**first, **extras}, *others]
    if not extras:
        raise UsageError(
            "The feedback says nothing: give a value (value=None takes an earlier one back), a rating, a better "
            f"response or a comment. {NOTHING_LOGGED}"
        )
    return [{**shared, "name": name or next(field for field in _NAMED_AFTER if field in extras), **extras}]


def _extras(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What comes with a score or alone."""
    out: dict[str, Any] = {
        name: check_text(value, name) for name in _TEXTS if (value := arguments.get(name)) is not None
    }
    for name in ("ground_truth", "values"):
        if (value := arguments.get(name)) is not None:
            out[name] = value
    return out


def _value(arguments: Mapping[str, Any], scale: list[float] | None) -> object:
    """What was said: the value or the rating; None takes back, `NOT_GIVEN` says nothing."""
    value: object = arguments.get("value", NOT_GIVEN)
    rating = arguments.get("rating")
    if rating is None:
        return value
    number = plain_number(rating)
    if number is None:
        raise UsageError(
            f"rating is {described(rating)}; it has to be a number or a boolean. {NOTHING_LOGGED}"
        )
    number = check_score(number, scale, "rating")
    if isinstance(value, Mapping) and DEFAULT_NAME not in value:  # a dict's rating and its other values
        return {DEFAULT_NAME: number, **cast("Mapping[Any, Any]", value)}
    if value is not NOT_GIVEN:
        raise UsageError(
            f"Give rating or value, not both: a rating is a value that is a number. {NOTHING_LOGGED}"
        )
    return number


def _withdrawal(name: str | None, extras: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    if set(extras) - {"comment"}:
        raise UsageError(
            f"value=None takes feedback back, and can't come with {', '.join(sorted(extras))}. {NOTHING_LOGGED}"
        )
    if "author" not in shared:
        raise UsageError(
            "value=None takes back what an author has said under this name: give the author that it was sent with. "
            f"Feedback without an author can't be taken back, since nobody can tell whose it was. {NOTHING_LOGGED}"
        )
    return {**shared, "name": name or DEFAULT_NAME, "withdrawn": True, **extras}


def _said(value: object, name: str | None, scale: list[float] | None) -> tuple[list[tuple[str, Any]], object]:
    """The scores and labels by their names, and what else there is (None: nothing)."""
    if value is NOT_GIVEN:
        return [], None
    if isinstance(value, (Mapping, list, tuple)) and not value:
        raise UsageError(f"The value is empty: {described(value)}. {NOTHING_LOGGED}")
    if isinstance(value, Mapping):
        return _taken_apart(cast("Mapping[Any, Any]", value), name, scale)
    if isinstance(value, str):
        return [(name or DEFAULT_NAME, check_text(value, "value"))], None
    number = plain_number(value)
    if number is not None:
        return [(name or DEFAULT_NAME, check_score(number, scale, "value"))], None
    return [], value


def _taken_apart(
    values: Mapping[Any, Any], name: str | None, scale: list[float] | None
) -> tuple[list[tuple[str, Any]], dict[Any, Any] | None]:
    """The scores in a dict by their names, and what else is in it."""
    named: list[tuple[str, Any]] = []
    rest: dict[Any, Any] = {}
    for key, value in values.items():
        number = plain_number(value)
        if number is None or not isinstance(key, str) or not key.strip() or len(key) > NAME_MAX:
            rest[key] = value
        elif scale is None and math.isfinite(number) and not 0 <= number <= 1:
            rest[key] = value
            notice.warn(
                "feedback beyond 0 to 1",
                f"Feedback {key!r} is {number!r}, not within 0 to 1: it is kept as a value, not as a score. If it "
                "is one, say its scale: send_feedback(key, name=…, value=4, scale=(1, 5)).",
            )
        else:
            named.append((f"{name}.{key}" if name else key, check_score(number, scale, key)))
    return named, rest or None
