"""Run benchmarks and keep their results: `make bench`, or `python -m benchmarks backlog memory` for some of them."""

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
)
_ASKED = ("logstash",)  # it needs LOGSTASH_HOME


def main(names: list[str]) -> None:
    """Measure one after the other; each has a file of its own, since only figures of one run can be compared."""
    unknown = set(names).difference(_ALL, _ASKED)
    if unknown:
        sys.exit(
            f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join((*_ALL, *_ASKED))}."
        )
    for name in names or _ALL:
        report = importlib.import_module(f"benchmarks.{name}").main()
        print(report, flush=True)
        (_RESULTS / f"{name}.md").write_text(f"{report}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
