"""Requests and responses, a pair a line: the log that most people write themselves.

Whatever a pair's halves are called (`request` and `response`, `body`, `kwargs` and `result`), bodies may stand in an
HTTP envelope (`{"body": …, "status_code": …}`), and the request's parameters may be the row itself. Keys that are
arguments of `Application.log_completion` mean the same here; what is not known is kept as the request's attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.capture.application import Application
from shipper.capture.call import body_of
from shipper.history.event import Event, Format, Json, Rejected, share
from shipper.history.formats.times import ended_at, first_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

ARGUMENTS = frozenset(Application.log_completion.__annotations__) - {"return", "event_id", "save", "feedback"}
REQUESTS = ("request", "kwargs", "req", "request_body", "requestBody", "input_request", "body")
RESPONSES = ("response", "result", "resp", "response_body", "responseBody", "completion", "output_response")
_IDS = ("event_id", "log_id", "uuid", "id")
_STARTS = (
    *(
        "started_at",
        "start_time",
        "startTime",
        "request_time",
        "request_timestamp",
        "@timestamp",
        "timestamp",
    ),
    *("created_at", "createdAt", "time", "datetime", "ts", "date", "created"),
)
_ENDS = ("ended_at", "end_time", "endTime", "response_time", "completed_at", "response_timestamp")
_SPANS_MS = ("latency_ms", "duration_ms", "elapsed_ms", "latencyMs", "durationMs", "response_ms")
_SPANS_S = ("latency", "duration", "elapsed", "latency_s", "duration_s", "duration_seconds")
_PARAMETERS = ("messages", "prompt", "input")
_UNIQUE = 16  # a shorter id is only unique in its file
_STATUS = ("status", "status_code", "http_status", "statusCode")
_OWN = {"user": "user_id", "session": "session_id", "conversation_id": "session_id", "chat_id": "session_id"}


def _halves(value: Json) -> tuple[str | None, str | None]:
    request = next((name for name in REQUESTS if value.get(name) is not None), None)
    response = next((name for name in RESPONSES if value.get(name) is not None), None)
    return request, response


def _is_pair(value: Json) -> bool:
    request, response = _halves(value)
    asked = request is not None or any(name in value for name in _PARAMETERS)
    return asked and (response is not None or value.get("error") is not None)


def _recognise(sample: Sequence[Any]) -> float:
    return 0.8 * share(sample, _is_pair)  # other formats have pairs too, and more besides


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a request and its response are a JSON object")
    yield event_of(value)


def event_of(value: Json) -> Event:
    """The event of a pair.

    Raises:
        Rejected: there is neither a request nor a response.
    """
    rest = dict(value)
    request_name, response_name = _halves(rest)
    fields: Json = {}
    request = rest.pop(request_name) if request_name is not None else None
    response = rest.pop(response_name) if response_name is not None else None
    response, status = _opened(response)
    fields["request"], _ = _opened(request)
    if request_name is None:
        if not any(name in rest for name in (*_PARAMETERS, "model")) and response is None:
            raise Rejected("no_call", "neither a request nor a response is in it")
        fields["request"] = {}
    fields["response"] = response
    _take_times(rest, fields, response)
    event_id = _take_id(rest, fields)
    for name in _STATUS:
        if status is None and isinstance(rest.get(name), int):
            status = rest.pop(name)
    if status is not None:
        fields["http"] = {"status": status}
    stated = rest.pop("cost", None)
    _take_arguments(rest, fields, flat=request_name is None)
    return Event(
        body_of(fields), id=event_id, stated_cost=stated if isinstance(stated, (int, float, dict)) else None
    )


def _opened(half: Any) -> tuple[Any, int | None]:
    """A body, out of its HTTP envelope, and the envelope's status."""
    if isinstance(half, dict) and "body" in half and not {"messages", "choices", "model"} & half.keys():
        status = next((half[name] for name in _STATUS if isinstance(half.get(name), int)), None)
        return half["body"], status
    return half, None


def _take_times(rest: Json, fields: Json, response: Any) -> None:
    start = first_time(rest, _STARTS)
    end = first_time(rest, _ENDS)
    if start is None and isinstance(response, dict):
        start = first_time(dict(response), ("created", "created_at"))
    if start is not None:
        fields["started_at"] = start
    span_ms = next((rest.pop(name) for name in _SPANS_MS if isinstance(rest.get(name), (int, float))), None)
    if span_ms is None:
        span_s = next((rest.pop(name) for name in _SPANS_S if isinstance(rest.get(name), (int, float))), None)
        span_ms = None if span_s is None else span_s * 1000
    if end is None and start is not None and span_ms is not None:
        end = ended_at(start, span_ms)
    if end is not None:
        fields["ended_at"] = end


def _take_id(rest: Json, fields: Json) -> str | None:
    """The row's own id; one that is too short to be the only one of its kind is a join key instead."""
    name = next((name for name in _IDS if isinstance(rest.get(name), (str, int)) and rest[name] != ""), None)
    if name is None:
        return None
    given = str(rest.pop(name))
    if name in ("event_id", "log_id") or len(given) >= _UNIQUE:
        return given
    fields["join_keys"] = [given]
    return None


def _take_arguments(rest: Json, fields: Json, *, flat: bool) -> None:
    unknown: Json = {}
    for name, value in rest.items():
        if (own := _OWN.get(name, name)) in ARGUMENTS and own not in fields and value is not None:
            fields[own] = value
        elif own == "join_keys" and value is not None:
            fields["join_keys"] = [*fields["join_keys"], *(value if isinstance(value, list) else [value])]
        elif value is not None:
            unknown[name] = value
    if flat:
        fields["request"] = unknown
    elif unknown:
        attributes = fields.get("request_attributes")
        fields["request_attributes"] = {**unknown, **attributes} if isinstance(attributes, dict) else unknown


FORMAT = Format("pairs", _recognise, _events)
