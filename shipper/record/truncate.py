"""An entry that is too large, cut until it fits: the longest content first, the event itself never.

Three steps, each only if the one before was not enough. The longest strings are cut to a common length, the highest
that fits: first in raw payloads (the rest repeats them), then in other content, then anywhere. Lists and objects are
thinned out (`shrink`). Only the envelope stays. What was cut is recorded with its length and a hash.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import orjson

from shipper.record.sanitise import Path
from shipper.record.serialize import to_json
from shipper.record.shrink import Cuts, cut_text, shrunk

MIN_LIMIT: Final = 4096  # the longest id takes 3,074 bytes

_CALL: Final[Path] = (None, "call")
_RAW: Final = frozenset({"raw_request", "raw_response"})
_CONTENT: Final = frozenset(
    {"request", "response", "inputs", "outputs", "logs", "error", "prompt", "message", "fields"}
    | {"comment", "better_response", "ground_truth", "values"}
)
_NAMES: Final = frozenset({"id", "model", "name", "role", "type", "object", "finish_reason", "tool_call_id"})
_ENVELOPE: Final = frozenset({"seq", "v", "dataset", "id", "given_id", "at"})
_RAW_TIER, _CONTENT_TIER, _OTHER_TIER = 0, 1, 2
_MIN_KEPT: Final = 256  # bytes of each cut string
_MAX_ESCAPE: Final = 6  # bytes that one character can take in JSON: \\u0001
_LONG_LIST: Final = 32
_SEARCHED: Final[frozenset[type]] = frozenset({str, dict, list})
_ID_MAX_BYTES: Final = 512  # of an _id in the store; a longer one is hashed on its way there, as it is here
_ID_MAX_JSON_BYTES: Final = _ID_MAX_BYTES * _MAX_ESCAPE + 2

_Text = tuple[int, Any, Any, Path]  # bytes as JSON, container, key, path


def fit(entry: dict[str, Any], limit: int) -> tuple[bytes, list[dict[str, Any]]]:
    """Return the entry as JSON of at most `limit` bytes, and what was cut for that.

    Each cut is {"field": path, "length": characters it had, "hash": "b2:…" of it}; they are also appended to the
    entry's "truncated" in the JSON. Paths inside "call" begin below it: "request.messages[0].content". The result
    depends on the arguments alone. The entry is not modified.

    Args:
        entry: plain JSON types.
        limit: bytes, without a newline; at least 4,096.

    Never raises, save MemoryError.
    """
    data, changed = to_json(entry)
    if len(data) <= limit:
        return data, []
    whole: dict[str, Any] = orjson.loads(data) if changed else entry
    cuts = Cuts(limit // 8)
    target = limit - cuts.reserve
    small = dict(whole)
    earlier = small.pop("truncated", None)
    _shorten_id(small, cuts)
    _cut_texts(small, len(data) - target, cuts)
    if len(orjson.dumps(small)) > target:
        small = _thinned_out(small, target, cuts)
    fitted = _with_cuts(small, earlier, cuts, limit)
    if len(fitted) <= limit:
        return fitted, cuts.records()
    return _envelope(whole, data)


def _with_cuts(small: dict[str, Any], earlier: Any, cuts: Cuts, limit: int) -> bytes:
    """The JSON text, with the cuts of an earlier time kept if there is room for them."""
    records = cuts.records()
    if isinstance(earlier, list):
        fitted = orjson.dumps({**small, "truncated": [*earlier, *records]})
        if len(fitted) <= limit:
            return fitted
    return orjson.dumps({**small, "truncated": records})


def _cut_texts(entry: dict[str, Any], excess: int, cuts: Cuts) -> None:
    """Cut the longest strings, tier by tier, until `excess` bytes are saved or all are at their minimum."""
    for texts in _texts_of_copy(entry):
        if excess <= 0:
            return
        level = _common_length([size for size, *_ in texts], excess)
        for size, container, key, path in texts:
            if size > level:
                text = container[key]
                container[key] = cut_text(text, level)
                cuts.add(path, text)
                excess -= size - level


def _common_length(sizes: list[int], excess: int) -> int:
    """The largest number of bytes to which all longer ones can be cut to save `excess`; at least the minimum."""
    ordered = sorted(sizes, reverse=True)
    total = 0
    for count, size in enumerate(ordered, start=1):
        total += size
        level = (total - excess) // count
        shorter = ordered[count] if count < len(ordered) else 0
        if level >= shorter:
            return max(level, _MIN_KEPT)
    return _MIN_KEPT


def _thinned_out(entry: dict[str, Any], room: int, cuts: Cuts) -> dict[str, Any]:
    """The entry with everything but its envelope made to fit into the room."""
    envelope = {key: value for key, value in entry.items() if key in _ENVELOPE}
    content = {key: value for key, value in entry.items() if key not in _ENVELOPE}
    return {**envelope, **shrunk(content, room - len(orjson.dumps(envelope)), None, cuts)}


def _texts_of_copy(entry: dict[str, Any]) -> tuple[list[_Text], ...]:
    """The strings that are long enough to be cut, by tier, after all that holds them was copied.

    `entry` is a copy already; whatever dict or list is found in it is replaced by a copy, so that strings can be
    cut in place. (Strings themselves are shared: copying 10 MB of them would take longer than the rest.)
    """
    tiers: tuple[list[_Text], ...] = ([], [], [])
    todo: list[tuple[Any, Path, int]] = [(entry, None, _OTHER_TIER)]
    for container, path, container_tier in todo:
        parts: Any = container.items() if type(container) is dict else enumerate(container)
        for key, part in parts:
            kind = type(part)
            if kind not in _SEARCHED or (path is None and key in _ENVELOPE):
                continue
            tier = _tier_in_call(key) if path == _CALL else container_tier
            if kind is str:
                if len(part) * _MAX_ESCAPE > _MIN_KEPT and (size := len(orjson.dumps(part))) > _MIN_KEPT:
                    named = tier == _CONTENT_TIER and key in _NAMES
                    tiers[_OTHER_TIER if named else tier].append((size, container, key, _step(path, key)))
            elif kind is dict or _has_texts(part):
                container[key] = inner = part.copy()
                todo.append((inner, _step(path, key), tier))
    return tiers


def _has_texts(items: list[Any]) -> bool:
    """Whether it may hold strings; a quick answer for vectors of numbers."""
    return len(items) <= _LONG_LIST or not _SEARCHED.isdisjoint(map(type, items))


def _tier_in_call(key: str) -> int:
    if key in _RAW:
        return _RAW_TIER
    return _CONTENT_TIER if key in _CONTENT else _OTHER_TIER


def _step(path: Path, key: str | int) -> Path:
    return (path, key if isinstance(key, str) else f"[{key}]")


def _shorten_id(entry: dict[str, Any], cuts: Cuts) -> None:
    """Replace an id that is too long for the store by the hash under which the store would know it anyway."""
    event_id = entry.get("id")
    if isinstance(event_id, str) and len(encoded := event_id.encode()) > _ID_MAX_BYTES:
        entry["id"] = "sha256:" + sha256(encoded).hexdigest()
        cuts.add((None, "id"), event_id)


def _envelope(entry: dict[str, Any], data: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """What is left when nothing else helped: that there was such an event, how large it was, and its hash."""
    cuts = Cuts(MIN_LIMIT // 8)
    kept = {key: value for key, value in entry.items() if key in _ENVELOPE}
    _shorten_id(kept, cuts)
    kept = {key: value for key, value in kept.items() if len(orjson.dumps(value)) <= _ID_MAX_JSON_BYTES}
    cuts.add_json(_CALL, data)
    return orjson.dumps({**kept, "call": {}, "truncated": cuts.records()}), cuts.records()
