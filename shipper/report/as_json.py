"""What a report shows, as rows for programs. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.panels.request import Row
    from shipper.panels.run import Result
    from shipper.report.selection import Section


def rows_of(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """A row for each bucket of each panel: `report`, `panel`, `period`, keys by their labels, values by metric."""
    for section in sections:
        for result in section.results:
            for period, rows in (("now", result.rows), ("before", result.previous)):
                for row in rows:
                    yield _row(section, result, period, row)


def _row(section: Section, result: Result, period: str, row: Row) -> dict[str, Any]:
    panel = result.panel
    names = [getattr(one, "label", "time") for one in panel.breakdowns]
    keys = [key.isoformat() if isinstance(key, datetime) else key for key in row.keys]
    return {
        "report": section.dashboard.id.removeprefix("llm-"),
        "panel": panel.id,
        "title": panel.title,
        "period": period,
        "keys": dict(zip(names, keys, strict=True)),
        "values": dict(row.values),
        "units": {metric.id: metric.unit for metric in panel.metrics},
        "documents": row.documents,
    }
