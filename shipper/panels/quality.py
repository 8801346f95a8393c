"""Quality: what people and evaluators think of the answers."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.filters import All, Below, Exists, Not, equals
from shipper.panels.measures import Constant, average, count, minus, percentile, share
from shipper.panels.model import Dashboard, Metric, Panel, Terms, Words
from shipper.panels.searches import BETTER_RESPONSES, NEVER_MATCHED, THUMBS_DOWN
from shipper.panels.sources import FEEDBACK

_JUDGEMENTS = equals("event.dataset", "llm.feedback")
_JOINED = equals("llm.join.status", "joined")
_SETTLED = Below("event.ingested", "now-1h")
_ORPHAN = All((_SETTLED, Not(_JOINED)))
_NO_FEEDBACK = "No feedback in this period."
_EVENT_NOTE = (
    "Of feedback events, whenever their calls were; a control for model or prompt leaves only joined ones."
)

QUALITY: Final = Dashboard(
    "llm-quality",
    "LLM quality",
    "Verdicts and scores by version, prompt and evaluation, and whether feedback finds its calls.",
    (
        Panel(
            "quality-positive",
            "Positive verdicts",
            "Do people like the answers?",
            "figure",
            (common.POSITIVE,),
            thresholds=common.POSITIVE_LEVELS,
            empty=common.NO_VERDICT,
            width=12,
            note="Of the calls that were judged.",
        ),
        Panel(
            "quality-judged",
            "Judged calls",
            "How many verdicts is the share made of?",
            "figure",
            (common.JUDGED_COUNT,),
            empty=common.NO_VERDICT,
            width=12,
        ),
        Panel(
            "quality-unjudged-share",
            "Unjudged",
            "How many calls does nobody say anything about?",
            "figure",
            (Metric("unjudged", "Unjudged", "share", minus(Constant(1), share(common.JUDGED)), "lower"),),
            width=12,
        ),
        Panel(
            "quality-orphan-share",
            "Orphans",
            "How much feedback has found no call?",
            "figure",
            (Metric("orphans", "Orphans", "share", share(_ORPHAN, _SETTLED), "lower"),),
            source=FEEDBACK,
            empty=_NO_FEEDBACK,
            width=12,
            note="Of the feedback and amendments that came at least an hour ago.",
        ),
        Panel(
            "quality-positive-by-version",
            "Positive verdicts by version",
            "Do people like one version more?",
            "line",
            (common.POSITIVE,),
            (common.BY_VERSION, common.BY_TIME),
            thresholds=common.POSITIVE_LEVELS,
            empty=common.NO_VERDICT,
        ),
        Panel(
            "quality-positive-by-prompt",
            "Positive verdicts by prompt",
            "Do people like one prompt's answers more?",
            "line",
            (common.POSITIVE,),
            (Terms("gen_ai.prompt.name", "Prompt", 5), common.BY_TIME),
            thresholds=common.POSITIVE_LEVELS,
            empty=common.NO_VERDICT,
        ),
        Panel(
            "quality-prompts",
            "Verdicts by prompt version",
            "Which version of a prompt is the better one?",
            "table",
            (common.CALLS, common.POSITIVE, common.JUDGED_COUNT, common.SCORE),
            (
                Terms("gen_ai.prompt.name", "Prompt", 10),
                Terms("gen_ai.prompt.version", "Prompt version", 5),
            ),
            thresholds=common.POSITIVE_LEVELS,
            empty="No call in this period names its prompt and the prompt's version.",
        ),
        Panel(
            "quality-evaluations",
            "Scores by evaluation",
            "How does each evaluation score each version?",
            "table",
            (
                Metric("score", "Average score", "score", average("gen_ai.evaluation.score.value"), "higher"),
                Metric("scores", "Scores", "events", count(Exists("gen_ai.evaluation.score.value"))),
            ),
            (
                Terms("gen_ai.evaluation.name", "Evaluation", 10),
                Terms("llm.target.version", "Version", 5),
            ),
            source=FEEDBACK,
            where=All(
                (
                    _JUDGEMENTS,
                    _JOINED,
                    Not(equals("llm.feedback.withdrawn", True)),
                )
            ),
            empty=_NO_FEEDBACK,
            note="Scores as they were given, of joined feedback that was not withdrawn.",
        ),
        Panel(
            "quality-channels",
            "Feedback by kind of author",
            "Who judges: people, their behaviour, or evaluators?",
            "bar",
            (Metric("events", "Feedback", "events", count()),),
            (Terms("llm.feedback.author_kind", "Author", 4), common.BY_TIME),
            source=FEEDBACK,
            where=_JUDGEMENTS,
            empty=_NO_FEEDBACK,
            note=_EVENT_NOTE,
        ),
        Panel(
            "quality-join-status",
            "Feedback by state",
            "Does feedback find its calls?",
            "bar",
            (Metric("events", "Feedback", "events", count()),),
            (Terms("llm.join.status", "State", 3), common.BY_TIME),
            source=FEEDBACK,
            empty=_NO_FEEDBACK,
            note="An event that no joiner has seen has no state and is not in it.",
        ),
        Panel(
            "quality-join-lag",
            "Join lag",
            "How long does feedback take to reach its call?",
            "line",
            (
                Metric("p50", "p50", "ms", percentile("llm.join.lag_ms", 50), "lower"),
                Metric("p95", "p95", "ms", percentile("llm.join.lag_ms", 95), "lower"),
            ),
            (common.BY_TIME,),
            source=FEEDBACK,
            where=common.NOT_IMPORTED,
            empty="No feedback of this period has been joined.",
            note="Feedback that came back from an export counts from its first arrival.",
        ),
        Panel(
            "quality-words",
            "Words of bad answers",
            "What do the answers share that people did not like?",
            "words",
            (Metric("answers", "Answers", "calls", count()),),
            (Words("llm.output.text", "Word"),),
            where=common.BAD,
            empty="No answer of this period was judged bad.",
            note="In a sample of the bad answers; words that are as frequent in all others are left out.",
        ),
    ),
    (THUMBS_DOWN, BETTER_RESPONSES, NEVER_MATCHED),
)
