"""What a source names: files, folders, patterns, archives, the standard input, objects in a store; each opened unpacked."""

from __future__ import annotations

import glob
import io
import sys
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from shipper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

STDIN = "-"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED = (".gz", ".gzip", ".zst", ".zstd")
_BUFFER = 256 * 1024
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_HISTORY = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".db", ".sqlite", ".log")
"""Endings of files that are looked at in folders and archives; whatever is named itself is looked at anyway."""
_CHUNK = 64 * 1024
_SKIP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a source. `name` is the same wherever the source is kept; `size` is in bytes as it lies there."""

    name: str
    size: int | None
    modified_ns: int | None
    open: Callable[[], BinaryIO]
    path: Path | None = None


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
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
            self.fault = str(error) or type(error).__name__
            return 0
        except Exception as error:  # zstandard's own, which is not installed everywhere
            if type(error).__name__ != "ZstdError":
                raise
            self.fault = str(error)
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


def members(sources: Sequence[str]) -> Iterator[Member]:
    """The files that the sources name, folders and patterns in the order of their names.

    Raises:
        UsageError: there is no such file, or it can't be opened for want of a package.
    """
    for source in sources:
        if source == STDIN:
            yield Member(STDIN, None, None, lambda: sys.stdin.buffer)
        elif "://" in source:
            yield from _remote(source)
        else:
            for path, name in _local(source):
                yield from _contents(path, name)


@contextmanager
def unpacked(member: Member, offset: int = 0) -> Generator[tuple[io.BufferedReader[Unpacked], Unpacked]]:
    """A member's bytes, unpacked, from an offset on.

    Raises:
        UsageError: it can't be opened, or is not as long as the offset; or a package is missing.
    """
    try:
        opened = member.open()
        packed = (
            opened
            if isinstance(opened, io.BufferedReader)
            else io.BufferedReader(cast("Any", opened), _BUFFER)
        )
        head = packed.peek(8)[:8]
    except OSError as error:
        raise UsageError(f"{member.name} can't be read: {error.strerror or error}.") from None
    decoder = _decoder(packed, head, member.name)
    if offset and decoder is packed and packed.seekable():
        packed.seek(offset)
        offset = 0
    raw = Unpacked(packed, decoder)
    with io.BufferedReader(raw, _BUFFER) as reader:
        _skip(reader, offset, member.name)
        yield reader, raw


def is_utf16(head: bytes) -> bool:
    """Whether a file begins like text in UTF-16. Never raises."""
    return head.startswith(_UTF16)


def _local(source: str) -> Iterator[tuple[Path, str]]:
    """Files of a path, a folder or a pattern, each with its name below the part that was given."""
    path = Path(source).expanduser()
    if path.is_dir():
        for found in sorted(one for one in path.rglob("*") if one.is_file()):
            if _may_be_history(found.name) or found.name.lower().endswith(_ARCHIVES):
                yield found, found.relative_to(path).as_posix()
    elif path.exists():
        yield path, path.name
    elif glob.has_magic(source):
        found = glob.iglob(str(path), recursive=True)  # noqa: PTH207 - a pattern can begin with folders
        matches = sorted(Path(one) for one in found if Path(one).is_file())
        if not matches:
            raise UsageError(f"No file matches {source}.")
        fixed = Path(_glob_root(str(path)))
        for one in matches:
            yield one, one.relative_to(fixed).as_posix()
    else:
        raise UsageError(f"There is no file or folder {source}.")


def _glob_root(pattern: str) -> str:
    """The folder in which a pattern begins to be one. Pure."""
    parts = PurePosixPath(pattern).parts
    fixed: list[str] = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return str(PurePosixPath(*fixed))


def _contents(path: Path, name: str) -> Iterator[Member]:
    """The file itself, or what is in it."""
    modified = path.stat().st_mtime_ns
    if not name.lower().endswith(_ARCHIVES):
        yield Member(without_packing(name), path.stat().st_size, modified, lambda: path.open("rb"), path)
        return
    try:
        if name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                inside = sorted(
                    (one.filename, one.file_size) for one in archive.infolist() if not one.is_dir()
                )
            opener: Callable[[Path, str], BinaryIO] = _open_zipped
        else:
            with tarfile.open(path) as archive:
                inside = [(one.name, one.size) for one in archive if one.isfile()]
            opener = _open_tarred
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"{path} is no archive that can be read: {error}.") from None
    for file, size in inside:
        if _may_be_history(PurePosixPath(file).name) and not file.startswith("__MACOSX/"):
            yield Member(without_packing(file), size, modified, lambda file=file: opener(path, file))


def without_packing(name: str) -> str:
    """A file's name without what says how it is packed: packed or not, its rows keep their ids. Pure."""
    for ending in _PACKED:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _may_be_history(name: str) -> bool:
    ending = PurePosixPath(without_packing(name)).suffix.lower()
    return not name.startswith(".") and ending in _HISTORY


def _open_zipped(path: Path, name: str) -> BinaryIO:
    return cast("BinaryIO", zipfile.ZipFile(path).open(name))


def _open_tarred(path: Path, name: str) -> BinaryIO:
    found = tarfile.open(path).extractfile(name)  # noqa: SIM115 - lives as long as what is read from it
    if found is None:
        raise OSError(f"{name} is no file in {path}")
    return cast("BinaryIO", found)


def _remote(source: str) -> Iterator[Member]:
    """Objects of whatever fsspec reaches: `s3://…`, `gs://…`, `memory://…`."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(
            f"{source}: reading from there needs the extra: pip install 'llm-shipper[import]'."
        ) from None
    files: Sequence[Any] = fsspec.open_files(source, "rb")
    if not files:
        raise UsageError(f"Nothing is at {source}.")
    for file in files:
        info: dict[str, Any] = file.fs.info(file.path)
        name = without_packing(PurePosixPath(file.path).name)
        yield Member(name, info.get("size"), None, partial(file.fs.open, file.path, "rb"))


def _decoder(stream: io.BufferedReader, head: bytes, name: str) -> Any:
    if head.startswith(_GZIP):
        import gzip

        return gzip.GzipFile(fileobj=stream)
    if head.startswith(_ZSTD):
        try:
            import zstandard
        except ImportError:
            raise UsageError(
                f"{name} is packed with zstd, which needs the extra: pip install 'llm-shipper[import]'."
            ) from None
        return _Zstd(stream, zstandard.ZstdDecompressor().decompressobj)
    return stream


class _Zstd:
    """Frames of zstd, one after the other; unlike zstandard's own reader it tells a file that was cut off."""

    def __init__(self, packed: io.BufferedReader, begin: Callable[[], Any]) -> None:
        self._packed = packed
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
                self._ready += self._frame.decompress(packed)
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
