"""What becomes known of a call after it was logged: verdicts, truths, amendments. The road is the completions' own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipper.capture.application import Application
from shipper.capture.call import describe_error, identify
from shipper.capture.checks import (
    NOTHING_LOGGED,
    check_id,
    check_key,
    check_score,
    check_time,
    described,
    plain_number,
)
from shipper.capture.judgement import NOT_GIVEN, events_of
from shipper.errors import UsageError
from shipper.record.entry import Call
from shipper.record.feedback import AMENDMENT
from shipper.record.ids import new_event_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

GROUND_TRUTH = "ground_truth"
_LARGEST_COST = 1e15


def send_feedback(
    key: str,
    *,
    name: str | None = None,
    value: object = NOT_GIVEN,
    rating: float | bool | None = None,
    scale: Sequence[float] | None = None,
    choice_index: int | None = None,
    comment: str | None = None,
    better_response: str | None = None,
    author: object = None,
    author_kind: str = "human",
    channel: str | None = None,
    event_id: object = None,
    created_at: datetime | str | float | None = None,
    application: Application | str | None = None,
) -> str:
    """Say what somebody or something thinks of a call, seconds or months after it.

    Args:
        key: which call: its event id, the provider's response id, the caller's own join key, or
            `JoinKey.from_dict`'s. A caller's own key is looked for among the application's calls only.
        name: what is judged, such as `helpful`. None: `rating`, or after what is given without a score.
        value: the verdict. A number from 0 (bad) to 1 (good) or a boolean is a score, a text is a label; of a dict
            each score becomes an event by its name. Anything else is kept and can be searched. None takes back what
            the same author said under the same name.
        rating: a value that has to be a number or a boolean.
        scale: the worst and the best number, if these are not 0 and 1.
        choice_index: the one of n choices that it is about; None: the call.
        comment: the reasons, in words.
        better_response: what the answer should have been.
        author: who judged. A later verdict of the same author on the same name and choice replaces the earlier one;
            without an author each counts on its own.
        author_kind: `human`, `implicit`, `evaluator` or `ground_truth`.
        channel: where it was given.
        event_id: the caller's own id; the same event sent again counts once.
        created_at: when it was given, if not now.
        application: the application that it belongs to, or its name; None takes the configured one.

    Returns:
        The event's id. Of a dict with several scores it is what their ids begin with.

    Raises:
        UsageError: it can't be meant as it stands; nothing was logged.
        SettingsError: the environment or the settings file is wrong.
    """
    return send_judgement(
        key,
        {
            "name": name,
            "value": value,
            "rating": rating,
            "scale": scale,
            "choice_index": choice_index,
            "comment": comment,
            "better_response": better_response,
            "author": author,
            "author_kind": author_kind,
            "channel": channel,
            "created_at": created_at,
        },
        event_id=event_id,
        application=application,
    )


def send_ground_truth(
    key: str,
    value: object,
    *,
    choice_index: int | None = None,
    event_id: object = None,
    created_at: datetime | str | float | None = None,
    application: Application | str | None = None,
) -> str:
    """Say what turned out to be true of a call, for `shipper evaluate`. A later truth replaces an earlier one.

    Args:
        key: which call, as in `send_feedback`.
        value: any JSON; None takes an earlier one back.
        choice_index: the one of n choices that it is about; None: the call.
        event_id: the caller's own id; the same event sent again counts once.
        created_at: when it became known, if not now.
        application: the application that it belongs to, or its name; None takes the configured one.

    Returns:
        The event's id.

    Raises:
        UsageError, SettingsError: as `send_feedback`.
    """
    said: dict[str, Any] = {"value": None} if value is None else {GROUND_TRUTH: value}
    return send_judgement(
        key,
        {
            **said,
            "name": GROUND_TRUTH,
            "author": GROUND_TRUTH,
            "author_kind": GROUND_TRUTH,
            "choice_index": choice_index,
            "created_at": created_at,
        },
        event_id=event_id,
        application=application,
    )


def amend(
    event_id: str,
    *,
    output: object = None,
    error: object = None,
    cost: float | Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    created_at: datetime | str | float | None = None,
    application: Application | str | None = None,
) -> str:
    """Complete or correct a call that was logged, or will be. The latest amendment of each part wins.

    Args:
        event_id: the call's event id (or another of its join keys).
        output: the answer, in place of the logged one: a text, a provider's response, or any JSON. Tokens in a
            response are priced anew.
        error: what went wrong: an exception, a text, or a dict with type, message, code, status.
        cost: what the call cost (US dollars, or amount, currency, input, output).
        attributes: the caller's own metadata of the answer; each key is a part of its own.
        created_at: when it became known, if not now.
        application: the application that the call belongs to, or its name; None takes the configured one.

    Returns:
        The amendment's own id.

    Raises:
        UsageError: it can't be meant as it stands; nothing was logged.
        SettingsError: the environment or the settings file is wrong.
    """
    target = check_key(event_id)
    fields: dict[str, Any] = {}
    if output is not None:
        fields["output"] = output
    if error is not None:
        fields["error"] = describe_error(error)
    if cost is not None:
        fields["cost"] = _cost(cost)
    if attributes is not None:
        fields["attributes"] = _attributes(attributes)
    if not fields:
        raise UsageError(f"The amendment is empty: give output, error, cost or attributes. {NOTHING_LOGGED}")
    body: dict[str, Any] = {"target_id": target, "fields": fields}
    if created_at is not None:
        body["created_at"] = check_time(created_at, "created_at")
    identity = new_event_id()
    application_of(application).append(Call(AMENDMENT, identity, False, time.time_ns(), body))
    return identity


def send_judgement(
    key: object,
    arguments: Mapping[str, Any],
    *,
    event_id: object = None,
    application: Application | str | None = None,
    check_only: bool = False,
) -> str:
    """`send_feedback` by its arguments' names; for callers that have them in a dict, or only want them checked.

    Raises:
        UsageError, SettingsError: as `send_feedback`.
    """
    if event_id is not None:
        check_id(event_id, "event_id")
    identity, given = identify(event_id)
    events = events_of(key, arguments, identity, given=given)
    target = application_of(application)
    for event in () if check_only else events:
        target.append(event)
    return identity


def application_of(application: Application | str | None) -> Application:
    """The application itself, or the one of that name with the process's settings; None: the configured one.

    Raises:
        SettingsError: the environment or the settings file is wrong.
    """
    return application if isinstance(application, Application) else Application(application)


def _cost(cost: object) -> object:
    if isinstance(cost, Mapping):
        if not {"amount", "input", "output"} & cost.keys():
            raise UsageError(
                f"cost is {described(cost)}; as a dict it has an amount, or input and output, and a currency. "
                f"{NOTHING_LOGGED}"
            )
        for part in ("amount", "input", "output"):
            if part in cost:
                _amount(cost[part], f"cost[{part!r}]")
        return cost
    return _amount(cost, "cost")


def _amount(value: object, what: str) -> float:
    number = plain_number(value)
    if number is None or isinstance(number, bool):
        raise UsageError(f"{what} is {described(value)}; it has to be a number. {NOTHING_LOGGED}")
    return check_score(number, [0.0, _LARGEST_COST], what)


def _attributes(attributes: object) -> object:
    if not isinstance(attributes, Mapping) or not attributes:
        raise UsageError(
            f"attributes is {described(attributes)}; it is a dict of the caller's metadata. {NOTHING_LOGGED}"
        )
    return attributes
