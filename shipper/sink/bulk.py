"""The `_bulk` request and its answer, as pure functions on bytes and decoded JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shipper.sink.base import Outcome, Result
from shipper.sink.outcome import item_outcome
from shipper.store.explain import error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipper.sink.base import Prepared

# Enough to classify every item and to say why; without it the answer is six times as long.
FILTER_PATH = (
    "error,status,items.*.status,items.*.error.type,items.*.error.reason,"
    "items.*.error.caused_by.type,items.*.error.caused_by.reason"
)

DELIVERED = Result(Outcome.DELIVERED, 201)
_CREATED = {"create": {"status": 201}}  # all that FILTER_PATH leaves of an item


def body_of(batch: Sequence[Prepared]) -> bytes:
    """The request's body: per document a line that says create, where and under which id, then the document."""
    starts = {
        index: b'{"create":{"_index":' + orjson.dumps(index) + b',"_id":'
        for index in {one.index for one in batch}
    }
    return b"".join(
        [
            part
            for one in batch
            for part in (starts[one.index], orjson.dumps(one.id), b"}}\n", one.body, b"\n")
        ]
    )


def results_of(answer: Any, count: int) -> list[Result] | None:
    """One result per item of an answered request; None if this is not the answer to `count` items."""
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != count:
        return None
    if items == [_CREATED] * count:  # nearly always, and compared at once
        return [DELIVERED] * count
    results: list[Result] = []
    for item in items:
        said = item.get("create") if isinstance(item, dict) else None
        if not isinstance(said, dict) or not isinstance(said.get("status"), int):
            return None
        if "error" in said:
            results.append(item_outcome(said["status"], *error_of(said)))
        else:
            results.append(DELIVERED if said["status"] == 201 else item_outcome(said["status"]))
    return results
