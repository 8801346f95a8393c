"""Names as parts of index names."""

from __future__ import annotations

import re

import pytest

from shipper.route import slug

LEGAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@pytest.mark.parametrize(
    "name", ["support-bot", "1.4.0", "v2_rc.1", "a", "0", "2026.11", "a" * 80, "1.0-2026", "x-dead"]
)
def test_a_legal_name_stays(name: str) -> None:
    """What fits already is what people see in their indices."""
    assert slug(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Support Bot", "support-bot-17f3607f93"),
        ("1.0-2026.11", "1.0-2026.11-be6b6e40d2"),
        (".", "x-cdb4ee2aea"),
    ],
)
def test_a_changed_name_is_known(name: str, expected: str) -> None:
    """The base is readable, the hash is the first ten digits of SHA-256 of the original."""
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("Support Bot", "support-bot"),
        ("Größe", "gr-e"),
        ("日本語", "x"),
        ("", "x"),
        (".", "x"),
        ("..", "x"),
        ("_internal", "internal"),
        ("-x", "x"),
        ("a@b", "a-b"),
        ("a*b?c,d", "a-b-c-d"),
        ("a/../b", "a-..-b"),
        ("a\x00b\n", "a-b-"),
        ("x" * 10_000, "x" * 69),
        ("a" * 81, "a" * 69),
        ("1.0-2026.11", "1.0-2026.11"),
        ("1.0-2026.11.21", "1.0-2026.11.21"),
        ("1.0-undated", "1.0-undated"),
        ("fix-0123456789", "fix-0123456789"),
        ("İstanbul", "stanbul"),
        ("\u212aelvin", "elvin"),
        ("a-\u0662\u0660\u0662\u0666.\u0661\u0661", "a--.-"),
        ("\ud800", "x"),
    ],
)
def test_any_other_name_keeps_what_it_can_and_gets_a_hash(name: str, base: str) -> None:
    """Capitals, other alphabets, wildcards, paths, dates at the end and long names all become legal."""
    found = slug(name)
    assert LEGAL.fullmatch(found)
    assert found.rpartition("-")[0] == base
    assert re.fullmatch(r"[0-9a-f]{10}", found.rpartition("-")[2])


def test_a_copied_slug_does_not_collide() -> None:
    """Somebody who names an application after the slug of another gets an index of their own."""
    first = slug("Support Bot")
    assert slug(first) not in (first, "Support Bot")


def test_a_trailing_newline_is_no_legal_name() -> None:
    """The end of the name is its end, not the end of a line."""
    assert slug("bot\n") != "bot\n"
    assert slug("bot-2026.11\n").startswith("bot-2026.11--")
