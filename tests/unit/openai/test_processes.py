"""Streams that are open when a process ends or forks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shipper.settings import Settings
from shipper.testing import Captured, OpenAIServer, stream
from tests.fixtures.openai_api import BLUE

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
from shipper.openai import CaptureConfig, OpenAI
from shipper.settings import Settings

config = CaptureConfig(settings=Settings(home=Path(sys.argv[2]), send="none"))
client = OpenAI(base_url=sys.argv[1], api_key="k", max_retries=0, shipper=config)
ask = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
"""
ENDS = {
    "by returning": "answered = client.chat.completions.create(**ask); next(answered); next(answered)",
    "in a cycle": "a = client.chat.completions.create(**ask); next(a); next(a); a.me = a; del a",
    "by an exception": "answered = client.chat.completions.create(**ask); next(answered); next(answered); 1 / 0",
    "by sys.exit": "answered = client.chat.completions.create(**ask); next(answered); next(answered); sys.exit(3)",
}
FORK = """
answered = client.chat.completions.create(**ask)
next(answered), next(answered)
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
list(answered)
"""


def environment() -> dict[str, str]:
    """Of a process with no settings but its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SHIPPER_")}


def documents_after(program: str, home: Path) -> list[dict[str, Any]]:
    """What a process left in its spool."""
    with OpenAIServer(stream(BLUE)) as server:
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM + program, server.url, str(home)]
        subprocess.run(command, timeout=120, check=False, env=environment(), stderr=subprocess.DEVNULL)
    return Captured(Settings(home=home, send="none")).documents


@pytest.mark.parametrize("end", ENDS)
def test_a_stream_that_is_open_when_the_process_ends_is_recorded(home: Path, end: str) -> None:
    """One record with what came, not completed."""
    (document,) = documents_after(ENDS[end], home)
    assert document["llm"]["output"]["text"] == "Bl"
    assert document["llm"]["stream"] == {"chunks": 2, "completed": False}


def test_a_forked_child_leaves_the_parents_streams_to_the_parent(home: Path) -> None:
    """One record, of the parent, whole."""
    (document,) = documents_after(FORK, home)
    assert document["llm"]["output"]["text"] == "Blue."
    assert document["llm"]["stream"]["completed"] is True


@pytest.mark.parametrize(
    "program",
    [
        "import shipper.openai",
        "import openai, shipper; shipper.get_application('a').log(inputs=[{}], outputs=[{}])",
    ],
)
def test_a_call_meets_no_module_that_the_sender_still_imports(home: Path, program: str) -> None:
    """As openai 3 uses whatever is called httpx in sys.modules, what is there after the first log call is whole."""
    pytest.importorskip("httpx")
    check = "; import sys; print(hasattr(sys.modules.get('httpx'), 'Timeout'))"
    done = subprocess.run(
        [sys.executable, "-c", program + check],
        capture_output=True,
        text=True,
        check=True,
        env={**environment(), "SHIPPER_HOME": str(home), "SHIPPER_EXIT_TIMEOUT_S": "0"},
    )
    assert done.stdout == "True\n"
