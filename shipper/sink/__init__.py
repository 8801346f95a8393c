"""Where batches go: each sink takes prepared documents and says what became of every one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipper.sink.base import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Sink

_NO_LOGSTASH = Result(
    Outcome.PAUSE, None, "no_sink", "logstash_url is set, and this version can't send to Logstash: unset it"
)


def make_sink(settings: Settings) -> Sink:
    """The sink that the settings ask for; it connects when it first sends. Never raises."""
    return _DeferredSink(settings)


class _DeferredSink:
    """Imports the store's client in the thread that sends: a third of a second that the first log call must not pay."""

    name = "elasticsearch"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sink: Sink | None = None
        self._lock = threading.Lock()

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        if self._settings.logstash_url:
            return [_NO_LOGSTASH] * len(batch)
        with self._lock:
            if self._sink is None:
                from shipper.sink.elasticsearch import ElasticsearchSink

                self._sink = ElasticsearchSink(self._settings)
        return self._sink.send(batch)

    def close(self) -> None:
        with self._lock:
            if self._sink is not None:
                self._sink.close()
