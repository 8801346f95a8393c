"""What `shipper report` refuses before it asks the store."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from shipper.cli.report import report
from shipper.errors import UsageError


@pytest.mark.parametrize(
    "arguments",
    [
        ("cost", "a", "b"),
        ("versions", "a"),
        ("overview", "--since", "1d", "--until", "2d"),
        ("feedback", "--prompt", "x"),
        ("nonsense",),
    ],
)
def test_what_cannot_be_meant(arguments: tuple[str, ...]) -> None:
    """Exit code 2 and a sentence."""
    done = CliRunner().invoke(report, arguments)
    assert done.exit_code == 2
    assert "Error:" in done.output


def test_a_time_that_is_none() -> None:
    """As everywhere: the sentence says what can be written."""
    done = CliRunner().invoke(report, ("overview", "--since", "yesterdayish"))
    assert isinstance(done.exception, UsageError)
