"""Panels' results, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shipper.panels.catalogue import DASHBOARDS, PANELS
from shipper.panels.model import Time, Window
from shipper.panels.request import Row
from shipper.panels.run import Result
from shipper.panels.sources import Filters
from shipper.report.selection import Section, Selection

if TYPE_CHECKING:
    from shipper.panels.model import Panel
    from shipper.panels.request import Key

END = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = Window(END - timedelta(days=30), END)
SELECTION = Selection(WINDOW, Filters(application="shop"))
HOSTILE = (
    "</style><script>alert(1)</script>",
    "\x1b[31mred\x07",
    'a "quoted" & <b>bold</b> name',
    "ein sehr langer Name " * 12,
    "日本語のプロンプト名がここに入ります",
    "\u202eright to left",
    "",
)


def result_of(panel: Panel, names: tuple[str, ...] = ("1.0", "2.0"), *, days: int = 30) -> Result:
    """Something in every bucket of a panel: the names as terms, some days as times."""
    keys: list[tuple[Key, ...]] = [()]
    for breakdown in panel.breakdowns:
        if isinstance(breakdown, Time):
            moments = [WINDOW.start + timedelta(days=day) for day in range(days)]
            keys = [(*key, moment) for key in keys for moment in moments]
        else:
            keys = [(*key, name) for key in keys for name in names]
    rows = [Row(key, _values(panel, number), 10 + number) for number, key in enumerate(keys)]
    previous = [Row((), _values(panel, 3), 10)] if panel.chart == "figure" else []
    return Result(panel, WINDOW, rows, previous)


def sections_of(names: tuple[str, ...] = ("1.0", "2.0"), *, days: int = 30) -> list[Section]:
    """All dashboards, full."""
    return [Section(one, [result_of(panel, names, days=days) for panel in one.panels]) for one in DASHBOARDS]


def empty_sections() -> list[Section]:
    """All dashboards of a store in which nothing fits."""
    return [Section(one, [Result(panel, WINDOW, [], []) for panel in one.panels]) for one in DASHBOARDS]


def figure(panel_id: str, now: float | None, before: float | None, *, documents: int = 100) -> Result:
    """A figure's result."""
    panel = PANELS[panel_id]
    metric = panel.metrics[0].id
    return Result(panel, WINDOW, [Row((), {metric: now}, documents)], [Row((), {metric: before}, documents)])


def _values(panel: Panel, number: int) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for metric in panel.metrics:
        match metric.unit:
            case "share" | "score":
                values[metric.id] = (number % 10) / 10
            case "time":
                values[metric.id] = 1000 * (END.timestamp() - 3600 * number)
            case _:
                values[metric.id] = None if number % 7 == 6 else 37.5 * (number + 1)
    return values
