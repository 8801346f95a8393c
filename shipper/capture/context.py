"""What is known of every call within a block: `with shipper.context(session_id=…, user_id=…):`.

The values travel as contextvars do: into what is awaited, into tasks, and into threads that were given a copy of the
context (`asyncio.to_thread`, `contextvars.copy_context().run`). They are read when a call begins, so that a stream
that is consumed after its block still belongs to it.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from shipper import notice
from shipper.capture.call import as_texts

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("shipper_context", default=_NOTHING)

# W3C Trace Context, section 3.2: version, trace id, parent id, flags; later versions may add more
_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)


@contextmanager
def context(
    *,
    session_id: object = None,
    user_id: object = None,
    chain_id: object = None,
    run_id: object = None,
    datapoint_id: object = None,
    parent_id: object = None,
    trace_id: object = None,
    span_id: object = None,
    traceparent: str | None = None,
    tags: Sequence[str] | str | None = None,
    request_attributes: Mapping[str, Any] | None = None,
    environment: str | None = None,
    source: str | None = None,
    save: bool | None = None,
) -> Generator[None]:
    """Bind values to every call that is made within the block.

    Blocks nest: an inner value replaces an outer one, tags and attributes are added up. What a call says itself wins.
    Without a trace of the block's own, OpenTelemetry's current span is taken, if the process has imported it.

    Args:
        session_id: the conversation.
        user_id: the end user.
        chain_id: the chain of calls.
        run_id: the run of an evaluation or job.
        datapoint_id: the test case that the calls answer.
        parent_id: the event that the calls belong under.
        trace_id: the trace.
        span_id: the span within it.
        traceparent: both of these, as the header of W3C Trace Context has them. One that is malformed is left out.
        tags: labels to search by.
        request_attributes: the caller's own metadata.
        environment: where the calls run, if not the application's.
        source: where the model is called from.
        save: False drops the content of the calls before it is written anywhere.

    Never raises.
    """
    given = {
        "session_id": session_id,
        "user_id": user_id,
        "chain_id": chain_id,
        "run_id": run_id,
        "datapoint_id": datapoint_id,
        "parent_id": parent_id,
        "environment": environment,
        "source": source,
        "save": save,
        "trace_id": trace_id,
        "span_id": span_id,
        **_parsed(traceparent),
    }
    values = {name: value for name, value in given.items() if value is not None}
    if tags is not None:
        values["tags"] = as_texts(tags)
    if request_attributes is not None:
        values["request_attributes"] = dict(request_attributes)
    bind(values, _bound.get())
    token = _bound.set(MappingProxyType(values))
    try:
        yield
    finally:
        try:
            _bound.reset(token)
        except ValueError:  # left in another context than it was entered in, as some web frameworks do
            _bound.set(_NOTHING)


def current() -> Mapping[str, Any]:
    """The values that a call made now is bound to, OpenTelemetry's current span included. Never raises."""
    trace = sys.modules.get("opentelemetry.trace")  # never imported here: who uses it has imported it
    return _bound.get() if trace is None else _with_span(_bound.get(), trace)


def bind(body: dict[str, Any], bound: Mapping[str, Any]) -> None:
    """Put values into the body of a call where it does not say them itself. Never raises.

    Args:
        body: changed in place.
        bound: from `current`, when the call began.
    """
    if not bound:
        return
    trace_id = body.get("trace_id")
    other_trace = trace_id is not None and trace_id != bound.get("trace_id")
    for name, value in bound.items():
        if name not in body:
            if name != "span_id" or not other_trace:
                body[name] = value
        elif name == "tags":
            body[name] = list(dict.fromkeys([*value, *as_texts(body[name])]))
        elif name == "request_attributes" and isinstance(body[name], dict):
            body[name] = {**value, **cast("dict[str, Any]", body[name])}


def _with_span(bound: Mapping[str, Any], trace: Any) -> Mapping[str, Any]:
    """The values with OpenTelemetry's current span, unless another trace is bound."""
    try:
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return bound
        trace_id, span_id = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    except Exception:  # half imported, or an implementation of somebody's own
        return bound
    if bound.get("trace_id", trace_id) != trace_id:
        return bound
    return {**bound, "trace_id": trace_id, "span_id": span_id}


def _parsed(traceparent: str | None) -> dict[str, str]:
    if traceparent is None:
        return {}
    found = _TRACEPARENT.fullmatch(traceparent.strip()) if isinstance(traceparent, str) else None
    if found is None or (found[1] == "00" and found[4]):
        notice.warn(
            "traceparent", f"{traceparent!r:.100} is no traceparent of W3C Trace Context; it is left out."
        )
        return {}
    return {"trace_id": found[2], "span_id": found[3]}
