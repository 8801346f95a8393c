"""Data views, saved searches and dashboards into Kibana. Repeatable: what is as it should be stays untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from shipper.errors import StoreError, StoreTooOld
from shipper.panels.kibana.files import DASHBOARD_FOLDER, EVERYTHING, LIBRARY
from shipper.panels.kibana.objects import OLDEST_KIBANA
from shipper.panels.kibana.views import data_views
from shipper.stack.kibana import shown
from shipper.stack.security import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipper.stack.kibana import Kibana

FIRST_WITH_API = (9, 5)
"""The version since which dashboards have a generally available API."""

_REFUSALS = (400, 404, 405)
_VIEWS = "/api/data_views/data_view"


def furnish(kibana: Kibana, folder: Path, *, change: bool = True) -> list[Step]:
    """Put the data views, then saved searches and dashboards.

    A Kibana without the dashboards API, or one that does not take our form of it, gets the same dashboards by import.

    Args:
        kibana: where to.
        folder: with the files of `shipper.panels.kibana.files`.
        change: False only looks, and tells what would be done.

    Raises:
        StoreTooOld: a Kibana before 8.19.
        StoreError: Kibana did not answer, or refused one; what came before it is there.
    """
    version = kibana.version()
    if version < OLDEST_KIBANA:
        raise StoreTooOld(
            f"Kibana at {kibana.url} is {_dotted(version)}; {_dotted(OLDEST_KIBANA)} or newer is needed."
        )
    steps = [_put_view(kibana, name, view, change=change) for name, view in data_views().items()]
    if version < FIRST_WITH_API:
        reason = f"Kibana {_dotted(version)} has no dashboards API for us: they are imported as saved objects"
        return [
            *steps,
            Step("dashboard", "by API", "skipped", reason),
            *_import_all(kibana, folder, change=change),
        ]
    steps.append(_import(kibana, folder / LIBRARY, change=change))
    for file in _dashboards(folder):
        step = _put_dashboard(kibana, file, change=change)
        steps.append(step)
        if step.action == "skipped":
            return [*steps, *_import_all(kibana, folder, change=change)]
    return steps


def differs(wanted: Any, stored: Any) -> bool:
    """Whether something that we want is missing or other in what is stored; what Kibana adds is no difference. Pure.

    Text that holds JSON is compared by what it says: Kibana may write it anew.
    """
    if isinstance(wanted, dict):
        return not isinstance(stored, dict) or any(
            differs(value, stored.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            not isinstance(stored, list)
            or len(stored) != len(wanted)
            or any(differs(one, other) for one, other in zip(wanted, stored, strict=True))
        )
    if isinstance(wanted, str) and isinstance(stored, str) and wanted[:1] in ("{", "["):
        try:
            return differs(orjson.loads(wanted), orjson.loads(stored))
        except orjson.JSONDecodeError:
            return wanted != stored
    return wanted != stored


def _put_view(kibana: Kibana, name: str, view: dict[str, Any], *, change: bool) -> Step:
    """People add fields and formats to a data view: theirs stay, ours are added."""
    status, said = kibana.ask("GET", f"{_VIEWS}/{name}")
    if status != 200:
        if change:
            _must(kibana.ask("POST", _VIEWS, {"data_view": view, "override": True}), f"data view {name}")
        return Step("data view", name, "created")
    stored = said.get("data_view", {}) if isinstance(said, dict) else {}
    formats = stored.get("fieldFormats") or {}
    missing = [field for field in view["fieldFormats"] if field not in formats]
    plain = {key: view[key] for key in ("title", "timeFieldName")}
    if not missing and not differs(plain, stored):
        return Step("data view", name, "unchanged")
    if change:
        body = {**plain, "name": view["name"], "fieldFormats": {**view["fieldFormats"], **formats}}
        _must(kibana.ask("POST", f"{_VIEWS}/{name}", {"data_view": body}), f"data view {name}")
    return Step("data view", name, "updated")


def _import(kibana: Kibana, file: Path, *, change: bool) -> Step:
    """All but data views, which are put by their own API so that people's changes stay."""
    objects = [orjson.loads(line) for line in file.read_text("utf-8").splitlines()]
    objects = [one for one in objects if one["type"] != "index-pattern"]
    stored = kibana.stored((one["type"], one["id"]) for one in objects)
    if stored and not any(
        differs(one["attributes"], stored.get((one["type"], one["id"]))) for one in objects
    ):
        return Step("saved objects", file.name, "unchanged")
    if change:
        kibana.import_objects(file.name, b"\n".join(orjson.dumps(one) for one in objects))
    return Step("saved objects", file.name, "updated" if stored else "created")


def _import_all(kibana: Kibana, folder: Path, *, change: bool) -> list[Step]:
    return [_import(kibana, folder / EVERYTHING, change=change)]


def _put_dashboard(kibana: Kibana, file: Path, *, change: bool) -> Step:
    name = file.name.removesuffix(".json")
    path = f"/api/dashboards/{quote(name)}"
    body = orjson.loads(file.read_bytes())
    status, said = kibana.ask("GET", path)
    there = status == 200
    if there and isinstance(said, dict) and not differs(body, said.get("data")):
        return Step("dashboard", name, "unchanged")
    if change:
        answer = kibana.ask("PUT", path, body)
        if answer[0] in _REFUSALS:
            reason = (
                f"Kibana does not take its form ({answer[0]}): {shown(answer[1])}; all are imported instead"
            )
            return Step("dashboard", name, "skipped", reason)
        _must(answer, f"dashboard {name}")
    return Step("dashboard", name, "updated" if there else "created")


def _must(answer: tuple[int, Any], what: str) -> None:
    status, said = answer
    if status not in (200, 201):
        raise StoreError(f"Kibana refuses {what} ({status}): {shown(said)}")


def _dashboards(folder: Path) -> Iterator[Path]:
    found = (file for file in (folder / DASHBOARD_FOLDER).iterdir() if file.name.endswith(".json"))
    yield from sorted(found, key=lambda file: file.name)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
