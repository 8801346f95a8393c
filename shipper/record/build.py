"""The one way from a spool entry to a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.record.completion import completion
from shipper.record.feedback import AMENDMENT, FEEDBACK, amendment, feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BUILDERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    FEEDBACK: feedback,
    AMENDMENT: amendment,
}


def build(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a spool entry, without cost, ingest time and shipping lag, which come later.

    Pure, and total for any JSON under `call`: what can't be read is kept where it can be found, and flagged in
    `llm.sanitised`. An entry of a dataset that is not known counts as a completion. The document shares parts with
    the entry; neither is changed by the other's builder.

    Never raises for JSON.
    """
    dataset = entry.get("dataset")
    builder = _BUILDERS.get(dataset) if type(dataset) is str else None
    return completion(entry) if builder is None else builder(entry)
