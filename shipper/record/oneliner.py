"""A completion as one line that a person can read among other log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipper.record.reading import Json

_SNIPPET = 100
_LONGEST = 200


def one_liner(document: Json) -> str:
    """For example `gpt-4o-mini-2024-07-18 · 12→10 tokens · stop: "This is a test."`; at most 200 characters."""
    gen_ai, llm = document["gen_ai"], document["llm"]
    response = gen_ai.get("response") or {}
    name = (
        response.get("model")
        or (gen_ai.get("request") or {}).get("model")
        or (llm.get("application") or {}).get("name")
        or "call"
    )
    said = [name[:80]]
    usage = gen_ai.get("usage")
    if usage:
        inputs, outputs = usage.get("input_tokens"), usage.get("output_tokens")
        if inputs is not None:
            said.append(f"{inputs} tokens" if outputs is None else f"{inputs}→{outputs} tokens")
    said.append(_ending(document, response, llm))
    return " · ".join(said)[:_LONGEST]


def _ending(document: Json, response: Json, llm: Json) -> str:
    outcome = document["event"]["outcome"]
    error = document.get("error")
    if outcome == "failure":
        what = (error or {}).get("type", "error")
        why = (error or {}).get("message")
        return f"failed: {what[:60]}: {_snippet(why)}" if why else f"failed: {what[:60]}"
    text = (llm.get("output") or {}).get("text")
    reasons = response.get("finish_reasons")
    if outcome == "unknown":
        word = "cut off" if "stream" in llm else "no answer yet"
    else:
        word = reasons[0][:40] if reasons else document["gen_ai"].get("operation", {}).get("name", "done")
    if text:
        return f'{word}: "{_snippet(text)}"'
    tools = (llm.get("tool") or {}).get("names")
    return f"{word}: {', '.join(tools)[:_SNIPPET]}" if tools else word


def _snippet(text: str) -> str:
    words = text[: 2 * _SNIPPET]
    tidy = words.isprintable() and "  " not in words  # its only white space is single blanks
    words = words.strip() if tidy else " ".join(words.split())
    if len(words) <= _SNIPPET and len(text) <= 2 * _SNIPPET:
        return words
    return words[: _SNIPPET - 1] + "…"
