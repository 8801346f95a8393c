"""The budget of a month, where the month's cost is shown. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shipper.panels.cost import MONTH
from shipper.panels.model import Threshold

if TYPE_CHECKING:
    from shipper.panels.model import Dashboard


def with_budget(dashboards: tuple[Dashboard, ...], budget: float | None) -> tuple[Dashboard, ...]:
    """The dashboards with a line at the budget; as they are without one.

    Args:
        dashboards: all, or some.
        budget: what a month may cost, in US dollars.
    """
    if budget is None:
        return dashboards
    line = Threshold(MONTH.metrics[0].id, budget, "bad", label="Budget")
    panel = replace(MONTH, thresholds=(line,), note=f"{MONTH.note} The budget is ${budget:,.2f}.")
    return tuple(
        replace(one, panels=tuple(panel if each is MONTH else each for each in one.panels))
        if MONTH in one.panels
        else one
        for one in dashboards
    )
