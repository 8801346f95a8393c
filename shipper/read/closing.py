"""Closing the books from end to end: what processes accepted, against what the store holds, by sequence numbers.

Every event carries its process's name and a number from 1 upwards. What is delivered has to be in the store: as a
document once, or as a dead letter. What is missing beyond what still waits, was dropped or was there already, is lost
on the way, or still under way: in Logstash's queue, say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from elasticsearch import Elasticsearch

    from shipper.spool.ledger import Balance

_DOCUMENTS = ("llm-completions-*@*", "llm-feedback-*@*")
_LETTERS = ("llm-deadletter-*@*",)
_BLOCK = 10_000
_MAX_GAPS = 100


@dataclass(frozen=True, slots=True)
class Closing:
    """One process's events in the store. `lost` and `doubled` are 0 when its books close."""

    instance: str
    accepted: int
    delivered: int  # what has to be in the store: delivered, or a dead letter
    missing: int  # numbers that are not there, for whatever reason
    lost: int  # those of them that nothing explains
    doubled: int
    gaps: list[tuple[int, int]]  # first and last number of each missing run, the first hundred

    @property
    def closes(self) -> bool:
        """Whether everything that has to be there is there, once."""
        return not self.lost and not self.doubled


def close(
    client: Elasticsearch, books: Mapping[str, Balance], on_disk: Mapping[str, AbstractSet[int]]
) -> list[Closing]:
    """Compare each process's books with the store; processes that accepted nothing are left out.

    Args:
        client: the store.
        books: by process; read before, since the store may know more than they do, never less.
        on_disk: the numbers of dead letters that no store would take, by process: they are not lost.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    return [
        _closing(client, instance, balance, on_disk.get(instance, set()))
        for instance, balance in sorted(books.items())
        if balance.accepted
    ]


def closing_of(instance: str, balance: Balance, missing: Iterable[tuple[int, int]], doubled: int) -> Closing:
    """The judgement alone, from runs of missing numbers in order. Pure; never raises."""
    runs = merged(missing)
    absent = sum(last - first + 1 for first, last in runs)
    delivered = balance.delivered + balance.dead_lettered + balance.conflicting
    return Closing(
        instance=instance,
        accepted=balance.accepted,
        delivered=delivered,
        missing=absent,
        lost=max(0, absent - (balance.accepted - delivered)),
        doubled=doubled,
        gaps=runs[:_MAX_GAPS],
    )


def merged(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs in order, with those that touch made one. Pure; never raises."""
    found: list[tuple[int, int]] = []
    for first, last in runs:
        if found and found[-1][1] + 1 == first:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def runs_of(missing: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of numbers that follow one another. Pure; never raises."""
    return merged((number, number) for number in sorted(missing))


def _closing(client: Elasticsearch, instance: str, balance: Balance, on_disk: AbstractSet[int]) -> Closing:
    blocks = _blocks(client, instance)
    missing: list[tuple[int, int]] = []
    doubled = 0
    for start in range(0, balance.accepted + 1, _BLOCK):
        first, last = max(start, 1), min(start + _BLOCK - 1, balance.accepted)
        if blocks.get(start) == _whole(first, last):
            continue
        there = _numbers(client, _DOCUMENTS, instance, first, last)
        doubled += sum(count > 1 for count in there.values())
        wanted = set(range(first, last + 1)) - there.keys() - on_disk
        if wanted:
            wanted -= _numbers(client, _LETTERS, instance, first, last).keys()
        missing += runs_of(wanted)
    return closing_of(instance, balance, missing, doubled)


def _whole(first: int, last: int) -> tuple[int, int]:
    """How many numbers, and their sum, a block has in which each is there once."""
    count = last - first + 1
    return count, count * (first + last) // 2


def _blocks(client: Elasticsearch, instance: str) -> dict[int, tuple[int, int]]:
    """Count and sum of the numbers of each block, so that only those that are not whole are looked at closely."""
    answer = _search(
        client,
        _DOCUMENTS,
        {"term": {"llm.shipper.instance": instance}},
        {
            "histogram": {"field": "llm.shipper.sequence", "interval": _BLOCK, "min_doc_count": 1},
            "aggs": {"sum": {"sum": {"field": "llm.shipper.sequence"}}},
        },
    )
    return {int(one["key"]): (one["doc_count"], round(one["sum"]["value"])) for one in answer}


def _numbers(
    client: Elasticsearch, patterns: tuple[str, ...], instance: str, first: int, last: int
) -> Counter[int]:
    """How often each number of a block is there."""
    span = {"range": {"llm.shipper.sequence": {"gte": first, "lte": last}}}
    answer = _search(
        client,
        patterns,
        {"bool": {"filter": [{"term": {"llm.shipper.instance": instance}}, span]}},
        {"terms": {"field": "llm.shipper.sequence", "size": _BLOCK}},
    )
    return Counter({one["key"]: one["doc_count"] for one in answer})


def _search(
    client: Elasticsearch, patterns: tuple[str, ...], query: dict[str, Any], aggregation: dict[str, Any]
) -> list[dict[str, Any]]:
    answer = client.search(
        index=list(patterns),
        ignore_unavailable=True,
        allow_no_indices=True,
        allow_partial_search_results=False,
        track_total_hits=False,
        size=0,
        query=query,
        aggs={"found": aggregation},
    )
    # Without any index there are no aggregations in the answer either.
    return answer.get("aggregations", {}).get("found", {}).get("buckets", [])
