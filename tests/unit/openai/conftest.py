"""Shared by the tests of the recording clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.testing import Captured, capture_completions

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def captured() -> Iterator[Captured]:
    """What is logged."""
    with capture_completions() as captured:
        yield captured
