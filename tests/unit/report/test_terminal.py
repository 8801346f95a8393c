"""Reports in characters."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from shipper.panels.run import Found
from shipper.panels.searches import BETTER_RESPONSES
from shipper.report.as_json import rows_of
from shipper.report.documents import document_lines
from shipper.report.selection import Section
from shipper.report.terminal import lines_of
from tests.unit.report.made import HOSTILE, empty_sections, figure, sections_of


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("names", [("1.0", "2.0"), HOSTILE], ids=["usual", "hostile"])
def test_every_report_fits(width: int, names: tuple[str, ...]) -> None:
    """No line is wider than the terminal, and nothing that was stored moves its cursor."""
    for section in sections_of(names):
        for line in lines_of(section, width):
            assert cell_len(line.plain) <= width, line.plain
            assert not set(line.plain) & {"\x1b", "\x07", "\u202e", "\n"}


def test_a_figure_says_how_it_changed() -> None:
    """The value, the change with its mark, and what it was before."""
    section = sections_of()[0]
    shown = [figure("overview-p95", 1200.0, 1000.0), figure("overview-positive", 0.9, 0.85)]
    text = "\n".join(line.plain for line in lines_of(Section(section.dashboard, shown), 80))
    assert "Latency p95             1.2 s          +20 % ✗ before 1.0 s" in text
    assert "Positive verdicts      90.0 %    +5.0 points ✓ before 85.0 %" in text


def test_a_period_with_hardly_anything_is_not_compared_with() -> None:
    """Twenty calls before twenty thousand are no period of operation."""
    one = figure("overview-calls", 20_000.0, 20.0, documents=20_000)
    one.previous[0] = type(one.previous[0])((), {"calls": 20.0}, 20)
    section = Section(sections_of()[0].dashboard, [one])
    assert not any("before" in line.plain for line in lines_of(section, 80))


def test_nothing_is_said_so() -> None:
    """A report without a document is its title and a sentence."""
    for section in empty_sections():
        _, said = lines_of(section, 80)
        assert "no document of this period fits" in said.plain


def test_rows_for_programs_are_whole() -> None:
    """Every bucket of every panel, both periods, keys by their labels."""
    sections = sections_of()
    rows = list(rows_of(sections))
    assert len(rows) == sum(len(one.rows) + len(one.previous) for part in sections for one in part.results)
    by_version = [row for row in rows if row["panel"] == "overview-versions"]
    assert [row["keys"] for row in by_version] == [{"Version": "1.0"}, {"Version": "2.0"}]
    assert {row["period"] for row in rows if row["panel"] == "overview-calls"} == {"now", "before"}


def _document(text: str) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-20T10:00:00Z",
        "service": {"version": text},
        "gen_ai": {"prompt": {"name": text}},
        "llm": {"output": {"text": text}, "feedback": {"better_response": text}},
    }


@pytest.mark.parametrize("text", [*HOSTILE, "word " * 500, "字" * 500])
def test_documents_fit(text: str) -> None:
    """Long and hostile texts are folded into a few lines; the better response stands below the answer."""
    found = Found([_document(text)] * 2, 7)
    lines = [line.plain for line in document_lines(BETTER_RESPONSES, found, 80)]
    assert len(lines) <= 2 + 2 * 9
    assert all(cell_len(line) <= 80 for line in lines)
    assert not set("".join(lines)) & {"\x1b", "\x07", "\u202e", "\n"}
    assert lines[-1] == "  and 5 more"
    names = [line.strip().partition(":")[0] for line in lines if line.startswith("    ") and ": " in line]
    if text == "word " * 500:
        assert names[:2] == ["output", "better response"]


def test_no_documents_are_said_so() -> None:
    """With the sentence of the search."""
    _, said = document_lines(BETTER_RESPONSES, Found([], 0), 80)
    assert "Nobody wrote a better answer" in said.plain
