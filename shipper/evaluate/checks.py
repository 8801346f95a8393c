"""Checks: an answer, and what is known to be true of it, become a score from 0 to 1. Pure, but for a user's own."""

from __future__ import annotations

import importlib
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import orjson

from shipper.capture.checks import plain_number
from shipper.errors import UsageError
from shipper.implicit import similarity

Judge = Callable[[str, Any, Mapping[str, Any]], "Verdict | None"]
"""(answer, truth, completion) → verdict; None: this call can't be judged."""


class Verdict(NamedTuple):
    """What a check found: a score from 0 (wrong) to 1 (right), and why in words."""

    score: float
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name, which is also the name of the evaluation."""

    name: str
    judge: Judge
    needs_truth: bool = True


BUILT_IN: Final = ("exact", "normalised", "contains", "regex", "json_schema", "similarity", "numeric")

_NUMBER = re.compile(r"(?:(?<!\w)[-+])?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
_PUNCTUATION = " \t\r\n.,;:!?\"'`“”‘’()[]{}*_"


def check_of(text: str) -> Check:
    """A check from its text: `exact`, `regex=^yes`, `numeric=0.5` or `numeric=5%`, `json_schema=FILE`, `module:function`.

    A part `name:` may come first, to call it otherwise: `polite@mypackage.checks:is_polite`.

    Raises:
        UsageError: there is no such check, or its argument can't be used.
    """
    name, separator, rest = text.partition("@")
    if not separator or not re.fullmatch(r"[\w.-]{1,100}", name):
        name, rest = "", text
    kind, has_argument, argument = rest.partition("=")
    if kind not in BUILT_IN:
        return _own(name, rest)
    name = name or kind
    if kind == "regex" and has_argument:
        return Check(name, _regex(argument), needs_truth=False)
    if kind == "json_schema":
        return Check(name, _json_schema(argument), needs_truth=False)
    if kind == "numeric":
        return Check(name, _numeric(argument))
    if has_argument:
        raise UsageError(f"The check {kind} takes no argument, and got {argument!r}.")
    return Check(name, _PLAIN[kind])


def normalise(text: str) -> str:
    """Small letters, compatible characters made one, single blanks, no punctuation around it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(_PUNCTUATION)


def number_in(text: str) -> float | None:
    """The last number in a text, where answers have their result; commas between digits are left out.

    A minus is one in either of its characters, unless it stands behind a word: 3-7 ends with 7.
    """
    found = _NUMBER.findall(text.replace("\N{MINUS SIGN}", "-"))
    return float(found[-1].replace(",", "")) if found else None


def _exact(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict:
    if isinstance(truth, str):
        return _verdict(answer == truth)
    try:
        return _verdict(_are_same(orjson.loads(answer), truth))
    except (ValueError, RecursionError):
        return Verdict(0.0, "the answer is not JSON, and the truth is no text")


def _normalised(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict:
    return _verdict(normalise(answer) in {normalise(one) for one in _texts(truth)})


def _contains(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict:
    said = normalise(answer)
    missing = [one for one in _texts(truth) if normalise(one) not in said]
    return Verdict(0.0, f"missing: {', '.join(missing)}"[:500]) if missing else Verdict(1.0)


def _matches(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict | None:
    try:
        return _verdict(any(re.search(one, answer) for one in _texts(truth)))
    except re.error as error:
        raise UsageError(f"The truth {truth!r} is no regular expression: {error}.") from None


def _similar(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict:
    return Verdict(max((similarity(answer, one) for one in _texts(truth)), default=0.0))


_PLAIN: Final[dict[str, Judge]] = {
    "exact": _exact,
    "normalised": _normalised,
    "contains": _contains,
    "regex": _matches,
    "similarity": _similar,
}


def _regex(pattern: str) -> Judge:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}.") from None
    return lambda answer, _truth, _completion: _verdict(compiled.search(answer) is not None)


def _numeric(argument: str) -> Judge:
    relative = argument.endswith("%")
    try:
        tolerance = float(argument.removesuffix("%") or 0) / (100 if relative else 1)
    except ValueError:
        tolerance = -1.0
    if not tolerance >= 0:
        raise UsageError(
            f"numeric={argument}: the tolerance is a number from 0, or a part of the truth such as 5%."
        )

    def judge(answer: str, truth: Any, _completion: Mapping[str, Any]) -> Verdict | None:
        number = plain_number(truth)
        wanted = number_in(str(truth)) if number is None else float(number)
        if wanted is None:
            return None
        found = number_in(answer)
        if found is None:
            return Verdict(0.0, "the answer has no number")
        allowed = tolerance * abs(wanted) if relative else tolerance
        return Verdict(float(abs(found - wanted) <= allowed), f"{found:g}, and the truth is {wanted:g}")

    return judge


def _json_schema(path: str) -> Judge:
    try:
        from jsonschema import SchemaError
        from jsonschema.exceptions import best_match
        from jsonschema.validators import validator_for
    except ImportError:
        raise UsageError(
            "The check json_schema needs jsonschema: pip install 'llm-shipper[evaluate]'."
        ) from None
    try:
        schema = json.loads(Path(path).read_text("utf-8"))
        kind: Any = validator_for(schema)
        kind.check_schema(schema)
        validator: Any = kind(schema)
    except (OSError, ValueError, SchemaError) as error:
        raise UsageError(
            f"json_schema={path}: not a JSON schema that can be read: {str(error)[:300]}"
        ) from None

    def judge(answer: str, _truth: Any, _completion: Mapping[str, Any]) -> Verdict:
        try:
            value = orjson.loads(answer)
        except ValueError as error:
            return Verdict(0.0, f"not JSON: {error}"[:500])
        try:
            fault: Any = best_match(validator.iter_errors(value))
        except RecursionError:
            return Verdict(0.0, "nested too deeply")
        return Verdict(1.0) if fault is None else Verdict(0.0, f"{fault.json_path}: {fault.message}"[:500])

    return judge


def _own(name: str, path: str) -> Check:
    """A function of the user's: `module:function`, called with the answer, the truth and the completion."""
    module, separator, attribute = path.partition(":")
    if not separator:
        raise UsageError(
            f"There is no check {path!r}. There are {', '.join(BUILT_IN)}, and your own as module:function."
        )
    if "" not in sys.path:
        sys.path.insert(0, "")  # the folder that the command is run in
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The check {path} can't be loaded: {error}.") from None
    if not callable(found):
        raise UsageError(f"The check {path} is no function.")
    function = cast("Callable[..., Any]", found)

    def judge(answer: str, truth: Any, completion: Mapping[str, Any]) -> Verdict | None:
        try:
            said: Any = function(answer, truth, completion)
        except Exception as error:
            raise UsageError(f"The check {path} failed: {type(error).__name__}: {error}.") from error
        if said is None:
            return None
        score, comment = said if isinstance(said, tuple) and len(said) == 2 else (said, "")
        number = plain_number(score)
        if number is None or not 0 <= number <= 1:
            raise UsageError(
                f"The check {path} returned {said!r}; a score is a boolean or a number from 0 to 1."
            )
        return Verdict(float(number), str(comment))

    return Check(name or attribute, judge, needs_truth=False)


def _texts(truth: Any) -> list[str]:
    """What is true: one text, or several of a list."""
    values: list[Any] = truth if isinstance(truth, list) else [truth]
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]


def _are_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal. Python would take true for 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return mine.keys() == theirs.keys() and all(_are_same(mine[key], theirs[key]) for key in mine)
    if isinstance(one, list) and isinstance(other, list):
        ours = list(zip(cast("list[Any]", one), cast("list[Any]", other), strict=False))
        return len(one) == len(other) and all(_are_same(left, right) for left, right in ours)
    return bool(one == other)


def _verdict(right: bool) -> Verdict:
    return Verdict(1.0 if right else 0.0)
