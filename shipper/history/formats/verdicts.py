"""What was said of a call in its own row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.capture.judgement import judgements_of
from shipper.errors import UsageError
from shipper.history.event import FEEDBACK, Event, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEEDBACK = "feedback"
_VERDICTS = (_FEEDBACK, "rating", "score", "thumbs_up")
_ABOUT = "the call"  # whose id is not known yet


def parted(row: Json) -> tuple[Json, Json]:
    """A row without what is said of its call, and that. Never raises."""
    verdicts = {name: row[name] for name in _VERDICTS if _is_verdict(row.get(name), name)}
    return ({name: one for name, one in row.items() if name not in verdicts} if verdicts else row), verdicts


def judgements(verdicts: Json) -> Iterator[Event]:
    """What was said of a call in its own row, as `log_completion` takes it: `feedback`, or a rating by itself.

    Never raises: what can't be meant is kept as a value without a score.
    """
    for name, said in verdicts.items():
        for one in said if isinstance(said, list) else [said]:
            given: Any = one if name == _FEEDBACK else {name: one}
            try:
                calls = judgements_of(_ABOUT, given, _ABOUT, given=False)
            except UsageError:
                yield Event({"name": "values", "values": given}, FEEDBACK)
                continue
            for call in calls:
                yield Event({key: value for key, value in call.body.items() if key != "join_keys"}, FEEDBACK)


def _is_verdict(value: Any, name: str) -> bool:
    """Whether it is said of the call: any feedback, but of ratings only those from 0 to 1, as ours are."""
    if name == _FEEDBACK:
        return value is not None and value != "" and value != {} and value != []
    return isinstance(value, bool) or (isinstance(value, (int, float)) and 0 <= value <= 1)
