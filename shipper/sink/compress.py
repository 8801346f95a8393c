"""Whether and how the body of a request is compressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable


def compress(body: bytes) -> bytes:
    """Compressed by gzip at the cheapest level: JSON shrinks to a sixth or so, and the sender's time is the application's."""
    packer = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(body) + packer.flush()


def worth_compressing(setting: str, urls: Iterable[str]) -> bool:
    """Whether bodies to these addresses are compressed: as the setting says; `auto` spares this machine's own. Never raises."""
    if setting != "auto":
        return setting == "gzip"
    return not all(_is_loopback(urlsplit(url).hostname or "") for url in urls)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
