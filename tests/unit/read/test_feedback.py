"""What is read of feedback, without a store."""

from __future__ import annotations

import pytest

from shipper.read.feedback import prompt_group


@pytest.mark.parametrize(
    ("name", "version", "group"),
    [
        ("sky", "3", "sky@3"),
        ("sky", "–", "sky, no version"),
        ("–", "3", "no name@3"),
        ("–", "–", "no prompt"),
    ],
)
def test_a_group_of_calls_says_what_their_prompt_lacks(name: str, version: str, group: str) -> None:
    """A call may have been made without a prompt of a name, or of a version."""
    assert prompt_group(name, version) == group
