"""The page: whole, closed, and without anything that was not ours to run."""

from __future__ import annotations

import builtins
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from shipper.errors import UsageError
from shipper.panels.budget import with_budget
from shipper.panels.cost import COSTS
from shipper.report.html import page
from shipper.report.selection import Section
from shipper.report.terminal import lines_of
from tests.unit.report.made import END, HOSTILE, SELECTION, empty_sections, result_of, sections_of

_VOID = {"meta", "link", "br", "img"}


class _Reader(HTMLParser):
    """Checks that elements close in their order; collects ids, links and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if "href" in found:
            self.links.append(str(found["href"]))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_a_page_with_hostile_names() -> None:
    """Names with markup, control characters and great length are text; nothing runs and nothing is fetched."""
    pytest.importorskip("vl_convert")
    sections = [
        section
        for section in sections_of(HOSTILE, days=5)
        if section.dashboard.id in ("llm-overview", "llm-versions")
    ]
    text = page(sections, SELECTION, END)
    found = _read(text)
    assert "script" not in found.tags
    assert not any(name.startswith("on") for name in found.attributes)
    assert all(link.startswith("#") for link in found.links)
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert any("<script>alert(1)</script>" in one for one in found.texts)
    assert not re.search("[\x00-\x08\x0b-\x1f]", text)


def test_landmarks_and_anchors() -> None:
    """One heading, one main part, a navigation whose links all lead somewhere, and no id twice."""
    found = _read(page(empty_sections(), SELECTION, END))
    assert {"header", "nav", "main", "footer", "h1"} <= found.tags
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert any("Nothing: no document of this period fits." in one for one in found.texts)


def test_values_are_under_the_pointer() -> None:
    """Each mark of a chart has its value as a title, and colours are the style sheet's."""
    pytest.importorskip("vl_convert")
    section = sections_of(days=4)[0]
    text = page([section], SELECTION, END)
    assert re.search(r"<title>[^<]*UTC · 1\.0: [^<]+</title>", text)
    assert "var(--c0)" in text
    assert "#ab0" not in text


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra, and that the terminal needs none."""
    real = builtins.__import__

    def missing(name: str, *args: Any, **options: Any) -> Any:
        if name == "vl_convert":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match=r"llm-shipper\[report\]"):
        page([sections_of(("never drawn",), days=3)[0]], SELECTION, END)


def test_the_budget_is_a_line_with_its_name() -> None:
    """In the chart of the month's cost and nowhere else, and the note says how much it is; in the terminal, too."""
    pytest.importorskip("vl_convert")
    [costs] = with_budget((COSTS,), 1234.5)
    section = Section(costs, [result_of(panel, days=6) for panel in costs.panels])
    text = page([section], SELECTION, END)
    assert text.count(">Budget</text>") == 1
    assert text.count("The budget is $1,234.50.") == 1
    assert any("The budget is $1,234.50." in line.plain for line in lines_of(section, 80))
    assert with_budget((COSTS,), None) == (COSTS,)
