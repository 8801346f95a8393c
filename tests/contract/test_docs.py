"""The documentation is executed: Python blocks run, and `$ shipper …` lines of console blocks end with 0.

All Python blocks of a page are one program, run against a real store; the console lines follow. A page can prepare
names for its blocks in a comment that begins with `<!-- setup`. Blocks of other languages, and console lines that
start or remove nodes, are not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shipper.store.setup import setup
from shipper.testing import OpenAIServer, answer
from tests.faults.programs import shipper_command

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

ANSWER = {
    "id": "chatcmpl-docs",
    "object": "chat.completion",
    "created": 1_750_000_000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
}
REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")])
GENERATED = {"fields.md", "panels.md", "settings.md"}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETUP = re.compile(r"<!-- setup\n(.*?)-->", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_NOT_RUN = {"up", "down", "demo"}


def _blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in _BLOCK.findall(page.read_text("utf-8")) if name == language]


def _commands(page: Path) -> list[list[str]]:
    found: list[list[str]] = []
    for block in _blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ shipper "):
                words = shlex.split(line.removeprefix("$ shipper "), comments=True)
                if words[0] not in _NOT_RUN:
                    found.append(words)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    for target in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.node
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in GENERATED], ids=lambda page: page.name
)
def test_the_page_works(
    page: Path,
    node: NodeInfo,
    clean_store: Elasticsearch,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the page shows can be run as it stands."""
    monkeypatch.chdir(tmp_path)  # for what commands write
    setup(clean_store)
    python = _blocks(page, "python")
    if python:
        prepared = _SETUP.findall(page.read_text("utf-8"))
        with OpenAIServer(lambda _: answer(ANSWER)) as provider:
            environment = {
                **os.environ,
                "SHIPPER_HOME": str(home),
                "SHIPPER_ELASTICSEARCH_URL": node.url,
                "OPENAI_API_KEY": "test",
                "OPENAI_BASE_URL": provider.url,
            }
            done = subprocess.run(
                [sys.executable, "-c", "\n".join([*prepared, *python])],
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                cwd=tmp_path,
            )
        assert done.returncode == 0, done.stderr
        clean_store.indices.refresh(index="llm-*")
    for command in _commands(page):
        result = shipper_command(home, node.url, *command)
        assert result.returncode == 0, f"shipper {shlex.join(command)}: {result.stdout}{result.stderr}"
    if not python and not _commands(page):
        pytest.skip("nothing to run on this page")
