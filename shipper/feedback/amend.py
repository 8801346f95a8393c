"""Amendments of a completion, part by part: of two that set the same part, the larger (time, event id) wins. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from shipper.record.amendment import ATTRIBUTE_PART, CONTENT, parts_of, remove, set_part, value_at
from shipper.record.pricing import apply_cost
from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PRICED_BY = frozenset({"usage", "response", f"{ATTRIBUTE_PART}provider"})


def amend(document: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A copy of the completion with these amendments in it; equal to the completion when they are known already.

    `llm.amended` remembers who set each part, so that order and repetition make no difference.

    Args:
        document: the completion as stored.
        events: stored events of dataset `llm.amendment`, in any order.

    Never raises for documents of ours.
    """
    amended: dict[str, Any] = copy.deepcopy(dict(document))
    llm: dict[str, Any] = amended.setdefault("llm", {})
    known: dict[str, Any] = llm.get("amended") or {}
    keeps_content = value_at(amended, "llm.privacy.content_stored") is not False
    winners: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {}
    for event in events:
        rank = (format_time(parse_time(event.get("@timestamp"), "", []) or 0), str(event["event"]["id"]))
        for part, values in parts_of(value_at(dict(event), "llm.amendment.fields")).items():
            if (
                keeps_content or (part not in CONTENT and not part.startswith(ATTRIBUTE_PART))
            ) and rank > _rank(known.get(part), winners.get(part)):
                winners[part] = (rank, values)
    for part, ((at, event_id), values) in winners.items():
        mark = {"at": at, "id": event_id}
        if part == "response":
            mark |= _exchange_key(llm, known.get(part), values.get("gen_ai.response.id"))
        set_part(amended, part, values if keeps_content else _without_words(values))
        known = {**known, part: mark}
    if winners:
        llm["amended"] = dict(sorted(known.items()))
        if not _PRICED_BY.isdisjoint(winners):
            _price(amended)
    return amended


def _rank(known: Mapping[str, str] | None, winner: tuple[tuple[str, str], Any] | None) -> tuple[str, str]:
    if winner is not None:
        return winner[0]
    return (known["at"], known["id"]) if known else ("", "")


def _exchange_key(llm: dict[str, Any], known: Mapping[str, str] | None, key: Any) -> dict[str, str]:
    """The provider's id of the answer becomes a join key, in place of an earlier amendment's."""
    join = llm.setdefault("join", {})
    keys: list[str] = list(join.get("key") or ())
    if known and "key" in known:
        keys = [one for one in keys if one != known["key"]]
    added = isinstance(key, str) and key not in keys
    join["key"] = [*keys, key] if added else keys
    return {"key": key} if added else {}


def _without_words(values: dict[str, Any]) -> dict[str, Any]:
    error = values.get("error")
    if not isinstance(error, dict):
        return values
    return {**values, "error": {key: error[key] for key in ("type", "code") if key in error}}


def _price(document: dict[str, Any]) -> None:
    """Price the new tokens, unless somebody has said what the call cost."""
    if value_at(document, "llm.cost.status") == "provided":
        return
    remove(document, "gen_ai.usage.cost")
    remove(document, "llm.cost")
    apply_cost(document)
