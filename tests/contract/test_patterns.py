"""What regular expressions may not use, for the oldest Python that is supported."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "shipper"
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\{?[0-9,]+\}\}?)\+")


def test_no_group_is_possessive() -> None:
    """`(…)*+` goes on behind a repetition that failed, before Python 3.11.5; `(?>(…)*)` is the same and doesn't."""
    assert POSSESSIVE_GROUP.search(r"(?:\.[a-z]++){0,3}+") is not None
    assert POSSESSIVE_GROUP.search(r"(?>(?:\.[a-z]++){0,3})") is None
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
