"""The `.env` file: written once, completed later, never shown to others."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipper.stack.environment import (
    VARIABLES,
    EnvironmentFileError,
    complete,
    example,
    write_environment,
)
from tests.faults.programs import shipper_command

REPOSITORY = Path(__file__).resolve().parents[3]


def values(text: str) -> dict[str, str]:
    """The assignments of a file."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_a_new_file_has_every_variable_and_secrets_of_its_own(tmp_path: Path) -> None:
    """Each secret is long, differs from all others, and only the owner can read the file."""
    path = tmp_path / ".env"
    assert write_environment(path) == [variable.name for variable in VARIABLES]
    assert path.stat().st_mode & 0o777 == 0o600
    written = values(path.read_text("utf-8"))
    secret = [written[variable.name] for variable in VARIABLES if variable.secret]
    assert len(set(secret)) == len(secret) > 5
    assert all(re.fullmatch("[0-9a-f]{48}", one) for one in secret)
    assert written["STACK_VERSION"] == "9.5.3"
    assert written["STACK_BIND"] == "127.0.0.1"
    assert list(tmp_path.iterdir()) == [path]


def test_running_it_again_changes_nothing(tmp_path: Path) -> None:
    """The second run leaves every byte, and takes rights away that crept in."""
    path = tmp_path / ".env"
    write_environment(path)
    before = path.read_bytes()
    path.chmod(0o644)
    assert write_environment(path) == []
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_missing_is_added_at_the_end(tmp_path: Path) -> None:
    """A file of an older version keeps its values, comments and odd spacing."""
    path = tmp_path / ".env"
    path.write_text("# mine\nexport STACK_VERSION = 9.5.4\nELASTIC_PASSWORD=kept", "utf-8")
    added = write_environment(path)
    text = path.read_text("utf-8")
    assert text.startswith("# mine\nexport STACK_VERSION = 9.5.4\nELASTIC_PASSWORD=kept\n")
    assert "STACK_VERSION" not in added
    assert "ELASTIC_PASSWORD" not in added
    assert "KIBANA_SYSTEM_PASSWORD" in added


@given(text=st.text(alphabet="ABSTACK_VERSION=# \n9", max_size=200))
def test_completing_is_idempotent_and_keeps_the_beginning(text: str) -> None:
    """Whatever a file holds, it is kept, and a second completion finds nothing to do."""
    once = complete(text, lambda: "secret")
    assert complete(once, lambda: "other") == once
    assert once.startswith(text)
    assert set(values(once)) >= {variable.name for variable in VARIABLES} - set(values(text))


def test_a_folder_that_cant_be_written_is_told(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / ".env").mkdir()
    with pytest.raises(EnvironmentFileError, match=r"\.env can't be written"):
        write_environment(tmp_path / ".env")


def test_the_example_is_current() -> None:
    """`.env.example` in the repository has every variable, and no secret."""
    assert (REPOSITORY / ".env.example").read_text("utf-8") == example()
    assert not any(values(example())[variable.name] for variable in VARIABLES if variable.secret)


def test_the_command_refuses_a_folder_whose_git_would_commit_it(home: Path, tmp_path: Path) -> None:
    """Secrets don't get where `git add` finds them; with the ignore line they are written."""
    project = tmp_path / "project"
    project.mkdir()
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    refused = shipper_command(home, "", "stack", "init", "--folder", str(project))
    assert refused.returncode == 1
    assert "not ignored by git" in refused.stderr
    assert not (project / ".env").exists()
    (project / ".gitignore").write_text(".env\n", "utf-8")
    done = shipper_command(home, "", "stack", "init", "--folder", str(project))
    assert done.returncode == 0, done.stderr
    assert (project / ".env").exists()
    secret = values((project / ".env").read_text("utf-8"))["ELASTIC_PASSWORD"]
    assert secret not in done.stdout + done.stderr
