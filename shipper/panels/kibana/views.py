"""Data views: the store's documents as Kibana knows them, with formats for durations, sizes and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.panels.model import TIME_FIELD
from shipper.panels.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipper.panels.sources import Source
    from shipper.record.fields import FieldInfo

_DURATIONS: Final = {"ns": "nanoseconds", "ms": "milliseconds", "s": "seconds"}
_LINKS: Final = {
    "gen_ai.conversation.id": "This conversation",
    "trace.id": "This trace",
    "user.id": "This user's calls",
}
"""Fields whose values lead to the documents that share them."""


def data_views() -> dict[str, dict[str, Any]]:
    """The body of each data view by its id, as Kibana's data views API has it."""
    return {source.id: _view(source) for source in SOURCES}


def _view(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "title": source.pattern,
        "name": source.title,
        "timeFieldName": TIME_FIELD,
        "allowNoIndex": True,  # there may be no such index before the first event
        "fieldFormats": dict(_formats(source)),
    }


def _formats(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    fields: dict[str, FieldInfo] = {info.name: info for model in source.models for info in model.fields()}
    for name in sorted(fields):
        unit = fields[name].unit
        if unit in _DURATIONS:
            params: dict[str, Any] = {"inputFormat": _DURATIONS[unit], "outputFormat": "humanizePrecise"}
            params |= {"outputPrecision": 2, "useShortSuffix": True, "includeSpaceWithSuffix": True}
            yield name, {"id": "duration", "params": params}
        elif unit == "bytes":
            yield name, {"id": "bytes", "params": {"pattern": "0,0.[0]b"}}
        elif unit == "currency":  # which one is a field of its own
            yield name, {"id": "number", "params": {"pattern": "0,0.00[0000]"}}
        elif name in _LINKS:
            yield name, {"id": "url", "params": {"type": "a", "urlTemplate": _search_url(name)}}


def _search_url(field: str) -> str:
    """Discover with the calls that have the value; relative, so that it works in every space."""
    query = f"query:(language:kuery,query:'{field}:\"{{{{value}}}}\"')"
    view = "dataSource:(dataViewId:llm-completions,type:dataView)"
    return f"discover#/?_g=(time:(from:now-90d,to:now))&_a=({view},{query})"
