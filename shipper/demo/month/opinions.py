"""What people and checks say about an answer, and when. Random, but from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.demo.month import texts
from shipper.demo.month.rhythm import DAY_S
from shipper.demo.month.story import (
    BETTER,
    CHECKED,
    JUDGED,
    LATE,
    ORPHANED,
    POSITIVE_OF_CREDIT,
    REFUND,
    SLOGAN,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from shipper.demo.month.answers import Situation


@dataclass(frozen=True, slots=True)
class Opinion:
    """Arguments of `send_feedback` by name, its key, and when it is given (seconds since the epoch)."""

    event_id: str
    key: str
    at: float
    arguments: dict[str, Any]


def opinions_of(
    random: Random, situation: Situation, event_id: str, fields: dict[str, Any]
) -> Iterator[Opinion]:
    """What is said of one answer: mostly nothing."""
    if random.random() < JUDGED:
        yield _thumb(random, situation, event_id, fields)
    if random.random() < CHECKED:
        score = round(min(1.0, max(0.0, random.gauss(0.84, 0.12))), 3)
        said = {"name": "faithful", "value": score, "author": "nightly-check", "author_kind": "evaluator"}
        at = (situation.started_at // DAY_S + 1) * DAY_S + 3 * 3600 + random.uniform(0, 1800)
        yield Opinion(f"{event_id}-faithful", event_id, round(at, 3), said)


def _thumb(random: Random, situation: Situation, event_id: str, fields: dict[str, Any]) -> Opinion:
    is_good = random.random() < _chance(situation, fields)
    delay = random.uniform(1, 7) * DAY_S if random.random() < LATE else 15 + random.expovariate(1 / 240)
    said: dict[str, Any] = {"name": "helpful", "value": is_good, "author": situation.user, "channel": "web"}
    if situation.prompt.name == SLOGAN:
        said["choice_index"] = fields.get("selected_choice_index", 0)
    if not is_good:
        said |= _complaint(random, situation, fields)
    key = f"unknown-{event_id}" if random.random() < ORPHANED else event_id
    return Opinion(f"{event_id}-helpful", key, round(fields["ended_at"] + delay, 3), said)


def _chance(situation: Situation, fields: dict[str, Any]) -> float:
    """How likely a thumb up is."""
    if _promises_credit(fields):
        return POSITIVE_OF_CREDIT
    return situation.prompt.positive[situation.release.version]


def _complaint(random: Random, situation: Situation, fields: dict[str, Any]) -> dict[str, Any]:
    """Why not, and now and then what should have been said."""
    out: dict[str, Any] = {}
    about_credit = _promises_credit(fields)
    if random.random() < 0.5:
        out["comment"] = random.choice(texts.CREDIT_COMMENTS if about_credit else texts.COMMENTS)
    if random.random() < BETTER:
        out["better_response"] = texts.BETTER_REFUND if situation.prompt.name == REFUND else texts.BETTER
    return out


def _promises_credit(fields: dict[str, Any]) -> bool:
    response = fields.get("response")
    if not isinstance(response, dict):
        return False
    return texts.CREDIT in str(response["choices"][0]["message"].get("content"))
