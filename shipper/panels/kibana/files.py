"""The files of Kibana's folder by their names: what `make gen` writes and `shipper setup --kibana` reads."""

from __future__ import annotations

import json
from typing import Final

from shipper.panels.budget import with_budget
from shipper.panels.catalogue import DASHBOARDS
from shipper.panels.kibana.api import dashboard_body
from shipper.panels.kibana.objects import everything, library, ndjson

LIBRARY: Final = "llm-library.ndjson"
"""Tag and saved searches."""

EVERYTHING: Final = "llm-dashboards.ndjson"
"""For import by hand, and for a Kibana before the dashboards API: data views, searches and dashboards."""

DASHBOARD_FOLDER: Final = "dashboards"


def files(budget: float | None = None) -> dict[str, str]:
    """Every file's text by its path in the folder.

    Args:
        budget: what a month may cost, in US dollars: a line where the month's cost is.
    """
    dashboards = with_budget(DASHBOARDS, budget)
    bodies = {
        f"{DASHBOARD_FOLDER}/{one.id}.json": json.dumps(dashboard_body(one), indent=2, ensure_ascii=False)
        + "\n"
        for one in dashboards
    }
    return {LIBRARY: ndjson(library()), EVERYTHING: ndjson(everything(dashboards)), **bodies}
