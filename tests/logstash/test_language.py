"""The parser of the pipeline language: what it reads, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logstash.language import Branch, Condition, Plugin, Section, Selector, parse

WHOLE = """
# a comment
input { stdin {} tcp { port => 5000 codec => json_lines { target => "[x]" } } }
filter {
  if [a][b] == "x" and ![c] {   # another
    mutate { add_field => { "d" => "%{[a][b]}" 'e' => 'f' } tags => ["x", 'y', 3, 1.5] }
  } else if [n] > 5 or ("x" in [tags] and [m] =~ /^a\\/b/) { drop {} }
  else { ruby { path => "x" } }
  if [k] not in ["a", "b"] { drop { } }
}
output { null { } }
"""


def test_it_reads_sections_plugins_and_branches() -> None:
    """Comments, nested plugins, both kinds of quotes, arrays, hashes, else-ifs."""
    inputs, filters, outputs = parse(WHOLE)
    assert inputs == Section(
        "input",
        (
            Plugin("stdin", {}, 3),
            Plugin("tcp", {"port": 5000, "codec": Plugin("json_lines", {"target": "[x]"}, 3)}, 3),
        ),
    )
    first, second = filters.body
    assert isinstance(first, Branch)
    assert isinstance(second, Branch)
    assert [condition and condition.operator for condition, _ in first.arms] == ["and", "or", None]
    equal = Condition("==", (Selector(("a", "b")), "x"))
    missing = Condition("not", (Condition("exists", (Selector(("c",)),)),))
    assert first.arms[0][0] == Condition("and", (equal, missing))
    assert second.arms[0][0] == Condition("not in", (Selector(("k",)), ["a", "b"]))
    assert [plugin.name for plugin in filters.plugins()] == ["mutate", "drop", "ruby", "drop"]
    assert next(filters.plugins()).options == {
        "add_field": {"d": "%{[a][b]}", "e": "f"},
        "tags": ["x", "y", 3, 1.5],
    }
    assert outputs == Section("output", (Plugin("null", {}, 11),))


BROKEN = {
    "inputs { }": "line 1, column 6",
    "input { stdin {} ": "line 1, column 18",
    "input { stdin { }": "line 1, column 18",
    "input {\n  tcp { port = 5000 }\n}": "line 2, column 14",
    "input { tcp { port => } }": "line 1, column 23",
    'filter { mutate { add_field => { "a" => "b", "c" => "d" } } }': "line 1, column 44",
    'filter { mutate { a => "b", c => "d" } }': "line 1, column 27",
    'filter { mutate { a => "b"c => "d" } }': "line 1, column 27",
    'filter { mutate { a => ["b" "c"] } }': "line 1, column 29",
    "filter { mutate { a => \"b' } }": "line 1, column 24",
    "filter { if [a] = 1 { drop {} } }": "line 1, column 17",
    "filter { if [a { drop {} } }": "line 1, column 23",
    "filter { if { drop {} } }": "line 1, column 20",
    "filter { if [a] and { drop {} } }": "line 1, column 21",
    "filter { if ![a] == 1 { drop {} } }": "line 1, column 18",
    "filter { if ([a] == 1 { drop {} } }": "line 1, column 23",
    "filter { else { drop {} } }": "line 1, column 22",
    "filter { drop {} } }": "line 1, column 20",
    "output { if [a] { null {} } else if { null {} } }": "line 1, column 37",
}
"""Texts that are no pipeline, and where the parser notices."""


@pytest.mark.parametrize(("text", "where"), BROKEN.items())
def test_broken_ones_are_refused_with_the_place(text: str, where: str) -> None:
    """With line and column. `test_twin.py` shows that a real Logstash refuses each of them."""
    with pytest.raises(SyntaxError, match=rf"^{where}: wanted "):
        parse(text)


@pytest.mark.parametrize(
    "text", ["", 'filter { mutate { a => "b" a => "c" } }', "filter { x { a => { b => 1 b => 2 } } }"]
)
def test_it_is_stricter_than_logstash(text: str) -> None:
    """An empty file and an option or key that is there twice are mistakes; Logstash takes them and merges."""
    with pytest.raises(SyntaxError):
        parse(text)


def test_an_array_of_one_text_is_a_field() -> None:
    """A trap of the grammar: `in ["a"]` doesn't look into an array; the checks of our files look for it."""
    (section,) = parse('filter { if [x] in ["a"] { drop {} } }')
    (branch,) = section.branches()
    condition, _ = branch.arms[0]
    assert condition == Condition("in", (Selector(("x",)), Selector(('"a"',))))


@given(st.integers(0, len(WHOLE) - 1))
def test_any_missing_bracket_is_noticed(at: int) -> None:
    """Whichever brace is taken out of a valid file, it is none any more."""
    if WHOLE[at] in "{}()" and "%{[a][b]}" not in WHOLE[at - 8 : at + 9]:  # that one is within a text
        with pytest.raises(SyntaxError):
            parse(WHOLE[:at] + WHOLE[at + 1 :])


@given(st.text("{}[]()=>\"' \nabif=!#/,5", max_size=40))
def test_it_ends_on_any_text(text: str) -> None:
    """With sections or a SyntaxError, nothing else."""
    try:
        found = [section.kind for section in parse(f"filter {{ {text} }}")]
    except SyntaxError as error:
        found = str(error).split(",")
    assert found[0] in ("filter", *(f"line {number}" for number in range(1, 50)))
