"""Answers as OpenAI's API gives them, for the demo's made-up calls."""

from __future__ import annotations

from typing import Any


def usage_of(tokens: int, cached: int, out: int) -> dict[str, Any]:
    """The figures that come with a chat's answer."""
    return {
        "prompt_tokens": tokens,
        "completion_tokens": out,
        "total_tokens": tokens + out,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def completion(
    response_id: str, model: str, answers: list[str], usage: dict[str, Any], ending: str = "stop"
) -> dict[str, Any]:
    """A chat's answer with a choice for each text."""
    return {
        "id": response_id,
        "object": "chat.completion",
        "model": model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": answer},
                "finish_reason": ending,
            }
            for index, answer in enumerate(answers)
        ],
        "usage": usage,
    }


def with_tool_call(answer: dict[str, Any], call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """The answer, changed into one that calls a tool instead of speaking."""
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    answer["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    answer["choices"][0]["finish_reason"] = "tool_calls"
    return answer


def chunks(
    response_id: str, model: str, pieces: list[str], usage: dict[str, Any], ending: str = "stop"
) -> list[dict[str, Any]]:
    """A chat's answer as a stream, with the usage at its end."""
    head = {"id": response_id, "object": "chat.completion.chunk", "model": model}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        *(({"content": one}, None) for one in pieces),
        ({}, ending),
    ]
    return [
        *(
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
            for delta, reason in deltas
        ),
        {**head, "choices": [], "usage": usage},
    ]


def embedding(model: str, tokens: int) -> dict[str, Any]:
    """One text as a vector."""
    return {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.01, -0.02, 0.03]}],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
