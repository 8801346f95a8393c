"""What is bound to a block reaches every call within it, wherever it runs."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import shipper
from shipper.testing import Captured, capture_completions

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def captured() -> Iterator[Captured]:
    """What is logged."""
    with capture_completions() as captured:
        yield captured


def log(**more: Any) -> None:
    """One call."""
    shipper.get_application("a").log_completion(REQUEST, **more)


def bound(captured: Captured, *names: str) -> list[tuple[Any, ...]]:
    """These values of every call."""
    return [tuple(entry["call"].get(name) for name in names) for entry in captured.entries]


def test_every_value_reaches_the_document(captured: Captured) -> None:
    """Each argument has its field."""
    with shipper.context(
        session_id="s",
        user_id="u",
        chain_id="c",
        run_id="r",
        datapoint_id="d",
        parent_id="p",
        trace_id=TRACE,
        span_id=SPAN,
        tags=["t"],
        request_attributes={"tier": "gold"},
        environment="test",
        source="batch.py",
    ):
        log()
    [document] = captured.documents
    assert document["gen_ai"]["conversation"] == {"id": "s"}
    assert document["user"] == {"id": "u"}
    assert document["llm"]["chain"] == {"id": "c"}
    assert document["llm"]["run"] == {"id": "r"}
    assert document["llm"]["datapoint"] == {"id": "d"}
    assert document["parent"] == {"id": "p"}
    assert (document["trace"]["id"], document["span"]["id"]) == (TRACE, SPAN)
    assert document["tags"] == ["t"]
    assert document["llm"]["attributes"]["request"]["tier"] == "gold"
    assert document["service"]["environment"] == "test"


def test_blocks_nest_and_a_call_says_it_best(captured: Captured) -> None:
    """An inner value replaces an outer one, tags and attributes add up, and the block's end restores."""
    with shipper.context(session_id="outer", user_id="u", tags=["a"], request_attributes={"x": 1, "y": 1}):
        with shipper.context(session_id="inner", tags=["b", "a"], request_attributes={"y": 2}):
            log()
            log(session_id="own", tags="c", request_attributes={"y": 3})
        log()
    log()
    assert bound(captured, "session_id", "user_id", "tags", "request_attributes") == [
        ("inner", "u", ["a", "b"], {"x": 1, "y": 2}),
        ("own", "u", ["a", "b", "c"], {"x": 1, "y": 3}),
        ("outer", "u", ["a"], {"x": 1, "y": 1}),
        (None, None, None, None),
    ]


def test_an_exception_ends_the_block(captured: Captured) -> None:
    """It passes through."""
    with pytest.raises(KeyError), shipper.context(user_id="u"):
        raise KeyError("x")
    log()
    assert bound(captured, "user_id") == [(None,)]


def test_tasks_keep_their_own(captured: Captured) -> None:
    """Concurrent tasks don't see each other's values; what they start inherits."""

    async def one(number: int) -> None:
        with shipper.context(session_id=f"s{number}"):
            await asyncio.sleep(0)
            await asyncio.gather(asyncio.create_task(within()), asyncio.to_thread(log))

    async def within() -> None:
        log()

    async def several() -> None:
        await asyncio.gather(*[one(number) for number in range(5)])

    asyncio.run(several())
    assert sorted(bound(captured, "session_id")) == sorted([(f"s{number}",) for number in range(5)] * 2)


def test_threads_see_it_when_they_are_given_the_context(captured: Captured) -> None:
    """A pool's thread has none of its own accord, as contextvars have it."""
    with ThreadPoolExecutor(1) as pool, shipper.context(user_id="u"):
        pool.submit(contextvars.copy_context().run, log).result()
        pool.submit(log).result()
    assert bound(captured, "user_id") == [("u",), (None,)]


def test_a_handlers_records_are_bound_too(captured: Captured) -> None:
    """The road in doesn't matter."""
    logger = logging.getLogger("bound")
    logger.addHandler(handler := shipper.CompletionHandler("a"))
    with shipper.context(session_id="s"):
        logger.warning("answered", extra={"completion": {"request": REQUEST}})
    logger.removeHandler(handler)
    assert bound(captured, "session_id") == [("s",)]


def test_content_is_not_kept_within_a_block_that_says_so(captured: Captured) -> None:
    """save=False holds for the whole block."""
    with shipper.context(save=False):
        log()
    assert "hi" not in str(captured.entries[0]["call"]["request"])


def test_a_traceparent_is_read_and_a_malformed_one_left_out(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    """As W3C Trace Context has it: later versions may be longer; ff, zeros and capitals are no traceparent."""
    good = f"00-{TRACE}-{SPAN}-01"
    wrong = [f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", good.upper(), good + "-x", "", 7]
    for given in (good, f"01-{TRACE}-{SPAN}-01-more", *wrong):
        with shipper.context(traceparent=given):  # type: ignore[arg-type]
            log()
    assert bound(captured, "trace_id", "span_id") == [(TRACE, SPAN)] * 2 + [(None, None)] * len(wrong)
    assert "is no traceparent" in caplog.text


def test_opentelemetrys_current_span_is_taken_unless_another_trace_is_bound(captured: Captured) -> None:
    """Inside a span: its ids; with a trace of the block's own or of the call's own: that one, without a foreign span."""
    tracing = pytest.importorskip("opentelemetry.sdk.trace")
    with tracing.TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        ids = span.get_span_context()
        log()
        with shipper.context(trace_id=TRACE):
            log()
        log(trace_id=TRACE)
    current = (f"{ids.trace_id:032x}", f"{ids.span_id:016x}")
    assert bound(captured, "trace_id", "span_id") == [current, (TRACE, None), (TRACE, None)]
