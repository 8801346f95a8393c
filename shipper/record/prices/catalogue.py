"""Which prices a model had when: names found in genai-prices, its lists compiled into schedules.

genai-prices is imported with the first price (a tenth of a second), its bundled lists only: nothing is fetched, and an
application that updates its own lists doesn't change ours.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from shipper.record.prices.rates import Bands, Factors, agrees, compile_bands

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

# OpenTelemetry's names of providers that genai-prices does not know, or takes for another.
_PROVIDERS = {
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
    "fireworks_ai": "fireworks",
}
_NO_PROVIDER = {"", "litellm"}  # a proxy says in the model's name who serves it
_MAX_PREFIXES = 4

Context = tuple[tuple[str, str], ...]
"""What selects a variant of a price: `processing`, `service_tier`, `speed`, sorted."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model where a provider lists it."""

    provider: Provider
    model: ModelInfo


@dataclass(frozen=True, slots=True)
class Schedule:
    """A model's prices over time, for one context; `starts` are UTC days in rising order."""

    listed: Listed
    starts: tuple[str, ...]
    bands: tuple[Bands, ...]
    hourly: bool
    """The price depends on the time of day: `bands` don't hold it."""
    trusted: bool
    """The compiled rates agree with genai-prices; otherwise this version of it has a form that we don't know."""

    def at(self, day: str) -> Bands:
        """The prices of a UTC day, written `2026-11-21`."""
        return self.bands[bisect_right(self.starts, day)]


@lru_cache(maxsize=1)
def version() -> str:
    """Which price lists these are."""
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"


@lru_cache(maxsize=1024)
def schedule(provider: str, response_model: str, request_model: str, context: Context) -> Schedule | None:
    """Prices of the model that answered, else of the one that was asked for; None when neither is listed."""
    listed = find(provider, response_model) or find(provider, request_model)
    return None if listed is None else schedule_of(listed, context)


def schedule_of(listed: Listed, context: Context) -> Schedule:
    """Compile all prices that a model has had, one for each span between two days on which one changed."""
    moments = _constraints(listed.model)
    days = sorted({one.start_date for one in moments if hasattr(one, "start_date")})
    first = datetime(1, 1, 1, tzinfo=UTC)
    begins = [first, *(datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days)]
    prices = [prices_at(listed, begin, context) for begin in begins]
    return Schedule(
        listed=listed,
        starts=tuple(day.isoformat() for day in days),
        bands=tuple(compile_bands(price, factors) for price, factors in prices),
        hourly=any(hasattr(one, "start_time") for one in moments),
        trusted=all(agrees(price) for price, _ in prices),
    )


def find(provider: str, model: str) -> Listed | None:
    """A model by the names that a call has.

    Takes provider prefixes (`openai/gpt-4o`, `azure/eu/gpt-4o`) and fine-tuned models (`ft:gpt-4o-mini-…`). A
    provider that isn't known has no prices, whatever its models are called: it may be anybody's own machine.
    """
    if not model:
        return None
    served_by = None
    if provider not in _NO_PROVIDER:
        served_by = _provider(provider)
        if served_by is None:
            return None
    for _ in range(_MAX_PREFIXES):
        found = _listed(served_by, model)
        head, slash, rest = model.partition("/")
        if found is not None or not slash:
            return found
        served_by = _provider(head) or served_by
        if served_by is None:
            return None
        model = rest
    return None


def prices_at(listed: Listed, moment: datetime, context: Context) -> tuple[Any, Factors]:
    """The price list of a moment, and the discounts on it that it doesn't have itself."""
    model = listed.model
    own = any(
        model is one for one in listed.provider.models
    )  # a model borrowed from another provider has no variants
    price = model.get_prices(moment, dict(context) if own else None)
    return price, {} if own and _has_variant(model, moment, context) else _discount(listed, context)


def _provider(name: str) -> Provider | None:
    from genai_prices.data import providers
    from genai_prices.data_snapshot import find_provider_by_id

    return find_provider_by_id(providers, _PROVIDERS.get(name.lower(), name))


def _listed(provider: Provider | None, model: str) -> Listed | None:
    from genai_prices.data import providers

    if provider is None:
        if model.lower().startswith("ft:"):
            provider = _provider("openai")
        else:
            provider = next(
                (one for one in providers if one.model_match and one.model_match.is_match(model)), None
            )
    if provider is None:
        return None
    found = provider.find_model(model, all_providers=providers)
    return None if found is None or not found.prices else Listed(provider, found)


def _constraints(model: ModelInfo) -> list[Any]:
    """The conditions on time that a model's prices have."""
    prices: list[Any] = model.prices if isinstance(model.prices, list) else []
    return [one.constraint for one in [*prices, *(model.price_variants or ())] if one.constraint is not None]


def _has_variant(model: ModelInfo, moment: datetime, context: Context) -> bool:
    return any(
        variant.when.items() <= dict(context).items()
        and (variant.constraint is None or variant.constraint.active(moment))
        for variant in model.price_variants or ()
    )


def _discount(listed: Listed, context: Context) -> Factors:
    given = dict(context)
    for rule in _discounts():
        if (
            rule["provider"] == listed.provider.id
            and rule["when"].items() <= given.items()
            and listed.model.id.startswith(tuple(rule["models"]))
        ):
            return {kind: Decimal(factor) for kind, factor in rule["factors"].items()}
    return {}


@lru_cache(maxsize=1)
def _discounts() -> list[dict[str, Any]]:
    """Discounts from before genai-prices has them (2026-10): the first rule that fits counts."""
    return json.loads((files("shipper.record.prices") / "discounts.json").read_text("utf-8"))
