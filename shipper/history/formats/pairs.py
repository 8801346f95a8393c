"""Requests and responses, a pair a line: the log that most people write themselves.

Whatever a pair's halves are called (`request` and `response`, `body`, `kwargs` and `result`), bodies may stand in an
HTTP envelope (`{"body": …, "status_code": …}`), and the request's parameters may be the row itself. Keys that are
arguments of `Application.log_completion` mean the same here; what is not known is kept as the request's attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.capture.application import Application
from shipper.capture.call import body_of
from shipper.feedback.rows import Cell
from shipper.history.event import Alike, Event, Format, Json, Rejected, share
from shipper.history.formats.homemade import completed
from shipper.history.formats.providers import provider_of, request_in_openais, response_in_openais
from shipper.history.formats.times import ended_at, time_ns
from shipper.history.formats.turns import opened
from shipper.history.formats.verdicts import judgements, parted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shipper.history.event import Lookup

ARGUMENTS = frozenset(Application.log_completion.__annotations__) - {"return", "event_id", "save", "feedback"}
_REQUEST, _RESPONSE, _START, _END, _SPAN_MS, _SPAN_S, _ID, _STATUS_OF, _COST = range(9)
_NAMES = {
    _REQUEST: ("request", "kwargs", "req", "request_body", "requestBody", "body"),
    _RESPONSE: ("response", "result", "resp", "response_body", "responseBody", "completion", "output"),
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
_SURELY_TIMES = ("started_at", "start_time", "@timestamp", "timestamp", "created_at")
_LONGEST_MS = 1e11
_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id")
_TEXTS = frozenset(
    [*_PARAMETERS, *_NAMES[_REQUEST], *_NAMES[_RESPONSE], *_NAMES[_ID], *_OWN, *ARGUMENTS, "model"]
) - frozenset(["cost", "selected_choice_index"])
_BODY = frozenset(["messages", "choices", "model"])
_ASKED = frozenset([*_PARAMETERS, "contents"])
_ANSWERS = ("chat.completion", "text_completion", "response")

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


def speaks(value: Json) -> bool:
    """Whether a row is a model's request, with an answer or without one, and not any other service's. Never raises."""
    found, rest = _sorted(value)
    if _REQUEST in found:
        asked = opened(_opened(found[_REQUEST][2])[0])
        return isinstance(asked, dict) and not _ASKED.isdisjoint(asked)
    return _RESPONSE in found and any(name in rest for name in _PARAMETERS)


def is_answer(value: Json) -> bool:
    """Whether it is a response, and not a pair with one. Never raises."""
    if value.get("object") in _ANSWERS or value.get("type") == "message":
        return True
    return any(isinstance(value.get(name), list) for name in ("choices", "candidates"))


def _recognise(sample: Sequence[Any]) -> float:
    return 0.8 * share(sample, _is_pair)  # other formats have pairs too, and more besides


def _events(value: Any, lookup: Lookup) -> Iterator[Event]:
    del lookup
    if not isinstance(value, dict):
        raise Rejected("not_an_object", "a request and its response are a JSON object")
    row: Json = _typed(value) if isinstance(next(iter(value.values()), None), Cell) else value
    row, verdicts = parted(row)
    yield event_of(row)
    yield from judgements(verdicts)


def _typed(row: Json) -> Json:
    """A row of a CSV file: texts stay texts, though they may look like numbers; what is JSON is opened."""
    return {
        name: str(cell) if name in _TEXTS and cell[:1] not in ("{", "[") else opened(cell)
        for name, cell in row.items()
        if cell != ""
    }


def event_of(value: Json) -> Event:
    """The event of a pair.

    Raises:
        Rejected: there is neither a request nor a response.
    """
    found, rest = _sorted(value)
    fields: Json = {}
    if _REQUEST in found:
        fields["request"], _, url = _opened(found[_REQUEST][2])
        if url is not None:
            fields["base_url"] = url
    elif _RESPONSE not in found and not any(name in rest for name in (*_PARAMETERS, "model")):
        raise Rejected("no_call", "neither a request nor a response is in it")
    status: Any = None
    request_id: Any = None
    if _RESPONSE in found:
        fields["response"], status, _ = _opened(found[_RESPONSE][2])
        request_id = _request_id(found[_RESPONSE][2])
    _write_openais(fields, rest)
    _write_times(found, rest, fields)
    if status is None and _STATUS_OF in found:
        status = found[_STATUS_OF][2]
    if status is not None or request_id is not None:
        fields["http"] = {"status": status, "request_id": request_id}
    event_id = _identity(found, fields)
    _write_arguments(rest, fields, flat=_REQUEST not in found)
    cost = found[_COST][2] if _COST in found else None
    return Event(
        body_of(fields), id=event_id, stated_cost=cost if isinstance(cost, (int, float, dict)) else None
    )


def _opened(half: Any) -> tuple[Any, int | None, str | None]:
    """A body, out of its HTTP envelope, as what its JSON says; the envelope's status and address."""
    if isinstance(half, dict) and "body" in half and _BODY.isdisjoint(half):
        status = next((half[name] for name in _NAMES[_STATUS_OF] if isinstance(half.get(name), int)), None)
        url = next((half[name] for name in ("url", "uri") if isinstance(half.get(name), str)), None)
        return opened(half["body"]), status, url
    return opened(half), None, None


def _request_id(half: Any) -> Any:
    headers = half.get("headers") if isinstance(half, dict) else None
    if not isinstance(headers, dict):
        return None
    return next((value for name, value in headers.items() if name.lower() in _REQUEST_IDS), None)


def _write_openais(fields: Json, rest: Json) -> None:
    """Halves in the form of another provider, or as people write them, in OpenAI's form."""
    flat = "request" not in fields
    request, response = rest if flat else fields["request"], fields.get("response")
    if (provider := provider_of(request, response)) is not None:
        if "base_url" not in fields:
            fields["provider"] = rest.pop("provider", provider)
        request, response = request_in_openais(request), response_in_openais(response)
    if flat and request is not rest:
        rest.clear()
        rest.update(request)
    request, response = completed(None if flat else request, response, rest)
    for name, half in (("request", request), ("response", response)):
        if half is not None:
            fields[name] = half


def _write_times(found: _Found, rest: Json, fields: Json) -> None:
    start = time_ns(found[_START][2]) if _START in found else None
    end = time_ns(found[_END][2]) if _END in found else None
    span_ms = found[_SPAN_MS][2] if _SPAN_MS in found else None
    if span_ms is None and _SPAN_S in found:
        span_ms = found[_SPAN_S][2] * 1000
    if start is None and end is not None and span_ms is not None and 0 <= span_ms < _LONGEST_MS:
        start = end - int(span_ms * 1e6)
    elif start is None:
        start = _made_at(fields.get("response"))
    if start is not None and end is None and span_ms is not None:
        end = ended_at(start, span_ms)
    for name, moment in (("started_at", start), ("ended_at", end)):
        if moment is not None:
            fields[name] = moment
    if start is None and (name := next((one for one in _SURELY_TIMES if one in rest), None)) is not None:
        fields["started_at"] = rest.pop(name)  # which can't be read, and is told so


def _made_at(response: Any) -> int | None:
    """When a response says that it was made; of a stream, its first chunk."""
    first: Any = response[0] if isinstance(response, list) and response else response
    if not isinstance(first, dict):
        return None
    inner: Any = first.get("response")
    made: Json = inner if isinstance(inner, dict) else first
    return time_ns(made.get("created", made.get("created_at")))


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


def _span(times: Json) -> Json:
    fields: Json = {}
    _write_times(*_sorted(times), fields)
    return fields


_TIMES = frozenset(name for kind in (_START, _END, _SPAN_MS, _SPAN_S) for name in _NAMES[kind])

FORMAT = Format("pairs", _recognise, _events, alike=Alike(_TIMES, _span, _UNIQUE))
