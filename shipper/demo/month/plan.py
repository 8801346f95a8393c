"""The month as data: a pure function of seed, end, days and number of calls."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from shipper.demo.month.answers import Situation, embedded, failed, spoken
from shipper.demo.month.opinions import opinions_of
from shipper.demo.month.rhythm import DAY_S, Rhythm, outage
from shipper.demo.month.story import (
    CLASHES,
    FILTERED,
    OUTAGE_FAILING,
    PROMPTS,
    RATE_LIMITED,
    REFUSED,
    SEARCH,
    SERVER_ERROR,
    SLOGAN,
    TIMED_OUT,
    release_of,
)
from shipper.demo.month.texts import Filling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.demo.month.opinions import Opinion
    from shipper.demo.month.story import Prompt

_USERS = 160
_MOST_TURNS = 8


@dataclass(frozen=True, slots=True)
class Call:
    """One call: arguments of `Application.record` by name."""

    event_id: str
    version: str
    fields: dict[str, Any]


@dataclass(slots=True)
class Month:
    """Everything that is logged, each list in the order of time."""

    calls: list[Call] = field(default_factory=list[Call])
    opinions: list[Opinion] = field(default_factory=list["Opinion"])
    clashes: list[Call] = field(default_factory=list[Call])
    """Other calls under ids that are taken."""


def name_of(*, seed: int, end: float, days: int, calls: int) -> str:
    """What the ids of a month's calls begin with."""
    return hashlib.blake2b(f"{seed}/{end}/{days}/{calls}".encode(), digest_size=4).hexdigest()


def plan_month(*, seed: int, end: float, days: int, calls: int) -> Month:
    """Think up a month.

    Args:
        seed: another one makes another month.
        end: its last moment, seconds since the epoch.
        days: how long it is.
        calls: how many there are in it.

    Never raises for positive numbers.
    """
    random = Random(f"{seed}/{days}/{calls}")
    begin = end - days * DAY_S
    name = name_of(seed=seed, end=end, days=days, calls=calls)
    situations = sorted(_conversations(random, begin, end, calls), key=lambda one: one.started_at)
    month = Month()
    latest: dict[str, str] = {}
    away = outage(begin, end)
    for number, situation in enumerate(situations):
        event_id = f"{name}-{number:06d}"
        fields, is_answered = _outcome(random, situation, event_id, away)
        if situation.session_id:
            fields |= {"session_id": situation.session_id, "turn": situation.turn}
            fields["previous_event_id"] = latest.get(situation.session_id)
            latest[situation.session_id] = event_id
        month.calls.append(Call(event_id, situation.release.version, fields))
        if is_answered:
            month.opinions += [
                one for one in opinions_of(random, situation, event_id, fields) if one.at < end
            ]
    month.opinions.sort(key=lambda one: (one.at, one.event_id))
    month.clashes = _clashes(random, month.calls)
    return month


def _conversations(random: Random, begin: float, end: float, calls: int) -> Iterator[Situation]:
    """Calls of all conversations, so many in total."""
    rhythm = Rhythm(begin, end)
    users = [f"user-{number:03d}" for number in range(1, _USERS + 1)]
    weights = [1 / rank**0.7 for rank in range(1, _USERS + 1)]
    made = number = 0
    while made < calls:
        number += 1
        began = rhythm.moment(random)
        release = release_of((began - begin) / (end - begin), random.random())
        prompt: Prompt = random.choices(PROMPTS, [one.share for one in PROMPTS])[0]
        alone = prompt.name in (SEARCH, SLOGAN)
        turns = 1 if alone else min(_MOST_TURNS, 1 + int(random.expovariate(0.9)), calls - made)
        user = random.choices(users, weights)[0]
        filling = Filling(random)
        environment = "staging" if random.random() < 0.05 else "production"
        moment = began
        for turn in range(1, turns + 1):
            session = "" if alone else f"chat-{began:.0f}-{number}"
            yield Situation(release, prompt, user, session, turn, min(moment, end - 60), filling, environment)
            moment += random.uniform(20, 180)
        made += turns


def _outcome(
    random: Random, situation: Situation, event_id: str, away: tuple[float, float]
) -> tuple[dict[str, Any], bool]:
    """The call's fields, and whether there is an answer to judge."""
    is_away = away[0] <= situation.started_at < away[1]
    drawn = random.random()
    if is_away and drawn < OUTAGE_FAILING:
        kind = "timeout" if random.random() < 0.35 else "unavailable"
        return failed(random, situation, kind, retries=1), False
    if drawn > 1 - RATE_LIMITED:
        return failed(random, situation, "rate_limit", retries=random.choice((1, 2))), False
    if drawn > 1 - RATE_LIMITED - SERVER_ERROR:
        return failed(random, situation, "server", retries=1), False
    if drawn > 1 - RATE_LIMITED - SERVER_ERROR - TIMED_OUT:
        return failed(random, situation, "timeout", retries=0), False
    if situation.prompt.name == SEARCH:
        return embedded(random, situation), False
    ending = "stop"
    fate = random.random()
    if fate < REFUSED:
        ending = "refusal"
    elif fate < REFUSED + FILTERED:
        ending = "content_filter"
    elif fate < REFUSED + FILTERED + situation.release.cut_off:
        ending = "length"
    slowness = math.exp(random.gauss(1.3, 0.4)) if is_away else 1.0
    return spoken(random, situation, event_id, ending=ending, slowness=slowness), ending == "stop"


def _clashes(random: Random, calls: list[Call]) -> list[Call]:
    """Calls that somebody logs under an id that is taken: a counter that began anew, say."""
    answered = [one for one in calls if "response" in one.fields]
    out: list[Call] = []
    for one in random.sample(answered, min(CLASHES, len(answered))):
        request = {**one.fields["request"], "user": "a-counter-that-began-anew"}
        out.append(Call(one.event_id, one.version, {**one.fields, "request": request}))
    return out
