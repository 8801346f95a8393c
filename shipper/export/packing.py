"""Compression by the name of the file. Each piece is whole by itself, and pieces one after another are a whole file."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Pack = Callable[[bytes], bytes]

_GZIP_LEVEL: Final = 6
_ZSTD_LEVEL: Final = 3


def packer_for(name: str) -> Pack | None:
    """What compresses a piece of a file that is called so; None for a name that means plain bytes.

    Raises:
        UsageError: the name ends with `.zst`, and zstandard is not installed.
    """
    if name.endswith(".gz"):
        return _gzip
    if not name.endswith((".zst", ".zstd")):
        return None
    try:
        import zstandard
    except ImportError as error:
        raise UsageError(
            "A name that ends with .zst needs zstandard: pip install 'llm-shipper[analysis]'. Or call it .gz."
        ) from error
    compressor: Any = zstandard.ZstdCompressor

    def pack(data: bytes) -> bytes:  # a compressor of its own: they are not for several threads
        return compressor(level=_ZSTD_LEVEL).compress(data)

    return pack


def plain_name(name: str) -> str:
    """The name without the ending that tells the compression."""
    for ending in (".gz", ".zst", ".zstd"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)  # the same bytes each time
