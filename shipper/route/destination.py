"""Record → (index, id), and the aliases of that index. The rule: docs/decisions/0004-index-names.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from shipper.route.slug import slug

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ID_BYTES = 512
"""Elasticsearch's bound of an `_id`."""

_KINDS = {
    "llm.completion": "completions",
    "llm.feedback": "feedback",
    "llm.amendment": "feedback",
    "llm.delivery": "delivery",
}
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a document is stored."""

    index: str
    id: str


def destination(document: Mapping[str, Any], partition: Literal["month", "day"] = "month") -> Destination:
    """Where the document belongs, from its own values only.

    Without an application it is `default`, without a version `unversioned`, without a usable `@timestamp`
    `undated`; a dataset that isn't ours goes to the dead letters. A document without an id gets a hash of all
    that it holds as its id.

    Args:
        document: nested JSON values, as it will be stored.
        partition: time span of one index, in UTC.

    Raises:
        RecursionError: a document without an id is nested deeper than the interpreter's limit; nothing else.
    """
    span = _partition(document.get("@timestamp"), partition)
    kind = _KINDS.get(_text(document, "event", "dataset"), "deadletter")
    app = slug(_text(document, "llm", "application", "name") or "default")
    if kind == "completions":
        version = slug(_text(document, "service", "version") or "unversioned")
        return Destination(f"llm-completions-{app}@{version}-{span}", _document_id(document))
    return Destination(f"llm-{kind}-{app}@{span}", _document_id(document))


def aliases(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Aliases of the document's index: all versions of the application, and this version. Never raises.

    Only completions have them; the others have one index a partition and application anyway.
    """
    if _text(document, "event", "dataset") != "llm.completion":
        return ()
    app = slug(_text(document, "llm", "application", "name") or "default")
    version = slug(_text(document, "service", "version") or "unversioned")
    return (f"llm-completions-{app}", f"llm-completions-{app}@{version}")


def _text(document: Mapping[str, Any], *path: str) -> str:
    """The string at the path; empty when there is none, or something else is there."""
    value: Any = document
    for key in path:
        if not isinstance(value, dict):
            return ""
        value = value.get(key)
    return value if isinstance(value, str) else ""


def _document_id(document: Mapping[str, Any]) -> str:
    given = _text(document, "event", "id")
    if given.isascii() and 0 < len(given) <= MAX_ID_BYTES:
        return given
    # A foreign document without an id still has to land once, however often it is sent.
    seed = given or json.dumps(document, sort_keys=True, default=repr)
    encoded = seed.encode("utf-8", "surrogatepass")
    if given and len(encoded) <= MAX_ID_BYTES:
        return given
    return f"sha256:{sha256(encoded).hexdigest()}"


def _partition(timestamp: Any, partition: str) -> str:
    utc = _utc(timestamp) if isinstance(timestamp, str) else None
    if utc is None:
        return "undated"
    month = f"{utc.year:04d}.{utc.month:02d}"
    return f"{month}.{utc.day:02d}" if partition == "day" else month


def _utc(timestamp: str) -> datetime | None:
    """The moment in UTC; no zone means UTC. None when it isn't a date of the years 1 to 9999."""
    found = _TIMESTAMP.fullmatch(timestamp)
    if not found:
        return None
    *parts, sign, offset_hours, offset_minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if sign is None:
            return local
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        return local - offset if sign == "+" else local + offset
    except (ValueError, OverflowError):
        return None
