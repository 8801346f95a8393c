"""What a call cost, from its tokens and the price on its day.

Input tokens include cached ones and output tokens include reasoning, so that neither is counted twice. What isn't
known is a status of its own and never 0: `unknown_model`, `no_usage`, and `pending` when this version can't tell: the
price list has a form that is new to it, or audio and text have different prices and weren't counted apart. The
caller's own figure (`provided`) stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from shipper.record.prices.catalogue import Context, Schedule, prices_at, schedule, version
from shipper.record.prices.rates import Amounts, Bands, Usage, compile_bands

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTEXT_KEYS = frozenset({"processing", "service_tier", "speed"})
_MODALITIES = frozenset({"audio_tokens", "image_tokens", "video_tokens"})
_NOTHING: dict[str, Any] = {}


class Priced(NamedTuple):
    """A known cost."""

    amounts: Amounts
    currency: str
    source: str


class Unknown(NamedTuple):
    """Why there is no cost."""

    status: Literal["unknown_model", "no_usage", "pending"]


_NO_USAGE = Unknown("no_usage")
_UNKNOWN_MODEL = Unknown("unknown_model")
_PENDING = Unknown("pending")


def price(
    provider: str, model: str, usage: Usage, when: str, request_model: str = "", context: Context = ()
) -> Priced | Unknown:
    """The cost of one call by genai-prices' list of that day.

    Args:
        provider: OpenTelemetry's or genai-prices' name of it; empty when it isn't known.
        model: the model that answered.
        usage: its tokens; parts that exceed their wholes count as no usage.
        when: UTC, RFC 3339.
        request_model: the model that was asked for; counts when `model` isn't listed.
        context: what selects a variant of the price, sorted: `(("processing", "batch"),)`.

    Raises:
        Exception: genai-prices isn't made as we know it; or `when` is no time, and the price depends on the hour.
    """
    if usage.cache_read + usage.cache_write > usage.input or usage.reasoning > usage.output:
        return _NO_USAGE
    found = schedule(provider, model, request_model, context)
    if found is None:
        return _UNKNOWN_MODEL
    if not found.trusted:
        return _PENDING
    bands = _bands_of_hour(found, when, context) if found.hourly else found.at(when[:10])
    rates = bands.of(usage)
    if not rates.covers(usage):
        return _UNKNOWN_MODEL
    if usage.mixed and rates.by_modality:
        return _PENDING
    return Priced(rates.amounts(usage), "USD", version())


class Charged(NamedTuple):
    """What decides a call's price, but for its tokens and its time."""

    provider: str
    model: str
    """The one that answered."""
    request_model: str
    context: Context
    mixed: bool
    """Some of its tokens are audio or images."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Charged:
        """What a completion says of it. Raises Exception: it is not one of ours."""
        gen_ai, said = document["gen_ai"], _said(document["llm"])
        return cls(
            gen_ai.get("provider", _NOTHING).get("name", ""),
            gen_ai.get("response", _NOTHING).get("model", ""),
            gen_ai.get("request", _NOTHING).get("model", ""),
            _context(document, said),
            "usage" in said and _is_mixed(said["usage"]),
        )

    def cost(self, tokens: Usage, when: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """What goes to `gen_ai.usage.cost` and to `llm.cost`. Never raises.

        Args:
            tokens: of the call.
            when: UTC, RFC 3339.
        """
        try:
            result = price(self.provider, self.model, tokens, when, self.request_model, self.context)
        except Exception:  # a release of genai-prices that is made otherwise must not stop delivery
            result = _PENDING
        if isinstance(result, Unknown):
            return None, {"status": result.status}
        amounts = result.amounts
        parts: dict[str, Any] = {"status": "priced", "input": amounts.input, "output": amounts.output}
        if tokens.cache_read:
            parts["cache_savings"] = amounts.cache_savings
        return {"amount": amounts.total, "currency": result.currency, "source": result.source}, parts


def apply_cost(document: dict[str, Any]) -> None:
    """Set `gen_ai.usage.cost.*` and `llm.cost.*` of a freshly built completion; others are left alone. Never raises."""
    if document["event"]["dataset"] != "llm.completion":
        return
    usage: dict[str, Any] = document.get("gen_ai", _NOTHING).get("usage", _NOTHING)
    cost: dict[str, Any] = document["llm"].setdefault("cost", {})
    if "cost" in usage:
        cost.setdefault("status", "provided")
        return
    prompt = usage.get("input_tokens")
    answer = usage.get("output_tokens")
    if prompt is None and answer is None:
        cost["status"] = "no_usage"
        return
    try:
        charged = Charged.of(document)
    except Exception:  # somebody else has made it
        cost["status"] = _PENDING.status
        return
    tokens = Usage(
        prompt or 0,
        answer or 0,
        usage.get("cache_read", _NOTHING).get("input_tokens", 0),
        usage.get("cache_write", _NOTHING).get("input_tokens", 0),
        usage.get("reasoning", _NOTHING).get("output_tokens", 0),
        charged.mixed,
    )
    amount, parts = charged.cost(tokens, document["@timestamp"])
    if amount is not None:
        usage["cost"] = amount
    cost.update(parts)


def _context(document: Mapping[str, Any], said: Mapping[str, Any]) -> Context:
    """What selects a variant of the price: the tier that served the call, else the parameters that it was sent with."""
    params = document["llm"].get("request", _NOTHING).get("params", _NOTHING)
    served = said.get("service_tier")
    if served is None and _CONTEXT_KEYS.isdisjoint(params):
        return ()
    given = {key: params[key] for key in _CONTEXT_KEYS if isinstance(params.get(key), str)}
    if isinstance(served, str):
        given["service_tier"] = served
    if given.get("service_tier") == "batch":
        given["processing"] = "batch"
    return tuple(sorted(given.items()))


def _said(llm: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider said beyond the record's fields."""
    attributes = llm.get("attributes")
    if attributes is None:
        return _NOTHING
    said = attributes.get("response", _NOTHING).get("provider", _NOTHING)
    return said if isinstance(said, dict) else _NOTHING


def _is_mixed(usage: Any) -> bool:
    """Whether there are other tokens than those of text, in the usage itself or in its details."""
    if not isinstance(usage, dict):
        return False
    details = [value for value in cast("dict[str, Any]", usage).values() if isinstance(value, dict)]
    return not all(map(_MODALITIES.isdisjoint, [usage, *details]))


def _bands_of_hour(found: Schedule, when: str, context: Context) -> Bands:
    """A price that depends on the time of day, looked up each time."""
    return compile_bands(*prices_at(found.listed, datetime.fromisoformat(when), context))
