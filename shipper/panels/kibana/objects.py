"""Saved objects for Kibana's import: tag, data views, saved searches, dashboards of Lens charts by value.

An object says of which version of its type it is: a newer Kibana brings it up to its own, an older one refuses it. The
versions here are not above those of Kibana 8.19, nor above any later one's: data views of Kibana 8 were at 8.0.0, of
later ones are at 7.11.0. A tag has never changed, and says none.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from shipper.panels.catalogue import SEARCHES
from shipper.panels.filters import kql
from shipper.panels.kibana import lens, look
from shipper.panels.kibana.layout import COLUMNS, NAVIGATION_HEIGHT, places, shown
from shipper.panels.kibana.views import data_views
from shipper.panels.sources import COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.panels.model import Dashboard, Search

Json = dict[str, Any]

OLDEST_KIBANA: Final = (8, 19)
"""Older ones refuse the objects."""

_CORE_VERSION: Final = "8.8.0"
_TYPE_VERSIONS: Final = {
    "index-pattern": "7.11.0",
    "search": "10.5.0",
    "dashboard": "10.2.0",
}
_SOURCE: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
_DRILLDOWN: Final = "OPEN_IN_DISCOVER_DRILLDOWN"


def library() -> list[Json]:
    """The tag and the saved searches: what the dashboards of the API refer to, beside the data views."""
    return [_tag(), *(_search(one) for one in SEARCHES)]


def everything(dashboards: Iterable[Dashboard]) -> list[Json]:
    """All there is, in an order in which nothing refers to what comes later."""
    views = [_view(name, body) for name, body in data_views().items()]
    return [_tag(), *views, *(_search(one) for one in SEARCHES), *(_dashboard(one) for one in dashboards)]


def ndjson(objects: Iterable[Json]) -> str:
    """One object a line."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)


def _object(kind: str, name: str, attributes: Json, references: list[Json]) -> Json:
    made: Json = {
        "id": name,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": _CORE_VERSION,
        "managed": False,
    }
    return {**made, "typeMigrationVersion": _TYPE_VERSIONS[kind]} if kind in _TYPE_VERSIONS else made


def _tag() -> Json:
    described = "Made by llm-shipper; `shipper setup --kibana` puts it back."
    return _object("tag", look.TAG, {"name": look.TAG, "description": described, "color": look.GOOD}, [])


def _view(name: str, body: Json) -> Json:
    attributes = {
        "title": body["title"],
        "name": body["name"],
        "timeFieldName": body["timeFieldName"],
        "allowNoIndex": body["allowNoIndex"],
        "fieldFormatMap": _text(body["fieldFormats"]),
        "fieldAttrs": "{}",
        "fields": "[]",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    }
    return _object("index-pattern", name, attributes, [])


def _search(search: Search) -> Json:
    source = {"query": _query(kql(search.where)), "filter": [], "indexRefName": _SOURCE}
    attributes = {
        "title": search.title,
        "description": f"{search.question} Empty: {search.empty}",
        "columns": list(search.columns),
        "sort": [[field, order] for field, order in search.sort],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text(source)},
    }
    references = [{"name": _SOURCE, "type": "index-pattern", "id": search.source.id}, _tagged()]
    return _object("search", search.id, attributes, references)


def _dashboard(dashboard: Dashboard) -> Json:
    place = places(dashboard)
    panels: list[Json] = [_navigation(dashboard)]
    references: list[Json] = [_tagged()]
    for panel in shown(dashboard):
        chart = lens.attributes(panel)
        config: Json = {"attributes": chart, "enhancements": {}}
        if panel.of_month:
            config["timeRange"] = look.MONTH
        if panel.documents:
            config["enhancements"] = _drilldown(panel.id)
        panels.append(_panel("lens", panel.id, asdict(place[panel.id]), config))
        references += [{**one, "name": f"{panel.id}:{one['name']}"} for one in chart["references"]]
    for search in dashboard.searches:
        name = f"{dashboard.id}-{search.id}"
        panels.append(
            {**_panel("search", name, asdict(place[search.id]), {}), "panelRefName": f"panel_{name}"}
        )
        references.append({"type": "search", "id": search.id, "name": f"{name}:panel_{name}"})
    for control, _, _ in look.controls(dashboard):
        name = f"controlGroup_{control}:optionsListDataView"
        references.append({"type": "index-pattern", "id": COMPLETIONS.id, "name": name})
    options = {"useMargins": True, "syncColors": True, "syncCursor": True, "syncTooltips": False}
    attributes = {
        "title": dashboard.title,
        "description": look.about(dashboard),
        "panelsJSON": _text(panels),
        "optionsJSON": _text({**options, "hidePanelTitles": False}),
        "controlGroupInput": _controls(dashboard),
        "timeRestore": True,
        "timeFrom": look.FROM,
        "timeTo": look.TO,
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _text({"query": _query(""), "filter": []})},
    }
    return _object("dashboard", dashboard.id, attributes, references)


def _panel(kind: str, name: str, grid: Json, config: Json) -> Json:
    return {"type": kind, "panelIndex": name, "gridData": {**grid, "i": name}, "embeddableConfig": config}


def _navigation(dashboard: Dashboard) -> Json:
    params = {"fontSize": 12, "openLinksInNewTab": False, "markdown": look.navigation(dashboard)}
    source = {"query": _query(""), "filter": []}
    shown = {
        "type": "markdown",
        "title": "",
        "description": "",
        "params": params,
        "uiState": {},
        "data": {"aggs": [], "searchSource": source},
    }
    grid = {"x": 0, "y": 0, "w": COLUMNS, "h": NAVIGATION_HEIGHT}
    config = {"savedVis": shown, "hidePanelTitles": True, "enhancements": {}}
    return _panel("visualization", f"{dashboard.id}-navigation", grid, config)


def _controls(dashboard: Dashboard) -> Json:
    panels = {
        control: {
            "type": "optionsListControl",
            "order": number,
            "width": "medium",
            "grow": True,
            "explicitInput": {"id": control, "fieldName": field, "title": title, "enhancements": {}},
        }
        for number, (control, title, field) in enumerate(look.controls(dashboard))
    }
    ignored = dict.fromkeys(("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False)
    return {
        "controlStyle": "oneLine",
        "chainingSystem": "HIERARCHICAL",
        "showApplySelections": False,
        "ignoreParentSettingsJSON": _text(ignored),
        "panelsJSON": _text(panels),
    }


def _drilldown(name: str) -> Json:
    event = {
        "eventId": f"{name}-documents",
        "triggers": ["FILTER_TRIGGER"],
        "action": {"factoryId": _DRILLDOWN, "name": look.DRILLDOWN, "config": {"openInNewTab": False}},
    }
    return {"dynamicActions": {"events": [event]}}


def _tagged() -> Json:
    return {"type": "tag", "id": look.TAG, "name": f"tag-ref-{look.TAG}"}


def _query(text: str) -> Json:
    return {"query": text, "language": "kuery"}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
