"""The golden vectors of what comes without the shipper, and what makes a result comparable with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipper.route.moment import nanoseconds, text

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
BARE = sorted(folder.name for folder in VECTORS.glob("bare-*"))

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Vector:
    """One message, and the documents that it comes to: index, id, document."""

    message: str
    expected: list[dict[str, Any]]


def bare_vectors(scenario: str) -> list[Vector]:
    """The vectors of a `bare-` scenario."""
    given, wanted = (_lines(VECTORS / scenario / name) for name in ("input.ndjson", "expected.ndjson"))
    return [Vector(_message(one), expected) for one, expected in zip(given, wanted, strict=True)]


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _message(line: dict[str, Any]) -> str:
    if "message" in line:
        return line["message"]
    return json.dumps(line["record"], ensure_ascii=False, separators=(",", ":"))


def comparable(
    index: str, document_id: str, document: dict[str, Any], since: int, until: int
) -> dict[str, Any]:
    """A result in the vectors' terms: what depends on the time of arrival is checked here, and replaced by a word.

    Args:
        index: where it is stored.
        document_id: under which id.
        document: what is stored.
        since: the earliest time of arrival, ns since the epoch.
        until: the latest.
    """
    document = json.loads(json.dumps(document))
    event, llm = document["event"], document.get("llm") or {}
    moment = nanoseconds(document["@timestamp"])
    assert moment is not None
    document["@timestamp"] = text(moment)
    arrived = nanoseconds(event.get("ingested", document["@timestamp"]))
    assert arrived is not None
    if not since <= arrived <= until:  # the client's own
        return {"index": index, "id": document_id, "document": document}
    lag = (llm.get("ship") or {}).get("lag_ms")
    if lag is not None:
        created = nanoseconds(event["created"])
        assert created is not None
        assert 0 <= lag - max(0, arrived - created) // 10**6 <= 1, "microseconds are cut from the arrival"
        llm["ship"]["lag_ms"] = "<lag>"
    if event["dataset"] == "llm.deadletter" and llm["deadletter"]["stage"] == "intake":
        assert document["@timestamp"] == llm["deadletter"]["first_at"]
        assert _HASH.fullmatch(document_id)
        assert event["id"] == document_id
        assert index.endswith(document["@timestamp"][:7].replace("-", "."))
        index = f"{index[:-7]}<month>"
        document["@timestamp"] = llm["deadletter"]["first_at"] = "<arrived>"
        document_id = event["id"] = "<id>"
    if "ingested" in event:
        event["ingested"] = "<arrived>"
    return {"index": index, "id": document_id, "document": document}
