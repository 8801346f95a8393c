"""Shared by all tests: what production swallows is re-raised, and nothing global survives a test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from shipper import notice, process
from shipper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.plugins.export", "tests.plugins.feedback", "tests.plugins.node"]

# In CI the same examples each time, so that a red run is about the change; everywhere else new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def clean_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of the machine, internal errors re-raised, and no pipeline left behind."""
    cache = os.environ.get("SHIPPER_CACHE")
    for name in [name for name in os.environ if name.startswith("SHIPPER_") and name != "SHIPPER_TEST_DATA"]:
        monkeypatch.delenv(name)
    if cache:
        monkeypatch.setenv("SHIPPER_CACHE", cache)
    monkeypatch.setenv("SHIPPER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(notice, "reraise", True)
    monkeypatch.setattr(process, "_default", None)
    notice.reset()
    yield
    process.close_all()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """This test's home folder: the one that settings take when none is given."""
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings of this test's home, quick to send and to give up."""
    return Settings(home=home, flush_interval_s=0.05, retry_max_interval_s=0.2, exit_timeout_s=5.0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded material that is not part of the project; tests that want it skip where it is not."""
    folder = Path(os.environ.get("SHIPPER_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no recorded material here: SHIPPER_TEST_DATA names no folder")
    return folder
