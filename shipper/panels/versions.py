"""Versions: any of them side by side."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.measures import average, highest, lowest, share
from shipper.panels.model import TIME_FIELD, Dashboard, Metric, Panel, Terms

_TABLE = Terms("service.version", "Version", 20)

VERSIONS: Final = Dashboard(
    "llm-versions",
    "LLM versions",
    "Versions of the application side by side.",
    (
        Panel(
            "versions-table",
            "Versions",
            "How do the versions differ, and when was each seen?",
            "table",
            (
                common.CALLS,
                common.ERROR_SHARE,
                common.P50,
                common.P95,
                common.COST_PER_CALL,
                common.POSITIVE,
                common.JUDGED_COUNT,
                common.SCORE,
                Metric("first_seen", "First seen", "time", lowest(TIME_FIELD)),
                Metric("last_seen", "Last seen", "time", highest(TIME_FIELD)),
            ),
            (_TABLE,),
            thresholds=common.ERROR_LEVELS + common.POSITIVE_LEVELS,
            width=48,
            note="Cost per call is of the calls that have a price, Positive of those that were judged.",
        ),
        Panel(
            "versions-calls",
            "Calls by version",
            "When did each version run?",
            "bar",
            (common.CALLS,),
            (common.BY_VERSION, common.BY_TIME),
        ),
        Panel(
            "versions-errors",
            "Failed calls by version",
            "Does one version fail more?",
            "line",
            (common.ERROR_SHARE,),
            (common.BY_VERSION, common.BY_TIME),
            thresholds=common.ERROR_LEVELS,
            documents=True,
        ),
        Panel(
            "versions-latency",
            "Latency p95 by version",
            "Is one version slower?",
            "line",
            (common.P95,),
            (common.BY_VERSION, common.BY_TIME),
            thresholds=common.LATENCY_LEVEL,
        ),
        Panel(
            "versions-cost",
            "Cost per call by version",
            "Is one version dearer?",
            "line",
            (common.COST_PER_CALL,),
            (common.BY_VERSION, common.BY_TIME),
            empty=common.NO_PRICE,
        ),
        Panel(
            "versions-positive",
            "Positive verdicts by version",
            "Do people like one version more?",
            "line",
            (common.POSITIVE,),
            (common.BY_VERSION, common.BY_TIME),
            thresholds=common.POSITIVE_LEVELS,
            empty=common.NO_VERDICT,
        ),
        Panel(
            "versions-prompts",
            "Versions by prompt",
            "Does a version do worse on one prompt only?",
            "table",
            (common.CALLS, common.ERROR_SHARE, common.P95, common.POSITIVE, common.JUDGED_COUNT),
            (Terms("gen_ai.prompt.name", "Prompt", 10), common.BY_VERSION),
            thresholds=common.ERROR_LEVELS + common.POSITIVE_LEVELS,
            empty="No call in this period names its prompt.",
        ),
        Panel(
            "versions-finish-reasons",
            "Finish reasons by version",
            "Why did the answers of each version end?",
            "bar",
            (common.CALLS,),
            (Terms("gen_ai.response.finish_reasons", "Finish reason", 8), common.BY_VERSION),
            empty="No call in this period tells why its answer ended.",
            documents=True,
            note="A call with several answers counts once for each reason that they have.",
        ),
        Panel(
            "versions-tokens",
            "Tokens per call by version",
            "Did prompts or answers become longer?",
            "table",
            (
                Metric("input", "Input", "tokens", average("gen_ai.usage.input_tokens")),
                Metric("output", "Output", "tokens", average("gen_ai.usage.output_tokens")),
                Metric("cut_off", "Cut off", "share", share(common.CUT_OFF), "lower"),
            ),
            (_TABLE,),
        ),
    ),
    hint="Choose two with the control to compare them.",
)
