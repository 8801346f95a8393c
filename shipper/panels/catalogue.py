"""All dashboards and saved searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.panels.conversations import CONVERSATIONS
from shipper.panels.cost import COSTS
from shipper.panels.delivery import DELIVERED
from shipper.panels.overview import OVERVIEW
from shipper.panels.quality import QUALITY
from shipper.panels.searches import SEARCHES
from shipper.panels.trouble import TROUBLE
from shipper.panels.versions import VERSIONS

if TYPE_CHECKING:
    from shipper.panels.model import Panel

DASHBOARDS: Final = (OVERVIEW, VERSIONS, COSTS, QUALITY, TROUBLE, CONVERSATIONS, DELIVERED)

PANELS: Final[dict[str, Panel]] = {panel.id: panel for dashboard in DASHBOARDS for panel in dashboard.panels}

__all__ = ["DASHBOARDS", "PANELS", "SEARCHES"]
