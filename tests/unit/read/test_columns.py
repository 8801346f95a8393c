"""Flat columns: names and types from the registry, values as the store would index them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shipper.errors import UsageError
from shipper.read.columns import Table, chosen, columns_of
from shipper.record import build
from shipper.record.fields import DATASETS, Completion, flatten
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, JSON, unhurried


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_field_is_a_column(dataset: str) -> None:
    """A dataset's columns are its fields, by name."""
    model = DATASETS[dataset]
    assert [column.name for column in columns_of(model)] == [info.name for info in model.fields()]
    Table(columns_of(model))  # no name is the beginning of another


def test_payloads_are_no_columns_unless_asked_for() -> None:
    """Messages and raw payloads are left out of a table, and can be named."""
    names = {column.name for column in chosen("llm.completion")}
    assert "llm.input.text" in names
    assert "gen_ai.input.messages" not in names
    assert [column.name for column in chosen("llm.completion", ["gen_ai.*.messages"])] == [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
    ]


def test_columns_without_content() -> None:
    """Without content no column holds what was said."""
    names = {column.name for column in chosen("llm.completion", content=False)}
    assert "gen_ai.usage.input_tokens" in names
    assert names.isdisjoint(
        {"llm.input.text", "message", "error.message", "llm.choices", "tags"} - {"llm.choices"}
    )
    assert not any(column.content for column in chosen("llm.completion", ["llm.*"], content=False))


@pytest.mark.parametrize(
    ("given", "meant"), [("usage", "gen_ai.usage.input_tokens"), ("user.ids", "user.id")]
)
def test_unknown_field_is_told(given: str, meant: str) -> None:
    """A name that no field has ends in a sentence that names one."""
    with pytest.raises(UsageError, match=f"Did you mean {meant}"):
        chosen("llm.completion", [given])


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [
        ("gen_ai.usage.input_tokens", 5, 5),
        ("gen_ai.usage.input_tokens", "5", 5),
        ("gen_ai.usage.input_tokens", 5.0, 5),
        ("gen_ai.usage.input_tokens", 2**63 - 1, 2**63 - 1),
        ("gen_ai.usage.input_tokens", 2**63, None),
        ("gen_ai.usage.input_tokens", "many", None),
        ("gen_ai.usage.input_tokens", True, None),
        ("gen_ai.usage.input_tokens", {"n": 5}, None),
        ("llm.retry.count", 40_000, None),
        ("gen_ai.usage.cost.amount", "0.5", 0.5),
        ("gen_ai.usage.cost.amount", "NaN", None),
        ("gen_ai.request.stream", "true", True),
        ("gen_ai.request.stream", 1, None),
        ("event.end", "2026-11-21T08:00:00.000001Z", 1_795_248_000_000_001),
        ("event.end", "yesterday", None),
        ("user.id", ["u1", "u2"], "u1"),
        ("user.id", 7, "7"),
        ("tags", "one", ["one"]),
        ("tags", ["one", None, 2], ["one", "2"]),
        ("llm.truncated.length", [1, "x", 3], [1, 3]),
        ("llm.input.text", "", ""),
        ("labels", {"b": 1, "a": None}, '{"a":null,"b":1}'),
        ("llm.choices", [{"index": 0}], '[{"index":0}]'),
    ],
)
def test_values(name: str, stored: Any, value: Any) -> None:
    """A value is read as the store reads it; one that is none of the field's kind is left out."""
    (column,) = chosen("llm.completion", [name])
    document: dict[str, Any] = {}
    branch = document
    *path, last = name.split(".")
    for key in path:
        branch = branch.setdefault(key, {})
    branch[last] = stored
    assert Table([column]).of([document, {}], 2) == [[value, None]]


@unhurried
@given(CALLS)
def test_a_document_of_ours_loses_nothing(call: Any) -> None:
    """Each field of a document is in its column, and no other column has a value."""
    document = build(payloads.entry(call))
    columns = columns_of(Completion)
    values = {
        column.name: value[0] for column, value in zip(columns, Table(columns).of([document], 1), strict=True)
    }
    stored = {name for name, value in flatten(document, Completion).items() if value is not None}
    assert {name for name, value in values.items() if value is not None} == stored


@unhurried
@given(JSON)
def test_any_document_is_a_row(document: Any) -> None:
    """Whatever somebody else has stored, a table has a row for it."""
    values = Table(columns_of(Completion)).of(
        [{"llm": document, "gen_ai": {"usage": document}, "tags": document}], 1
    )
    assert all(len(column) == 1 for column in values)
