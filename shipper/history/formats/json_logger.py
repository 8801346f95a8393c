"""Lines of python-json-logger that carry a completion: `logger.info("…", extra={"completion": {…}})`.

https://nhairs.github.io/python-json-logger/latest/quickstart/ : the record's attributes that the format string names,
under names that `rename_fields` may have given them, `message`, and what was in `extra`, all at the top level. A
completion is a request with its response, under any name, or as JSON in a text, or the line's own fields; or a response
alone, with its request's parameters beside it. Lines without one are ordinary log lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.history.event import Event, Format, Json, Rejected, share
from shipper.history.formats.pairs import ARGUMENTS, event_of, is_answer, speaks
from shipper.history.formats.times import time_ns
from shipper.history.formats.turns import opened
from shipper.history.formats.verdicts import judgements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

_COMPLETION, _FEEDBACK = "completion", "feedback"
_TIMES = (
    "@timestamp",
    "timestamp",
    "time",
    "datetime",
    "ts",
    "created",
    "asctime",
    "date",
)  # asctime has no zone
_LEVELS = ("levelname", "level", "log.level", "severity", "log_level", "lvl")
_LOGGERS = ("name", "logger", "log.logger", "logger_name")
_MESSAGES = ("message", "msg", "event")
_TRACES = ("exc_info", "exception", "exc_text")
_WRAPPED = ("log", "message", "textPayload")  # Docker, Filebeat, Google Cloud
_UNSURE = 0.55  # many ordinary lines may stand before the first completion
_OF_LINE = frozenset([*_TIMES, *_LEVELS, *_LOGGERS, *_MESSAGES, *_TRACES])


def _says(value: Json) -> bool:
    return any(name in value for name in _MESSAGES)


def _is_line(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and "gen_ai" not in value  # our own documents are log lines too
        and _says(value)
        and any(name in value for name in (*_TIMES, *_LEVELS, _COMPLETION))
    )


def _unwrapped(value: Any) -> Any:
    """A line out of what a container's runtime or a shipper of logs has put around it, with its time if it says none."""
    if not isinstance(value, dict) or "gen_ai" in value:
        return value
    for name in _WRAPPED:
        text: Any = value.get(name)
        if isinstance(text, str) and text.startswith("{"):
            line = opened(text.rstrip())
            if isinstance(line, dict) and _says(line):
                times = {one: value[one] for one in _TIMES if one in value}
                return line if any(one in line for one in _TIMES) else {**line, **times}
    return value


def _recognise(sample: Sequence[Any]) -> float:
    sample = [_unwrapped(one) for one in sample]
    if any(_is_line(one) and _carried(one) for one in sample):
        return share(sample, _says)
    return _UNSURE * share(sample, lambda one: _is_line(one) and any(name in one for name in _LEVELS))


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    value = _unwrapped(value)
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a log line is a JSON object")
    if not _is_line(value) or (found := _carried(value)) is None:
        return
    completion, others = found
    logged = next((value[name] for name in _TIMES if time_ns(value.get(name)) is not None), None)
    if logged is not None:
        completion.setdefault("created_at", logged)
    feedback = completion.pop(_FEEDBACK, None)
    event = event_of(completion)
    for key, names in (("level", _LEVELS), ("logger", _LOGGERS), ("message", _MESSAGES)):
        if (text := next((value[name] for name in names if value.get(name) is not None), None)) is not None:
            event.call[key] = text
    if "error" not in event.call and (trace := next(filter(None, map(value.get, _TRACES)), None)):
        event.call["error"] = _error(str(trace))
    verdicts = {_FEEDBACK: others.pop(_FEEDBACK, None) or feedback}
    _write_others(others, event.call)
    yield event
    if verdicts[_FEEDBACK]:
        yield from judgements(verdicts)


def _write_others(others: Json, call: Json) -> None:
    """What stands beside a completion: arguments of a call by their names, the rest as labels."""
    labels: Json = {}
    for name, value in others.items():
        if name in ARGUMENTS and name not in call:
            call[name] = value
        else:
            labels[name] = value
    if labels:
        call["labels"] = labels


def _carried(line: Json) -> tuple[Json, Json] | None:
    """The line's completion as a pair, and what else its caller wanted in it; None for an ordinary line."""
    rest = {name: one for name, one in line.items() if name not in _OF_LINE and one is not None}
    named = opened(rest.get(_COMPLETION))
    if isinstance(named, dict) and not is_answer(named):
        return dict(named), _without(rest, _COMPLETION)
    if speaks(rest):
        return rest, {}
    for name, one in rest.items():
        inner = opened(one)
        if not isinstance(inner, dict):
            continue
        if speaks(inner):
            return dict(inner), _without(rest, name)
        if is_answer(inner):
            return {**_without(rest, name), "response": inner}, {}
        if isinstance(deeper := opened(inner.get(_COMPLETION)), dict) and not is_answer(deeper):
            return dict(deeper), {**_without(rest, name), **_without(inner, _COMPLETION)}
    return None


def _without(values: Json, name: str) -> Json:
    return {key: one for key, one in values.items() if key != name}


def _error(trace: str) -> Json:
    """What a traceback ends with: the exception and what it said."""
    kind, _, message = trace.strip().rpartition("\n")[2].partition(": ")
    return {"type": kind.rpartition(".")[2], "message": message or kind, "stack_trace": trace}


FORMAT = Format("json-logger", _recognise, _events)
