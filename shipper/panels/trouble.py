"""Trouble: what fails, is slow, or ends early, and the calls behind it."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.filters import AnyOf
from shipper.panels.measures import average, count, share, total
from shipper.panels.model import Dashboard, Metric, Panel, Terms
from shipper.panels.searches import ERRORS, SLOW_CALLS

_NO_ERROR = "No call failed in this period."
_FINE = "No such answer in this period."

TROUBLE: Final = Dashboard(
    "llm-trouble",
    "LLM trouble",
    "Errors, retries, slow calls, and answers that were cut off, refused, filtered or aborted.",
    (
        Panel(
            "trouble-error-share",
            "Failed calls",
            "How many calls fail?",
            "figure",
            (common.ERROR_SHARE,),
            thresholds=common.ERROR_LEVELS,
            width=8,
        ),
        Panel(
            "trouble-slow-share",
            "Slow calls",
            "How many calls take ten seconds or more?",
            "figure",
            (Metric("slow", "Slow", "share", share(common.SLOW), "lower"),),
            width=8,
        ),
        Panel(
            "trouble-cut-off-share",
            "Cut off",
            "How many answers reach the limit of their length?",
            "figure",
            (Metric("cut_off", "Cut off", "share", share(common.CUT_OFF), "lower"),),
            width=8,
        ),
        Panel(
            "trouble-filtered",
            "Filtered",
            "How many answers did a content filter stop?",
            "figure",
            (Metric("filtered", "Filtered", "calls", count(common.FILTERED), "lower"),),
            width=8,
        ),
        Panel(
            "trouble-refused",
            "Refused",
            "How many calls did the model refuse?",
            "figure",
            (Metric("refused", "Refused", "calls", count(common.REFUSED), "lower"),),
            width=8,
        ),
        Panel(
            "trouble-aborted",
            "Aborted streams",
            "How many streams broke off?",
            "figure",
            (Metric("aborted", "Aborted", "calls", count(common.ABORTED), "lower"),),
            width=8,
        ),
        Panel(
            "trouble-error-types",
            "Errors by type",
            "What goes wrong?",
            "bar",
            (common.CALLS,),
            (Terms("error.type", "Error", 10),),
            where=common.FAILED,
            empty=_NO_ERROR,
            documents=True,
        ),
        Panel(
            "trouble-status",
            "Errors by status",
            "What does the provider answer?",
            "bar",
            (common.CALLS,),
            (Terms("http.response.status_code", "Status", 10),),
            where=common.FAILED,
            empty="No failed call of this period tells its HTTP status.",
            documents=True,
        ),
        Panel(
            "trouble-errors-over-time",
            "Errors over time",
            "When did it go wrong?",
            "bar",
            (common.CALLS,),
            (Terms("error.type", "Error", 5), common.BY_TIME),
            where=common.FAILED,
            empty=_NO_ERROR,
            documents=True,
        ),
        Panel(
            "trouble-retries",
            "Retries over time",
            "When had calls to be tried again?",
            "bar",
            (Metric("retries", "Retries", "retries", total("llm.retry.count"), "lower"),),
            (common.BY_TIME,),
            empty="No call of this period tells of retries.",
            documents=True,
        ),
        Panel(
            "trouble-early-ends",
            "Answers that ended early",
            "When were answers cut off, filtered, refused or aborted?",
            "bar",
            (
                Metric("cut_off", "Cut off", "calls", count(common.CUT_OFF), "lower"),
                Metric("filtered", "Filtered", "calls", count(common.FILTERED), "lower"),
                Metric("refused", "Refused", "calls", count(common.REFUSED), "lower"),
                Metric("aborted", "Aborted", "calls", count(common.ABORTED), "lower"),
            ),
            (common.BY_TIME,),
            where=AnyOf((common.CUT_OFF, common.FILTERED, common.REFUSED, common.ABORTED)),
            empty=_FINE,
            documents=True,
        ),
        Panel(
            "trouble-models",
            "Trouble by model",
            "Does one model make the trouble?",
            "table",
            (
                common.CALLS,
                common.ERROR_SHARE,
                common.P95,
                common.P99,
                Metric("slow", "Slow", "share", share(common.SLOW), "lower"),
                Metric("cut_off", "Cut off", "share", share(common.CUT_OFF), "lower"),
                Metric("retries", "Retries per call", "retries", average("llm.retry.count"), "lower"),
            ),
            (Terms("gen_ai.request.model", "Model", 10),),
            thresholds=common.ERROR_LEVELS,
        ),
    ),
    (ERRORS, SLOW_CALLS),
)
