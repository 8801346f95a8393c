"""Values of wrong types are read as far as they go, kept, and flagged."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.record import build
from shipper.record.fields import Completion
from shipper.record.safe import flattened, opaque
from tests.fixtures.record import payloads

Json = dict[str, Any]


def document_of(call: Any) -> Json:
    """The document, checked against the contract."""
    document = build(payloads.entry(call))
    Completion.validate_document(document)
    return document


def chat(response: Any, **request: Any) -> Json:
    return {"request": {"model": "gpt-4o", "messages": [], **request}, "response": response}


@pytest.mark.parametrize("text", ["not JSON", "<html>", '{"id": "chatcmpl-', ""])
def test_a_response_that_is_text_is_the_output(text: str) -> None:
    """What came is searchable, and flagged."""
    llm = document_of(chat(text))["llm"]
    assert llm["sanitised"] == ["response: not JSON"]
    assert llm.get("output", {"text": ""}) == {"text": text}


def test_a_response_that_is_a_list_is_kept_as_outputs() -> None:
    """A list that is no stream is flattened, its text searchable."""
    llm = document_of(chat([{"a": "x"}, 5, "y"]))["llm"]
    assert llm["outputs"] == {"value": [{"a": "x"}, 5, "y"]}
    assert llm["output"] == {"text": "x\ny"}
    assert llm["sanitised"] == ["response: not an object"]


def test_a_request_that_is_no_object_is_the_input() -> None:
    """Text is searchable; anything else is kept as inputs."""
    llm = document_of({"request": "What?", "response": None})["llm"]
    assert llm["input"] == {"text": "What?"}
    assert llm["sanitised"] == ["request: not an object"]
    llm = document_of({"request": ["What?", 5], "inputs": {"a": "b"}})["llm"]
    assert llm["inputs"] == {"inputs": {"a": "b"}, "request": ["What?", 5]}


@pytest.mark.parametrize(
    ("messages", "text", "flag"),
    [
        ("Hello", "Hello", "request.messages: not a list"),
        (["Hello"], "Hello", "request.messages[0]: text instead of a message"),
        ([5, {"role": "user", "content": "x"}], "x", "request.messages[0]: not a message"),
        ([None, {"role": "user", "content": "x"}], "x", "request.messages[0]: not a message"),
        ([{"role": 5, "content": "x"}], "x", "request.messages[0].role: not a string"),
        ([{"role": "user", "content": 5}], "5", "request.messages[0].content: not a part of content"),
        ([{"role": "user", "content": [7]}], "7", "request.messages[0].content: not a part of content"),
        ({"role": "user", "content": "x"}, "x", "request.messages: not a list"),
    ],
)
def test_messages_of_wrong_types_are_read_and_flagged(messages: Any, text: str, flag: str) -> None:
    """Text is found where there is some."""
    llm = document_of({"request": {"messages": messages}})["llm"]
    assert llm["input"] == {"text": text}
    assert flag in llm["sanitised"]


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ({"index": 0, "message": {"content": "x"}}, "x"),
        ([{"index": "0", "message": {"content": "x"}}], "x"),
        ([{"index": -1, "message": {"content": "x"}}], "x"),
        ([{"message": "x"}], "x"),
        (["x"], "x"),
        ([None, {"index": 1, "message": {"content": "x"}}], None),
        ([{"message": {"content": None, "tool_calls": "f"}}], None),
        ([{"message": {"content": None, "tool_calls": [None]}}], None),
        ([{"message": None}], None),
        ([{"message": []}], None),
        ("none", "none"),
    ],
)
def test_choices_of_wrong_types_are_read_as_far_as_they_go(choices: Any, text: str | None) -> None:
    """A choice without an index has its place's."""
    llm = document_of(chat({"object": "chat.completion", "choices": choices}))["llm"]
    assert llm["choices"][0]["index"] == 0
    assert llm.get("output", {}).get("text") == text


@pytest.mark.parametrize(
    ("parameter", "value"), [("temperature", "hot"), ("max_tokens", "many"), ("n", [2]), ("stream", "maybe")]
)
def test_parameters_that_cannot_be_typed_are_kept_among_the_others(parameter: str, value: Any) -> None:
    """Nothing the caller sent is lost."""
    llm = document_of(chat(None, **{parameter: value}))["llm"]
    assert llm["request"]["params"] == {parameter: value}
    assert any(parameter in flag for flag in llm["sanitised"])


def test_parameters_in_texts_are_read() -> None:
    """Numbers and booleans from a form or an environment variable."""
    document = document_of(chat(None, temperature="0.5", max_tokens="7", stream="true", model=5, stop="END"))
    assert document["gen_ai"]["request"] == {
        "model": "5",
        "temperature": 0.5,
        "max_tokens": 7,
        "stream": True,
        "stop_sequences": ["END"],
    }


@pytest.mark.parametrize("call", [None, "text", 5, [], True])
def test_a_call_that_is_no_object_is_flagged(call: Any) -> None:
    """Even that becomes a document."""
    document = document_of(call)
    assert document["llm"]["sanitised"][0] == "call: not an object"


def test_an_entry_of_almost_nothing_becomes_a_document() -> None:
    """An entry from another version, or a broken one."""
    document = build({})
    Completion.validate_document(document)
    assert document["@timestamp"] == "1970-01-01T00:00:00.000000Z"


def test_keys_that_the_road_cannot_carry_are_percent_encoded() -> None:
    """Brackets and NUL, in flattened fields and in others; two keys never become one."""
    flags: list[str] = []
    value = {"a[0]": 1, "a%5B0%5D": 2, "b": [{"\0": 3}], "": 4, ".": 5, "a..b": 6}
    safe = {"a%5B0%5D%": 1, "a%5B0%5D": 2, "b": [{"%00": 3}], "": 4, ".": 5, "a..b": 6}
    assert flattened(value, "labels", flags) == safe
    assert opaque(value, "labels", flags) == safe
    assert set(flags) == {"labels: bracket or NUL in a key, percent-encoded"}


def test_levels_beyond_the_bound_become_json_text() -> None:
    """20 levels of a flattened field, 100 of one that is not indexed."""
    deep: Any = {"end": 1}
    for _ in range(150):
        deep = {"a": deep}
    for make, levels in ((flattened, 20), (opaque, 100)):
        flags: list[str] = []
        value = make(deep, "x", flags)
        for _ in range(levels):
            assert isinstance(value, dict)
            value = value["a"]
        assert isinstance(value, str)
        assert value.endswith('{"end":1}' + "}" * (150 - levels))
        assert flags == ["x: nested too deeply, kept as JSON text"]


def test_a_key_too_long_for_a_term_makes_its_object_json_text() -> None:
    """Only in flattened fields, where the path is part of the term."""
    flags: list[str] = []
    value = {"a": {"k" * 500: 1}, "b": 2}
    assert flattened(value, "x", flags) == {"a": '{"' + "k" * 500 + '":1}', "b": 2}
    assert flattened({"é" * 300: 1}, "x", flags) == {"value": '{"' + "é" * 300 + '":1}'}
    assert opaque(value, "x", flags) is value


def test_what_is_not_odd_is_not_copied() -> None:
    """The usual case costs a look."""
    value = {"a": [{"b": {"c": [1, "x", None]}}], "Namen mit Leerzeichen": 1}
    assert flattened(value, "x", []) is value
    assert opaque(value, "x", []) is value
