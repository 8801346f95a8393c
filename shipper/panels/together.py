"""Panels that look at the same documents in the same buckets, asked as one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shipper.panels.model import Metric, Terms
from shipper.panels.request import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shipper.panels.measures import Measure
    from shipper.panels.model import Panel


@dataclass(frozen=True, slots=True)
class Question:
    """What several panels want to know, each measure once."""

    panel: Panel
    """Asks it: the first of the panels, with the metrics of all."""
    ids: Mapping[Measure, str]
    """What the metrics of `panel` are called."""
    panels: Sequence[Panel]

    def rows_of(self, panel: Panel, rows: Iterable[Row]) -> list[Row]:
        """The rows of the question as those of one of its panels."""
        return [
            Row(row.keys, {one.id: row.values[self.ids[one.measure]] for one in panel.metrics}, row.documents)
            for row in rows
        ]


def questions(panels: Iterable[Panel]) -> list[Question]:
    """As few questions as the panels can be asked by, in the panels' order."""
    groups: dict[object, list[Panel]] = {}
    for panel in panels:
        groups.setdefault(_buckets(panel), []).append(panel)
    return [_question(group) for group in groups.values()]


def _buckets(panel: Panel) -> object:
    """What has to be equal: documents, span and buckets, and what these are in the order of."""
    orders = [
        panel.metric(one.order_by).measure if isinstance(one, Terms) and one.order_by else None
        for one in panel.breakdowns
    ]
    breakdowns = [replace(one, order_by="") if isinstance(one, Terms) else one for one in panel.breakdowns]
    return panel.source.id, panel.where, panel.of_month, tuple(breakdowns), tuple(orders)


def _question(panels: Sequence[Panel]) -> Question:
    first = panels[0]
    known: dict[Measure, Metric] = {}
    for panel in panels:
        for metric in panel.metrics:
            known.setdefault(metric.measure, replace(metric, id=f"m{len(known)}"))
    ids = {measure: metric.id for measure, metric in known.items()}
    breakdowns = tuple(
        replace(one, order_by=ids[first.metric(one.order_by).measure])
        if isinstance(one, Terms) and one.order_by
        else one
        for one in first.breakdowns
    )
    return Question(replace(first, metrics=tuple(known.values()), breakdowns=breakdowns), ids, tuple(panels))
