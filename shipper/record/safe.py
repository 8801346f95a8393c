"""Objects that a user controls, made so that no key or depth of theirs can refuse the document.

Measured on Elasticsearch 9.5: a `flattened` field refuses NUL in a key, more than 20 levels, and a path so long that
path and value exceed 32,766 bytes; a field that is not indexed takes any key, but a document has at most 1,000 levels
(and orjson writes at most 254). Empty keys, blanks, dots and colliding paths (`{"a.b": 1, "a": {"b": 2}}`) are fine in
both. Logstash can't parse a key with `[` or `]`. So:

- NUL, `[` and `]` in a key are percent-encoded (`%00`, `%5B`, `%5D`), everywhere;
- what lies deeper than the limit becomes JSON text;
- in a flattened field, an object with a key of more than 400 bytes becomes JSON text.

Nothing is copied when nothing is odd, which is the usual case. None of these functions raises.
"""

from __future__ import annotations

import re
from typing import Any

from shipper.record.coerce import Flags, json_text

FLATTENED_LEVELS = 20
OPAQUE_LEVELS = 100
KEY_MAX_BYTES = 400  # 20 levels of it, and the longest value that is indexed (8,191 chars), fit a term

_ODD = re.compile(r"[\[\]\x00]")
_ENCODED = {"[": "%5B", "]": "%5D", "\0": "%00"}


def flattened(value: Any, where: str, flags: Flags) -> dict[str, Any]:
    """`value` for a `flattened` field: an object; anything but an object is put under the key `value`."""
    if type(value) is not dict:
        value = {"value": value}
    if _is_plain(value, FLATTENED_LEVELS, KEY_MAX_BYTES):
        return value
    repaired = _repair(value, FLATTENED_LEVELS, KEY_MAX_BYTES, where, flags)
    return repaired if isinstance(repaired, dict) else {"value": repaired}


def opaque(value: Any, where: str, flags: Flags) -> Any:
    """`value` for a field that is stored but not indexed."""
    if type(value) is not dict and type(value) is not list:
        return value
    if _is_plain(value, OPAQUE_LEVELS, None):
        return value
    return _repair(value, OPAQUE_LEVELS, None, where, flags)


def _is_plain(value: Any, levels: int, key_max: int | None) -> bool:
    """Whether a dict or list can be taken as it is."""
    if levels == 0:
        return False
    if type(value) is dict:
        for key, item in value.items():
            # Most keys are short identifiers; a byte takes at most four of the limit's.
            if not (key.isidentifier() and len(key) <= 100) and not _is_plain_key(key, key_max):
                return False
            kind = type(item)
            if (kind is dict or kind is list) and not _is_plain(item, levels - 1, key_max):
                return False
        return True
    for item in value:
        kind = type(item)
        if (kind is dict or kind is list) and not _is_plain(item, levels - 1, key_max):
            return False
    return True


def _is_plain_key(key: str, key_max: int | None) -> bool:
    return _ODD.search(key) is None and (key_max is None or not _is_too_long(key, key_max))


def _is_too_long(key: str, key_max: int) -> bool:
    return len(key) > key_max or len(key.encode("utf-8", "replace")) > key_max


def _repair(value: Any, levels: int, key_max: int | None, where: str, flags: Flags) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    if levels == 0:
        flags.append(f"{where}: nested too deeply, kept as JSON text")
        return json_text(value)
    if isinstance(value, list):
        return [_repair(item, levels - 1, key_max, where, flags) for item in value]
    if key_max is not None and any(_is_too_long(key, key_max) for key in value):
        flags.append(f"{where}: key too long, kept as JSON text")
        return json_text(value)
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = key
        if _ODD.search(key) is not None:
            name = _ODD.sub(lambda match: _ENCODED[match.group()], key)
            while name in value or name in out:
                name += "%"
            flags.append(f"{where}: bracket or NUL in a key, percent-encoded")
        out[name] = _repair(item, levels - 1, key_max, where, flags)
    return out
