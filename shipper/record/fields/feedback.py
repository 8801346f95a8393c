"""Feedback on a completion, and amendments of one."""

from typing import Annotated, Literal

from shipper.record.fields.common import Event
from shipper.record.fields.kinds import (
    KEYWORD,
    Boolean,
    Date,
    Double,
    Flattened,
    Keyword,
    Long,
    Opaque,
    Short,
    Text,
)
from shipper.record.fields.registry import field


class _Joined(Event):
    """Immutable but for these, which the joiner writes; null once they are meaningless."""

    join_status: Annotated[Literal["pending", "joined", "expired"], KEYWORD] = field(
        "llm.join.status", "`pending`, `joined` or `expired`."
    )
    join_matched_count: Long | None = field("llm.join.matched_count", "Completions that it was merged into.")
    join_attempts: Long | None = field("llm.join.attempts", "How often a completion was looked for.")
    join_matched_at: Date | None = field("llm.join.matched_at", "When it was merged.")
    join_next_attempt_at: Date | None = field("llm.join.next_attempt_at", "When it is looked for again.")
    join_expires_at: Date | None = field("llm.join.expires_at", "When it is given up.")
    join_reason: Keyword | None = field("llm.join.reason", "Why it was given up, if not for its age.")
    join_lag_ms: Long | None = field("llm.join.lag_ms", "From arrival in the store to the merge.", unit="ms")
    target_timestamp: Date | None = field("llm.target.timestamp", "The completion's time.")
    target_version: Keyword | None = field("llm.target.version", "The completion's application version.")
    target_prompt_name: Keyword | None = field("llm.target.prompt_name", "The completion's prompt.")
    target_prompt_version: Keyword | None = field(
        "llm.target.prompt_version", "The completion's prompt version."
    )
    target_model: Keyword | None = field("llm.target.model", "The completion's model.")


class Feedback(_Joined):
    """One judgement, immutable but for `llm.join.*` and `llm.target.*`."""

    evaluation_name: Keyword = field("gen_ai.evaluation.name", "What is judged; `rating` unless told.")
    score_value: Double = field("gen_ai.evaluation.score.value", "Rating from 0 to 1; a boolean is 0 or 1.")
    score_label: Keyword = field("gen_ai.evaluation.score.label", "Rating in words.", content=True)
    explanation: Text = field("gen_ai.evaluation.explanation", "The judge's comment.", content=True)
    choice_index: Short = field("llm.feedback.choice_index", "The one of n choices that it is about.")
    better_response: Text = field(
        "llm.feedback.better_response", "What the answer should have been.", content=True
    )
    ground_truth: Opaque = field("llm.feedback.ground_truth", "What turned out to be true.", content=True)
    values: Flattened = field("llm.feedback.values", "Any other values of the caller.", content=True)
    author: Keyword = field("llm.feedback.author", "Who judged.")
    author_kind: Annotated[Literal["human", "implicit", "evaluator", "ground_truth"], KEYWORD] = field(
        "llm.feedback.author_kind", "`human`, `implicit`, `evaluator` or `ground_truth`."
    )
    channel: Keyword = field("llm.feedback.channel", "Where it was given.")
    withdrawn: Boolean = field("llm.feedback.withdrawn", "True when it takes an earlier one back.")


class Amendment(_Joined):
    """What became known of a completion later."""

    amendment_fields: Opaque = field("llm.amendment.fields", "The fields that it sets.", content=True)
