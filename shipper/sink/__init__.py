"""Where batches go: each sink takes prepared documents and says what became of every one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipper.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Result, Sink

__all__ = ["make_sink"]


def make_sink(settings: Settings) -> Sink:
    """The sink that the settings name; opens no connection yet.

    Raises:
        SettingsError: the settings name a destination that this version has no sink for.
    """
    if settings.logstash_url:
        raise SettingsError(
            "Setting logstash_url: sending to Logstash is not part of this version; leave it unset."
        )
    return _DeferredElasticsearch(settings)


class _DeferredElasticsearch:
    """Imports the client in the thread that sends first: that takes a third of a second, the application's call must not."""

    name = "elasticsearch"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sink: Sink | None = None
        self._lock = threading.Lock()

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        with self._lock:
            if self._sink is None:
                from shipper.sink.elasticsearch import ElasticsearchSink

                self._sink = ElasticsearchSink(self._settings)
        return self._sink.send(batch)

    def close(self) -> None:
        with self._lock:
            if self._sink is not None:
                self._sink.close()
