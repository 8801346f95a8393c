"""How long to wait before the next try: exponential, with full jitter.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

_FIRST_S = 0.25


def backoff_s(attempt: int, longest_s: float, chance: float) -> float:
    """Seconds to wait after the given number of tries.

    Args:
        attempt: tries so far, 1 and up.
        longest_s: the bound, seconds.
        chance: a random number in 0..1 (spreads many senders that failed together).

    Never raises.
    """
    return min(longest_s, _FIRST_S * 2.0 ** min(attempt - 1, 32)) * chance
