"""Two versions: how much better is the one, and can the difference be chance? Pure.

Of right-or-wrong scores each share has Wilson's interval, and the difference Newcombe's, which is made of the two
(R. G. Newcombe, Statistics in Medicine 17, 1998, methods 3 and 10). Of other scores the difference of the means is
bootstrapped by scipy (percentiles), with a fixed seed, so that the same scores give the same interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE: Final = 0.95
TOO_FEW: Final = 10
"""Scores of a version below which nothing is said."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_RESAMPLES = 4000
_BATCH = 64
_SEED = 20261121
_POWER = (1.96 + 0.84) ** 2  # of two-sided 5 % and a chance of 80 % to see the difference


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean score with its interval of confidence, 0 to 1."""

    count: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second version against the first."""

    first: Estimate
    second: Estimate
    difference: float
    """Mean of the second minus mean of the first."""
    low: float
    high: float
    needed: int | None
    """Scores of each version that would show a difference of this size; None when they are there, or it is zero."""

    @property
    def is_clear(self) -> bool:
        """Whether chance is ruled out, as far as the confidence goes."""
        return self.enough and (self.low > 0 or self.high < 0)

    @property
    def enough(self) -> bool:
        """Whether both versions have scores enough to say anything."""
        return min(self.first.count, self.second.count) >= TOO_FEW


def estimate(scores: Sequence[float]) -> Estimate:
    """The mean and its interval.

    Raises:
        UsageError: there is no score, or graded ones and scipy is not installed.
    """
    if not scores:
        raise UsageError("There is no score to estimate a mean from.")
    if _is_binary(scores):
        return estimate_share(round(math.fsum(scores)), len(scores))
    _stats()
    low, high = _bootstrapped([scores])
    return Estimate(len(scores), math.fsum(scores) / len(scores), low, high)


def estimate_share(hits: int, count: int) -> Estimate:
    """The share of hits and its interval; as `estimate` of so many ones and zeros.

    Raises:
        UsageError: there is nothing to take a share of.
    """
    if count < 1:
        raise UsageError("There is no score to estimate a mean from.")
    share, z = hits / count, _Z
    middle = share + z**2 / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low, high = ((middle + side) / (1 + z**2 / count) for side in (-spread, spread))
    # of none and of all, rounding would leave a trace beyond
    return Estimate(count, share, 0.0 if not hits else low, 1.0 if hits == count else high)


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """The second version's scores against the first's.

    Raises:
        UsageError: a version has no score, or graded ones and scipy is not installed.
    """
    if _is_binary(first) and _is_binary(second):
        return compare_shares(estimate(first), estimate(second))
    one, other = estimate(first), estimate(second)
    low, high = _bootstrapped([first, second])
    return _compared(one, other, max(-1.0, low), min(1.0, high), _variance(first) + _variance(second))


def compare_shares(first: Estimate, second: Estimate) -> Comparison:
    """The second share against the first; of `estimate_share`'s results. Never raises."""
    difference = second.mean - first.mean
    low = difference - math.hypot(second.mean - second.low, first.high - first.mean)
    high = difference + math.hypot(second.high - second.mean, first.mean - first.low)
    spread = sum(one.mean * (1 - one.mean) for one in (first, second))
    return _compared(first, second, max(-1.0, low), min(1.0, high), spread)


def _compared(first: Estimate, second: Estimate, low: float, high: float, spread: float) -> Comparison:
    difference = second.mean - first.mean
    clear = low > 0 or high < 0
    return Comparison(first, second, difference, low, high, None if clear else _needed(difference, spread))


def sentence(name: str, versions: tuple[str, str], found: Comparison) -> str:
    """What the comparison means, in a sentence. Never raises."""
    first, second = versions
    interval = f"{100 * found.low:+.1f} to {100 * found.high:+.1f} points"
    interval += f"; of {found.first.count:,} and {found.second.count:,} scores"
    if not found.enough:
        return (
            f"{name}: too few to say anything: {found.first.count} scores of {first}, {found.second.count} of {second}; "
            f"{TOO_FEW} of each are the least."
        )
    if found.is_clear:
        word = "better" if found.difference > 0 else "worse"
        return f"{name}: {second} is {word} than {first} by {abs(100 * found.difference):.1f} points ({interval})."
    needed = (
        f"; about {found.needed:,} scores of each would show a difference of this size"
        if found.needed
        else ""
    )
    return f"{name}: no difference between {first} and {second} is shown ({interval}){needed}."


def _is_binary(scores: Sequence[float]) -> bool:
    return all(score in (0, 1) for score in scores)


def _bootstrapped(samples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The interval of a mean, or of the second mean minus the first."""
    import numpy as np

    if min(len(sample) for sample in samples) < 2:  # one score says nothing of how they vary
        return (0.0, 1.0) if len(samples) == 1 else (-1.0, 1.0)
    data = [np.asarray(sample, dtype=float) for sample in samples]
    if all(float(sample.std()) == 0 for sample in data):  # nothing varies: nothing to resample
        point = float(_statistic(*data, axis=0))
        return point, point
    found = _stats().bootstrap(
        data,
        _statistic,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _statistic(*samples: Any, axis: int) -> Any:
    first, *second = (sample.mean(axis=axis) for sample in samples)
    return second[0] - first if second else first


def _needed(difference: float, spread: float) -> int | None:
    """Scores of each that would show the difference; `spread` is the sum of the variances."""
    if abs(difference) < 1e-9:
        return None
    return math.ceil(_POWER * spread / difference**2) or None


def _variance(scores: Sequence[float]) -> float:
    mean = math.fsum(scores) / len(scores)
    return math.fsum((score - mean) ** 2 for score in scores) / len(scores)


def _stats() -> Any:
    try:
        from scipy import stats
    except ImportError:
        raise UsageError(
            "Intervals of graded scores need scipy: pip install 'llm-shipper[evaluate]'."
        ) from None
    return stats
