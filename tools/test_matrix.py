"""Run the tests of the recording clients with each supported major version of the openai package.

    python tools/test_matrix.py [1 2 3]

Each version has an environment of its own under `.matrix/`, kept between runs.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
MAJORS = ("1", "2", "3")
TESTS = ("tests/unit/openai", "tests/unit/prompts", "tests/integration/test_openai_capture.py")


def environment(major: str) -> Path:
    """The Python of the environment with this version, made when it is not there."""
    folder = REPOSITORY / ".matrix" / f"openai-{major}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    wanted = f"openai>={major},<{int(major) + 1}"
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-e",
        ".[test]",
        wanted,
    ]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return python


def main() -> int:
    """Test each version named, else all; the exit code counts those that failed."""
    failed = 0
    for major in sys.argv[1:] or MAJORS:
        python = environment(major)
        version = subprocess.run(
            [python, "-c", "import openai; print(openai.__version__)"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        print(f"openai {version}", flush=True)
        failed += (
            subprocess.run([python, "-m", "pytest", "-q", *TESTS], cwd=REPOSITORY, check=False).returncode
            != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
