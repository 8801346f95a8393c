"""Prices of one model as integers: adding up a call costs a microsecond, and not a digit of exactness.

genai-prices works with decimals at a tenth of a millisecond for each call. Here each price becomes an integer over
a common power of ten once; the sum is exact, and one division at the end rounds as `float(Decimal)` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_PER_TOKEN = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "reasoning": "output_reasoning_mtok",
}
_PER_REQUEST = "requests_kcount"
_BY_MODALITY = tuple(
    f"{part}_{kind}_mtok" for kind in ("audio", "image", "video") for part in ("input", "output")
)

Factors = dict[str, Decimal]
"""What a discount multiplies each rate by; 1 where it names none."""


class Usage(NamedTuple):
    """Tokens of one call. `input` includes cached ones, `output` includes reasoning: the subsets are parts of them."""

    input: int
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    mixed: bool = False
    """Some of them are audio or images, and it isn't known how many."""


class Amounts(NamedTuple):
    """Money for one call, in the list's currency."""

    total: float
    input: float
    output: float
    cache_savings: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What one token of each kind costs, over `scale`; None where the list has no price of its own."""

    scale: int
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    request: int
    by_modality: bool
    """The list has other prices for tokens of audio or images."""

    def covers(self, usage: Usage) -> bool:
        """False when tokens have no price: their cost is unknown then, not 0."""
        return (self.input is not None or not usage.input) and (self.output is not None or not usage.output)

    def amounts(self, usage: Usage) -> Amounts:
        """The cost of a call that is covered. A part without a price of its own has its whole's."""
        whole = self.input or 0
        rate = self.output or 0
        savings = 0
        prompt = usage.input * whole
        answer = usage.output * rate
        if usage.cache_read and self.cache_read is not None:
            savings = usage.cache_read * (whole - self.cache_read)
            prompt -= savings
        if usage.cache_write and self.cache_write is not None:
            prompt += usage.cache_write * (self.cache_write - whole)
        if usage.reasoning and self.reasoning is not None:
            answer += usage.reasoning * (self.reasoning - rate)
        scale = self.scale
        return Amounts(
            (prompt + answer + self.request) / scale, prompt / scale, answer / scale, savings / scale
        )


@dataclass(frozen=True, slots=True)
class Bands:
    """Rates by the size of the prompt: beyond a threshold all of its tokens cost the band's rate."""

    above: tuple[tuple[int, Rates], ...]  # the highest threshold first
    base: Rates

    def of(self, usage: Usage) -> Rates:
        """The rates of a call of this size."""
        for threshold, rates in self.above:
            if usage.input > threshold:
                return rates
        return self.base


def compile_bands(price: Any, factors: Factors) -> Bands:
    """The rates of a `genai_prices.types.ModelPrice`, discounted.

    Prices of what a document doesn't count (tokens of audio or images, searches) are left out.
    """
    prices = {kind: getattr(price, key) for kind, key in _PER_TOKEN.items()}
    thresholds = {tier.start for value in prices.values() for tier in getattr(value, "tiers", ())}
    request = Fraction(getattr(price, _PER_REQUEST) or 0) / 1000
    by_modality = any(getattr(price, key) is not None for key in _BY_MODALITY)
    return Bands(
        above=tuple(
            (start, _rates(prices, start + 1, request, factors, by_modality))
            for start in sorted(thresholds, reverse=True)
        ),
        base=_rates(prices, 0, request, factors, by_modality),
    )


def agrees(price: Any) -> bool:
    """Whether the compiled rates say what genai-prices says, for one call in each band.

    Its releases move; a form of price that is new to us must not become a wrong cost. Never raises.
    """
    from genai_prices import Usage as Reported

    bands = compile_bands(price, {})
    for prompt in (10_007, *(start + 10_007 for start, _ in bands.above)):
        usage = Usage(input=prompt, output=5_003, cache_read=2_003, cache_write=1_009, reasoning=503)
        rates = bands.of(usage)
        if not rates.covers(usage):
            continue
        try:
            expected = price.calc_price(
                Reported(
                    input_tokens=usage.input,
                    output_tokens=usage.output,
                    cache_read_tokens=usage.cache_read,
                    cache_write_tokens=usage.cache_write,
                    output_reasoning_tokens=usage.reasoning,
                )
            )
        except Exception:  # whatever it is, we don't understand this price
            return False
        found = rates.amounts(usage)
        parts = ("total_price", "input_price", "output_price")
        if found[:3] != tuple(float(expected[part]) for part in parts):
            return False
    return True


def _rates(
    prices: Mapping[str, Any], prompt: int, request: Fraction, factors: Factors, by_modality: bool
) -> Rates:
    per_token: dict[str, Fraction | None] = {}
    for kind, value in prices.items():
        one = _at(value, prompt)
        per_token[kind] = None if one is None else Fraction(one) * Fraction(factors.get(kind, 1)) / 1_000_000
    scale = lcm(request.denominator, *(rate.denominator for rate in per_token.values() if rate is not None))
    whole = {kind: None if rate is None else int(rate * scale) for kind, rate in per_token.items()}
    return Rates(scale=scale, request=int(request * scale), by_modality=by_modality, **whole)


def _at(price: Any, prompt: int) -> Decimal | None:
    """A price, or its tier for a prompt of so many tokens."""
    if price is None or isinstance(price, Decimal):
        return price
    beyond = [tier.price for tier in price.tiers if prompt > tier.start]  # in rising order
    return beyond[-1] if beyond else price.base
