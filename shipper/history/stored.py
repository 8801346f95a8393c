"""Documents that somebody else has made in our terms get what ours have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from shipper.history.event import Rejected
from shipper.history.privacy import keep_private
from shipper.record.ids import content_hash
from shipper.record.pricing import apply_cost
from shipper.route import enrich
from shipper.route.foreign import recognise
from shipper.route.nested import at

if TYPE_CHECKING:
    from shipper.history.event import Format, Json, Row
    from shipper.settings import Settings


class Names(NamedTuple):
    """What an import says of all that it imports."""

    settings: Settings
    app: str | None
    """None takes what the source says."""
    version: str | None
    batch_id: str
    now_ns: int


def complete(document: Json, row: Row, form: Format, names: Names) -> None:
    """Complete a document, in place, as Logstash would complete it.

    Args:
        document: what the row holds.
        row: where it is from.
        form: the row's format.
        names: of the import.

    Raises:
        Rejected: it can't be.
    """
    settings = names.settings
    application = document.setdefault("llm", {}).setdefault("application", {})
    service = document.setdefault("service", {})
    app = names.app or application.get("name") or service.get("name") or settings.application
    application["name"] = service["name"] = app
    service["version"] = names.version or service.get("version") or settings.version
    refusal = recognise(document, orjson.dumps([row.source, row.line, row.original.hex()]).decode(), 0)
    if refusal is not None:
        raise Rejected(refusal.reason, refusal.message)
    whole = enrich(document, names.now_ns)
    document.clear()
    document.update(whole)
    llm = document["llm"]
    llm.get("ship", {}).pop("lag_ms", None)
    if not llm.get("ship", True):
        del llm["ship"]
    llm["import"] = {
        "source": form.name,
        "file": row.source,
        "line": row.line,
        "batch_id": names.batch_id,
    }
    llm["content_hash"] = content_hash({**document, "event": {}, "llm": {**llm, "import": {}}})
    if at(document, "llm", "cost", "status") == "pending":
        llm["cost"] = {}
        apply_cost(document)
    keep_private(document, settings)
