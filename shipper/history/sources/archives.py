"""What is in a zip or tar archive, wherever that lies; an archive is told by how it begins."""

from __future__ import annotations

import tarfile
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, cast

from shipper.errors import UsageError
from shipper.history.sources.packing import buffered, decoder

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

    Opener = Callable[[], BinaryIO]

Kind = Literal["zip", "tar"]
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR, _TAR_AT, _TAR_BLOCK = b"ustar", 257, 512
_FAULTS = (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError)


class Entry(NamedTuple):
    """One file of an archive; `size` is in bytes, unpacked from the archive."""

    name: str
    size: int
    open: Opener


def kind_of(opener: Opener, name: str) -> Kind | None:
    """What sort of archive a file is; None: none.

    Raises:
        UsageError: a package is missing.
        OSError: it can't be read.
    """
    with buffered(opener()) as packed:
        head = packed.peek(8)[:8]
        if head.startswith(_ZIP):
            return "zip"
        try:
            block = decoder(packed, head, name).read(_TAR_BLOCK)
        except Exception:  # damaged at once: whoever reads it says so
            return None
    return "tar" if block[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR else None


def entries_of(opener: Opener, name: str, kind: Kind) -> list[Entry]:
    """The files of an archive.

    Raises:
        UsageError: it is damaged.
    """
    try:
        if kind == "zip":
            with opener() as file, zipfile.ZipFile(file) as archive:
                listed = [one for one in archive.infolist() if not one.is_dir()]
            zipped = sorted((one.filename, one.file_size) for one in listed)
            return [Entry(one, size, partial(_open_zipped, opener, one)) for one, size in zipped]
        tarred = list(_tarred(opener, name))
        return [Entry(one, size, partial(_open_tarred, opener, name, one)) for one, size in tarred]
    except _FAULTS as error:
        raise UsageError(f"{name} is no archive that can be read: {error}.") from None


def _tarred(opener: Opener, name: str) -> Iterator[tuple[str, int]]:
    """Names and sizes; of an archive that was cut off those that are known, the last of which is cut off too."""
    some = False
    with buffered(opener()) as packed:
        try:
            for one in _tar(packed, name):
                if one.isfile():
                    some = True
                    yield one.name, one.size
        except _FAULTS:
            if not some:
                raise


def _tar(packed: io.BufferedReader, name: str) -> tarfile.TarFile:
    """Read from the beginning to the end, whatever it is packed with."""
    stream: Any = decoder(packed, packed.peek(8)[:8], name)
    return tarfile.open(fileobj=stream, mode="r|")


def _open_zipped(opener: Opener, entry: str) -> BinaryIO:
    try:
        return cast("BinaryIO", zipfile.ZipFile(opener()).open(entry))
    except (
        RuntimeError,
        NotImplementedError,
    ) as error:  # it needs a password, or is packed in a way of its own
        raise OSError(str(error)) from None


def _open_tarred(opener: Opener, name: str, entry: str) -> BinaryIO:
    archive = _tar(buffered(opener()), name)
    found = next((one for one in archive if one.name == entry), None)
    file = archive.extractfile(found) if found is not None else None
    if file is None:
        raise OSError(f"{entry} is no file in {name}")
    return cast("BinaryIO", file)
