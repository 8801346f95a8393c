"""What people's deeds say about an answer, as feedback of kind `implicit`.

Each function sends one event under its own name and returns its id. `author` is who did it: with one, a later deed
replaces the earlier; without, each counts on its own. More options (channel, choice_index, created_at, event_id,
application) are those of `shipper.send_feedback`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.capture.checks import NOTHING_LOGGED, check_score, described, plain_number
from shipper.capture.feedback import send_judgement
from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_SESSION_S = 1e9


def edited(key: str, original: str, final: str, *, author: object = None, **options: Any) -> str:
    """The answer was edited before use. Named `edited`; the score is how alike both are, 1 when nothing was changed.

    The score is 1 minus the Levenshtein distance over the longer text's length; the final text is kept as the
    better response when it differs.

    Raises:
        UsageError: a text is missing, or rapidfuzz is not installed (`pip install 'llm-shipper[evaluate]'`).
    """
    if not isinstance(original, str) or not isinstance(final, str):
        raise UsageError(f"edited() compares two texts, the original and the final one. {NOTHING_LOGGED}")
    said: dict[str, Any] = {"value": similarity(original, final)}
    if final != original and final.strip():
        said["better_response"] = final
    return _send(key, "edited", said, author, options)


def accepted(key: str, value: bool = True, *, author: object = None, **options: Any) -> str:
    """The answer, or the correction, was taken over (or, with False, was not). Named `accepted`.

    Raises:
        UsageError: as `shipper.send_feedback`.
    """
    return _send(key, "accepted", {"value": bool(value)}, author, options)


def regenerated(key: str, *, author: object = None, **options: Any) -> str:
    """Another answer was asked for. Named `regenerated`, score 0.

    Raises:
        UsageError: as `shipper.send_feedback`.
    """
    return _send(key, "regenerated", {"value": False}, author, options)


def copied(key: str, *, author: object = None, **options: Any) -> str:
    """The answer was copied. Named `copied`, score 1.

    Raises:
        UsageError: as `shipper.send_feedback`.
    """
    return _send(key, "copied", {"value": True}, author, options)


def session_length(key: str, seconds: float, *, author: object = None, **options: Any) -> str:
    """How long the session went on, seconds. Named `session_length`; a value without a score: long is not good.

    Raises:
        UsageError: it is no number of seconds.
    """
    number = plain_number(seconds)
    if number is None or isinstance(number, bool):
        raise UsageError(f"seconds is {described(seconds)}; it has to be a number. {NOTHING_LOGGED}")
    check_score(number, [0.0, _LONGEST_SESSION_S], "seconds")
    return _send(key, "session_length", {"values": {"seconds": number}}, author, options)


def similarity(left: str, right: str) -> float:
    """How alike two texts are, 0 to 1: 1 minus the Levenshtein distance over the longer one's length.

    Raises:
        UsageError: rapidfuzz is not installed.
    """
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise UsageError(
            "Comparing texts needs rapidfuzz: pip install 'llm-shipper[evaluate]'. " + NOTHING_LOGGED
        ) from None
    return Levenshtein.normalized_similarity(left, right)


def _send(key: str, name: str, said: Mapping[str, Any], author: object, options: dict[str, Any]) -> str:
    unknown = options.keys() - {"channel", "choice_index", "comment", "created_at", "event_id", "application"}
    if unknown:
        raise UsageError(f"{name}() has no option {', '.join(sorted(unknown))}. {NOTHING_LOGGED}")
    event_id, application = options.pop("event_id", None), options.pop("application", None)
    arguments = {**options, **said, "name": name, "author": author, "author_kind": "implicit"}
    return send_judgement(key, arguments, event_id=event_id, application=application)
