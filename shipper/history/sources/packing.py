"""Bytes as they were before they were packed: gzip, zstd, bzip2 and xz, told by how they begin."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from shipper.history.sources.member import Member

_GZIP, _ZSTD, _BZIP2, _XZ = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00"
_ENDINGS = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
_BUFFER = 256 * 1024
_CHUNK = 64 * 1024
_SKIP = 1024 * 1024
_FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


class Unpacked(io.RawIOBase):
    """A stream whose faults end it, instead of being raised: what was read before is good. `fault` says which."""

    def __init__(self, packed: io.BufferedReader, stream: Any) -> None:
        super().__init__()
        self._packed = packed
        self._stream = stream
        self.fault = ""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer; nothing, after a fault. Never raises."""
        try:
            data: bytes = self._stream.read(len(buffer))
        except _FAULTS as error:
            self.fault = str(error) or type(error).__name__
            return 0
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        super().close()
        self._packed.close()

    def progress(self) -> int:
        """Bytes of the packed file that were read so far; 0 where that can't be told."""
        try:
            return self._packed.tell()
        except (OSError, ValueError):
            return 0


@contextmanager
def unpacked(member: Member, offset: int = 0) -> Generator[tuple[io.BufferedReader[Unpacked], Unpacked]]:
    """A member's bytes, unpacked, from an offset on.

    Raises:
        UsageError: it can't be opened, or is not as long as the offset; or a package is missing.
    """
    try:
        packed = buffered(member.open())
        head = b""
        with suppress(tarfile.TarError):  # an archive ends here: reading on says so
            head = packed.peek(8)[:8]
    except OSError as error:
        raise UsageError(f"{member.name} can't be read: {error.strerror or error}.") from None
    stream = decoder(packed, head, member.name)
    if offset and stream is packed and packed.seekable():
        packed.seek(offset)
        offset = 0
    raw = Unpacked(packed, stream)
    with io.BufferedReader(raw, _BUFFER) as reader:
        _skip(reader, offset, member.name)
        yield reader, raw


def buffered(stream: BinaryIO) -> io.BufferedReader:
    """A stream that can be looked into. Never raises."""
    return (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("Any", stream), _BUFFER)
    )


def decoder(stream: io.BufferedReader, head: bytes, name: str) -> Any:
    """What unpacks a stream, by its first bytes; the stream itself when it is not packed.

    Raises:
        UsageError: a package is missing.
    """
    if head.startswith(_GZIP):
        import gzip

        return gzip.GzipFile(fileobj=stream)
    if head.startswith(_BZIP2):
        import bz2

        return bz2.BZ2File(stream)
    if head.startswith(_XZ):
        return lzma.LZMAFile(stream)
    if not head.startswith(_ZSTD):
        return stream
    try:
        import zstandard
    except ImportError:
        raise UsageError(
            f"{name} is packed with zstd, which needs the extra: pip install 'llm-shipper[import]'."
        ) from None
    return _Zstd(stream, zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError)


def without_packing(name: str) -> str:
    """A file's name without what says how it is packed: packed or not, its rows keep their ids. Pure."""
    for ending in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


class _Zstd:
    """Frames of zstd, one after the other; unlike zstandard's own reader it tells a file that was cut off."""

    def __init__(self, packed: io.BufferedReader, begin: Callable[[], Any], error: type[Exception]) -> None:
        self._packed = packed
        self._error = error
        self._begin = begin
        self._frame = begin()
        self._ready = b""

    def read(self, size: int) -> bytes:
        while not self._ready:
            packed = self._packed.read1(_CHUNK)
            if not packed:
                if not self._frame.eof:
                    raise EOFError("the last frame of zstd has no end")
                return b""
            while packed:
                if self._frame.eof:
                    self._frame = self._begin()
                try:
                    self._ready += self._frame.decompress(packed)
                except self._error as error:
                    raise OSError(str(error)) from None
                packed = self._frame.unused_data if self._frame.eof else b""
        data, self._ready = self._ready[:size], self._ready[size:]
        return data


def _skip(reader: io.BufferedReader[Unpacked], count: int, name: str) -> None:
    while count:
        skipped = len(reader.read(min(count, _SKIP)))
        if not skipped:
            raise UsageError(
                f"{name} is shorter than when the import stopped: it is another file now. Begin with --restart."
            )
        count -= skipped
