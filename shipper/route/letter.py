"""The dead letter of what arrived and is no record."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from shipper.route.moment import text
from shipper.route.nested import at

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is no record: a word to count by, and a sentence for people."""

    reason: str
    message: str


def letter(refusal: Refusal, original: str, record: Any, arrived_ns: int, position: int) -> dict[str, Any]:
    """The document that keeps it, with an id of its own. Never raises.

    Args:
        refusal: why.
        original: the text as it came.
        record: what was read of it, if anything; it may name its application.
        arrived_ns: when it arrived, ns since the epoch.
        position: place in the message that it came in, from 0: two that are equal are two.
    """
    now = text(arrived_ns)
    seed = f"{arrived_ns}\n{position}\n{original}".encode("utf-8", "surrogatepass")
    llm: dict[str, Any] = {
        "schema": {"version": "1"},
        "application": {"name": _application(record)},
        "deadletter": {"reason": refusal.reason, "stage": "intake", "first_at": now},
    }
    if isinstance(record, dict):
        if isinstance(given := at(record, "event", "id"), str):
            llm["deadletter"]["original_id"] = given
        if shipper := _shipper(record):
            llm["shipper"] = shipper
    return {
        "@timestamp": now,
        "event": {
            "id": f"sha256:{sha256(seed).hexdigest()}",
            "kind": "event",
            "dataset": "llm.deadletter",
            "original": original,
        },
        "ecs": {"version": "9.0.0"},
        "error": {"message": refusal.message},
        "llm": llm,
    }


def _shipper(record: Mapping[str, Any]) -> dict[str, str | int]:
    """What the gaps in a process's numbers are found by; nothing that the store could refuse the letter for."""
    values = {name: at(record, "llm", "shipper", name) for name in ("instance", "sequence", "version")}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def _application(record: Mapping[str, Any] | Any) -> str:
    if isinstance(record, dict):
        for path in (("llm", "application", "name"), ("service", "name")):
            if isinstance(name := at(record, *path), str) and name:
                return name
    return "default"
