"""The redactor: where it looks, what it leaves, what it puts there, and what people add to it."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from shipper.redact import Redactor
from shipper.redact.spans import Span, settle
from shipper.redact.spared import CALL

MAIL = "alice@example.com"
KEY = "sk-abcdefghijkl1234567890abcd"


def redacted(call: dict[str, Any], redactor: Redactor | None = None) -> Any:
    """A call's body after redaction."""
    return (redactor or Redactor()).redact(orjson.loads(orjson.dumps(call)), CALL).value


@pytest.mark.parametrize(
    "call",
    [
        {"request": {"messages": [{"role": "user", "content": f"I am {MAIL}"}]}},
        {"request": {"messages": [{"role": "user", "content": [{"type": "text", "text": f"I am {MAIL}"}]}]}},
        {"request": {"input": f"I am {MAIL}", "instructions": f"You serve {MAIL}"}},
        {"request": {"prompt": [f"I am {MAIL}"], "metadata": {"who": MAIL}, "unheard_of": {"x": [[MAIL]]}}},
        {"request": f"not JSON {MAIL}", "response": f"nor this {MAIL}"},
        {"response": {"choices": [{"message": {"content": f"Hello {MAIL}", "refusal": MAIL}}]}},
        {"response": {"output": [{"type": "message", "content": [{"type": "output_text", "text": MAIL}]}]}},
        {
            "response": {
                "choices": [{"message": {"tool_calls": [{"function": {"arguments": f'{{"to":"{MAIL}"}}'}}]}}]
            }
        },
        {"response": {"error": {"message": f"no {MAIL}"}}},
        {"error": {"type": "E", "message": f"no {MAIL}", "stack_trace": f"x = '{MAIL}'"}},
        {"prompt": {"template": f"Write to {MAIL}", "variables": {"to": MAIL, MAIL: 1}}},
        {"inputs": {"a": MAIL}, "outputs": [MAIL], "logs": f"> {MAIL}", "message": f"answered {MAIL}"},
        {
            "request_attributes": {"a": {MAIL: MAIL}},
            "response_attributes": MAIL,
            "tags": [MAIL],
            "labels": {"l": MAIL},
        },
        {"raw_request": {"messages": [{"content": MAIL}]}, "raw_response": f"<html>{MAIL}</html>"},
        {"values": {"why": MAIL}, "comment": MAIL, "better_response": MAIL, "ground_truth": {"x": MAIL}},
    ],
)
def test_every_text_of_a_call_is_searched(call: dict[str, Any]) -> None:
    """Prompts, answers, arguments of tools, variables, attributes, errors, raw payloads, keys: nothing is left out."""
    text = orjson.dumps(redacted(call)).decode()
    assert MAIL not in text
    assert "<EMAIL_1>" in text
    assert "<EMAIL_2>" not in text


def test_what_is_joined_by_stays() -> None:
    """Ids, models, join keys and roles are as they were, even where they look like something."""
    call = {
        "session_id": MAIL,
        "user_id": MAIL,
        "join_keys": [MAIL],
        "trace_id": "4111111111111111",
        "request": {
            "model": MAIL,
            "user": MAIL,
            "previous_response_id": KEY,
            "messages": [{"role": "tool", "tool_call_id": KEY, "content": "x"}],
        },
        "response": {"id": KEY, "model": MAIL, "choices": [{"message": {"tool_calls": [{"id": KEY}]}}]},
    }
    assert redacted(call) == call


def test_the_same_text_has_the_same_placeholder() -> None:
    """A conversation can be followed: one number for each e-mail address, telephone number and key."""
    call = {
        "request": {"messages": [{"content": f"{MAIL} or bob@example.com, +1 415 555 2671"}]},
        "response": {
            "choices": [
                {"message": {"content": f"Alice@Example.com, +1-415-555-2671; {KEY}; bob@example.com"}}
            ]
        },
    }
    found = redacted(call)
    assert found["request"]["messages"][0]["content"] == "<EMAIL_1> or <EMAIL_2>, <PHONE_1>"
    answer = "<EMAIL_1>, <PHONE_1>; <API_KEY_1>; <EMAIL_2>"
    assert found["response"]["choices"][0]["message"]["content"] == answer


def test_json_in_strings_stays_json() -> None:
    """Arguments of tools are searched as the JSON that they are, at any level, and parse afterwards."""
    inner = orjson.dumps({"password": "with space", "n": 1}).decode()
    arguments = orjson.dumps(
        {"text": f"a\n{MAIL}", "card": 4111111111111111, "inner": inner, "ok": 1.50}
    ).decode()
    call = {"response": {"choices": [{"message": {"tool_calls": [{"function": {"arguments": arguments}}]}}]}}
    text = redacted(call)["response"]["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert orjson.loads(text) == {
        "text": "a\n<EMAIL_1>",
        "card": "<CARD_1>",
        "inner": '{"password":"<PASSWORD_1>","n":1}',
        "ok": 1.5,
    }


@pytest.mark.parametrize(
    "text", ['{ "a" :  1.50 }', "[1,  2]", "{not json}", "[", "{}", '{"big": 123456789012345678901234567890}']
)
def test_json_in_strings_is_untouched_where_nothing_is_found(text: str) -> None:
    """Spaces, number forms and what is no JSON stay as they were written."""
    assert redacted({"request": {"input": text}}) == {"request": {"input": text}}


def test_keys_say_what_their_values_are() -> None:
    """Under a telling key a value counts that would not elsewhere, numbers included."""
    attributes = {
        "password": "open sesame",
        "phone": "4155552671",
        "ssn": 460899847,
        "order": "4155552671",
        "n": 46089984,
    }
    assert redacted({"request_attributes": attributes})["request_attributes"] == {
        "password": "<PASSWORD_1>",
        "phone": "<PHONE_1>",
        "ssn": "<NATIONAL_ID_1>",
        "order": "4155552671",
        "n": 46089984,
    }


def test_keys_that_become_alike_stay_apart() -> None:
    """No value is lost when two keys have the same placeholder."""
    found = redacted({"inputs": {"a@b.com": 1, "A@b.com": 2, "x": 3}})["inputs"]
    assert found == {"<EMAIL_1>": 1, "<EMAIL_1>#2": 2, "x": 3}


def test_log_probabilities_spell_no_secret() -> None:
    """Tokens that spell what was found go with their bytes and alternatives; the others and all numbers stay."""
    tokens = ["Ask", " al", "ice", "@", "example", ".com", " now"]
    content = [
        {
            "token": token,
            "logprob": -0.5,
            "bytes": list(token.encode()),
            "top_logprobs": [{"token": token, "logprob": -0.5}],
        }
        for token in tokens
    ]
    call = {
        "response": {"choices": [{"message": {"content": "".join(tokens)}, "logprobs": {"content": content}}]}
    }
    choice = redacted(call)["response"]["choices"][0]
    assert choice["message"]["content"] == "Ask <EMAIL_1> now"
    items = choice["logprobs"]["content"]
    assert [item["token"] for item in items] == ["Ask", "<EMAIL_1>", "", "", "", "", " now"]
    assert [item["bytes"] is None for item in items] == [False, True, True, True, True, True, False]
    assert [len(item["top_logprobs"]) for item in items] == [1, 0, 0, 0, 0, 0, 1]
    assert {item["logprob"] for item in items} == {-0.5}


def test_the_older_log_probabilities_too() -> None:
    """Legacy completions list tokens beside their figures; alternatives are keyed by text."""
    logprobs = {
        "tokens": ["a@", "b.com", "!"],
        "token_logprobs": [-1.0, -2.0, -3.0],
        "top_logprobs": [{"a@": -1.0}, {"b.com": -2.0}, {"!": -3.0}],
        "text_offset": [0, 2, 7],
    }
    found = redacted({"response": {"choices": [{"text": "a@b.com!", "logprobs": logprobs}]}})["response"][
        "choices"
    ][0]
    assert found["logprobs"]["tokens"] == ["<EMAIL_1>", "", "!"]
    assert found["logprobs"]["top_logprobs"] == [None, None, {"!": -3.0}]
    assert found["logprobs"]["token_logprobs"] == [-1.0, -2.0, -3.0]


def test_secrets_alone_leave_personal_data() -> None:
    """`secrets` looks for credentials only."""
    assert Redactor("secrets").text(f"{MAIL} {KEY}") == f"{MAIL} <API_KEY_1>"


def test_patterns_of_ones_own() -> None:
    """A mapping names the placeholders, a list is `CUSTOM`; they work beside what is built in, or alone."""
    named = Redactor(
        "all", patterns={"EMPLOYEE": r"\bE-\d{5}\b", "PLACE": re.compile("berlin", re.IGNORECASE)}
    )
    assert named.text(f"E-12345 in Berlin, {MAIL}") == "<EMPLOYEE_1> in <PLACE_1>, <EMAIL_1>"
    assert named.engine == "shipper/all+patterns"
    assert Redactor("none", patterns=[r"E-\d{5}", ""]).text(f"E-12345 {MAIL}") == f"<CUSTOM_1> {MAIL}"


def test_a_function_of_ones_own() -> None:
    """Names and places come from whatever model somebody has; the longer find wins over what it overlaps."""

    def find(text: str) -> list[tuple[int, int, str]]:
        return [(found.start(), found.end(), "PERSON") for found in re.finditer(r"Alice( <[^>]*>)?", text)]

    redactor = Redactor("all", find=find)
    assert redactor.text("Alice wrote to Bob") == "<PERSON_1> wrote to Bob"
    assert redactor.text(f"Alice <{MAIL}> wrote") == "<PERSON_1> wrote"
    assert redactor.redact({"a": "Alice", "b": ["Alice", MAIL]}).entities == ["EMAIL", "PERSON"]


@pytest.mark.parametrize("span", [(-1, 2, "X"), (2, 1, "X"), (0, 99, "X"), (0, 1, "lower"), (0, 1, "A B")])
def test_a_function_that_returns_nonsense_is_told(span: tuple[int, int, str]) -> None:
    """A span outside the text or a kind that is no name raises, so that nothing is stored unsearched."""
    with pytest.raises(ValueError, match=r"find returned|has to be of capital letters"):
        Redactor("none", find=lambda _: [span]).text("text")


@pytest.mark.parametrize("what", ["everything", "", "ALL"])
def test_an_unknown_word_is_told(what: Any) -> None:
    """The words are `none`, `secrets` and `all`."""
    with pytest.raises(ValueError, match="none, secrets, all"):
        Redactor(what)


def test_overlapping_finds_become_one() -> None:
    """The union goes, under the kind that ranks first; finds that touch stay two."""
    spans = [
        Span(5, 9, "PHONE"),
        Span(0, 6, "EMAIL"),
        Span(9, 12, "IP"),
        Span(20, 30, "CARD"),
        Span(22, 25, "PERSON"),
    ]
    assert settle(spans) == [Span(0, 9, "EMAIL"), Span(9, 12, "IP"), Span(20, 30, "PERSON")]


def test_whole_numbers_are_searched_however_they_are_kept() -> None:
    """A column with a gap in it makes floats of its numbers."""
    found = Redactor("all").redact(
        {"card": 4111111111111111.0, "cost": 0.5, "far": 1e300, "odd": float("inf")}
    )
    assert found.value == {"card": "<CARD_1>", "cost": 0.5, "far": 1e300, "odd": float("inf")}


def test_a_sign_before_an_address_hides_nothing() -> None:
    """Few sections have four numbers; an address that is left over is worse than a section that is not."""
    assert Redactor("all").text("§ 93.184.216.34") == "§ <IP_1>"
