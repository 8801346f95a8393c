"""What a panel is. Pure data; what it asks the store is in `request`, what it looks like is each renderer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from shipper.panels.sources import COMPLETIONS, Source

if TYPE_CHECKING:
    from shipper.panels.filters import Filter
    from shipper.panels.measures import Measure

Chart = Literal["figure", "line", "bar", "table", "words"]
"""`figure`: one number against the period before. `words`: which words are frequent here and not elsewhere."""

Unit = Literal[
    "calls",
    "calls per conversation",
    "conversations",
    "events",
    "users",
    "retries",
    "tokens",
    "documents",
    "processes",
    "score",
    "share",
    "turn",
    "ms",
    "s",
    "USD",
    "time",
]
"""`share` and `score` are 0 to 1; `time` is milliseconds since the epoch."""

Width = Literal[8, 12, 16, 24, 48]

TIME_FIELD: Final = "@timestamp"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a panel."""

    id: str
    """Unique in its panel."""
    label: str
    unit: Unit
    measure: Measure
    better: Literal["higher", "lower", ""] = ""
    """Which way is an improvement; empty where none is."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A bucket for each of the most frequent values of a field; documents without a value are in none."""

    field: str
    label: str
    size: int = 10
    order_by: str = ""
    """A metric of the panel that is one aggregate, largest first; empty: the number of documents."""
    by_value: bool = False
    """Whether the buckets are in the order of the field's values instead, smallest first."""


@dataclass(frozen=True, slots=True)
class Time:
    """A bucket for each hour, day, … of the window, as suits its length; in UTC."""


@dataclass(frozen=True, slots=True)
class Words:
    """A bucket for each word that is frequent in the panel's documents, against all of the window's."""

    field: str
    label: str
    size: int = 20


@dataclass(frozen=True, slots=True)
class Lengths:
    """A bucket for each number of documents that a value of the field has: how many values have so many.

    Exact up to some thousand values; of more, those that come first in the field's order.
    """

    field: str
    label: str


Breakdown = Terms | Time | Words | Lengths


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value that people should see the crossing of."""

    metric: str
    value: float
    level: Literal["warn", "bad"]
    side: Literal["above", "below"] = "above"
    label: str = ""
    """What the line is called; empty: the metric and the level."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One thing to look at: a question, and how it is answered."""

    id: str
    """Unique, and kept for ever: Kibana's links name it."""
    title: str
    question: str
    chart: Chart
    metrics: tuple[Metric, ...]
    breakdowns: tuple[Breakdown, ...] = ()
    """From the outermost bucket; a `Time` is the innermost."""
    source: Source = COMPLETIONS
    where: Filter | None = None
    thresholds: tuple[Threshold, ...] = ()
    empty: str = "No call in this period."
    """What it means if there is nothing to show."""
    width: Width = 24
    of_month: bool = False
    """Whether it shows the current month whatever the window is."""
    documents: bool = False
    """Whether the documents behind a bucket are worth looking at: Kibana gets a link to Discover."""
    note: str = ""
    """What has to be known to read it."""

    @property
    def in_kibana(self) -> bool:
        """Whether Kibana can show it: its Lens has neither significant text nor buckets of buckets."""
        return not any(isinstance(one, Words | Lengths) for one in self.breakdowns)

    def metric(self, metric_id: str) -> Metric:
        """The metric of this id.

        Raises:
            KeyError: the panel has none.
        """
        for one in self.metrics:
            if one.id == metric_id:
                return one
        raise KeyError(f"{self.id} has no metric {metric_id}")


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search: documents themselves."""

    id: str
    title: str
    question: str
    columns: tuple[str, ...]
    source: Source = COMPLETIONS
    where: Filter | None = None
    sort: tuple[tuple[str, Literal["asc", "desc"]], ...] = ((TIME_FIELD, "desc"),)
    empty: str = "No such document in this period."


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels in the order in which they are looked at, the most important first."""

    id: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    searches: tuple[Search, ...] = ()
    """Shown below the panels."""
    hint: str = ""
    """What can be done with it in Kibana, where it has controls."""
    by_conversation: bool = False
    """Whether one conversation can be chosen, beside the controls that all have."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time: from `start` on, before `end`; both with a zone."""

    start: datetime
    end: datetime

    def before(self) -> Window:
        """The span of the same length that ends where this one starts; none where the calendar begins later."""
        try:
            return Window(self.start - (self.end - self.start), self.start)
        except OverflowError:
            return Window(self.start, self.start)

    def month(self) -> Window:
        """From the beginning of the month, in UTC, in which this one ends, to its end."""
        last = (self.end - timedelta(microseconds=1)).astimezone(UTC)
        return Window(last.replace(day=1, hour=0, minute=0, second=0, microsecond=0), self.end)
