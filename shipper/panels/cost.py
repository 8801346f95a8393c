"""Cost: what is spent, by whom and on what."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.measures import RunningSum, ratio, share, total
from shipper.panels.model import Dashboard, Metric, Panel, Terms

_METRICS = (common.SPENT, common.CALLS, common.COST_PER_1000)

MONTH: Final = Panel(
    "cost-month",
    "The month so far",
    "Will the budget do?",
    "line",
    (Metric("spent", "Spent this month", "USD", RunningSum(common.COST), "lower"),),
    (common.BY_TIME,),
    empty=common.NO_PRICE,
    of_month=True,
    note="Since the first of the month, in UTC.",
)

COSTS: Final = Dashboard(
    "llm-cost",
    "LLM cost",
    "Where the money goes, in US dollars. Amounts in other currencies are not in the sums.",
    (
        Panel(
            "cost-total",
            "Cost",
            "What does it cost?",
            "figure",
            (common.SPENT,),
            empty=common.NO_PRICE,
            width=12,
        ),
        Panel(
            "cost-cached-share",
            "Cached input",
            "How many of the input tokens came from the provider's cache?",
            "figure",
            (
                Metric(
                    "cached",
                    "Cached",
                    "share",
                    ratio(total("gen_ai.usage.cache_read.input_tokens"), total("gen_ai.usage.input_tokens")),
                    "higher",
                ),
            ),
            empty="No call in this period tells of cached tokens.",
            width=12,
        ),
        Panel(
            "cost-cache-savings",
            "Saved by the cache",
            "What did the cache save?",
            "figure",
            (Metric("saved", "Saved", "USD", total("llm.cost.cache_savings", common.DOLLARS), "higher"),),
            empty="No call in this period read from a cache at a known price.",
            width=12,
        ),
        Panel(
            "cost-unpriced-share",
            "Without a price",
            "How many calls are missing from the sums?",
            "figure",
            (Metric("unpriced", "Without a price", "share", share(common.UNPRICED), "lower"),),
            width=12,
            note="Their model's price is not known, or not known yet: `shipper reprice` fills it in.",
        ),
        MONTH,
        Panel(
            "cost-over-time",
            "Cost over time",
            "When was money spent, and on which model?",
            "bar",
            (common.SPENT,),
            (Terms("gen_ai.request.model", "Model", 10, "cost"), common.BY_TIME),
            empty=common.NO_PRICE,
        ),
        Panel(
            "cost-by-application",
            "Cost by application",
            "Which application spends it?",
            "bar",
            (common.SPENT,),
            (Terms("llm.application.name", "Application", 10, "cost"),),
            empty=common.NO_PRICE,
        ),
        Panel(
            "cost-by-version",
            "Cost by version",
            "Which version is dear?",
            "table",
            _METRICS,
            (Terms("service.version", "Version", 10, "cost"),),
            empty=common.NO_PRICE,
        ),
        Panel(
            "cost-by-model",
            "Cost by model",
            "Which model is dear?",
            "table",
            _METRICS,
            (Terms("gen_ai.response.model", "Model", 10, "cost"),),
            empty=common.NO_PRICE,
            note="The model that answered: it is the one that has the price.",
        ),
        Panel(
            "cost-by-prompt",
            "Cost by prompt",
            "Which prompt is dear?",
            "table",
            _METRICS,
            (Terms("gen_ai.prompt.name", "Prompt", 10, "cost"),),
            empty="No call in this period names its prompt.",
        ),
        Panel(
            "cost-by-user",
            "Cost by user",
            "Who uses it most?",
            "table",
            _METRICS,
            (Terms("user.id", "User", 10, "cost"),),
            empty="No call in this period names its user.",
        ),
        Panel(
            "cost-input-output",
            "Cost of prompts and answers",
            "Is it the prompts or the answers that cost?",
            "bar",
            (
                Metric("input", "Prompts", "USD", total("llm.cost.input", common.DOLLARS)),
                Metric("output", "Answers", "USD", total("llm.cost.output", common.DOLLARS)),
            ),
            (common.BY_TIME,),
            empty=common.NO_PRICE,
        ),
    ),
)
