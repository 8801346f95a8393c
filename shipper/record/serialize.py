"""Any Python value to strict JSON bytes, without ever raising into the application.

Two roads. A value made of plain JSON types is recognised by one short walk and handed to orjson as it is. Anything
else is first copied into plain types (`sanitise`), and what could not be kept as it was is listed.

The walk comes first, and orjson never gets a `default` function, for a reason that is more than speed: orjson keeps
borrowed pointers into the dict or list that it is in. Python code that runs meanwhile (a `default`, an Enum's
`value`, a `tzinfo`) can let another thread change that container, and the process dies of a segmentation fault.
"""

from __future__ import annotations

from typing import Final

import orjson

from shipper.record.plain import is_plain
from shipper.record.sanitise import sanitise

NO_STACK: Final = "$: not examined, the call stack was at its limit"
NOT_SERIALISED: Final = b'"<unserialisable>"'


def to_json(value: object) -> tuple[bytes, list[str]]:
    """Return the value as JSON text (UTF-8) and a list of what had to be changed, as "path: what".

    The list is empty when the JSON says the same as the value. It holds at most 50 entries and then a count.
    The value is not modified, no iterator is consumed, and nothing of it is kept. What becomes of which type:
    docs/decisions/0002-serialiser.md. Never raises, save MemoryError and KeyboardInterrupt.
    """
    try:
        if is_plain(value):
            return orjson.dumps(value), []
    except (TypeError, RuntimeError, IndexError):
        # orjson refused it, or another thread changed it under the walk, or the stack is at its limit
        pass
    for thorough in (False, True):
        try:
            copy, changed = sanitise(value, thorough=thorough)
            return orjson.dumps(copy), changed
        except (TypeError, RecursionError):
            continue
    # The caller has used up the stack: do what still works without calling a Python function.
    try:
        return orjson.dumps(value), [NO_STACK]
    except (TypeError, RecursionError):
        return NOT_SERIALISED, [NO_STACK]
