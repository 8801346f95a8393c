"""Run all of them and write the results: `make bench`."""

from __future__ import annotations

from pathlib import Path

from benchmarks import backlog, crashes, log_call, memory

RESULTS = Path(__file__).parent / "results" / "spine.md"

HEAD = """# Measured figures of the road from a log call to the store

Written by `make bench`. Everything in one table was measured in one run on one machine; compare within a table only.
"""


def main() -> None:
    """Measure, print, and write."""
    parts = [HEAD.strip()]
    for benchmark in (log_call.main, backlog.main, memory.main, crashes.main):
        parts.append(benchmark())
        print(parts[-1], flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n\n".join(parts) + "\n", "utf-8")


if __name__ == "__main__":
    main()
