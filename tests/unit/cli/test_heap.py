"""Memory that is freed is used again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from shipper.cli.heap import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
pieces = [bytes(1000)] * 8000
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    small, large = [bytes(1000) for _ in range(8000)], b"".join(pieces)
    del small, large
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_freed_memory_is_used_again() -> None:
    """What one batch has freed the next one takes without asking the system for its pages."""

    def faults(how: str) -> int:
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    assert faults("keep") < 200 < faults("give back")
