"""Event ids and content hashes.

An event id is a UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, then a counter of
42 bits (section 6.2, method 1; it starts anywhere in a process and never goes back), then 32 random bits. Ids of
a process therefore sort in the order in which they were made, also within one millisecond. Nothing is locked:
taking the next number of a counter is one indivisible step, so that a signal handler, a finaliser or a forked
child can never find the generator half way.
"""

from __future__ import annotations

import itertools
import os
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from shipper.record.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_COUNTER_BITS: Final = 42
_COUNTER_MASK: Final = (1 << _COUNTER_BITS) - 1
# From 2,048 bytes on hashlib gives up the interpreter's lock, and waits to get it back: for a text like most, which is
# hashed in 3 µs, threads that send would hand the lock to and fro for each event.
_UNLOCKED: Final = 2047
_LONG_TEXT: Final = 64 * 1024

VOLATILE_KEYS: Final = frozenset(
    {
        # when it was logged and by which road: a resend differs in these
        "seq", "at", "level", "message", "logger", "import", "trace_id", "span_id",
        # readings of a clock or of the transport
        "started_at", "ended_at", "created_at", "stream", "retry_count", "http",
        # what is to be kept of the call, not the call
        "raw", "save",
    }
)  # fmt: skip
"""Keys of a call that may differ between two logs of the same event."""


class _Source:
    """Where the counter and the random bits come from; replaced as a whole in a forked child."""

    __slots__ = ("counter", "randoms")

    def __init__(self) -> None:
        self.counter = itertools.count(int.from_bytes(os.urandom(8)) & (_COUNTER_MASK >> 1))
        self.randoms = _random_words()


def _random_words() -> Iterator[int]:
    """1,024 random numbers of 32 bits from the system, for one system call."""
    return iter(memoryview(os.urandom(4096)).cast("I"))


_source = _Source()
_last_ms = 0


def _reseed() -> None:
    """Give a forked child its own counter and random bits."""
    global _source  # noqa: PLW0603 - the process has one
    _source = _Source()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed)


def new_event_id() -> str:
    """Return a new UUIDv7 as text, greater than all that this process made before.

    When the clock is set back, ids go on from the latest time seen. Thread-safe, fork-safe. Never raises.
    """
    global _last_ms  # noqa: PLW0603 - the process has one
    now_ms = time.time_ns() // 1_000_000
    if now_ms < _last_ms:
        now_ms = _last_ms
    else:
        _last_ms = now_ms
    source = _source
    count = next(source.counter) & _COUNTER_MASK
    word = next(source.randoms, None)
    if word is None:
        source.randoms = _random_words()
        word = next(source.randoms, 0)
    # one `%` is a third quicker than shifting a 128-bit integer together and slicing its digits
    return "%08x-%04x-7%03x-%04x-%04x%08x" % (  # noqa: UP031
        now_ms >> 16,
        now_ms & 0xFFFF,
        count >> 30,
        0x8000 | count >> 16 & 0x3FFF,
        count & 0xFFFF,
        word,
    )


def content_hash(call: Mapping[str, Any] | bytes, truncated: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the hash that tells a resend of an event from a reused id, tagged with its method ("b2:").

    `call` is the mapping or its JSON; `truncated` is what `truncate.fit` reported, so that two long texts that
    differ only past the cut differ here too. Never raises.
    """
    hashed = hashed_text(call)
    return hash_of(hashed + _sorted_json(list(truncated)) if truncated else hashed)


def hashed_text(call: Mapping[str, Any] | bytes) -> bytes:
    """Return what a call's hash is made of: its JSON, keys sorted, without `VOLATILE_KEYS`. Never raises."""
    parsed: Any = call if type(call) is dict else _parsed(call if type(call) is bytes else to_json(call)[0])
    if type(parsed) is dict and not VOLATILE_KEYS.isdisjoint(parsed):
        parsed = {key: value for key, value in parsed.items() if key not in VOLATILE_KEYS}
    return _sorted_json(parsed)


def hash_of(text: bytes) -> str:
    """Return the hash of such a text: Blake2b of 128 bits, tagged. Never raises."""
    digest = blake2b(digest_size=16)
    if len(text) <= _LONG_TEXT:
        for start in range(0, len(text), _UNLOCKED):
            digest.update(text[start : start + _UNLOCKED])
    else:
        digest.update(text)
    return "b2:" + digest.hexdigest()


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _sorted_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # also orjson.JSONEncodeError
        return orjson.dumps(orjson.loads(to_json(value)[0]), option=orjson.OPT_SORT_KEYS)
