"""Which completions events are about: where they lie, and nothing else of them.

A page holds 10,000 hits. As long as there are far fewer keys, one search over all partitions brings everything; then as
many indices are asked at once as have so many hits, going by their documents, and when that was wrong, by the hits that
each of them turned out to have. Of an index with too many for a page each search takes a share of the keys.

A search takes its keys to each shard, which sorts them and walks through them in each of its segments: that is nearly
all that it costs. So each shard is asked once in a round; and an index with few documents for so many keys is asked
for the keys of all of its documents.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from elasticsearch import ApiError

from shipper.feedback import plan
from shipper.feedback.requests import PAGE_MAX, TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shipper.feedback.documents import Completion, Event, Match, Place
    from shipper.feedback.requests import Hit, Requests

Keys = list[str]

_KEYS_MAX = 65_536  # of one clause: index.max_terms_count
_NAMES_BYTES = 3500  # of the address, of which Elasticsearch takes 4,096
_MOST = 250_000  # events times completions of a round
_KEYS_PER_DOCUMENT = 50  # as many cost a shard as much to look for as a document to name its own keys
_EVERY: Final[dict[str, Any]] = {"match_all": {}}

TOO_MANY: Final = f"the key is on more than {PAGE_MAX:,} completions"
NO_KEY: Final = "the event has no join key"


@dataclass(slots=True, eq=False)
class Found:
    """An event, and what became of it in a round."""

    event: Event
    holding: dict[Place, Match] = field(default_factory=dict["Place", "Match"])
    """The completions that hold it."""
    by_own_key: bool = False
    """Whether a key of the caller's led to one, which may stand on more to come; an id stands on one."""
    refused: str = ""
    """Why the event is given up without being joined; empty when it isn't."""
    fault: str = ""
    """Why one of its completions could not be written; empty when all were."""

    def is_about(self, completion: Completion) -> bool:
        """Whether the completion is meant by one of its keys."""
        return any(completion.is_meant_by(key, self.event.application) for key in self.event.keys)

    def has_own_key_of(self, completion: Completion) -> bool:
        """Whether one of these keys is the caller's own."""
        return any(
            not completion.is_id(key)
            for key in self.event.keys
            if completion.is_meant_by(key, self.event.application)
        )


About = dict["Place", list[Found]]
"""The events that may be about each completion: which application it is of, it says itself."""


def find(requests: Requests, found: Sequence[Found], window: int | None) -> About | None:
    """Where the completions of some events lie. Those that can't be joined are marked as refused.

    Args:
        requests: the store.
        found: the events.
        window: how far back a completion may lie, days; None: anywhere.

    Returns:
        None when they are too many to be kept at once: try it with fewer events.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    wanted: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        if not one.event.keys:
            one.refused = NO_KEY
        for key in one.event.keys:
            wanted[key].append(one)
    everywhere = (plan.EVERYWHERE,)
    patterns = everywhere if window is None else plan.patterns_of((one.event.moment for one in found), window)
    by_key: dict[str, list[Place]] = {}
    pairs = 0
    for hit in _hits(requests, sorted(wanted), patterns):
        for key in hit.keys:
            places = by_key.setdefault(key, []) if key in wanted else None
            if places is not None and len(places) < PAGE_MAX:  # a crowd, which is looked at again
                places.append(hit.place)
                pairs += len(wanted[key])
        if pairs > _MOST and len(found) > 1:
            return None
    about: About = defaultdict(list)
    for key, places in by_key.items():
        if len(places) >= PAGE_MAX:
            _sort_crowd(requests, key, wanted[key], patterns, about, window)
        else:
            _sort_in(places, wanted[key], about, window)
    return about


def _sort_in(places: Sequence[Place], found: Sequence[Found], about: About, window: int | None) -> None:
    """What an event finds must not depend on who else is looked up with it: only in its own partitions."""
    for place in places:
        own = [
            one for one in found if window is None or plan.is_within(one.event.moment, place.index, window)
        ]
        if own:
            about[place] += own


def _sort_crowd(
    requests: Requests,
    key: str,
    found: Sequence[Found],
    patterns: Sequence[str],
    about: About,
    window: int | None,
) -> None:
    """A key on as many completions as a page holds, or more: how many an application means is counted."""
    by_application: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        by_application[one.event.application].append(one)
    for application, own in sorted(by_application.items()):
        query = _own_query(key, application)
        if requests.count(patterns, query, PAGE_MAX + 1) > PAGE_MAX:
            for one in own:
                one.refused = TOO_MANY
        else:
            places = [hit.place for hit in requests.hits(patterns, query, PAGE_MAX)]
            _sort_in(places, own, about, window)


def _hits(requests: Requests, keys: Keys, patterns: Sequence[str]) -> Iterator[Hit]:
    """All completions that have one of the keys; of a key on too many for a page no more than a page."""
    if not keys:
        return
    if len(keys) <= PAGE_MAX // 2:
        page = _page(requests, patterns, keys)
        if page is not None:
            yield from page
            return
    documents = requests.spread(patterns, _EVERY)
    few = min(len(keys) // _KEYS_PER_DOCUMENT, _room())
    small = {name: count for name, count in documents.items() if count <= few}
    for names, _ in parts(keys, small, _room()):
        page = requests.hits(names, _EVERY, PAGE_MAX)
        if len(page) < PAGE_MAX:
            yield from page
        else:
            yield from _hits_in(requests, keys, requests.spread(names, _keyed(keys)))
    per_document = len(keys) / max(1, sum(documents.values()))
    large = {name: count * per_document for name, count in documents.items() if name not in small}
    yield from _hits_in(requests, keys, large)


def _room() -> int:
    """Hits that are expected of a search, at most."""
    return PAGE_MAX * 4 // 5


def _hits_in(requests: Requests, keys: Keys, expected: Mapping[str, float]) -> Iterator[Hit]:
    """Those in some indices, by how many each may have."""
    for names, part in parts(keys, expected, _room()):
        page = _page(requests, names, part)
        if page is None:
            yield from _hits_in(requests, part, requests.spread(names, _keyed(part)))
        else:
            yield from page


def _page(requests: Requests, indices: Sequence[str], keys: Keys) -> list[Hit] | None:
    """The completions that have one of the keys, or as many as a page holds of a single one; None if it overflows.

    A store that has no memory for the search is asked for the halves.
    """
    try:
        page = requests.hits(indices, _keyed(keys), PAGE_MAX, patient=len(keys) == 1)
    except ApiError as error:
        if error.meta.status != TOO_MUCH or len(keys) == 1:
            raise
        halves = [_page(requests, indices, half) for half in (keys[::2], keys[1::2])]
        return None if None in halves else [hit for half in halves for hit in half or ()]
    return page if len(page) < PAGE_MAX or len(keys) == 1 else None


def _keyed(keys: Keys) -> dict[str, Any]:
    clauses: list[dict[str, Any]] = [
        {"terms": {"llm.join.key": keys[start : start + _KEYS_MAX]}}
        for start in range(0, len(keys), _KEYS_MAX)
    ]
    return {"bool": {"filter": [clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses}}]}}


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


def parts(keys: Keys, expected: Mapping[str, float], room: int) -> Iterator[tuple[list[str], Keys]]:
    """Indices and keys of one search after the other: a page has room for their hits, the address for their names.

    Pure. Each key is looked for in each index.

    Args:
        keys: sorted, as each part is: a shard sorts them, which is a third of the work where they are in order.
        expected: hits of each index.
        room: hits of a search.
    """
    names: list[str] = []
    hits, length = 0.0, 0
    for name, count in expected.items():
        size = len(quote(name)) + 1
        if names and (hits + count > room or length + size > _NAMES_BYTES):
            yield names, keys
            names, hits, length = [], 0.0, 0
        if count > room and len(keys) > 1:
            shares = min(len(keys), math.ceil(count / room))
            for first in range(shares):  # neighbours among keys can all be of one time, and so of one index
                yield [name], keys[first::shares]
        else:
            names.append(name)
            hits, length = hits + count, length + size
    if names:
        yield names, keys
