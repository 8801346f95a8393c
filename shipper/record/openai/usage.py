"""Token counts of any provider, made comparable: input includes what came from a cache, output includes reasoning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shipper.record.coerce import Flags, double, long

if TYPE_CHECKING:
    from shipper.record.reading import Json

_DETAILS = (
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens_details",
    "output_tokens_details",
)
_KNOWN = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "input_tokens",
        "output_tokens",
        "total_tokens",
        *_DETAILS,
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "prompt_cache_hit_tokens",
        "reasoning_tokens",
        "cost",
    }
)
_KNOWN_DETAILS = frozenset({"cached_tokens", "cache_write_tokens", "reasoning_tokens"})

_LANGCHAINS = {
    "cache_read": "cached_tokens",
    "cache_creation": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
    "audio": "audio_tokens",
}
"""LangChain's names of parts → OpenAI's: https://python.langchain.com/api_reference/core (`UsageMetadata`)."""


class Tokens(NamedTuple):
    """Counts; None is unknown. Subsets are contained in `input` and `output`."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    total: int | None = None


class Reported(NamedTuple):
    """What the provider itself charged (OpenRouter, Perplexity), in US dollars."""

    amount: float
    input: float | None = None
    output: float | None = None


def read_usage(usage: Any, extras: Json, flags: Flags) -> tuple[Tokens, Reported | None]:
    """The counts of a `usage` object, and the cost if the provider says one. Never raises.

    Anthropic counts cached tokens beside the input: they are added where its fields stand beside `input_tokens`. Some
    (xAI, Gemini) count reasoning beside the output: it is added where the total shows it. What is not understood and
    not zero goes to `extras["usage"]`.
    """
    if type(usage) is not dict:
        if usage is not None:
            flags.append("response.usage: not an object")
            extras["usage"] = usage
        return Tokens(), None
    inputs = _count(usage, "prompt_tokens", "input_tokens", flags)
    outputs = _count(usage, "completion_tokens", "output_tokens", flags)
    total = _count(usage, "total_tokens", "", flags)
    input_details = _details(usage, "prompt_tokens_details", "input_tokens_details", flags)
    output_details = _details(usage, "completion_tokens_details", "output_tokens_details", flags)

    cache_read = _count(input_details, "cached_tokens", "", flags)
    cache_write = _count(input_details, "cache_write_tokens", "", flags)
    reasoning = _count(output_details, "reasoning_tokens", "", flags)
    if len(usage) > 3 or total is None:  # most have prompt, answer and total
        if reasoning is None:
            reasoning = _count(usage, "reasoning_tokens", "", flags)
        beside = cache_read is None and "prompt_tokens" not in usage
        if cache_read is None:
            cache_read = _count(usage, "cache_read_input_tokens", "prompt_cache_hit_tokens", flags)
        if cache_write is None:
            cache_write = _count(usage, "cache_creation_input_tokens", "", flags)
        if beside and inputs is not None:
            inputs += (cache_read or 0) + (cache_write or 0)
    if reasoning and outputs is not None and _is_beside(inputs, outputs, reasoning, total):
        outputs += reasoning
    if total is None and inputs is not None and outputs is not None:
        total = inputs + outputs
    if cache_read is not None and inputs is not None and cache_read > inputs:
        flags.append("response.usage: more cached tokens than input tokens")
    _keep_rest(usage, extras)
    cost = _reported(usage["cost"], extras, flags) if "cost" in usage else None
    return Tokens(inputs, outputs, cache_read, cache_write, reasoning, total), cost


def openais_details(details: Json | None) -> Json:
    """The parts of a count in LangChain's names, as OpenAI names them. Never raises for JSON."""
    return {_LANGCHAINS.get(name, name): count for name, count in (details or {}).items()}


def from_langchain(usage: Json) -> Json:
    """The `usage_metadata` of one of LangChain's messages as OpenAI's usage. Never raises for JSON."""
    counts = {name: usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")}
    inputs, outputs = usage.get("input_token_details"), usage.get("output_token_details")
    parts = {
        "input_tokens_details": openais_details(inputs),
        "output_tokens_details": openais_details(outputs),
    }
    return {**counts, **parts}


def _is_beside(inputs: int | None, outputs: int, reasoning: int, total: int | None) -> bool:
    """Whether the reasoning is not yet in the output: the total shows it, else that it is more than the output."""
    if total is None or inputs is None:
        return reasoning > outputs
    return total - inputs - outputs == reasoning


def _count(usage: Json, first: str, second: str, flags: Flags) -> int | None:
    value = usage.get(first)
    if value is None and second:
        value, first = usage.get(second), second
    if value is None or (type(value) is int and 0 <= value < 2**53):
        return value
    return long(value, f"response.usage.{first}", flags, high=2**53)  # sums stay within a long


def _details(usage: Json, first: str, second: str, flags: Flags) -> Json:
    details = usage.get(first)
    if details is None:
        details = usage.get(second)
    if type(details) is dict:
        return details
    if details is not None:
        flags.append(f"response.usage.{first}: not an object")
    return {}


def _keep_rest(usage: Json, extras: Json) -> None:
    """What has no field, where the provider said it: there may be audio in the prompt and in the answer."""
    rest: Json = {}
    if not usage.keys() <= _KNOWN:
        rest = {key: value for key, value in usage.items() if value and key not in _KNOWN}
    for name in _DETAILS:
        if (details := usage.get(name)) and (kept := _rest_of(details)):
            rest[name] = kept
    if rest:
        extras["usage"] = rest


def _rest_of(details: Any) -> Any:
    if type(details) is not dict:
        return details
    return {key: value for key, value in details.items() if value and key not in _KNOWN_DETAILS}


def _reported(cost: Any, extras: Json, flags: Flags) -> Reported | None:
    if cost is None:
        return None
    if type(cost) is dict:
        extras.setdefault("usage", {})["cost"] = cost
        amount = double(cost.get("total_cost"), "response.usage.cost", flags)
        parts = (cost.get("input_tokens_cost"), cost.get("output_tokens_cost"))
    else:
        amount, parts = double(cost, "response.usage.cost", flags), (None, None)
    if amount is None or amount < 0:
        return None
    inputs, outputs = (double(part, "response.usage.cost", flags) for part in parts)
    return Reported(amount, inputs, outputs)
