"""What a call costs."""

from __future__ import annotations

import copy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice
from hypothesis import given
from hypothesis import strategies as st

from shipper.record.prices.catalogue import Context, Listed, find, prices_at, schedule_of
from shipper.record.prices.rates import Amounts, Usage, compile_bands
from shipper.record.pricing import Priced, Unknown, apply_cost, price

AT = "2026-11-21T07:30:42.123456Z"
ALL = [Listed(provider, model) for provider in providers for model in provider.models]
CONTEXTS: list[Context] = [
    (),
    (("processing", "batch"),),
    (("service_tier", "flex"),),
    (("service_tier", "priority"),),
    (("service_tier", "default"),),
    (("speed", "fast"),),
]


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Any sizes, around the tiers' thresholds, too; parts within their wholes."""
    size = st.integers(0, 2_000_000) | st.sampled_from(
        [0, 1, 128_000, 200_000, 200_001, 272_000, 272_001, 10**12]
    )
    prompt, answer = draw(size), draw(size)
    cached = draw(st.integers(0, prompt))
    return Usage(prompt, answer, cached, draw(st.integers(0, prompt - cached)), draw(st.integers(0, answer)))


def compiled(listed: Listed, usage: Usage, when: datetime, context: Context) -> Amounts | None:
    """Our price; None when the list has none for these tokens."""
    schedule = schedule_of(listed, context)
    assert schedule.trusted
    text = when.isoformat().replace("+00:00", "Z")
    if schedule.hourly:
        found = price(listed.provider.id, listed.model.id, usage, text, context=context)
        assert isinstance(found, Priced)
        return found.amounts
    rates = schedule.at(text[:10]).of(usage)
    return rates.amounts(usage) if rates.covers(usage) else None


def by_the_library(
    listed: Listed, usage: Usage, when: datetime, context: Context
) -> tuple[float, float, float]:
    expected = listed.model.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write,
            output_reasoning_tokens=usage.reasoning,
        ),
        listed.provider,
        genai_request_timestamp=when,
        price_context=dict(context) or None,
    )
    return float(expected.total_price), float(expected.input_price), float(expected.output_price)


@given(
    st.sampled_from(ALL),
    usages(),
    st.datetimes(datetime(2023, 1, 1), datetime(2027, 12, 31)),
    st.sampled_from(CONTEXTS),
)
def test_the_compiled_price_is_the_librarys(
    listed: Listed, usage: Usage, at: datetime, context: Context
) -> None:
    """To the last bit: any model, any usage, any day, any tier that the library prices itself."""
    when = at.replace(tzinfo=UTC)
    if prices_at(listed, when, context)[1]:
        context = ()  # our own discount is tested below
    found = compiled(listed, usage, when, context)
    if found is not None:
        assert found[:3] == by_the_library(listed, usage, when, context)


def test_every_model_is_understood() -> None:
    """All models of the installed lists, today: none is `pending`."""
    usage = Usage(1_000_003, 20_011, 5_003, 1_009, 3_001)
    when = datetime(2026, 11, 21, 12, tzinfo=UTC)
    priced = 0
    for listed in ALL:
        found = compiled(listed, usage, when, ())
        if found is not None:
            priced += 1
            assert found[:3] == by_the_library(listed, usage, when, ()), listed.model.id
    assert priced > 2000


def test_hours_count_where_the_list_says_so() -> None:
    """A price that depends on the time of day is looked up by the hour."""
    hourly = [
        listed
        for listed in ALL
        if schedule_of(listed, ()).hourly and find(listed.provider.id, listed.model.id)
    ]
    assert hourly
    for listed in hourly:
        for hour in range(24):
            when = datetime(2025, 4, 1, hour, 29, tzinfo=UTC)
            usage = Usage(1000, 1000)
            assert compiled(listed, usage, when, ()) is not None
            assert compiled(listed, usage, when, ())[:3] == by_the_library(listed, usage, when, ())


def test_the_price_is_that_of_the_day() -> None:
    """o3 became cheaper on 10 June 2025: 10 to 2 dollars a million tokens in, 40 to 8 out, in UTC."""
    usage = Usage(1_000_000, 1_000_000)
    before = price("openai", "o3", usage, "2025-06-09T23:59:59.999Z")
    after = price("openai", "o3", usage, "2025-06-10T00:00:00Z")
    assert (before.amounts.total, after.amounts.total) == (50.0, 10.0)


def test_a_long_prompt_has_its_tier() -> None:
    """All tokens of a prompt beyond the threshold cost the tier's rate, not only those beyond."""
    listed = next(one for one in ALL if one.provider.id == "openai" and one.model.id == "gpt-5.4")
    tier = listed.model.prices.input_mtok
    start = tier.tiers[0].start
    at, beyond = (price("openai", "gpt-5.4", Usage(start + more), AT).amounts.input for more in (0, 1))
    assert at == float(tier.base * start / 1_000_000)
    assert beyond == float(tier.tiers[0].price * (start + 1) / 1_000_000)


def test_cached_tokens_are_counted_once() -> None:
    """gpt-4o: 2.50 in, 1.25 cached, 10 out. Of 1,000 tokens in, 400 cached; 100 out."""
    found = price("openai", "gpt-4o", Usage(1000, 100, cache_read=400), AT)
    assert found == Priced(
        Amounts(total=0.003, input=0.002, output=0.001, cache_savings=0.0005),
        "USD",
        f"genai-prices {genai_prices.__version__}",
    )


def test_reasoning_tokens_are_counted_once() -> None:
    """They are a part of the output and cost what output costs."""
    plain = price("openai", "o3", Usage(10, 1000), AT)
    assert plain == price("openai", "o3", Usage(10, 1000, reasoning=900), AT)


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o", ("openai", "gpt-4o")),
        ("openai", "GPT-4o-2024-11-20", ("openai", "gpt-4o")),
        ("openai", "gpt-4o-mini-2024-07-18", ("openai", "gpt-4o-mini")),
        ("", "gpt-4o", ("openai", "gpt-4o")),
        ("", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("litellm", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("openai", "azure/gpt-4o", ("azure", "gpt-4o")),
        ("", "azure/eu/gpt-4o", ("azure", "gpt-4o")),
        ("azure.ai.openai", "gpt-4o-2024-08-06", ("azure", "gpt-4o")),
        ("azure", "gpt-35-turbo", ("azure", "gpt-3.5-turbo")),
        ("openrouter", "openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("", "openrouter/openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", ("openai", "ft:gpt-4o-mini")),
        ("", "ft:gpt-4o-2024-08-06:org::id", ("openai", "ft:gpt-4o")),
        ("openai", "text-embedding-3-small", ("openai", "text-embedding-3-small")),
        ("gcp.vertex_ai", "gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("x_ai", "grok-4-0709", ("x-ai", "grok-4-0709")),
        ("openai", "my-deployment", None),
        ("openai", "gpt-4o-from-next-door", None),
        ("openai", "", None),
        ("", "", None),
        ("", "someone/model", None),
        ("vllm", "gpt-4o", None),
        ("vllm", "openai/gpt-4o", None),
        ("openai", "a/" * 50 + "gpt-4o", None),
    ],
)
def test_models_are_found_by_their_many_names(
    provider: str, model: str, expected: tuple[str, str] | None
) -> None:
    """Prefixes, dates, fine-tunings; but nothing is guessed for a server that isn't listed."""
    found = find(provider, model)
    assert (found and (found.provider.id, found.model.id)) == expected


@pytest.mark.parametrize("context", [(("processing", "batch"),), (("service_tier", "flex"),)])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_discounts_are_those_that_the_list_has_later(provider: str, context: Context) -> None:
    """On the day before genai-prices knows a batch or flex price, ours is what its is on the day itself."""
    usage = Usage(1_000, 1_000)  # below any tier: not every list has tiers for batches
    compared = 0
    for listed in (one for one in ALL if one.provider.id == provider):
        for variant in listed.model.price_variants or ():
            if variant.when != dict(context) or variant.constraint is None or not variant.prices.input_mtok:
                continue
            day = datetime.combine(variant.constraint.start_date, datetime.min.time(), UTC)
            before = day - timedelta(days=1)
            if listed.model.get_prices(before) == listed.model.get_prices(day):
                compared += 1
                ours = compiled(listed, usage, before, context)
                assert ours is not None
                assert ours[:3] == by_the_library(listed, usage, day, context), listed.model.id
    assert compared > (0 if provider == "openai" or context[0][1] == "batch" else -1)


def test_a_batch_call_of_before_costs_half() -> None:
    """gpt-4o-mini in July 2025: 0.15 in and 0.60 out, half of it in a batch."""
    usage = Usage(1_000_000, 1_000_000)
    assert price("openai", "gpt-4o-mini", usage, "2025-07-01T00:00:00Z").amounts.total == 0.75
    batch: Context = (("processing", "batch"),)
    assert price("openai", "gpt-4o-mini", usage, "2025-07-01T00:00:00Z", context=batch).amounts.total == 0.375
    assert price("azure", "gpt-4o-mini", usage, "2025-07-01T00:00:00Z", context=batch).amounts.total == 0.375


@pytest.mark.parametrize(
    "usage",
    [
        Usage(10, 5, cache_read=11),
        Usage(10, 5, cache_read=6, cache_write=5),
        Usage(10, 5, reasoning=6),
        Usage(0, 5, 1),
    ],
)
def test_parts_larger_than_their_whole_are_no_usage(usage: Usage) -> None:
    """Such counts make no price; a wrong one would be worse than none."""
    assert price("openai", "gpt-4o", usage, AT) == Unknown("no_usage")


def test_tokens_without_a_price_are_not_free() -> None:
    """A list that prices only audio by the hour says nothing about tokens."""
    assert price("openai", "whisper-1", Usage(100, 100), AT) == Unknown("unknown_model")


def test_a_free_model_costs_nothing() -> None:
    """0 in the list is a known price."""
    rates = compile_bands(ModelPrice(input_mtok=Decimal(0), output_mtok=Decimal(0)), {}).of(Usage(10, 10))
    assert rates.covers(Usage(10, 10))
    assert rates.amounts(Usage(10, 10)) == Amounts(0, 0, 0, 0)


def test_a_form_of_price_that_is_not_understood_is_not_guessed() -> None:
    """When the compiled rates and the library disagree, nothing is priced; it can be done later."""

    class Strange(ModelPrice):
        def calc_price(self, usage: Any) -> Any:
            return {part: 2 * value for part, value in super().calc_price(usage).items()}

    strange = ModelInfo(
        id="odd", match=ClauseEquals("odd"), prices=Strange(input_mtok=Decimal(1), output_mtok=Decimal(2))
    )
    assert not schedule_of(Listed(providers[0], strange), ()).trusted


def test_lists_that_the_application_updates_are_not_ours() -> None:
    """The source that a document names stays true."""
    expected = price("openai", "gpt-4o", Usage(1, 1), AT)
    set_custom_snapshot(DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert price("openai", "gpt-4o", Usage(1, 1), AT) == expected
        assert find("openai", "gpt-4o-2024-05-13") is not None
    finally:
        set_custom_snapshot(None)


def test_importing_is_quick() -> None:
    """The lists are read with the first price, in the sender's thread."""
    code = "import shipper.record.pricing, sys; print('genai_prices' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        == "False\n"
    )


def document(usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    gen_ai: dict[str, Any] = {
        "provider": {"name": "openai"},
        "request": {"model": "my-deployment"},
        "response": {"model": "gpt-4o-2024-08-06"},
    }
    if usage is not None:
        gen_ai["usage"] = usage
    return {
        "@timestamp": AT,
        "event": {"id": "1", "dataset": "llm.completion"},
        "gen_ai": gen_ai,
        "llm": {},
        **more,
    }


def costed(given_document: dict[str, Any]) -> tuple[Any, Any]:
    """`gen_ai.usage.cost` and `llm.cost` after pricing."""
    apply_cost(given_document)
    return given_document["gen_ai"].get("usage", {}).get("cost"), given_document["llm"]["cost"]


def test_a_priced_document_says_amount_parts_and_source() -> None:
    """Amount and source where OpenTelemetry has them, parts and status in our own fields."""
    usage = {"input_tokens": 1000, "output_tokens": 100, "cache_read": {"input_tokens": 400}}
    assert costed(document(usage)) == (
        {"amount": 0.003, "currency": "USD", "source": f"genai-prices {genai_prices.__version__}"},
        {"status": "priced", "input": 0.002, "output": 0.001, "cache_savings": 0.0005},
    )


def test_without_cached_tokens_nothing_was_saved() -> None:
    """No figure rather than a 0 that means nothing."""
    assert costed(document({"input_tokens": 1000, "output_tokens": 0}))[1] == {
        "status": "priced",
        "input": 0.0025,
        "output": 0.0,
    }


def test_the_requested_model_counts_when_the_answering_one_is_not_listed() -> None:
    """As with a proxy that puts its own name into the response."""
    one = document({"input_tokens": 1, "output_tokens": 1})
    one["gen_ai"]["request"]["model"], one["gen_ai"]["response"]["model"] = "gpt-4o", "gateway-7"
    assert costed(one)[1]["status"] == "priced"


@pytest.mark.parametrize("usage", [None, {}, {"cache_read": {"input_tokens": 3}}])
def test_no_usage_is_a_status(usage: dict[str, Any] | None) -> None:
    """A failed call, or a stream without counts, has no cost: not 0."""
    assert costed(document(usage)) == (None, {"status": "no_usage"})


def test_an_unknown_model_is_a_status() -> None:
    """Not 0 either."""
    one = document({"input_tokens": 1, "output_tokens": 1})
    one["gen_ai"]["response"]["model"] = "gpt-99"
    assert costed(one) == (None, {"status": "unknown_model"})


def test_the_callers_figure_stays() -> None:
    """Provided costs are not recomputed."""
    given_cost = {"amount": 1.5, "currency": "EUR", "source": "caller"}
    one = document({"input_tokens": 1, "output_tokens": 1, "cost": given_cost}, llm={"cost": {"input": 1.0}})
    assert costed(one) == (given_cost, {"status": "provided", "input": 1.0})


def test_pricing_again_changes_nothing() -> None:
    """A priced document keeps its status."""
    one = document({"input_tokens": 1, "output_tokens": 1})
    apply_cost(one)
    again = copy.deepcopy(one)
    apply_cost(again)
    assert again == one


def test_other_datasets_are_left_alone() -> None:
    """Feedback has no cost."""
    feedback: dict[str, Any] = {"@timestamp": AT, "event": {"id": "1", "dataset": "llm.feedback"}, "llm": {}}
    apply_cost(feedback)
    assert feedback["llm"] == {}


@pytest.mark.parametrize(
    ("served", "params", "amount"),
    [
        (None, {}, 1.25 + 10),
        (None, {"service_tier": "flex"}, 0.625 + 5),
        ("default", {"service_tier": "flex"}, 1.25 + 10),
        ("priority", {"service_tier": "auto"}, 2.5 + 20),
        (None, {"processing": "batch"}, 0.625 + 5),
        (None, {"service_tier": "batch"}, 0.625 + 5),
        (None, {"service_tier": 7, "speed": None}, 1.25 + 10),
        (None, {"service_tier": "unheard-of"}, 1.25 + 10),
    ],
)
def test_the_tier_that_served_decides(served: str | None, params: dict[str, Any], amount: float) -> None:
    """gpt-5: what the response says before what was asked for; batch by parameter or tier."""
    one = document(
        {"input_tokens": 1_000_000, "output_tokens": 1_000_000}, llm={"request": {"params": params}}
    )
    one["gen_ai"]["response"]["model"] = "gpt-5"
    if served:
        one["llm"]["attributes"] = {"response": {"provider": {"service_tier": served}}}
    assert costed(one)[0]["amount"] == amount


def test_an_odd_time_is_pending_where_hours_count() -> None:
    """Whatever goes wrong with a price, the document is kept and can be priced later."""
    hourly = next(
        one for one in ALL if schedule_of(one, ()).hourly and find(one.provider.id, one.model.id) == one
    )
    one = document({"input_tokens": 1, "output_tokens": 1})
    one["@timestamp"] = "yesterday"
    one["gen_ai"]["provider"]["name"] = hourly.provider.id
    one["gen_ai"]["response"]["model"] = hourly.model.id
    assert costed(one) == (None, {"status": "pending"})


@pytest.mark.parametrize(
    ("model", "counted", "status"),
    [
        ("gpt-audio", {"audio_tokens": 3}, "pending"),
        ("gpt-audio", {"prompt_tokens_details": {"audio_tokens": 3}}, "pending"),
        ("gpt-audio", {"accepted_prediction_tokens": 3}, "priced"),
        ("gpt-4o-2024-08-06", {"audio_tokens": 3}, "priced"),
        ("gpt-audio", "many", "priced"),
    ],
)
def test_audio_is_not_priced_as_text(model: str, counted: Any, status: str) -> None:
    """Where audio costs more than text and the counts don't say how much there is of each, there is no cost yet."""
    one = document({"input_tokens": 5, "output_tokens": 5})
    one["gen_ai"]["response"]["model"] = model
    one["llm"]["attributes"] = {"response": {"provider": {"usage": counted}}}
    assert costed(one)[1]["status"] == status
