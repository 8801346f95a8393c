"""What joining costs as the number of indices grows, and what the least that a join can be costs.

    python -m benchmarks join_indices [completions] [events]

The same number of completions lies in 3, 30 and 300 indices, all of them within the window in which the joiner looks
for a completion; nothing in an event says in which. `minimal loop` is that of `join.md`.

What grows is the node's work on each shard. A search takes every key to every shard, which sorts the keys once more and
walks through them in each of its segments. A shard that was written to makes a segment of its own of the few documents
that it got, field by field, opens its reader anew, and commits. So the joiner takes up to 100,000 events at once, looks
them up in each shard once, and writes to each shard once; and a shard that has few documents for so many keys is asked
for the keys of all of them, which costs it less than to look for each.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from benchmarks.join import HEAP_MB, LEAST, Run, filled, median, turns
from benchmarks.measure import machine, table

_ROUNDS = 1


class Row(NamedTuple):
    """Both with a number of indices."""

    indices: int
    joiner: Run
    least: Run


def main(completions: int = 150_000, events: int = 100_000) -> str:
    """Measure, with a new node for each number; the report."""
    rows = [_measure(indices, completions, events) for indices in (3, 30, 300)]
    headers = ["indices", "joiner, events/s", "minimal loop, events/s", "ratio"]
    headers += ["joiner, processor time an event", "minimal loop"]
    work = ["indices", "joiner, searches of a shard", "minimal loop"]
    work += ["joiner, refreshes of a shard", "minimal loop"]
    parts = [
        "# Joining feedback as the number of indices grows",
        (
            f"Written by `python -m benchmarks join_indices`. {machine()}; the node, with a heap of {HEAP_MB:,} MB, is on "
            "the same machine. Processes that wanted to run at the end, those of other work among them: "
            f"{os.getloadavg()[1]:.0f}."
        ),
        *(part.strip().replace("\n", " ") for part in (__doc__ or "").split("\n\n")[2:]),
        (
            f"{completions:,} completions; a run of the joiner with {events:,} events and one of the minimal loop with "
            f"{min(events, LEAST):,}, after one of each that doesn't count. In brackets: against 3 indices."
        ),
        table(headers, [_figures(row, rows[0]) for row in rows]),
        "What the node did, for a thousand events, counted over all shards:",
        table(work, [_work(row) for row in rows]),
    ]
    return "\n\n".join(parts)


def _measure(indices: int, completions: int, events: int) -> Row:
    with filled(completions, indices) as (store, settings):
        runs = turns(store, settings, events, _ROUNDS)
    return Row(indices, median(runs["joiner"]), median(runs["minimal"]))


def _figures(row: Row, first: Row) -> list[str]:
    rates = [
        f"{row.joiner.rate:,.0f}",
        f"{row.least.rate:,.0f}",
        f"{row.joiner.rate / row.least.rate:.2f}",
    ]
    costs = [
        f"{run.cpu_us:,.0f} µs ({run.cpu_us / few.cpu_us:.2f})"
        for run, few in ((row.joiner, first.joiner), (row.least, first.least))
    ]
    return [str(row.indices), *rates, *costs]


def _work(row: Row) -> list[str]:
    both = (row.joiner, row.least)
    searches = [f"{run.searches:,.1f}" for run in both]
    refreshes = [f"{run.refreshes:,.1f}" for run in both]
    return [str(row.indices), *searches, *refreshes]
