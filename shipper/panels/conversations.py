"""Conversations: how long they are, what they cost, and one of them from its first call to its last."""

from __future__ import annotations

from typing import Final

from shipper.panels import common
from shipper.panels.filters import Exists
from shipper.panels.measures import count, highest, lowest, ratio, share, unique
from shipper.panels.model import TIME_FIELD, Dashboard, Lengths, Metric, Panel, Terms
from shipper.panels.searches import CONVERSATION

_ID = "gen_ai.conversation.id"
_IN_CONVERSATION = Exists(_ID)
_CONVERSATIONS = Metric("conversations", "Conversations", "conversations", unique(_ID))
_NONE = "No call in this period belongs to a conversation: give calls a `session_id`."

CONVERSATIONS: Final = Dashboard(
    "llm-conversations",
    "LLM conversations",
    "Conversations by length and cost.",
    (
        Panel(
            "conversations-count",
            "Conversations",
            "How many conversations are there?",
            "figure",
            (_CONVERSATIONS,),
            where=_IN_CONVERSATION,
            empty=_NONE,
            width=12,
        ),
        Panel(
            "conversations-calls-each",
            "Calls per conversation",
            "How long are conversations?",
            "figure",
            (
                Metric(
                    "calls_each",
                    "Calls per conversation",
                    "calls per conversation",
                    ratio(count(), unique(_ID)),
                ),
            ),
            where=_IN_CONVERSATION,
            empty=_NONE,
            width=12,
        ),
        Panel(
            "conversations-cost-each",
            "Cost per conversation",
            "What does a conversation cost?",
            "figure",
            (
                Metric(
                    "cost_each",
                    "Cost per conversation",
                    "USD",
                    ratio(common.COST, unique(_ID, common.DOLLARS)),
                    "lower",
                ),
            ),
            where=_IN_CONVERSATION,
            empty=_NONE,
            width=12,
            note="Of the conversations that have a call with a price.",
        ),
        Panel(
            "conversations-share",
            "Calls in conversations",
            "How many calls belong to a conversation?",
            "figure",
            (Metric("inside", "In a conversation", "share", share(_IN_CONVERSATION)),),
            width=12,
        ),
        Panel(
            "conversations-over-time",
            "Conversations over time",
            "When do people talk?",
            "bar",
            (_CONVERSATIONS,),
            (common.BY_TIME,),
            where=_IN_CONVERSATION,
            empty=_NONE,
        ),
        Panel(
            "conversations-lengths",
            "Conversations by length",
            "How many calls do conversations have?",
            "bar",
            (Metric("conversations", "Conversations", "conversations", count()),),
            (Lengths(_ID, "Calls"),),
            where=_IN_CONVERSATION,
            empty=_NONE,
            note="Calls of this period; with more than 10,000 conversations, of those whose ids come first.",
        ),
        Panel(
            "conversations-turns",
            "Conversations by turn",
            "How many conversations get as far as each turn?",
            "bar",
            (_CONVERSATIONS,),
            (Terms("llm.conversation.turn", "Turn", 20, by_value=True),),
            where=_IN_CONVERSATION,
            empty="No call in this period tells its turn.",
        ),
        Panel(
            "conversations-dearest",
            "Dearest conversations",
            "Which conversations are dear?",
            "table",
            (common.SPENT, common.CALLS, common.TOKENS),
            (Terms(_ID, "Conversation", 20, "cost"),),
            empty=_NONE,
        ),
        Panel(
            "conversations-longest",
            "Longest conversations",
            "Which conversations are long?",
            "table",
            (
                common.CALLS,
                common.SPENT,
                common.ERROR_SHARE,
                common.POSITIVE,
                Metric("first_call", "First call", "time", lowest(TIME_FIELD)),
                Metric("last_call", "Last call", "time", highest(TIME_FIELD)),
            ),
            (Terms(_ID, "Conversation", 20),),
            empty=_NONE,
        ),
    ),
    (CONVERSATION,),
    hint="Choose one with the control to see its calls in order.",
    by_conversation=True,
)
