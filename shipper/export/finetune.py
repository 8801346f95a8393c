"""Training examples of OpenAI's supervised fine-tuning: a conversation that ends with the answer to learn. Pure.

https://platform.openai.com/docs/api-reference/fine-tuning/chat-input (August 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.export.messages import (
    Json,
    Unrepresentable,
    chat_message,
    chat_messages,
    chat_tools,
    with_own_keys,
)
from shipper.read.figures import text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHOLE = frozenset({"stop", "tool_calls", "function_call", "end_turn", "tool_use", ""})


def example_of(document: Mapping[str, Any]) -> Json | str:
    """The example that a completion makes, or in a few words why it makes none. Never raises.

    A better response that somebody wrote is learned instead of the answer; else the choice that was used.
    """
    messages = value_at(document, "gen_ai.input.messages")
    if not isinstance(messages, list) or not messages:
        return "no prompt stored"
    if value_at(document, "openai.api.type") == "embeddings":
        return "no answer"
    try:
        answer = _answer(document)
        if isinstance(answer, str):
            return answer
        prompt = chat_messages(messages, value_at(document, "gen_ai.system_instructions"))
    except Unrepresentable:
        return "not representable"
    example: Json = {"messages": [*prompt, answer]}
    if tools := chat_tools(value_at(document, "gen_ai.tool.definitions")):
        example["tools"] = tools
        parallel = value_at(document, "llm.request.params.parallel_tool_calls")
        if isinstance(parallel, bool):
            example["parallel_tool_calls"] = parallel
    return with_own_keys(example, value_at(document, "llm.sanitised"))


def wanted_scores(least: float) -> dict[str, Any]:
    """The query for completions that make an example: with a better response, or judged well enough.

    The mean of people's scores counts, and without one the latest score of any other kind.
    """
    average, last = "llm.feedback.score_avg", "llm.feedback.last_score"
    others: dict[str, Any] = {
        "bool": {
            "filter": [{"range": {last: {"gte": least}}}],
            "must_not": [{"exists": {"field": average}}],
        }
    }
    better = {"term": {"llm.feedback.has_better_response": True}}
    return {
        "bool": {"should": [better, {"range": {average: {"gte": least}}}, others], "minimum_should_match": 1}
    }


def _answer(document: Mapping[str, Any]) -> Json | str:
    better = text_at(document, "llm.feedback.better_response")
    if better:
        return {"role": "assistant", "content": better}
    if value_at(document, "event.outcome") != "success":
        return "not successful"
    found = value_at(document, "gen_ai.output.messages")
    messages: list[Any] = found if isinstance(found, list) else []
    index = value_at(document, "llm.selected_choice_index") or 0
    chosen = next((one for one in messages if isinstance(one, dict) and one.get("index", 0) == index), None)
    if chosen is None:
        return "no answer"
    if chosen.get("finish_reason", "") not in _WHOLE:
        return "answer not finished"
    (answer,) = chat_message({**chosen, "role": "assistant"})
    kept = {
        key: answer[key]
        for key in ("role", "content", "tool_calls", "function_call", "refusal")
        if answer.get(key) is not None
    }
    return kept if len(kept) > 1 else "no answer"
