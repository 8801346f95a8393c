"""The record is total: any JSON becomes a document of the contract."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.record import build, strip_content
from shipper.record.fields import DATASETS
from tests.fixtures.record import payloads
from tests.fixtures.record.strategies import CALLS, JSON, Json, damaged, paths, unhurried


def check(entry: Json) -> Json:
    """Build, and check what is true of every document."""
    before = copy.deepcopy(entry)
    document = build(entry)
    assert entry == before, "the entry was changed"
    DATASETS[document["event"]["dataset"]].validate_document(document)
    assert orjson.loads(orjson.dumps(document)) == document
    for flag in document["llm"].get("sanitised", ()):
        assert isinstance(flag, str)
    return document


@unhurried
@given(CALLS)
def test_any_call_becomes_a_completion_of_the_contract(call: Any) -> None:
    """Whatever the call holds, the document has only known fields of the right types, and the entry is unchanged."""
    check(payloads.entry(call))


@unhurried
@given(CALLS)
def test_stripping_first_equals_building_without_content(call: Any) -> None:
    """A call stripped before the spool gives the same document as `save` False, and stripping again changes nothing."""
    if not isinstance(call, dict):
        return
    stripped = strip_content(call)
    assert strip_content(stripped) == stripped
    assert check(payloads.entry(stripped)) == check(payloads.entry({**call, "save": False}))


SECRET = "zq7secret"


def with_secrets(value: Any) -> Any:
    """The same payload with a secret in every text that may be content."""
    if isinstance(value, dict):
        return {
            key: SECRET + inner if key in CONTENT and isinstance(inner, str) else with_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            SECRET + item if isinstance(item, str) and item in CONTENT_ITEMS else with_secrets(item)
            for item in value
        ]
    return value


CONTENT = frozenset(
    [
        "content",
        "text",
        "input",
        "instructions",
        "arguments",
        "url",
        "data",
        "suffix",
        "prompt",
        "description",
        "message",
        "stack_trace",
        "logs",
        "thing",
        "job_title",
        "why",
        "notes",
        "b",
        "reasoning_content",
        "query",
        "filename",
        "experiment",
        "output",
        "team",
    ]
)
CONTENT_ITEMS = frozenset({"One", "Two", "first", "second", "a"})


@unhurried
@given(damaged([with_secrets(call) for call in payloads.ALL.values()]))
def test_no_content_survives_without_save(call: Json) -> None:
    """With `save` False nothing of the texts is left in the document or in the stripped call."""
    call = {key: value for key, value in call.items() if key not in ("tags", "labels")}
    call |= {"save": False, "raw": "always", "raw_request": SECRET, "raw_response": {"a": SECRET}}
    assert SECRET not in orjson.dumps(build(payloads.entry(call))).decode()
    assert SECRET not in orjson.dumps(strip_content(call)).decode()


@unhurried
@given(JSON, st.sampled_from(["llm.feedback", "llm.amendment"]))
def test_any_feedback_or_amendment_becomes_a_document(call: Any, dataset: str) -> None:
    """Whatever a feedback or amendment holds, its document keeps the contract."""
    check(payloads.entry(call, dataset))


FEEDBACK_KEYS = [
    "key",
    "join_keys",
    "name",
    "value",
    "scale",
    "choice_index",
    "comment",
    "author",
    "author_kind",
]
FEEDBACK_KEYS += [
    "channel",
    "better_response",
    "ground_truth",
    "values",
    "withdrawn",
    "created_at",
    "target_id",
    "fields",
]


@unhurried
@given(
    st.dictionaries(st.sampled_from(FEEDBACK_KEYS), JSON), st.sampled_from(["llm.feedback", "llm.amendment"])
)
def test_any_value_in_a_feedback_key_becomes_a_document(call: Json, dataset: str) -> None:
    """Each key may hold anything."""
    check(payloads.entry(call, dataset))


@pytest.mark.parametrize("levels", [19, 20, 21, 120, 300, 900])
@pytest.mark.parametrize("kind", [dict, list])
def test_deep_values_anywhere_become_a_document(levels: int, kind: type) -> None:
    """A value of many levels in any place is bounded, so that it can be written and stored."""
    deep: Any = "x"
    for _ in range(levels):
        deep = {"a": deep} if kind is dict else [deep]
    for name, good in payloads.ALL.items():
        for path in paths(good):
            call = copy.deepcopy(good)
            target: Any = call
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = deep
            document = build(payloads.entry(call))
            assert orjson.dumps(document), (name, path)
