"""Templates: filled texts and messages, and clear errors before a call."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.prompts import PromptError, TemplateChat, TemplateText, fill_prompt, prompt_version


def test_a_chat_is_a_list_and_a_text_a_str() -> None:
    """JSON, len, slices, equality and concatenation are those of the built-in types."""
    chat = TemplateChat([{"role": "user", "content": "Hi {name}"}], {"name": "Ann"})
    assert chat == [{"role": "user", "content": "Hi Ann"}]
    assert json.loads(json.dumps(chat)) == chat
    assert (len(chat), type(chat[:1]), isinstance(chat, list)) == (1, list, True)
    text = TemplateText("Hi {name}", {"name": "Ann"})
    assert (text, text[:2], len(text), json.dumps(text)) == ("Hi Ann", "Hi", 6, '"Hi Ann"')
    assert text.template == "Hi {name}"
    assert text.params == chat.params == {"name": "Ann"}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_templates_survive_copying_and_pickling(duplicate: Any) -> None:
    """A copy has the same content, template and variables."""
    for made in (
        TemplateText("{a} {{b}}", {"a": 1}),
        TemplateChat([{"role": "user", "content": "{a}"}], {"a": 1}),
    ):
        again = duplicate(made)
        assert (type(again), again, again.template, again.params) == (
            type(made),
            made,
            made.template,
            made.params,
        )


def test_roles_histories_and_nested_parts() -> None:
    """`ai` is the assistant, a history is spliced as it was said, and parts are filled but for their types."""
    history = [{"role": "user", "content": "{not a placeholder}"}, {"role": "ai", "content": "ok"}]
    made = fill_prompt(
        [
            {"role": "system", "content": "You are {who}."},
            {"role": "chat_history", "content": " {past} "},
            {"role": "ai", "content": "Hello", "name": "{kept}"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See {what}"},
                    {"type": "image_url", "image_url": {"url": "{link}", "detail": "low"}},
                ],
            },
        ],
        {"who": "Ann", "past": history, "what": "this", "link": "https://x/y.png"},
    )
    assert made == [
        {"role": "system", "content": "You are Ann."},
        {"role": "user", "content": "{not a placeholder}"},
        {"role": "assistant", "content": "ok"},
        {"role": "assistant", "content": "Hello", "name": "{kept}"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See this"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("template", "values", "says"),
    [
        ("Hi {name}", {}, "'name' has no value"),
        ("Hi {name}", {"nam": 1}, "'nam'"),
        ("Hi", {"name": 1}, "no placeholder for 'name'"),
        ('{"a": {b}}', {"b": 1}, "literal brace is written {{"),
        ("a } b", {}, "literal brace is written }}"),
        ([{"role": "chat_history", "content": "some {x}"}], {"x": []}, "one placeholder"),
        ([{"role": "chat_history", "content": "{x}"}], {"x": "text"}, "list of messages"),
        ([{"role": "chat_history", "content": "{x}"}], {"x": ["text"]}, "where a message"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(
    template: Any, values: dict[str, Any], says: str
) -> None:
    """Missing and unused variables and lone braces name themselves."""
    with pytest.raises(PromptError, match=None) as caught:
        fill_prompt(template, values)
    assert says in str(caught.value)
    assert isinstance(caught.value, UsageError)


def test_values_are_written_as_a_prompt_wants_them() -> None:
    """Texts as they are (braces too), numbers and booleans as Python writes them, lists and dicts as JSON."""
    values = {"a": "{b}", "b": 1.5, "c": True, "d": ["x", {"y": None}]}
    assert fill_prompt("{a} {b} {c} {d}", values) == '{b} 1.5 True ["x",{"y":null}]'


def test_the_callers_template_is_neither_changed_nor_kept() -> None:
    """Later changes of the list don't reach the template."""
    template: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "{a}"}]}]
    made = TemplateChat(template, {"a": "x"})
    template[0]["content"][0]["text"] = "other"
    assert made.template == [{"role": "user", "content": [{"type": "text", "text": "{a}"}]}]


def test_a_version_depends_on_the_content_alone() -> None:
    """Key order doesn't matter; any change of the text does."""
    one = prompt_version([{"role": "user", "content": "x"}])
    assert one == prompt_version([{"content": "x", "role": "user"}])
    assert one != prompt_version([{"role": "user", "content": "x "}])
    assert one.startswith("b2:")


@given(st.text(), st.text())
def test_any_text_comes_through_when_its_braces_are_doubled(before: str, value: str) -> None:
    """Escaping a text and filling it gives the text; values are never looked into."""
    escaped = before.replace("{", "{{").replace("}", "}}")
    assert fill_prompt(escaped + "{x}", {"x": value}) == before + value


@given(st.text(alphabet="{}ab ", max_size=30))
def test_filling_ends_in_a_text_or_in_a_prompt_error(template: str) -> None:
    """No template makes another exception."""
    try:
        filled = fill_prompt(template, {})
    except PromptError as error:
        filled = str(error)
    assert isinstance(filled, str)
