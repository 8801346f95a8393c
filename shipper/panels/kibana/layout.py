"""Where each panel stands on Kibana's grid of 48 columns: rows from left to right, in the catalogue's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shipper.panels.model import Dashboard, Panel

COLUMNS: Final = 48
NAVIGATION_HEIGHT: Final = 3
_HEIGHTS: Final = {"figure": 6, "line": 12, "bar": 12, "table": 12, "words": 12}
_SEARCH_HEIGHT: Final = 14


@dataclass(frozen=True, slots=True)
class Place:
    """Left upper corner and size, in units of the grid."""

    x: int
    y: int
    w: int
    h: int


def shown(dashboard: Dashboard) -> list[Panel]:
    """The panels that Kibana can show."""
    return [panel for panel in dashboard.panels if panel.in_kibana]


def places(dashboard: Dashboard) -> dict[str, Place]:
    """The place of each panel and each search, by its id; the navigation stands above them."""
    found: dict[str, Place] = {}
    x, y, row_height = 0, NAVIGATION_HEIGHT, 0
    items = [(panel.id, int(panel.width), _HEIGHTS[panel.chart]) for panel in shown(dashboard)]
    items += [(search.id, COLUMNS, _SEARCH_HEIGHT) for search in dashboard.searches]
    for name, width, height in items:
        if x + width > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        found[name] = Place(x, y, width, height)
        x, row_height = x + width, max(row_height, height)
    return found
