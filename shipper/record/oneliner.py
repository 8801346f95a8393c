"""A completion as one line that a person can read among other log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shipper.record.reading import Json

_SNIPPET = 100
_LONGEST = 200


class Liner(NamedTuple):
    """What is said of all calls that differ in tokens and answers only."""

    name: str
    word: str
    """How it ended."""
    quotes: bool
    """Whether the answer follows."""
    names: str | None
    """What follows where there is no answer."""

    def line(self, inputs: int | None, outputs: int | None, text: str | None) -> str:
        """The line for these tokens and this answer."""
        said = [self.name]
        if inputs is not None:
            said.append(f"{inputs} tokens" if outputs is None else f"{inputs}→{outputs} tokens")
        if text and self.quotes:
            said.append(f'{self.word}: "{_snippet(text)}"')
        else:
            said.append(self.word if self.names is None else f"{self.word}: {self.names}")
        return " · ".join(said)[:_LONGEST]


def one_liner(document: Json) -> str:
    """For example `gpt-4o-mini-2024-07-18 · 12→10 tokens · stop: "This is a test."`; at most 200 characters."""
    usage = document["gen_ai"].get("usage") or {}
    text = (document["llm"].get("output") or {}).get("text")
    return liner(document).line(usage.get("input_tokens"), usage.get("output_tokens"), text)


def liner(document: Json) -> Liner:
    """What is said of a document, but for its tokens and its answer."""
    gen_ai, llm = document["gen_ai"], document["llm"]
    response = gen_ai.get("response") or {}
    name = (
        response.get("model")
        or (gen_ai.get("request") or {}).get("model")
        or (llm.get("application") or {}).get("name")
        or "call"
    )[:80]
    outcome = document["event"]["outcome"]
    if outcome == "failure":
        error = document.get("error") or {}
        why = error.get("message")
        word = f"failed: {error.get('type', 'error')[:60]}"
        return Liner(name, word, quotes=False, names=_snippet(why) if why else None)
    reasons = response.get("finish_reasons")
    if outcome == "unknown":
        word = "cut off" if "stream" in llm else "no answer yet"
    else:
        word = reasons[0][:40] if reasons else gen_ai.get("operation", {}).get("name", "done")
    tools = (llm.get("tool") or {}).get("names")
    return Liner(name, word, quotes=True, names=", ".join(tools)[:_SNIPPET] if tools else None)


def _snippet(text: str) -> str:
    words = text[: 2 * _SNIPPET]
    tidy = words.isprintable() and "  " not in words  # its only white space is single blanks
    words = words.strip() if tidy else " ".join(words.split())
    if len(words) <= _SNIPPET and len(text) <= 2 * _SNIPPET:
        return words
    return words[: _SNIPPET - 1] + "…"
