"""Our own documents are carried as they are, whatever is in them."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings

from shipper.history.build import Builder
from shipper.history.event import Lookup, Row
from shipper.history.formats.registry import format_named
from shipper.route import destination
from shipper.send.prepare import document_of
from shipper.settings import Settings
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, unhurried


@settings(unhurried, max_examples=50)
@given(CALLS)
def test_a_document_comes_back_as_it_went(call: dict[str, Any]) -> None:
    """A line of an export becomes the same bytes, at the same place."""
    document = document_of(orjson.loads(orjson.dumps(payloads.entry(call))))
    line = orjson.dumps(document)
    builder = Builder(Settings(), app="other", version="other", batch_id="b", now_ns=0)
    (ready,) = builder.build(
        Row("all.ndjson", 1, 0, line, orjson.loads(line)), format_named("ndjson"), Lookup(), None
    )
    place = destination(document)
    assert (ready.body, ready.index, ready.id) == (line, place.index, place.id)
