"""Saved searches: the documents themselves, with columns that fit a laptop's screen."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.filters import All, Below, Exists, Not, equals
from shipper.panels.model import TIME_FIELD, Search
from shipper.panels.sources import DEADLETTERS, FEEDBACK

_COST = "gen_ai.usage.cost.amount"
_WHO = ("llm.application.name", "service.version", "gen_ai.request.model")

ALL_CALLS: Final = Search(
    "llm-all-calls",
    "All LLM calls",
    "What was asked and answered?",
    (*_WHO, "llm.input.text", "llm.output.text", "llm.latency_ms", _COST),
    empty="No call in this period.",
)
ERRORS: Final = Search(
    "llm-errors",
    "Failed LLM calls",
    "What went wrong, and for which request?",
    (*_WHO, "error.type", "error.message", "http.response.status_code", "trace.id"),
    where=common.FAILED,
    empty="No call failed in this period.",
)
SLOW_CALLS: Final = Search(
    "llm-slow-calls",
    "Slow LLM calls",
    "Which calls take ten seconds or more?",
    (*_WHO, "llm.latency_ms", "gen_ai.usage.output_tokens", "llm.input.text", "trace.id"),
    where=common.SLOW,
    sort=(("llm.latency_ms", "desc"),),
    empty="No call took ten seconds in this period.",
)
COSTLY_CALLS: Final = Search(
    "llm-costly-calls",
    "Costly LLM calls",
    "Which calls are the dearest?",
    (*_WHO, _COST, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.input.text"),
    where=common.DOLLARS,
    sort=((_COST, "desc"),),
    empty=common.NO_PRICE,
)
THUMBS_DOWN: Final = Search(
    "llm-thumbs-down",
    "LLM answers that people did not like",
    "Which answers were judged bad?",
    (
        "service.version",
        "gen_ai.prompt.name",
        "llm.input.text",
        "llm.output.text",
        "llm.feedback.score_avg",
        "gen_ai.conversation.id",
    ),
    where=common.BAD,
    empty="No answer of this period was judged bad.",
)
BETTER_RESPONSES: Final = Search(
    "llm-better-responses",
    "LLM answers with a better response",
    "What should the answer have been?",
    (
        "service.version",
        "gen_ai.prompt.name",
        "llm.input.text",
        "llm.output.text",
        "llm.feedback.better_response",
    ),
    where=equals("llm.feedback.has_better_response", True),
    empty="Nobody wrote a better answer for a call of this period.",
)
CONVERSATION: Final = Search(
    "llm-conversation",
    "One LLM conversation",
    "What was said, from the first call to the last?",
    (
        "gen_ai.conversation.id",
        "llm.conversation.turn",
        "llm.input.text",
        "llm.output.text",
        "llm.latency_ms",
        _COST,
    ),
    where=Exists("gen_ai.conversation.id"),
    sort=((TIME_FIELD, "asc"),),
    empty="No call in this period belongs to a conversation.",
)
DEAD_LETTERS: Final = Search(
    "llm-dead-letters",
    "LLM dead letters",
    "What was refused, and why?",
    (
        "llm.application.name",
        "llm.deadletter.reason",
        "error.message",
        "llm.deadletter.original_id",
        "llm.deadletter.replayed_at",
    ),
    source=DEADLETTERS,
    empty="Nothing was refused in this period.",
)
NEVER_MATCHED: Final = Search(
    "llm-feedback-never-matched",
    "LLM feedback that never matched",
    "Which feedback has found no call?",
    (
        "llm.application.name",
        "llm.join.key",
        "gen_ai.evaluation.name",
        "gen_ai.evaluation.score.value",
        "llm.join.status",
        "llm.join.attempts",
    ),
    source=FEEDBACK,
    where=All((Below("event.ingested", "now-1h"), Not(equals("llm.join.status", "joined")))),
    empty="All feedback of this period that is older than an hour has found its call.",
)

SEARCHES: Final = (
    ALL_CALLS,
    ERRORS,
    SLOW_CALLS,
    COSTLY_CALLS,
    THUMBS_DOWN,
    BETTER_RESPONSES,
    CONVERSATION,
    DEAD_LETTERS,
    NEVER_MATCHED,
)
