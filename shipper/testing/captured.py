"""What a program would store, without a store."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson

from shipper import process
from shipper.send.prepare import document_of
from shipper.settings import Settings
from shipper.spool.folder import instance_folders

if TYPE_CHECKING:
    from collections.abc import Generator


class Captured:
    """What was logged since `capture_completions` began."""

    def __init__(self, settings: Settings) -> None:
        """Read the spool of these settings."""
        self.settings = settings

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The log calls in their order, as they wait to be sent."""
        process.pipeline_for(self.settings).flush(0.0)
        lines: list[bytes] = []
        for folder in instance_folders(self.settings.spool_dir):
            for number in folder.segments():
                lines += folder.segment(number).read_bytes().splitlines()
        return sorted((orjson.loads(line) for line in lines), key=_sequence)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The documents that they become."""
        return [document_of(entry) for entry in self.entries]

    def of(self, dataset: str) -> list[dict[str, Any]]:
        """The documents of one dataset: `llm.completion`, `llm.feedback` or `llm.amendment`."""
        return [document for document in self.documents if document["event"]["dataset"] == dataset]


@contextmanager
def capture_completions(**settings: Any) -> Generator[Captured]:
    """Keep what is logged, with the process's default settings, in a temporary folder, and send nothing.

    Handlers, applications and clients have to be made within it.

    Args:
        settings: single settings by name.

    Raises:
        SettingsError: a name or a value is wrong.
    """
    before = process.default_settings()
    with TemporaryDirectory(prefix="shipper-") as folder:
        chosen = Settings(**{"home": Path(folder), "send": "none", **settings})
        process.configure(chosen)
        try:
            yield Captured(chosen)
        finally:
            process.configure(before)
            process.forget(chosen)


def _sequence(entry: dict[str, Any]) -> int:
    return entry["seq"]
