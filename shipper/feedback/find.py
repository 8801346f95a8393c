"""Which completions an event is about: one search for the keys of a whole batch, taken apart only when it overflows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from elasticsearch import ApiError

from shipper.feedback import plan
from shipper.feedback.documents import Completion, Event, Place
from shipper.feedback.requests import PAGE_MAX, TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shipper.feedback.requests import Requests

_LEAST = 1000

TOO_MANY: Final = f"the key is on more than {PAGE_MAX:,} completions"
NO_KEY: Final = "the event has no join key"


@dataclass(slots=True)
class Found:
    """What was found for one event."""

    event: Event
    completions: dict[Place, Completion] = field(default_factory=dict[Place, Completion])
    by_own_key: bool = False
    """Whether a key of the caller's led to one, which may stand on more to come; an id stands on one."""
    refused: str = ""
    """Why the event is given up without being joined; empty when it isn't."""


def find(requests: Requests, events: Sequence[Event], window: int | None) -> list[Found]:
    """What the events are about, in their order.

    Args:
        requests: the store.
        events: a batch.
        window: how far back a completion may lie, days; None: anywhere.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for key in event.keys:
            wanted[key].add(event.application)
    everywhere = (plan.EVERYWHERE,)
    patterns = everywhere if window is None else plan.patterns_of((one.moment for one in events), window)
    by_key, too_many = _completions(requests, wanted, patterns)
    return [_matched(event, by_key, too_many, window) for event in events]


def _matched(
    event: Event,
    by_key: dict[str, list[Completion]],
    too_many: set[tuple[str, str]],
    window: int | None,
) -> Found:
    """A caller's own key counts within its application; an event's id and a provider's response id everywhere."""
    found = Found(event)
    if not event.keys:
        found.refused = NO_KEY
    elif too_many and any((key, event.application) in too_many for key in event.keys):
        found.refused = TOO_MANY
    else:
        for key in event.keys:
            for completion in by_key.get(key, ()):
                place = completion.stored.place
                if window is not None and not plan.is_within(event.moment, place.index, window):
                    continue
                is_id = key in (completion.event_id, completion.response_id)
                if is_id or event.application == completion.application:
                    found.completions[place] = completion
                    found.by_own_key |= not is_id
    return found


def _completions(
    requests: Requests, wanted: dict[str, set[str]], patterns: Sequence[str]
) -> tuple[dict[str, list[Completion]], set[tuple[str, str]]]:
    """The completions by key, and the keys that stand on too many in an application."""
    by_key: dict[str, list[Completion]] = defaultdict(list)
    too_many: set[tuple[str, str]] = set()
    batches = [sorted(wanted)] if wanted else []
    while batches:
        keys = batches.pop()
        at_once = max(1, min(PAGE_MAX // 2, requests.hits_at_once))
        if len(keys) > at_once:
            batches.append(keys[at_once:])
            keys = keys[:at_once]
        found = _page(requests, keys, patterns)
        if found is not None:
            _sort_in(found, keys, by_key)
        elif len(keys) > 1:
            half = len(keys) // 2
            batches += [keys[:half], keys[half:]]
        else:
            for application in sorted(wanted[keys[0]]):
                query = _own_query(keys[0], application)
                if requests.count(patterns, query, PAGE_MAX + 1) > PAGE_MAX:
                    too_many.add((keys[0], application))
                else:
                    _sort_in(requests.completions(patterns, query, PAGE_MAX), keys, by_key)
    return by_key, too_many


def _page(requests: Requests, keys: list[str], patterns: Sequence[str]) -> list[Completion] | None:
    """All completions that have one of the keys; None if a page, or the store's memory, doesn't hold them.

    They are read whole, which spares the store to read them again when they are written.
    """
    query = {"bool": {"filter": [{"terms": {"llm.join.key": keys}}]}}
    size = min(PAGE_MAX, max(_LEAST, 2 * len(keys)))
    try:
        found = requests.completions(patterns, query, size, True)
    except ApiError as error:
        if error.meta.status != TOO_MUCH:
            raise
        if len(keys) > 1:
            return None
        found = requests.completions(patterns, query, size)
    return found if len(found) < size else None


def _own_query(key: str, application: str) -> dict[str, Any]:
    """A key as an event of the application means it: another application's use of the same key doesn't count."""
    meant: list[dict[str, Any]] = [
        {"term": {"event.id": key}},
        {"term": {"gen_ai.response.id": key}},
        {"term": {"llm.application.name": application}},
    ]
    if application == "default":
        meant.append({"bool": {"must_not": [{"exists": {"field": "llm.application.name"}}]}})
    keyed = {"term": {"llm.join.key": key}}
    return {"bool": {"filter": [keyed, {"bool": {"should": meant, "minimum_should_match": 1}}]}}


def _sort_in(
    completions: Iterable[Completion], keys: Sequence[str], by_key: dict[str, list[Completion]]
) -> None:
    asked = set(keys)
    for completion in completions:
        for key in asked.intersection(completion.keys):
            by_key[key].append(completion)
