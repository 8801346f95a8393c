"""Record → index and id, and the aliases of that index. The rule: docs/decisions/0004-index-names.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from shipper.route.slug import slug

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ID_BYTES = 512
"""Elasticsearch's bound of an `_id`."""

Partition = Literal["month", "day"]
"""The time span of one index, in UTC."""

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
# As we write them: the day alone decides, since it is UTC and the time of day is one.
_OURS = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII)


@dataclass(slots=True)  # frozen takes twice as long to make, and one is made for each event
class Destination:
    """Where a document is stored.

    `aliases` are those of the index: all versions of the application, and this version. Only completions have them;
    the others have one index a partition and application anyway.
    """

    index: str
    id: str
    aliases: tuple[str, ...] = field(default=(), compare=False)


def destination(document: Mapping[str, Any], partition: Partition = "month") -> Destination:
    """Where the document belongs, from its own values only.

    Without an application it is `default`, without a version `unversioned`, without a usable `@timestamp`
    `undated`; a dataset that isn't ours goes to the dead letters. A document without an id gets a hash of all
    that it holds as its id.

    Args:
        document: nested JSON values, as it will be stored.
        partition: time span of one index.

    Raises:
        RecursionError: a document without an id is nested deeper than the interpreter's limit; nothing else.
    """
    stem, aliases = _names(
        _text(document, "event", "dataset"),
        _text(document.get("llm"), "application", "name"),
        _text(document, "service", "version"),
    )
    index = stem + _partition(document.get("@timestamp"), partition)
    return Destination(index, _document_id(document), aliases)


@lru_cache(maxsize=4096)  # few of them make up all that a process sends
def _names(dataset: str, application: str, version: str) -> tuple[str, tuple[str, ...]]:
    """The index up to its partition, and its aliases."""
    app = slug(application or "default")
    kind = _KINDS.get(dataset, "deadletter")
    if kind != "completions":
        return f"llm-{kind}-{app}@", ()
    every = f"llm-completions-{app}"
    one = f"{every}@{slug(version or 'unversioned')}"
    return f"{one}-", (every, one)


def _text(values: Any, group: str, name: str) -> str:
    """The string in a group; empty when there is none, or something else is there."""
    if not isinstance(values, dict):
        return ""
    inner = values.get(group)
    text = inner.get(name) if isinstance(inner, dict) else None
    return text if isinstance(text, str) else ""


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
    if not isinstance(timestamp, str):
        return "undated"
    ours = _OURS.fullmatch(timestamp)
    return _span(timestamp if ours is None else ours[1], partition)


@lru_cache(maxsize=1024)  # events come in days
def _span(timestamp: str, partition: str) -> str:
    utc = _utc(timestamp)
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
