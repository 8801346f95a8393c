"""What is known to be true of calls: from the store's events of kind ground_truth, or from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from shipper.read.figures import text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from elasticsearch import Elasticsearch

EVENTS: Final = "llm-feedback-*@*"
_PAGE = 1000


class Truth(NamedTuple):
    """What is true, of which of n choices (None: of the answer that was used)."""

    value: Any
    choice: int | None = None


class Truths(Protocol):
    """A source of truths."""

    def of(self, completions: Sequence[Mapping[str, Any]]) -> list[Truth | None]:
        """The truth of each completion, None where nothing is known."""
        ...


class StoredTruths:
    """Truths that were sent as feedback: of each key the latest, unless it was taken back."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def of(self, completions: Sequence[Mapping[str, Any]]) -> list[Truth | None]:
        """As `Truths.of`. Raises ApiError or TransportError if the store refuses or does not answer."""
        keys = {key for completion in completions for key in _keys(completion)}
        by_key: dict[str, list[Mapping[str, Any]]] = {}
        for event in self._events(sorted(keys)):  # oldest first
            for key in _keys(event):
                by_key.setdefault(key, []).append(event)
        return [_latest(completion, by_key) for completion in completions]

    def _events(self, keys: Sequence[str]) -> Iterable[Mapping[str, Any]]:
        after: list[Any] | None = None
        filters: list[dict[str, Any]] = [
            {"terms": {"llm.join.key": list(keys)}},
            {"term": {"llm.feedback.author_kind": "ground_truth"}},
        ]
        while keys:
            page = self._client.search(
                index=EVENTS,
                ignore_unavailable=True,
                allow_no_indices=True,
                size=_PAGE,
                query={"bool": {"filter": filters}},
                sort=[
                    {"@timestamp": {"order": "asc", "unmapped_type": "date"}},
                    {"event.id": {"order": "asc", "unmapped_type": "keyword"}},
                ],
                search_after=after,
            )["hits"]["hits"]
            yield from (hit["_source"] for hit in page)
            if len(page) < _PAGE:
                return
            after = page[-1]["sort"]


class GivenTruths:
    """Truths by key: a call's join keys or the id of its data point."""

    def __init__(self, by_key: Mapping[str, Truth]) -> None:
        self._by_key = by_key

    def of(self, completions: Sequence[Mapping[str, Any]]) -> list[Truth | None]:
        """As `Truths.of`. Never raises."""
        return [
            next((self._by_key[key] for key in _all_keys(completion) if key in self._by_key), None)
            for completion in completions
        ]


def _latest(completion: Mapping[str, Any], by_key: Mapping[str, list[Mapping[str, Any]]]) -> Truth | None:
    ids = {text_at(completion, "event.id"), text_at(completion, "gen_ai.response.id")}
    application = text_at(completion, "llm.application.name")
    events = [
        event
        for key in _keys(completion)
        for event in by_key.get(key, ())
        if key in ids or text_at(event, "llm.application.name") == application
    ]
    events.sort(key=lambda event: (text_at(event, "@timestamp"), text_at(event, "event.id")))
    standing = {_subject(event): event for event in events}
    truths = [
        Truth(value, value_at(event, "llm.feedback.choice_index"))
        for event in events
        if standing[_subject(event)] is event
        and (value := value_at(event, "llm.feedback.ground_truth")) is not None
    ]
    return truths[-1] if truths else None


def _subject(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Whose truth of what it is: it replaces or takes back the earlier one of the same, as entries do."""
    fields = ("llm.feedback.author", "gen_ai.evaluation.name", "llm.feedback.choice_index")
    author, *what = (value_at(event, name) for name in fields)
    return (author or value_at(event, "event.id"), *what)


def _keys(document: Mapping[str, Any]) -> list[str]:
    keys = value_at(document, "llm.join.key")
    found: list[Any] = keys if isinstance(keys, list) else [keys]
    return [key for key in found if isinstance(key, str)]


def _all_keys(completion: Mapping[str, Any]) -> list[str]:
    return [*_keys(completion), text_at(completion, "llm.datapoint.id")]
