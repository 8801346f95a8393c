"""The demo's month as a plan: the same again, as many calls as asked for, and the story told in its docstring."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from statistics import median
from typing import TYPE_CHECKING

import pytest

from shipper.demo.month.plan import plan_month
from shipper.demo.month.rhythm import outage
from shipper.demo.month.story import APPLICATION, CLASHES, MIDDLE, NEW, OLD, REFUND, SUPPORT

if TYPE_CHECKING:
    from shipper.demo.month.plan import Call, Month

END = datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()
CALLS = 6000


@cache
def month() -> Month:
    return plan_month(seed=1, end=END, days=30, calls=CALLS)


def _verdicts(month: Month) -> dict[tuple[str, str], list[bool]]:
    """Thumbs by prompt and version, of calls that exist."""
    calls = {call.event_id: call for call in month.calls}
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for opinion in month.opinions:
        if opinion.arguments["name"] == "helpful" and opinion.key in calls:
            call = calls[opinion.key]
            found[call.fields["prompt_name"], call.version].append(opinion.arguments["value"])
    return found


def _seconds(call: Call) -> float:
    return call.fields["ended_at"] - call.fields["started_at"]


def test_the_same_again() -> None:
    """The plan is a function of its arguments; another seed makes another month with other ids."""
    once, again = (plan_month(seed=3, end=END, days=7, calls=300) for _ in range(2))
    assert once == again
    other = plan_month(seed=4, end=END, days=7, calls=300)
    assert not {call.event_id for call in once.calls} & {call.event_id for call in other.calls}


@pytest.mark.parametrize(("days", "calls"), [(1, 1), (2, 17), (30, CALLS)])
def test_as_many_as_asked_for(days: int, calls: int) -> None:
    """There are so many calls, each with its own id, within the days, and no opinion is from the future."""
    made = month() if calls == CALLS else plan_month(seed=1, end=END, days=days, calls=calls)
    assert len(made.calls) == len({call.event_id for call in made.calls}) == calls
    assert all(END - days * 86_400 <= call.fields["started_at"] < END for call in made.calls)
    assert all(opinion.at < END for opinion in made.opinions)
    assert len(made.clashes) <= CLASHES


def test_releases_take_over() -> None:
    """Three versions in their order, with some days on which two run beside each other."""
    spans = {
        version: [call.fields["started_at"] for call in month().calls if call.version == version]
        for version in (OLD, MIDDLE, NEW)
    }
    firsts = [min(spans[version]) for version in (OLD, MIDDLE, NEW)]
    assert firsts == sorted(firsts)
    assert max(spans[OLD]) > min(spans[MIDDLE])
    assert all(len(span) > CALLS / 5 for span in spans.values())


def test_the_new_release_is_quicker_and_worse_at_refunds_alone() -> None:
    """Fewer thumbs up for refunds by more than fifteen points, not fewer for the others, and a shorter median."""
    found = _verdicts(month())
    shares = {key: sum(values) / len(values) for key, values in found.items()}
    assert shares[REFUND, NEW] < shares[REFUND, MIDDLE] - 0.15
    assert shares[SUPPORT, NEW] > shares[SUPPORT, MIDDLE] - 0.05
    answered = [
        call for call in month().calls if call.fields["prompt_name"] == SUPPORT and "response" in call.fields
    ]
    by_version = {
        version: median(_seconds(call) for call in answered if call.version == version)
        for version in (MIDDLE, NEW)
    }
    assert by_version[NEW] < 0.8 * by_version[MIDDLE]


def test_the_week_has_a_rhythm() -> None:
    """A weekday has more than twice the calls of a day at the weekend."""
    days = [datetime.fromtimestamp(call.fields["started_at"], UTC).weekday() for call in month().calls]
    weekend = sum(day > 4 for day in days)
    assert (len(days) - weekend) / 5 > 2 * weekend / 2


def test_the_outage() -> None:
    """For some hours most calls fail, and hardly any at other times."""
    begin, end = outage(END - 30 * 86_400, END)
    inside = [call for call in month().calls if begin <= call.fields["started_at"] < end]
    outside = [call for call in month().calls if not begin <= call.fields["started_at"] < end]
    assert sum("error" in call.fields for call in inside) / len(inside) > 0.6
    assert sum("error" in call.fields for call in outside) / len(outside) < 0.03


def test_everything_that_happens_is_in_it() -> None:
    """Streams, several choices, tools, embeddings, cached tokens, refusals, filters, late and lost opinions."""
    calls = month().calls
    text = str([call.fields.get("response") for call in calls])
    for sign in (
        "chat.completion.chunk",
        "tool_calls",
        "embedding",
        "refusal': \"I can't",
        "content_filter",
        "'length'",
    ):
        assert sign in text, sign
    assert any("time_to_first_chunk_s" in call.fields.get("stream", {}) for call in calls)
    assert any(call.fields["request"].get("n") == 3 for call in calls)
    assert any(call.fields.get("turn", 0) > 3 for call in calls)
    ids = {call.event_id: call for call in calls}
    lost = [opinion for opinion in month().opinions if opinion.key not in ids]
    late = [
        opinion
        for opinion in month().opinions
        if opinion.key in ids and opinion.at - ids[opinion.key].fields["ended_at"] > 2 * 86_400
    ]
    assert lost
    assert late
    assert all(one.event_id in ids for one in month().clashes)


def test_the_application_is_its_own() -> None:
    """What the demo removes again is nobody else's."""
    assert APPLICATION.startswith("demo-")
