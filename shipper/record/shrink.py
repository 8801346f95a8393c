"""JSON values made smaller: a string cut at its end, a list or object thinned out.

Each part of a list or object gets an equal share of the room, and what small parts don't need goes to the large ones;
so ids, names and numbers stay, and bulk goes. Where shares would be too small to say anything, a list keeps its
beginning and end, an object its beginning. Vectors go as a whole: part of one is worth nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from shipper.record.sanitise import Path, path_text

_MAX_RECORDS: Final = 50
_SUMMARY_BYTES: Final = 200  # the record of all further cuts, and the brackets around all
_MARKER_BYTES: Final = 64  # the longest marker, with its quotes
_MIN_SHARE: Final = 128
_MAX_LEVELS: Final = 8  # each level is measured anew, so that deep chains would cost their length times this
_MAX_KEY_BYTES: Final = 256
_KEPT_KEY_CHARS: Final = 64
_LONG_LIST: Final = 32
_NUMBERS: Final[frozenset[type]] = frozenset({int, float, type(None), bool})


class Cuts:
    """What was cut, as records within a number of bytes; further ones are summed up in a last record."""

    def __init__(self, room: int) -> None:
        self._room = min(room, _MAX_RECORDS * 256)
        self.reserve = self._room + _SUMMARY_BYTES
        self._records: list[dict[str, Any]] = []
        self._more = 0
        self._more_length = 0
        self._more_hash = blake2b(digest_size=16)

    def add(self, path: Path, text: str) -> None:
        """Note that a text was cut."""
        self._add(path, len(text), text.encode())

    def add_json(self, path: Path, data: bytes) -> None:
        """Note that a list or an object was cut, by its JSON text."""
        self._add(path, len(data), data)

    def records(self) -> list[dict[str, Any]]:
        """What was cut: {"field", "length", "hash"} each, in the order of cutting."""
        if not self._more:
            return self._records
        rest = {
            "field": f"and {self._more:,} more",
            "length": self._more_length,
            "hash": f"b2:{self._more_hash.hexdigest()}",
        }
        return [*self._records, rest]

    def _add(self, path: Path, length: int, content: bytes) -> None:
        digest = blake2b(content, digest_size=16)
        if not self._more and len(self._records) < _MAX_RECORDS:
            record = {
                "field": path_text(path).removeprefix("call."),
                "length": length,
                "hash": f"b2:{digest.hexdigest()}",
            }
            size = len(orjson.dumps(record)) + 1
            if size <= self._room:
                self._room -= size
                self._records.append(record)
                return
        self._more += 1
        self._more_length += length
        self._more_hash.update(digest.digest())


def cut_text(text: str, max_bytes: int) -> str:
    """Return the beginning of the text and "… [truncated N characters]", at most `max_bytes` as JSON with its quotes.

    At least the marker is left, of at most 64 bytes. Cut between characters. Never raises.
    """
    room = max(max_bytes - _MARKER_BYTES, 0)
    encoded = orjson.dumps(text[:room])[1:-1][:room]  # a character takes one byte at least
    head = _whole_characters(encoded)
    return f"{head}… [truncated {len(text) - len(head)} characters]"


def _whole_characters(encoded: bytes) -> str:
    """The beginning of a JSON string's inside, without the character or escape that was cut in two at its end."""
    for end in range(len(encoded), max(len(encoded) - 6, 0), -1):
        try:
            return orjson.loads(b'"%b"' % encoded[:end])
        except orjson.JSONDecodeError:
            continue
    return ""


def shrunk(value: Any, room: int, path: Path, cuts: Cuts, level: int = 0) -> Any:
    """Return the value, or a copy of at most about `room` bytes of JSON in the form that the module describes.

    Never more than `room`, if that is 128 at least and no key is longer than that.
    """
    data = orjson.dumps(value)
    if len(data) <= room:
        return value
    if type(value) is str:
        cuts.add(path, value)
        return cut_text(value, room)
    if type(value) is dict and level < _MAX_LEVELS:
        return _shrunk_dict(value, room, path, cuts, level)
    if type(value) is list and level < _MAX_LEVELS and not _is_vector(value):
        return _shrunk_list(value, room, path, cuts, level)
    cuts.add_json(path, data)
    return _marker(len(value)) if type(value) in (dict, list) else _marker(1)


def _shrunk_dict(value: dict[str, Any], room: int, path: Path, cuts: Cuts, level: int) -> dict[str, Any]:
    keys = {_short_key(key): key for key in value}
    for short, key in keys.items():
        if short is not key:
            cuts.add((path, short), key)
    sizes = [len(orjson.dumps(short)) + len(orjson.dumps(value[key])) + 2 for short, key in keys.items()]
    share = _share(sizes, room - 2 - _MARKER_BYTES)
    small: dict[str, Any] = {}
    left = room - 2 - _MARKER_BYTES
    for (short, key), size in zip(keys.items(), sizes, strict=True):
        if size > share:
            own = max(share, _MIN_SHARE) - len(orjson.dumps(short)) - 2
            part = shrunk(value[key], own, (path, short), cuts, level + 1)
            size = len(orjson.dumps(short)) + len(orjson.dumps(part)) + 2  # noqa: PLW2901 - what it takes now
        else:
            part = value[key]
        if size > left:
            break
        left -= size
        small[short] = part
    missing = len(value) - len(small)
    if missing:
        cuts.add_json(path, orjson.dumps(value))
        small["…"] = _marker(missing)
    return small


def _shrunk_list(value: list[Any], room: int, path: Path, cuts: Cuts, level: int) -> list[Any]:
    sizes = [len(orjson.dumps(item)) + 1 for item in value]
    share = _share(sizes, room - 2)
    if share >= _MIN_SHARE:
        return [
            item if size <= share else shrunk(item, share - 1, (path, f"[{index}]"), cuts, level + 1)
            for index, (item, size) in enumerate(zip(value, sizes, strict=True))
        ]
    cuts.add_json(path, orjson.dumps(value))
    half = (room - 2 - _MARKER_BYTES) // 2
    head, tail = _fitting(sizes, half), _fitting(sizes[::-1], half)
    return [*value[:head], _marker(len(value) - head - tail), *(value[-tail:] if tail else [])]


def _fitting(sizes: list[int], room: int) -> int:
    """How many of them fit, from the first."""
    for count, size in enumerate(sizes):
        room -= size
        if room < 0:
            return count
    return len(sizes)


def _share(sizes: list[int], room: int) -> int:
    """The largest share such that all parts, each cut to it, fit into the room."""
    left = room
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = left // (len(ordered) - index)
        if size > share:
            return share
        left -= size
    return room


def _short_key(key: str) -> str:
    """The key, or the beginning of a very long one with a hash of it, so that two of them stay two."""
    if len(key) * 6 <= _MAX_KEY_BYTES or len(orjson.dumps(key)) <= _MAX_KEY_BYTES:
        return key
    return f"{_whole_characters(orjson.dumps(key[:_KEPT_KEY_CHARS])[1:-1][:_KEPT_KEY_CHARS])}…{_digest8(key)}"


def _digest8(key: str) -> str:
    return blake2b(key.encode(), digest_size=8).hexdigest()


def _is_vector(items: list[Any]) -> bool:
    return len(items) > _LONG_LIST and _NUMBERS.issuperset(map(type, items))


def _marker(count: int) -> str:
    return f"… [truncated {count} {'item' if count == 1 else 'items'}]"
