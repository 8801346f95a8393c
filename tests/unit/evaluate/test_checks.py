"""Checks: what is right, what is wrong, and what can't be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.errors import UsageError
from shipper.evaluate.checks import BUILT_IN, check_of, normalise, number_in

if TYPE_CHECKING:
    from pathlib import Path


def score(check: str, answer: str, truth: Any = None) -> float | None:
    verdict = check_of(check).judge(answer, truth, {})
    return None if verdict is None else verdict.score


@pytest.mark.parametrize(
    ("check", "answer", "truth", "expected"),
    [
        ("exact", "Paris", "Paris", 1),
        ("exact", "paris", "Paris", 0),
        ("exact", '{"a": 1}', {"a": 1}, 1),
        ("exact", "5", 5, 1),
        ("exact", "five", 5, 0),
        ("exact", "5.0", 5, 1),
        ("exact", "true", 1, 0),
        ("exact", '{"a": [0]}', {"a": [False]}, 0),
        ("exact", "true", True, 1),
        ("exact", '{"b": 2, "a": [1.0]}', {"a": [1], "b": 2}, 1),
        ("exact", "NaN", None, 0),
        ("normalised", "  The Answer is PARIS. ", "the answer is paris", 1),
        ("normalised", "Ｐａｒｉｓ", "paris", 1),
        ("normalised", "Lyon", ["Paris", "Lyon"], 1),
        ("normalised", "Nice", ["Paris", "Lyon"], 0),
        ("contains", "It is Paris, of course.", "paris", 1),
        ("contains", "Paris and Lyon", ["Paris", "Nice"], 0),
        ("contains", "Paris and Nice", ["Paris", "Nice"], 1),
        (r"regex=^\d{4}$", "2026", None, 1),
        (r"regex=^\d{4}$", "in 2026", None, 0),
        ("regex", "order 4711", r"\b4711\b", 1),
        ("regex", "order 471", r"\b4711\b", 0),
        ("numeric", "The sum is 1,234.5", 1234.5, 1),
        ("numeric", "3 apples and 4 pears make 7.", "7", 1),
        ("numeric=0.5", "7.4", 7, 1),
        ("numeric=0.5", "7.6", 7, 0),
        ("numeric=5%", "104", 100, 1),
        ("numeric=5%", "-106", -100, 0),
        ("numeric", "none", 7, 0),
        ("numeric", "pages 3-7", 7, 1),
        ("numeric", "It is \u22127 degrees", -7, 1),
        ("numeric", "x = -7", -7, 1),
        ("numeric", "$1,234", 1234, 1),
        ("numeric", "1e999", 7, 0),
        ("numeric", "7", "seven", None),
        ("similarity", "kitten", "sitten", pytest.approx(5 / 6)),
        ("similarity", "", "", 1),
        ("similarity", "b", ["aaa", "b"], 1),
    ],
)
def test_built_in_checks(check: str, answer: str, truth: Any, expected: float | None) -> None:
    """Each by right and wrong answers."""
    assert score(check, answer, truth) == expected


def test_json_schema(tmp_path: Path) -> None:
    """The answer is JSON and as the schema wants it; else the comment says where not."""
    path = tmp_path / "schema.json"
    path.write_text(
        json.dumps({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}})
    )
    check = check_of(f"shape@json_schema={path}")
    assert (check.name, check.needs_truth) == ("shape", False)
    assert check.judge('{"city": "Paris"}', None, {}) == (1.0, "")
    wrong = check.judge('{"city": 5}', None, {})
    assert wrong is not None
    assert (wrong.score, wrong.comment) == (0.0, "$.city: 5 is not of type 'string'")
    unread = check.judge("Paris", None, {})
    assert unread is not None
    assert unread.comment.startswith("not JSON")


@pytest.mark.parametrize("depth", [600, 100_000])
def test_an_answer_of_many_brackets_is_wrong_not_fatal(depth: int, tmp_path: Path) -> None:
    """One hostile answer ends no evaluation."""
    path = tmp_path / "schema.json"
    path.write_text('{"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}}')
    answer = "[" * depth + "]" * depth
    truth: Any = []
    for _ in range(min(depth, 900) - 2):
        truth = [truth]
    assert score("exact", answer, truth) == 0
    assert score(f"json_schema={path}", answer) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("perfect", "There is no check 'perfect'. There are exact,"),
        ("exact=1", "takes no argument"),
        ("regex=(", "no regular expression"),
        ("numeric=x", "the tolerance is a number"),
        ("numeric=-1", "the tolerance is a number"),
        ("json_schema=/nowhere", "not a JSON schema"),
        ("nomodule.x:f", "can't be loaded"),
        ("json:nothing", "can't be loaded"),
        ("json:__doc__", "is no function"),
    ],
)
def test_a_check_that_there_is_not_is_told(text: str, message: str) -> None:
    """Before any call is read."""
    with pytest.raises(UsageError, match=message):
        check_of(text)


def test_a_truth_that_is_no_pattern_is_told() -> None:
    """A dataset's mistake is found with its text."""
    with pytest.raises(UsageError, match="no regular expression"):
        score("regex", "x", "(")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's in the folder that the command is run in."""
    (tmp_path / "own_checks.py").write_text(
        "def short(answer, truth, call):\n    return len(answer) < 10\n"
        "def graded(answer, truth, call):\n    return 0.25, call['why']\n"
        "def unsure(answer, truth, call):\n    return None\n"
        "def wrong(answer, truth, call):\n    return 7\n"
        "def broken(answer, truth, call):\n    return 1 / 0\n"
    )
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("own")
def test_a_check_of_the_users_own() -> None:
    """A function of a module: a boolean, a number, with a reason, or nothing."""
    assert score("own_checks:short", "yes") == 1
    assert check_of("own_checks:short").name == "short"
    graded = check_of("mine@own_checks:graded")
    assert (graded.name, graded.judge("x", None, {"why": "so"})) == ("mine", (0.25, "so"))
    assert score("own_checks:unsure", "x") is None
    with pytest.raises(UsageError, match="returned 7"):
        score("own_checks:wrong", "x")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        score("own_checks:broken", "x")


@given(st.text(max_size=50), st.text(max_size=50) | st.integers() | st.lists(st.text(max_size=5), max_size=3))
def test_scores_are_scores(answer: str, truth: Any) -> None:
    """Whatever answer and truth, a check gives a score from 0 to 1 or says that it can't."""
    for name in BUILT_IN:
        if name in ("regex", "json_schema"):
            continue
        found = score(name, answer, truth)
        assert found is None or 0 <= found <= 1


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """So that truths may be stored normalised."""
    assert normalise(normalise(text)) == normalise(text)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_is_found_as_it_was_written(number: float) -> None:
    """In any of Python's notations."""
    assert number_in(f"the result: {number!r}.") == number
