"""Speed of redaction: on ordinary text of four sorts, on text made to hurt, and for one call. CPU time of one thread.

How much it finds is in `redaction_quality`, whose report follows.
"""

from __future__ import annotations

import argparse
import inspect
import pydoc_data.topics
import random
import re
import time
from typing import TYPE_CHECKING

import orjson

from benchmarks import redaction_quality
from benchmarks.measure import REQUEST, RESPONSE, machine, table
from shipper.redact import Redactor
from shipper.redact.spared import CALL

if TYPE_CHECKING:
    from collections.abc import Callable

_HURTING = (
    *(
        "a",
        "1",
        "1 ",
        "1.",
        "@",
        "a@",
        "a@b.",
        "-",
        "_",
        "sk-",
        "eyJ",
        "eyJa.",
        "eyJ-",
        ":",
        "::",
        "1:",
        "://a:",
        "+1 (",
    ),
    *(
        "4111 1111 ",
        "DE00 ",
        "password=",
        "key=key",
        "token=a1",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer a1",
        "curl -u a:",
    ),
    *(
        "phone 1 ",
        "ssn 123456789 ",
        "card 4111111111111112 ",
        "2024-08-06 12:30:45 ",
        '{"a":',
        "\\n",
        "\x00",
        "\x01",
    ),
)
_ALTERNATION = (
    # a plain way to look for less than we do, for comparison
    r"[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:\d[ -]?){12,18}\d\b|\b\d{3}-\d{2}-\d{4}\b|\b(?:\d{1,3}\.){3}\d{1,3}\b"
    r"|\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|\+\d[\d ().-]{7,}\d|sk-[\w-]{20,}|gh[pousr]_\w{30,}|AKIA[A-Z0-9]{16}"
)


def main() -> str:
    """Measure; the report."""
    texts = _texts()
    rows: list[list[str]] = []
    for name, text in texts.items():
        speeds = [_speed(Redactor(what).text, text) for what in ("secrets", "all")]
        rows.append([name, f"{len(text) / 1e6:.1f}", *(f"{speed:.0f}" for speed in (*speeds, *_plain(text)))])
    head = [
        "text",
        "million characters",
        "`secrets`, MB/s",
        "`all`, MB/s",
        "one alternation, re",
        "the same, google-re2",
    ]
    speeds = ["## Redaction: speed", machine(), table(head, rows), _call(), _worst()]
    return "\n\n".join([*speeds, "## Redaction: what is found", redaction_quality.main()])


def _texts() -> dict[str, str]:
    """Ordinary text that every machine has or makes."""
    chance = random.Random(7)
    prose = "\n".join(pydoc_data.topics.topics.values())
    words = [word for word in prose.split() if word.isalpha()]
    chat = "\n".join(
        orjson.dumps(
            {"role": chance.choice(["user", "assistant"]), "content": " ".join(chance.choices(words, k=60))}
        ).decode()
        for _ in range(2000)
    )
    log = "\n".join(
        f"2026-11-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:17.{chance.randint(0, 999):03} "
        f"INFO [worker-{chance.randint(1, 9)}] request {chance.getrandbits(64):016x} took {chance.random() * 900:.1f} ms, "
        f"status={chance.choice([200, 404])} bytes={chance.randint(200, 90_000)} order=A-{chance.randint(10**7, 10**8)}"
        for _ in range(9000)
    )
    code = "\n".join(inspect.getsource(module) for module in (inspect, random, re, argparse))
    return {
        "prose (Python's documentation)": prose,
        "chat, as JSON": chat,
        "code (Python's library)": code * 3,
        "a log": log,
    }


def _speed(work: Callable[[str], object], text: str) -> float:
    """Megabytes of UTF-8 a second, the best of five."""
    best = float("inf")
    for _ in range(5):
        start = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - start)
    return len(text.encode()) / best / 1e6


def _plain(text: str) -> list[float]:
    import re2  # google-re2: only here, for comparison

    return [
        _speed(lambda text, engine=engine: engine(_ALTERNATION).sub("<X>", text), text)
        for engine in (re.compile, re2.compile)
    ]


def _call() -> str:
    """What redaction adds to one log call."""
    body = orjson.dumps({"request": REQUEST, "response": RESPONSE})
    rows = []
    for what in ("secrets", "all"):
        redactor = Redactor(what)
        times = []
        for _ in range(2000):
            value = orjson.loads(body)
            start = time.thread_time()
            redactor.redact(value, CALL)
            times.append(time.thread_time() - start)
        times.sort()
        rows.append([f"`{what}`", f"{len(body):,}", f"{times[1000] * 1e6:.0f}", f"{times[1980] * 1e6:.0f}"])
    return table(["one call", "bytes", "p50, µs", "p99, µs"], rows)


def _worst() -> str:
    """The slowest of the texts made to hurt, at two lengths: four times the length takes four times as long."""
    redactor = Redactor("all")
    times: list[tuple[float, float, str]] = []
    for unit in _HURTING:
        short, long = (_seconds(redactor, unit, length) for length in (250_000, 1_000_000))
        times.append((long, long / max(short, 1e-4), unit))
    rows = [
        [f"`{unit!r}` repeated", f"{long:.2f}", f"{ratio:.1f}"]
        for long, ratio, unit in sorted(times, reverse=True)[:6]
    ]
    return table(["1,000,000 characters of", "seconds", "times 250,000 characters'"], rows)


def _seconds(redactor: Redactor, unit: str, length: int) -> float:
    text = (unit * (length // len(unit) + 1))[:length]
    start = time.thread_time()
    redactor.text(text)
    return time.thread_time() - start
