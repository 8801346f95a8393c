"""Filling in what calls cost: those stored without a cost, and on demand those of another price list.

Page by page over what qualifies, oldest first. What is written no longer qualifies, so that a run that was killed is
gone on with by the next one. A completion that somebody else wrote to meanwhile is read again and priced as it is then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shipper.feedback.requests import Requests, search_documents, stored_of
from shipper.feedback.writes import Write
from shipper.record.amendment import value_at
from shipper.record.prices.catalogue import version
from shipper.record.pricing import apply_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from elasticsearch import Elasticsearch

    from shipper.feedback.documents import Place, Stored

COMPLETIONS: Final = "llm-completions-*@*"
PENDING: Final = "pending"
_ROUNDS: Final = 10
_OLDEST_FIRST: Final[list[dict[str, Any]]] = [
    {"@timestamp": {"order": "asc", "unmapped_type": "date"}},
    {"event.id": {"order": "asc", "unmapped_type": "keyword", "missing": "_first"}},
]
_NAMES: Final = (
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.request.params",
    "llm.attributes.response.provider",
)
_COUNTS: Final = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)
_READ: Final = ["@timestamp", "llm.cost", "gen_ai.usage.cost", *_NAMES, *_COUNTS]


@dataclass(slots=True)
class Repriced:
    """What a run came to.

    `changed` counts completions by their new status, `unchanged` those whose cost is still not known or is the same,
    `failed` those that the store did not take, by reason. `amounts` are the new costs by currency.
    """

    changed: Counter[str] = field(default_factory=Counter[str])
    unchanged: int = 0
    failed: Counter[str] = field(default_factory=Counter[str])
    amounts: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, cost: dict[str, Any]) -> None:
        """Count a completion that has this change."""
        self.changed[cost["llm"]["cost"]["status"]] += 1
        if (group := value_at(cost, "gen_ai.usage.cost")) is not None:
            currency = group["currency"]
            self.amounts[currency] = self.amounts.get(currency, 0.0) + group["amount"]


def reprice(
    client: Elasticsearch,
    now: str,
    *,
    application: str | None = None,
    statuses: Sequence[str] = (PENDING, "unknown_model"),
    again: bool = False,
    dry_run: bool = False,
    batch: int = 1000,
    stopped: Callable[[], bool] = lambda: False,
) -> Repriced:
    """Price what has no cost yet, and write it.

    Args:
        client: the store.
        now: RFC 3339; noted beside costs that are replaced.
        application: of this one only.
        statuses: which completions: those with these values of `llm.cost.status`.
        again: also what another version of the price list priced; the earlier cost is kept in `llm.cost.history`.
        dry_run: count, and write nothing.
        batch: completions of one request.
        stopped: asked between pages.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    done = Repriced()
    requests = Requests(client)
    for page in _pages(client, _query(application, statuses, again), batch):
        if dry_run:
            for stored in page:
                cost = repriced(stored.source, now)
                done.unchanged += cost is None
                if cost is not None:
                    done.add(cost)
        else:
            _write(requests, page, now, done)
        if stopped():
            break
    return done


def repriced(source: dict[str, Any], now: str) -> dict[str, Any] | None:
    """The change that gives a stored completion its cost; None when there is nothing to change. Pure; never raises.

    A bare client may have stored anything: values of other types count as missing, as they do in the index. A cost
    that is known is only ever replaced by another known one.
    """
    fresh: dict[str, Any] = {
        "@timestamp": str(source.get("@timestamp")),
        "event": {"dataset": "llm.completion"},
        "gen_ai": {},
        "llm": {},
    }
    for name in _NAMES:
        value = value_at(source, name)
        if isinstance(value, dict if name.startswith("llm.") else str):
            _put(fresh, name, value)
    for name in _COUNTS:
        count = _count(value_at(source, name))
        if count is not None:
            _put(fresh, name, count)
    apply_cost(fresh)
    status = fresh["llm"]["cost"]["status"]
    before = value_at(source, "llm.cost")
    before = before if isinstance(before, dict) else {}
    earlier = before.get("status") == "priced"
    if status != "priced":
        return None if earlier or status == before.get("status") else {"llm": {"cost": {"status": status}}}
    group: dict[str, Any] = value_at(fresh, "gen_ai.usage.cost")
    known = value_at(source, "gen_ai.usage.cost")
    if earlier and known == group:
        return None
    cost: dict[str, Any] = {**fresh["llm"]["cost"]}
    if earlier and isinstance(known, dict):
        kept = {name: value for name, value in before.items() if name not in ("status", "history")}
        history: Any = before.get("history")
        cost["history"] = [*(history if isinstance(history, list) else []), {**known, **kept, "until": now}]
    return {"gen_ai": {"usage": {"cost": group}}, "llm": {"cost": cost}}


def _count(value: Any) -> int | None:
    """A count as the index reads it: whole numbers, also as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer() and 0 <= value < 2**63:
        return int(value)
    return value if type(value) is int and value >= 0 else None


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    *groups, leaf = name.split(".")
    for group in groups:
        document = document.setdefault(group, {})
    document[leaf] = value


def _query(application: str | None, statuses: Sequence[str], again: bool) -> dict[str, Any]:
    wanted: list[dict[str, Any]] = [{"terms": {"llm.cost.status": list(statuses)}}]
    if again:
        other = {"must_not": {"term": {"gen_ai.usage.cost.source": version()}}}
        wanted.append({"bool": {"filter": {"term": {"llm.cost.status": "priced"}}, **other}})
    query: dict[str, Any] = {"should": wanted, "minimum_should_match": 1}
    if application is not None:
        query["filter"] = {"term": {"llm.application.name": application}}
    return {"bool": query}


def _pages(client: Elasticsearch, query: dict[str, Any], size: int) -> Iterator[list[Stored]]:
    """What matches, oldest first, each once: what stays as it is must not come again."""
    after: list[Any] | None = None
    while True:
        answer = search_documents(
            client, COMPLETIONS, query, size, sort=_OLDEST_FIRST, fields=_READ, after=after
        )
        hits = answer["hits"]["hits"]
        if hits:
            yield [stored_of(hit, whole=False) for hit in hits]
        if len(hits) < size:
            return
        after = hits[-1]["sort"]


def _write(requests: Requests, page: Sequence[Stored], now: str, done: Repriced) -> None:
    """Price a page and write it; over and over for what somebody else wrote to meanwhile."""
    for _ in range(_ROUNDS):
        changes = [(stored, repriced(stored.source, now)) for stored in page]
        done.unchanged += sum(cost is None for _, cost in changes)
        writes = [(Write(stored.place, cost, stored), cost) for stored, cost in changes if cost is not None]
        lost: list[Place] = []
        for (write, cost), answer in zip(writes, requests.write(one for one, _ in writes), strict=True):
            if answer.done:
                done.add(cost)
            elif answer.is_conflict:
                lost.append(write.place)
            elif answer.refusal:
                done.failed[answer.refusal] += 1
        if not lost:
            return
        page = [
            stored
            for batch in requests.read(lost, whole=True)
            for stored in batch.values()
            if value_at(stored.source, "llm.cost.status") != "provided"
        ]
    done.failed["too many writers at once"] += len(page)
