"""Which content is kept: by rate, by function, of errors and slow calls always, and none when redaction fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import shipper
from shipper.capture.content import ContentPolicy
from shipper.errors import UsageError
from shipper.record.entry import Call
from shipper.redact import Redactor
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "write to ann@example.org"}]}
ANSWER = {"id": "r", "choices": [{"index": 0, "message": {"content": "sent"}, "finish_reason": "stop"}]}


def call(event_id: str = "e", **body: Any) -> Call:
    """One call."""
    return Call("llm.completion", event_id, False, 0, {"request": REQUEST, "response": ANSWER, **body})


def has_content(policy: ContentPolicy, one: Call) -> bool:
    """Whether the call's message is kept."""
    return "write" in str(policy.apply(one, save=True)[0].body)


def test_a_rate_keeps_its_share_and_the_same_calls_everywhere() -> None:
    """The choice follows from the event's id alone, and the record says the rate."""
    policies = [ContentPolicy(Settings(content_rate=0.3)) for _ in range(2)]
    kept = [[has_content(policy, call(f"event {n}")) for n in range(1_000)] for policy in policies]
    assert kept[0] == kept[1]
    assert 240 < sum(kept[0]) < 360
    body = policies[0].apply(call(), save=True)[0].body
    assert body["privacy"]["content_rate"] == 0.3


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({}, False),
        ({"error": {"message": "x"}}, True),
        ({"response": {"error": {"message": "x"}}}, True),
        ({"http": {"status": 500}}, True),
        ({"stream": {"completed": False}}, True),
        ({"stream": {"completed": True}}, False),
        ({"started_at": 1_700_000_000, "ended_at": 1_700_000_100}, True),
        ({"started_at": 1_700_000_000, "ended_at": 1_700_000_001}, False),
    ],
)
def test_errors_and_slow_calls_keep_their_content(body: dict[str, Any], kept: bool) -> None:
    """Whatever the rate."""
    assert has_content(ContentPolicy(Settings(content_rate=0.0)), call(**body)) is kept
    assert has_content(ContentPolicy(Settings(), sample=lambda _: 0.0), call(**body)) is kept


def test_a_function_sees_the_call_and_its_fault_costs_nothing() -> None:
    """It gets JSON; a rate beyond 0 to 1 is the nearest; when it raises, content is kept."""
    policy = ContentPolicy(Settings(), sample=lambda one: 1.0 if one["request"]["model"] == "m" else -3.0)
    assert has_content(policy, call())
    assert not has_content(policy, call(request={**REQUEST, "model": "other"}))
    assert has_content(ContentPolicy(Settings(), sample=lambda _: 1 / 0), call())


def test_what_is_not_sampled_keeps_its_figures() -> None:
    """Model, ids, finish reason and tokens stay."""
    body = ContentPolicy(Settings(content_rate=0.0)).apply(call(user_id="u"), save=True)[0].body
    assert body["request"]["model"] == "m"
    assert body["response"]["choices"][0]["finish_reason"] == "stop"
    assert body["user_id"] == "u"
    assert body["privacy"] == {"content_rate": 0.0}


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_without_content_no_key_of_it_is_named(rate: float) -> None:
    """What was made storable on the way is told of what is kept only: a path is made of the caller's keys."""
    policy = ContentPolicy(Settings(content_rate=rate))
    one = call(request_attributes={"ann@example.org": object()}, user_id=object(), tags=[object()])
    stripped, changed = policy.apply(one, save=rate == 0)
    assert "ann@" not in str(stripped)
    assert [flag.partition(":")[0] for flag in changed] == ["user_id", "tags[0]"]


def test_the_callers_call_is_not_changed() -> None:
    """The policy works on a copy."""
    one = call()
    ContentPolicy(Settings(), redact="all").apply(one, save=True)
    assert one.body == {"request": REQUEST, "response": ANSWER}


def test_redaction_that_fails_leaves_no_text(caplog: pytest.LogCaptureFixture) -> None:
    """Content, tags, free texts and stop words are left out, flagged, and the message says no content."""

    def broken(_: str) -> Iterable[tuple[int, int, str]]:
        raise RuntimeError("about ann@example.org")

    policy = ContentPolicy(Settings(), redact=Redactor("none", find=broken))
    request = {**REQUEST, "stop": ["ann"]}
    changed, notes = policy.apply(call(request=request, tags=["ann"], source="ann.py"), save=True)
    assert "ann" not in str(changed.body)
    assert changed.body["privacy"] == {
        "redacted": False,
        "engine": "shipper/none+function",
        "content_stored": False,
    }
    assert notes == ["redaction: RuntimeError, content left out"]
    assert "ann" not in caplog.text


def test_a_word_that_means_no_redaction_is_refused() -> None:
    """When the application is made, not when it logs."""
    with pytest.raises(UsageError, match="none of none, secrets, all"):
        shipper.Application("a", redact="some", settings=Settings(send="none"))  # type: ignore[arg-type]
