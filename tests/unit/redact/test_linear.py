"""No text takes more than its share of time: four times the length takes four times as long, not sixteen."""

from __future__ import annotations

import time

import pytest

from shipper.redact import Redactor

UNITS = [
    *("a", "1", "1 ", "1.", "1-", "1.1.", "@", "a@", "a@b.", "@a.", "%40a", "-", "_", "_-", "sk-", "eyJ", "eyJ-", "eyJa."),
    *("eyJaaaaaaaa.", ":", "::", "1:", ":1:", "fe:", "://", "://a:", "://a:b", "+1", "+1 (", "00 ", "01 ", "4111 "),
    *("DE00", "DE00 ", "DE00AAAA", "AB12 ", "A1", "ABCDEF11A11A111", "password=", "password: '", "key=key", "token=a1"),
    *("=", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----END", "Bearer ", "basic YQ", "AKIA", "SG.", "SG.a."),
    *("Q~", "a1aQ~a", ":AA", "12345678:AA", "hooks.slack.com/services/", "curl -u a:b ", "Private-Lines: 1\n", "password is "),
    *("phone 1 ", "tel. 123 ", "ssn 123456789 ", "123-456-7890 x", "card 1234567890123 ", "2024-08-06 12:30:45 "),
    *("\x00", "\x01", "password\x01", "{", "[", '{"a":', "\\n", "a" * 23 + ".", "邮", "é@é."),
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=[repr(unit)[:24] for unit in UNITS])
def test_time_grows_with_length_and_no_faster(unit: str) -> None:
    """Processor time of one thread, for a text made of nothing but what a pattern begins with."""
    redactor = Redactor("all")

    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        times = []
        for _ in range(2):
            start = time.thread_time()
            redactor.text(text)
            times.append(time.thread_time() - start)
        return min(times)

    short, long = seconds(20_000), seconds(80_000)
    assert long < 10 * max(short, 0.002)
