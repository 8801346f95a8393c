"""What joining costs as the number of indices grows, and what the least that a join can be costs.

    python -m benchmarks join_indices [completions] [events]

The same number of completions lies in 3, 30 and 300 indices, all of them within the window in which the joiner looks
for a completion. `minimal loop` is that of `join.md`.
"""

from __future__ import annotations

import os

from benchmarks.join import HEAP_MB, filled, median, turns
from benchmarks.measure import machine, table

_ROUNDS = 2


def main(completions: int = 60_000, events: int = 12_000) -> str:
    """Measure, with a new node for each number; the report."""
    rows = [_row(indices, completions, events) for indices in (3, 30, 300)]
    headers = ["indices", "joiner, events/s", "minimal loop, events/s", "ratio"]
    headers += ["joiner, processor time an event", "minimal loop"]
    parts = [
        "# Joining feedback as the number of indices grows",
        (
            f"Written by `python -m benchmarks join_indices`. {machine()}; the node, with a heap of {HEAP_MB:,} MB, is on "
            "the same machine. Processes that wanted to run at the end, those of other work among them: "
            f"{os.getloadavg()[1]:.0f}."
        ),
        (__doc__ or "").split("\n\n", 2)[2].strip().replace("\n", " "),
        f"{completions:,} completions, {events:,} events in each run of either; median of {_ROUNDS} in turn.",
        table(headers, rows),
    ]
    return "\n\n".join(parts)


def _row(indices: int, completions: int, events: int) -> list[str]:
    with filled(completions, indices) as (store, settings):
        runs = turns(store, settings, events, _ROUNDS)
    least, joined = median(runs["minimal"]), median(runs["joiner"])
    rates = [f"{joined.rate:,.0f}", f"{least.rate:,.0f}", f"{joined.rate / least.rate:.2f}"]
    return [str(indices), *rates, f"{joined.cpu_us:,.0f} µs", f"{least.cpu_us:,.0f} µs"]
