"""Documents of imported rows: by form, and the long way."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import orjson

from shipper.history import build
from shipper.history.build import Builder
from shipper.history.event import Lookup, Row
from shipper.history.formats.registry import format_named
from shipper.send.prepare import document_of
from shipper.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from shipper.sink.base import Prepared

_NOW_NS = 1_763_700_000_000_000_000


def _row(number: int, source: str = "calls.jsonl", **more: Any) -> Row:
    question = f'Where is "order {number}" – still away?\n'
    value: dict[str, Any] = {
        "timestamp": 1_731_000_000 + 0.5 * number,
        "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]},
        "response": {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_731_000_000 + number,
            "model": "gpt-4o-2024-08-06",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Away."}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 10 + number, "completion_tokens": 5, "total_tokens": 15 + number},
        },
        **more,
        "user": f"u{number}",
        "latency_ms": 80 + number,
    }
    text = orjson.dumps(value)
    return Row(source, number, number, text, orjson.loads(text))


def _builder(folder: Path) -> Builder:
    return Builder(Settings(home=folder), app="shop", version="1", batch_id="b", now_ns=_NOW_NS)


def _built(builder: Builder, row: Row) -> list[Prepared]:
    return builder.build(row, format_named("pairs"), Lookup(), None)


def test_without_content_no_key_of_a_row_is_named(tmp_path: Path) -> None:
    """A path of what was made storable in a row is made of its keys."""
    row = _row(1, attributes={"ann@example.org": "x"})
    row.changed = ["attributes.ann@example.org: lone surrogate"]
    settings = Settings(home=tmp_path, save=False)
    builder = Builder(settings, app="shop", version="1", batch_id="b", now_ns=_NOW_NS)
    (made,) = _built(builder, row)
    assert b"ann@" not in made.body


def test_rows_of_a_kind_become_what_each_becomes_alone(tmp_path: Path) -> None:
    """Documents, ids, hashes and places don't depend on what came before in the file, nor do their lines."""
    rows = [_row(number, one) for one in ("a.jsonl", "b.jsonl") for number in range(1, 9)]
    rows += [
        _row(9, "b.jsonl", event_id="given"),
        _row(10, "b.jsonl", cost=0.25),
        _row(11, "b.jsonl", tags=["x"]),
    ]
    together = _builder(tmp_path)
    found = [_built(together, deepcopy(row)) for row in rows]
    assert found == [_built(_builder(tmp_path), row) for row in rows]
    lines = [orjson.loads(one.body)["llm"]["import"]["line"] for (one,) in found]
    assert lines == [row.line for row in rows]
    assert {orjson.loads(one.body)["llm"]["import"]["file"] for (one,) in found} == {"a.jsonl", "b.jsonl"}


def test_an_imported_document_has_no_sequence_number(tmp_path: Path) -> None:
    """Nobody's process numbered it, so that no gap is looked for; nor was it late."""
    builder = _builder(tmp_path)
    for number in range(1, 6):
        (one,) = _built(builder, _row(number))
        llm = orjson.loads(one.body)["llm"]
        assert "sequence" not in llm["shipper"]
        assert "ship" not in llm


def test_most_rows_of_a_kind_are_not_built_field_by_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the third row of a kind on, its document is filled in."""
    rows: list[Any] = []

    def counted(entry: dict[str, Any]) -> dict[str, Any]:
        rows.append(entry)
        return document_of(entry)

    monkeypatch.setattr(build, "document_of", counted)
    builder = _builder(tmp_path)
    for number in range(1, 4):
        _built(builder, _row(number))
    rows.clear()
    for number in range(4, 20):
        _built(builder, _row(number))
    assert rows == []
