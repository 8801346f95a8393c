"""The registry of fields."""

from __future__ import annotations

import re
from itertools import pairwise

import pydantic
import pytest

from shipper.record.fields import DATASETS, Completion, DeadLetter, Feedback, flatten

AT = "2026-11-21T07:30:42.123Z"


def completion(**more: object) -> dict[str, object]:
    return {"@timestamp": AT, "event": {"id": "1", "dataset": "llm.completion"}, **more}


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_field_has_a_name_a_type_and_a_sentence(dataset: str) -> None:
    """Nothing in the registry is undocumented or named twice."""
    fields = DATASETS[dataset].fields()
    names = [info.name for info in fields]
    assert len(names) == len(set(names))
    for info in fields:
        assert re.fullmatch(r"@timestamp|[a-z_]+(\.[a-z_]+)*", info.name), info.name
        assert info.meaning[0].isupper() or info.meaning[0] == "`", info.name
        assert info.meaning.endswith((".", "…", "`")), info.name


def test_a_name_means_the_same_in_every_dataset() -> None:
    """A query over all indices never meets two types for one field."""
    types: dict[str, set[str]] = {}
    for model in DATASETS.values():
        for info in model.fields():
            types.setdefault(info.name, set()).add(repr(info.stored))
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


def test_no_field_is_both_a_value_and_an_object() -> None:
    """No name is the beginning of another, which no mapping could hold."""
    for model in DATASETS.values():
        names = sorted(info.name for info in model.fields())
        for first, second in pairwise(names):
            assert not second.startswith(f"{first}."), (first, second)


def test_flatten_stops_at_fields() -> None:
    """A caller's own structure stays whole; everything above it is dotted."""
    document = completion(gen_ai={"usage": {"cache_read": {"input_tokens": 3}}}, labels={"a": {"b": 1}})
    assert flatten(document, Completion) == {
        "@timestamp": AT,
        "event.id": "1",
        "event.dataset": "llm.completion",
        "gen_ai.usage.cache_read.input_tokens": 3,
        "labels": {"a": {"b": 1}},
    }


def test_flatten_reads_an_array_of_objects_as_the_index_does() -> None:
    """One array for each leaf."""
    document = {"llm": {"truncated": [{"field": "a", "length": 5}, {"field": "b", "length": 7}]}}
    assert flatten(document, Completion) == {
        "llm.truncated.field": ["a", "b"],
        "llm.truncated.length": [5, 7],
    }


def test_flatten_keeps_what_is_no_field() -> None:
    """An unknown leaf shows up under its own name, so that a check can name it."""
    assert flatten({"llm": {"nonsense": {"x": [1]}, "empty": {}}}, Completion) == {
        "llm.nonsense.x": [1],
        "llm.empty": {},
    }


def test_a_rich_completion_is_valid() -> None:
    """Real shapes pass: nested choices, flattened lists, explicit nulls in the merge."""
    Completion.validate_document(
        completion(
            gen_ai={
                "request": {"temperature": 1, "stop_sequences": ["x"]},
                "input": {"messages": [{"role": "user"}]},
            },
            llm={
                "choices": [{"index": 0, "text": "a", "selected": True, "tool_calls": [{"name": "f"}]}],
                "feedback": {"count": 0, "positive": None, "last_at": None},
                "truncated": [{"field": "a", "length": 5, "hash": "b2:1"}],
            },
        )
    )


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"llm": {"nonsense": 1}}, "llm.nonsense"),
        ({"gen_ai": {"usage": {"input_tokens": "3"}}}, "gen_ai.usage.input_tokens"),
        ({"gen_ai": {"usage": {"input_tokens": True}}}, "gen_ai.usage.input_tokens"),
        ({"gen_ai": {"usage": {"input_tokens": 2**63}}}, "gen_ai.usage.input_tokens"),
        ({"gen_ai": {"usage": {"input_tokens": None}}}, "gen_ai.usage.input_tokens"),
        ({"gen_ai": {"request": {"temperature": float("nan")}}}, "gen_ai.request.temperature"),
        ({"llm": {"selected_choice_index": 2**15}}, "llm.selected_choice_index"),
        ({"llm": {"choices": [{"index": 0, "mood": "x"}]}}, "llm.choices"),
        ({"tags": "one"}, "tags"),
        ({"labels": "text"}, "labels"),
        ({"user": {"id": {"a": 1}}}, "user.id"),
        ({"event": {"id": "1", "dataset": "llm.completion", "outcome": "great"}}, "event.outcome"),
        ({"@timestamp": "20000-01-01T00:00:00Z"}, "@timestamp"),
        ({"@timestamp": "2026-11-21 07:30:42"}, "@timestamp"),
        ({"@timestamp": "2026-11-21T07:30:42+01:00"}, "@timestamp"),
    ],
)
def test_what_breaks_the_contract_is_named(more: dict[str, object], name: str) -> None:
    """Unknown fields, wrong types, out-of-range numbers and odd dates are refused under their dotted name."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Completion.validate_document(completion(**more))
    assert {str(error["loc"][0]) for error in caught.value.errors()} == {name}


def test_required_fields_are_missed() -> None:
    """Time, id and dataset are never absent."""
    for model in (Completion, Feedback, DeadLetter):
        with pytest.raises(pydantic.ValidationError) as caught:
            model.validate_document({})
        missing = {error["loc"][0] for error in caught.value.errors() if error["type"] == "missing"}
        assert missing == {"@timestamp", "event.id", "event.dataset"}
