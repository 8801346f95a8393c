"""Timing, and a table of ratios."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "temperature": 0.2,
    "messages": [
        {"role": "system", "content": "You are the support assistant of a bicycle shop. Be brief. " * 4},
        {
            "role": "user",
            "content": "My order has not arrived, and the tyres I got last time were too small. " * 8,
        },
    ],
}
RESPONSE: dict[str, Any] = {
    "id": "chatcmpl-BenchmarkBenchmarkBenchmark0",
    "object": "chat.completion",
    "created": 1731456243,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "We are sorry. The parcel is on its way to you. " * 14,
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 190,
        "completion_tokens": 160,
        "total_tokens": 350,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    },
    "system_fingerprint": "fp_0ba0d124f1",
}


@dataclass(frozen=True)
class Timing:
    """Microseconds of one call."""

    p50: float
    p99: float
    mean: float


def time_calls(call: Callable[[], object], count: int = 20_000, warm_up: int = 2_000) -> Timing:
    """Time single calls in this thread."""
    for _ in range(warm_up):
        call()
    clock = time.perf_counter_ns
    times: list[int] = []
    gc.collect()
    for _ in range(count):
        began = clock()
        call()
        times.append(clock() - began)
    times.sort()
    return Timing(times[count // 2] / 1e3, times[count * 99 // 100] / 1e3, statistics.fmean(times) / 1e3)


def machine() -> str:
    """What this was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}"
    )


def release_of(package: str) -> str:
    """Name and version of a peer."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def table(headers: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "|".join(" --- " for _ in headers) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
