"""Where an import goes: the store, Logstash, or a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from shipper.errors import UsageError
from shipper.sink.base import Outcome, Result
from shipper.spool.private import private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from elastic_transport import Transport

    from shipper.settings import Settings
    from shipper.sink.base import Prepared, Sink

ELASTICSEARCH, LOGSTASH = "elasticsearch", "logstash"
_WRITTEN = Result(Outcome.DELIVERED, 201)


class FileTarget:
    """A file of NDJSON. What a crash left behind the last confirmed document is cut off."""

    name = "file"

    def __init__(self, path: Path, kept_bytes: int) -> None:
        """Open it.

        Raises:
            UsageError: there is such a file already, or it can't be written.
        """
        try:
            size = path.stat().st_size if path.exists() else 0
            if size and not kept_bytes:
                raise UsageError(f"{path} is there already: delete it, or give another name.")
            if size < kept_bytes:
                raise UsageError(
                    f"{path} is not what the import left that stopped: begin anew with --restart."
                )
            self._file: BinaryIO = open(path, "r+b" if kept_bytes else "wb", opener=private)  # noqa: SIM115 - open until `close`
            self._file.truncate(kept_bytes)
            self._file.seek(0, io.SEEK_END)
        except OSError as error:
            raise UsageError(f"{path} can't be written: {error.strerror}.") from None

    def send(self, batch: Sequence[Prepared]) -> list[Result]:
        """Nothing yet: what is confirmed is written, by `keep`."""
        return [_WRITTEN] * len(batch)

    def keep(self, batch: Sequence[Prepared]) -> int:
        """Write a batch; the file's size.

        Raises:
            OSError: the disk is full.
        """
        self._file.write(b"".join([part for one in batch for part in (one.body, b"\n")]))
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Close it. Never raises."""
        self._file.close()


def target_of(
    settings: Settings, to: str | None, kept_bytes: int, on_create: Callable[[Transport, str], None] | None
) -> Sink:
    """Where to send.

    Args:
        settings: addresses.
        to: `elasticsearch`, `logstash` or a file's path; None: Logstash where it is configured, else the store.
        kept_bytes: the part of a file that counts.
        on_create: told about each index that was made for it.

    Raises:
        UsageError: Logstash is not configured, or the file can't be written.
    """
    if to is None:
        to = LOGSTASH if settings.logstash_url else ELASTICSEARCH
    if to == ELASTICSEARCH:
        from shipper.sink.elasticsearch import ElasticsearchSink

        return ElasticsearchSink(settings, on_create)
    if to == LOGSTASH:
        from shipper.sink.logstash import LogstashSink

        if not settings.logstash_url:
            raise UsageError("--to logstash: no Logstash is configured; set SHIPPER_LOGSTASH_URL.")
        return LogstashSink(settings)
    return FileTarget(Path(to), kept_bytes)
