"""Run benchmarks and keep their results: `make bench`, or `python -m benchmarks backlog memory` for some of them.

Numbers after a name are sizes of one's own (`python -m benchmarks join 20000 3000`): such results are only printed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_RESULTS = Path(__file__).parent / "results"
_ALL = (
    "log_call",
    "backlog",
    "memory",
    "crashes",
    "openai_overhead",
    "redaction",
    "redaction_quality",
    "history_export",
    "history_import",
    "panels",
    "join",
    "join_indices",
    "join_live",
)
_ASKED = ("logstash",)  # it needs LOGSTASH_HOME


def main(words: list[str]) -> None:
    """Measure one after the other; each has a file of its own, since only figures of one run can be compared."""
    sizes: dict[str, list[int]] = {}
    for word in words:
        if word.isdigit() and sizes:
            sizes[next(reversed(sizes))].append(int(word))
        elif word in (*_ALL, *_ASKED):
            sizes[word] = []
        else:
            sys.exit(f"No such benchmark: {word}. There are: {', '.join((*_ALL, *_ASKED))}.")
    for name, own in (sizes or dict.fromkeys(_ALL, ())).items():
        report = importlib.import_module(f"benchmarks.{name}").main(*own)
        print(report, flush=True)
        if not own:
            (_RESULTS / f"{name}.md").write_text(f"{report}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
