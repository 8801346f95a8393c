"""The spool entry: one log call as one line of JSON.

    {"seq":17,"app":{"host":…,"pid":…,"instance":…,"shipper":…,"name":…,"version":…},
     "v":1,"dataset":"llm.completion","id":…,"given_id":true,"at":…,"call":{…},"changed":[…],"truncated":[…]}

The spool writer owns the beginning (`seq` and the process), the application its own part, prepared once, and
each call the rest: a line is three byte strings joined, and only the call itself is serialised.
`shipper.record.build` turns an entry into a document later, in the sender.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from shipper.record.serialize import to_json
from shipper.record.truncate import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_BEGINNING = re.compile(rb'\{"seq":([0-9]{1,20}),').match
_ENVELOPE_BYTES = 2048  # room for what stands around the call


class Call(NamedTuple):
    """What one log call has to say, before it is bytes."""

    dataset: str
    event_id: str
    given_id: bool
    at_ns: int
    body: dict[str, Any]


def application_fragment(fields: Mapping[str, str | None]) -> bytes:
    """The application's part of each line, made once. Never raises."""
    body, _ = to_json({name: value for name, value in fields.items() if value is not None})
    return body[1:]


def encode(call: Call, application: bytes, max_bytes: int, changed: Sequence[str] = ()) -> bytes:
    """The line behind the process's part, newline included.

    Args:
        call: what to say; its body may hold any Python objects.
        application: from `application_fragment`.
        max_bytes: a longer line has its longest content cut, flagged with length and hash.
        changed: what was made safe in the call already.

    Never raises.
    """
    body, made_safe = to_json(call.body)
    changed = [*changed, *made_safe]
    truncated: list[dict[str, Any]] = []
    if len(body) + _ENVELOPE_BYTES > max_bytes:
        cut, truncated = fit({"call": orjson.loads(body)}, max_bytes - _ENVELOPE_BYTES)
        body = orjson.dumps(orjson.loads(cut)["call"])
    flags = b""
    if call.given_id:
        event_id, _ = to_json(call.event_id)
        flags += b'"given_id":true,'
    else:  # ours: nothing in it needs escaping
        event_id = b'"%b"' % call.event_id.encode()
    if changed:
        flags += b'"changed":%b,' % orjson.dumps(changed)
    if truncated:
        flags += b'"truncated":%b,' % orjson.dumps(truncated)
    return b'%b,"v":1,"dataset":"%b","id":%b,%b"at":%d,"call":%b}\n' % (
        application,
        call.dataset.encode(),
        event_id,
        flags,
        call.at_ns,
        body,
    )


def highest_sequence(lines: Iterable[bytes], known: int) -> int:
    """The highest of the known number and those of the lines, which may lie out of order. Never raises.

    A line whose number can't be read counts as the one that follows.
    """
    for line in lines:
        number = sequence_of(line)
        known = known + 1 if number is None else max(known, number)
    return known


def sequence_of(line: bytes) -> int | None:
    """An entry's sequence number without parsing the entry; None if the line does not begin like one."""
    found = _BEGINNING(line)
    return int(found[1]) if found else None
