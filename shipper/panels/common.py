"""Filters and metrics that several dashboards show, under one name and with one meaning."""

from __future__ import annotations

from typing import Final

from shipper.panels.filters import AtLeast, Exists, Not, Within, equals
from shipper.panels.measures import average, count, percentile, ratio, share, times, total, unique
from shipper.panels.model import Metric, Terms, Threshold, Time

SLOW_MS: Final = 10_000
"""A call that took this long is slow, as for the setting `content_slow_s`."""

FAILED: Final = equals("event.outcome", "failure")
JUDGED: Final = Exists("llm.feedback.positive")
GOOD: Final = equals("llm.feedback.positive", True)
BAD: Final = equals("llm.feedback.positive", False)
SLOW: Final = AtLeast("llm.latency_ms", SLOW_MS)
CUT_OFF: Final = equals("gen_ai.response.finish_reasons", "length")
FILTERED: Final = equals("gen_ai.response.finish_reasons", "content_filter")
REFUSED: Final = Within("llm.choices", Exists("refusal"))
ABORTED: Final = equals("llm.stream.completed", False)
DOLLARS: Final = equals("gen_ai.usage.cost.currency", "USD")
"""Amounts of other currencies can't be added to these."""
UNPRICED: Final = equals("llm.cost.status", "unknown_model", "pending")
NOT_IMPORTED: Final = Not(Exists("llm.import.source"))

COST: Final = total("gen_ai.usage.cost.amount", DOLLARS)

CALLS: Final = Metric("calls", "Calls", "calls", count())
ERROR_SHARE: Final = Metric("error_share", "Failed", "share", share(FAILED), "lower")
P50: Final = Metric("p50", "p50", "ms", percentile("llm.latency_ms", 50), "lower")
P95: Final = Metric("p95", "p95", "ms", percentile("llm.latency_ms", 95), "lower")
P99: Final = Metric("p99", "p99", "ms", percentile("llm.latency_ms", 99), "lower")
FIRST_CHUNK: Final = Metric(
    "first_chunk", "p95", "s", percentile("gen_ai.response.time_to_first_chunk", 95), "lower"
)
SPENT: Final = Metric("cost", "Cost", "USD", COST, "lower")
COST_PER_CALL: Final = Metric("cost_per_call", "Cost per call", "USD", ratio(COST, count(DOLLARS)), "lower")
COST_PER_1000: Final = Metric(
    "cost_per_1000", "Cost per 1,000 calls", "USD", times(ratio(COST, count(DOLLARS)), 1000), "lower"
)
TOKENS: Final = Metric("tokens", "Tokens", "tokens", total("llm.usage.total_tokens"))
USERS: Final = Metric("users", "Users", "users", unique("user.id"))
POSITIVE: Final = Metric("positive", "Positive", "share", share(GOOD, JUDGED), "higher")
JUDGED_COUNT: Final = Metric("judged", "Judged", "calls", count(JUDGED))
SCORE: Final = Metric("score", "Average score", "score", average("llm.feedback.score_avg"), "higher")

BY_VERSION: Final = Terms("service.version", "Version", 5)
BY_MODEL: Final = Terms("gen_ai.request.model", "Model", 10)
BY_TIME: Final = Time()

ERROR_LEVELS: Final = (
    Threshold("error_share", 0.02, "warn"),
    Threshold("error_share", 0.05, "bad"),
)
LATENCY_LEVEL: Final = (Threshold("p95", SLOW_MS, "warn"),)
POSITIVE_LEVELS: Final = (
    Threshold("positive", 0.8, "warn", "below"),
    Threshold("positive", 0.6, "bad", "below"),
)

NO_PRICE: Final = "No call in this period has a price in US dollars."
NO_VERDICT: Final = "No call in this period was judged: nobody gave feedback, or no joiner runs."
NO_STREAM: Final = "No streamed call in this period tells when its first piece came."
