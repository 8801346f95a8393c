"""The merge of all feedback on a completion. Pure: the events decide, not when or how often they come.

An entry is what one author says about one thing of one choice. Of two entries that say the same thing the larger
(time, event id) wins, as in a last-writer-wins map; a withdrawal is an entry that wins and counts for nothing. All
figures follow from the entries, so that no order, repetition or omission of a lost event can change them:

    merge(merge(∅, A), B) = merge(merge(∅, B), A) = merge(∅, A ∪ B)
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from shipper.record.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Entry = dict[str, Any]

MAX_ENTRIES: Final = 1000
"""The newest stay. A key once dropped can only come back by a newer entry, so that the bound keeps the merge's law."""

_TEXT_MAX: Final = 10_000  # characters of a better response; its event has the whole
_LABEL_MAX: Final = 1000
_KINDS: Final = frozenset({"human", "implicit", "evaluator", "ground_truth"})
_OURS: Final = re.compile(r"20\d{2}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII)
_ALWAYS: Final = ("id", "at", "kind", "name")
_TEXTS: Final = ("author", "label", "better_response")
_VERDICTS: Final = ("human", "implicit", "evaluator")  # whose verdict counts first


def entry_of(event: Mapping[str, Any]) -> Entry:
    """The entry that a stored feedback event makes. Values that are none of ours are left out. Never raises."""
    evaluation = _object(_object(event.get("gen_ai")).get("evaluation"))
    feedback = _object(_object(event.get("llm")).get("feedback"))
    score = _object(evaluation.get("score"))
    entry: Entry = {"id": _id(event), "at": _time(event)}
    if author := _text(feedback.get("author"), _LABEL_MAX):
        entry["author"] = author
    kind = feedback.get("author_kind")
    entry["kind"] = kind if isinstance(kind, str) and kind in _KINDS else "human"
    entry["name"] = _text(evaluation.get("name"), _LABEL_MAX) or "rating"
    choice = feedback.get("choice_index")
    if type(choice) is int:
        entry["choice"] = choice
    if feedback.get("withdrawn") is True:
        entry["withdrawn"] = True
        return entry
    value = score.get("value")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        entry["score"] = float(value)
    if label := _text(score.get("label"), _LABEL_MAX):
        entry["label"] = label
    if better := _text(feedback.get("better_response"), _TEXT_MAX):
        entry["better_response"] = better
    return entry


def merge(
    stored: Mapping[str, Any],
    new: Iterable[Entry],
    *,
    ended_at: str | None = None,
    lower_is_better: Collection[str] = (),
) -> dict[str, Any]:
    """The completion's `llm.feedback` with these entries in it.

    Args:
        stored: the completion's `llm.feedback` so far; empty if it has none.
        new: entries, in any order, known ones among them.
        ended_at: when the call was over, RFC 3339; for the lag of the first feedback.
        lower_is_better: names of evaluations whose high scores are bad: they are turned round for the figures.

    Returns:
        The whole group, null where nothing is known: a partial update must overwrite what was known before.

    Never raises for what `entry_of` has made; entries in the completion that are none of ours are left out.
    """
    winners: dict[tuple[Any, ...], Entry] = {}
    for entry in (*_entries_in(stored), *new):
        key = _key(entry)
        other = winners.get(key)
        if other is None or _is_later(entry, other):
            winners[key] = entry
    entries = sorted(winners.values(), key=_rank) if len(winners) > 1 else list(winners.values())
    truncated = stored.get("entries_truncated") is True or len(entries) > MAX_ENTRIES
    entries = entries[-MAX_ENTRIES:]
    return {
        "entries": entries,
        "entries_truncated": truncated,
        **_figures(entries, ended_at, frozenset(lower_is_better)),
    }


def _entries_in(stored: Mapping[str, Any]) -> Iterable[Entry]:
    kept = stored.get("entries")
    return (entry for entry in kept if _is_entry(entry)) if isinstance(kept, list) else ()


def _is_entry(value: Any) -> bool:
    """Whether this is an entry: any program with a key may have written to the completion."""
    return (
        type(value) is dict
        and all(type(value.get(name)) is str for name in _ALWAYS)
        and all(type(value[name]) is str for name in _TEXTS if name in value)
        and type(value.get("score", 0.0)) in (int, float)
        and type(value.get("choice", 0)) is int
    )


def _figures(entries: list[Entry], ended_at: str | None, lower_is_better: frozenset[str]) -> dict[str, Any]:
    """What follows from the entries, which are sorted by time."""
    counting = [entry for entry in entries if not entry.get("withdrawn")]
    scores = [
        (entry["kind"], 1 - entry["score"] if entry["name"] in lower_is_better else entry["score"])
        for entry in counting
        if "score" in entry
    ]
    by_people = [score for kind, score in scores if kind == "human"]
    better = [entry["better_response"] for entry in counting if "better_response" in entry]
    labels = [entry["label"] for entry in counting if "label" in entry]
    first_at = counting[0]["at"] if counting else None
    return {
        "count": len(counting),
        "score_avg": math.fsum(by_people) / len(by_people) if by_people else None,
        "last_score": scores[-1][1] if scores else None,
        "last_label": labels[-1] if labels else None,
        "positive": _verdict(scores),
        "has_better_response": bool(better),
        "better_response": better[-1] if better else None,
        "first_at": first_at,
        "last_at": counting[-1]["at"] if counting else None,
        "lag_ms": _lag_ms(ended_at, first_at),
        "by_human": sum(entry["kind"] == "human" for entry in counting),
        "by_evaluator": sum(entry["kind"] == "evaluator" for entry in counting),
    }


def _verdict(scores: list[tuple[str, float]]) -> bool | None:
    """The latest score, of people before deeds before evaluators: above the middle is good, below is bad."""
    for verdict in _VERDICTS:
        latest = next((score for kind, score in reversed(scores) if kind == verdict), None)
        if latest is not None:
            return None if latest == 0.5 else latest > 0.5
    return None


def _lag_ms(ended_at: str | None, first_at: str | None) -> int | None:
    end, first = parse_time(ended_at, "", []), parse_time(first_at, "", [])
    return None if end is None or first is None else max(0, first - end) // 1_000_000


def _key(entry: Entry) -> tuple[Any, ...]:
    """What of two entries makes one replace the other. Who gives no name is nobody else."""
    if "author" not in entry:
        return (entry["id"],)
    return (entry["author"], entry["name"], entry.get("choice", -1))


def _is_later(entry: Entry, other: Entry) -> bool:
    """Whether an entry wins over the other. Times are all of one form, so that they compare as text."""
    ours, theirs = (entry["at"], entry["id"]), (other["at"], other["id"])
    return ours > theirs if ours != theirs else _rank(entry) > _rank(other)


def _rank(entry: Entry) -> tuple[str, str, bytes]:
    """The place in the order of all entries. The content decides for an id that was used twice at one time."""
    return (entry["at"], entry["id"], orjson.dumps(entry, option=orjson.OPT_SORT_KEYS))


def _id(event: Mapping[str, Any]) -> str:
    found = _object(event.get("event")).get("id")
    return found if isinstance(found, str) else ""


def _time(event: Mapping[str, Any]) -> str:
    """The event's time in the one form that entries have: UTC, with microseconds."""
    at = event.get("@timestamp")
    if type(at) is str and _OURS.fullmatch(at):
        return at
    return format_time(parse_time(at, "", []) or 0)


def _text(value: Any, longest: int) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
