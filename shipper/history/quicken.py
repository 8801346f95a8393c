"""Indices that an import makes itself are loaded without refreshes and replicas, and get both back afterwards.

https://www.elastic.co/docs/deploy-manage/production-guidance/optimize-performance/indexing-speed (August 2026).
What they had is written down before it is changed, so that a later import can put it back if this one is killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from elastic_transport import TransportError

from shipper.history.checkpoint import abandoned
from shipper.store.client import connect
from shipper.store.transport import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from elastic_transport import Transport

    from shipper.settings import Settings

LARGE_BYTES = 64 * 1024 * 1024
"""A smaller source is loaded as it is."""

_HEADERS = {"accept": JSON_TYPE, "content-type": JSON_TYPE}
_NAMES = ("refresh_interval", "number_of_replicas")
_FAST: dict[str, Any] = {"refresh_interval": "-1", "number_of_replicas": 0}


def quicken(transport: Transport, index: str, write_down: Callable[[str, dict[str, Any]], None]) -> None:
    """Make an index that was made a moment ago, by us, ready for loading.

    Args:
        transport: the store.
        index: its name.
        write_down: keeps what its settings were, before they are changed.

    Raises:
        TransportError: the store did not answer.
    """
    path = f"/{quote(index, safe='@')}/_settings"
    answer = transport.perform_request("GET", f"{path}?flat_settings=true", headers={"accept": JSON_TYPE})
    if answer.meta.status != 200 or not isinstance(answer.body, dict):
        return  # the key may not look; it loads more slowly, that is all
    had = answer.body.get(index, {}).get("settings", {})
    write_down(index, {name: had.get(f"index.{name}") for name in _NAMES})
    transport.perform_request("PUT", path, headers=_HEADERS, body={"index": _FAST})


def put_back(settings: Settings, known: dict[str, dict[str, Any]]) -> list[str]:
    """Give indices back what they had; the names of those that could not be given.

    Raises:
        ShipperError: there is no store.
    """
    left: list[str] = []
    client = connect(settings)
    try:
        for index, had in known.items():
            path = f"/{quote(index, safe='@')}/_settings"
            try:
                answer = client.transport.perform_request("PUT", path, headers=_HEADERS, body={"index": had})
                if answer.meta.status not in (200, 404):  # 404: it was deleted meanwhile
                    left.append(index)
            except TransportError:
                left.append(index)
    finally:
        client.close()
    return left


def put_back_abandoned(settings: Settings) -> list[str]:
    """Do it for the imports that were killed; the indices that have their settings again.

    Raises:
        ShipperError: there is no store.
        OSError: the folder can't be written to.
    """
    done: list[str] = []
    for checkpoint, progress in abandoned(settings.home):
        try:
            left = put_back(settings, progress.quickened)
            done += [index for index in progress.quickened if index not in left]
            progress.quickened = {index: had for index, had in progress.quickened.items() if index in left}
            checkpoint.save(progress)
        finally:
            checkpoint.close()
    return done
