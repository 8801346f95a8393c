"""Where batches go: each sink takes prepared documents and says what became of every one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Result, Sink


def make_sink(settings: Settings) -> Sink:
    """The sink that the settings ask for; it connects when it first sends. Never raises."""
    return _DeferredSink(settings)


class _DeferredSink:
    """Imports the HTTP client in the thread that sends: a third of a second that the first log call must not pay."""

    def __init__(self, settings: Settings) -> None:
        self.name = "logstash" if settings.logstash_url else "elasticsearch"
        self._settings = settings
        self._sink: Sink | None = None
        self._lock = threading.Lock()

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        with self._lock:
            if self._sink is None:
                self._sink = _connected_sink(self._settings)
        return self._sink.send(batch)

    def close(self) -> None:
        with self._lock:
            if self._sink is not None:
                self._sink.close()


def _connected_sink(settings: Settings) -> Sink:
    if settings.logstash_url:
        from shipper.sink.logstash import LogstashSink

        return LogstashSink(settings)
    from shipper.sink.elasticsearch import ElasticsearchSink

    return ElasticsearchSink(settings)
