"""The page in a real browser: nothing on its console, nothing that axe objects to, nothing wider than a phone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from shipper.report.html import page
from tests.unit.report.made import END, HOSTILE, SELECTION, empty_sections, sections_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SIZES = {"desktop": (1280, 900, "light"), "dark": (1280, 900, "dark"), "phone": (360, 740, "light")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, where there is one."""
    pytest.importorskip("vl_convert", reason="the extra [report] is not installed")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is on the PATH")
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with usual names, hostile ones and empty parts."""
    usual = [one for one in sections_of(days=6) if one.dashboard.id in ("llm-overview", "llm-versions")]
    hostile = [one for one in sections_of(HOSTILE, days=3) if one.dashboard.id == "llm-cost"]
    empty = [one for one in empty_sections() if one.dashboard.id == "llm-delivery"]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page([*usual, *hostile, *empty], SELECTION, END), "utf-8")
    return path


@pytest.mark.parametrize("size", list(_SIZES))
def test_the_page_in_a_browser(browser: Any, file: Path, size: str) -> None:
    """On a desktop, in the dark and on a phone: no error, no request but the file's, no sideways scrolling, axe content, white paper."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    width, height, scheme = _SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    told: list[str] = []
    asked: list[str] = []
    tab = context.new_page()

    def tell(one: Any) -> None:
        told.append(str(one))

    def ask(request: Any) -> None:
        asked.append(request.url)

    tab.on("console", tell)
    tab.on("pageerror", tell)
    tab.on("request", ask)
    tab.goto(file.as_uri())
    assert told == []
    assert asked == [file.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("figure svg").count() > 10
    violations = axe.Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    context.close()
