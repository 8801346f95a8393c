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
from shipper.history.formats.times import ended_at, time_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

ARGUMENTS = frozenset(Application.log_completion.__annotations__) - {"return", "event_id", "save", "feedback"}
_REQUEST, _RESPONSE, _START, _END, _SPAN_MS, _SPAN_S, _ID, _STATUS_OF, _COST = range(9)
_NAMES = {
    _REQUEST: ("request", "kwargs", "req", "request_body", "requestBody", "body"),
    _RESPONSE: ("response", "result", "resp", "response_body", "responseBody", "completion"),
    _START: (
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
    ),
    _END: ("ended_at", "end_time", "endTime", "response_time", "completed_at", "response_timestamp"),
    _SPAN_MS: ("latency_ms", "duration_ms", "elapsed_ms", "latencyMs", "durationMs", "response_ms"),
    _SPAN_S: ("latency", "duration", "elapsed", "latency_s", "duration_s", "duration_seconds"),
    _ID: ("event_id", "log_id", "uuid", "id"),
    _STATUS_OF: ("status", "status_code", "http_status", "statusCode"),
    _COST: ("cost",),
}
_MEANINGS = {name: (kind, rank) for kind, names in _NAMES.items() for rank, name in enumerate(names)}
_PARAMETERS = ("messages", "prompt", "input")
_UNIQUE = 16  # a shorter id is only unique in its file
_OWN = {"user": "user_id", "session": "session_id", "conversation_id": "session_id", "chat_id": "session_id"}
_BODY = frozenset(["messages", "choices", "model"])

_Found = dict[int, tuple[int, str, Any]]
"""By kind: how well the name says it, the name, and the value."""


def _sorted(value: Json) -> tuple[_Found, Json]:
    """What the row's keys mean, the best of several that mean the same; and the rest of the row."""
    found: _Found = {}
    rest: Json = {}
    for name, one in value.items():
        if one is None:
            continue
        meaning = _MEANINGS.get(name)
        if meaning is None or not _fits(meaning[0], one):
            rest[name] = one
            continue
        kind, rank = meaning
        other = found.get(kind)
        if other is None or rank < other[0]:
            found[kind] = (rank, name, one)
            if other is not None:
                rest[other[1]] = other[2]
        else:
            rest[name] = one
    return found, rest


def _fits(kind: int, value: Any) -> bool:
    """Whether a value can be what its name says."""
    if kind in (_REQUEST, _RESPONSE, _COST):
        return True
    if kind in (_START, _END):
        return time_ns(value) is not None
    if kind == _ID:
        return isinstance(value, (str, int)) and value != ""
    return isinstance(value, (int, float))


def _is_pair(value: Json) -> bool:
    found, rest = _sorted(value)
    asked = _REQUEST in found or any(name in rest for name in _PARAMETERS)
    return asked and (_RESPONSE in found or value.get("error") is not None)


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
    found, rest = _sorted(value)
    fields: Json = {}
    if _REQUEST in found:
        fields["request"] = _opened(found[_REQUEST][2])[0]
    elif _RESPONSE not in found and not any(name in rest for name in (*_PARAMETERS, "model")):
        raise Rejected("no_call", "neither a request nor a response is in it")
    status: Any = None
    if _RESPONSE in found:
        fields["response"], status = _opened(found[_RESPONSE][2])
    _write_times(found, fields)
    if status is None and _STATUS_OF in found:
        status = found[_STATUS_OF][2]
    if status is not None:
        fields["http"] = {"status": status}
    event_id = _identity(found, fields)
    _write_arguments(rest, fields, flat=_REQUEST not in found)
    cost = found[_COST][2] if _COST in found else None
    return Event(
        body_of(fields), id=event_id, stated_cost=cost if isinstance(cost, (int, float, dict)) else None
    )


def _opened(half: Any) -> tuple[Any, int | None]:
    """A body, out of its HTTP envelope, and the envelope's status."""
    if isinstance(half, dict) and "body" in half and _BODY.isdisjoint(half):
        status = next((half[name] for name in _NAMES[_STATUS_OF] if isinstance(half.get(name), int)), None)
        return half["body"], status
    return half, None


def _write_times(found: _Found, fields: Json) -> None:
    start = time_ns(found[_START][2]) if _START in found else None
    if start is None and isinstance(response := fields.get("response"), dict):
        start = time_ns(response.get("created", response.get("created_at")))
    if start is None:
        return
    fields["started_at"] = start
    end = time_ns(found[_END][2]) if _END in found else None
    if end is None and _SPAN_MS in found:
        end = ended_at(start, found[_SPAN_MS][2])
    elif end is None and _SPAN_S in found:
        end = ended_at(start, found[_SPAN_S][2] * 1000)
    if end is not None:
        fields["ended_at"] = end


def _identity(found: _Found, fields: Json) -> str | None:
    """The row's own id; one that is too short to be the only one of its kind is a join key instead."""
    if _ID not in found:
        return None
    _, name, value = found[_ID]
    given = str(value)
    if name in ("event_id", "log_id") or len(given) >= _UNIQUE:
        return given
    fields["join_keys"] = [given]
    return None


def _write_arguments(rest: Json, fields: Json, *, flat: bool) -> None:
    """Arguments by their names; the rest are the request's attributes, or the request itself where there is none."""
    unknown: Json = {}
    for name, value in rest.items():
        own = _OWN.get(name, name)
        if own == "join_keys" and own in fields:
            fields[own] = [*fields[own], *(value if isinstance(value, list) else [value])]
        elif own in ARGUMENTS and own not in fields:
            fields[own] = value
        else:
            unknown[name] = value
    if flat:
        fields["request"] = unknown
    elif unknown:
        attributes = fields.get("request_attributes")
        fields["request_attributes"] = {**unknown, **attributes} if isinstance(attributes, dict) else unknown


FORMAT = Format("pairs", _recognise, _events)
