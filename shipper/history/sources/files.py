"""What a source names: files, folders, patterns, archives, the standard input, objects in a store; each opened unpacked."""

from __future__ import annotations

import glob
import re
import sys
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from shipper.errors import UsageError
from shipper.history.sources.archives import entries_of, kind_of
from shipper.history.sources.member import Member
from shipper.history.sources.packing import without_packing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ARCHIVES = (".zip", ".tar", ".tgz")
_HISTORY = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".db", ".sqlite", ".log")
"""Endings of files that are looked at in folders and archives; whatever is named itself is looked at anyway."""


def members(sources: Sequence[str]) -> Iterator[Member]:
    """The files that the sources name, folders and patterns in the order of their names.

    Raises:
        UsageError: there is no such file, nothing in it may be history, or it can't be opened for want of a package.
    """
    for source in sources:
        if source == STDIN:
            yield Member(STDIN, None, None, lambda: sys.stdin.buffer)
            continue
        found = (one for file in _files(source) for one in _contents(file))
        first = next(found, None)
        if first is None:
            raise UsageError(
                f"Nothing in {plain(source)} ends like history does: {', '.join(_HISTORY)}, packed or not."
            )
        yield first
        yield from found


def is_utf16(head: bytes) -> bool:
    """Whether a file begins like text in UTF-16. Never raises."""
    return head.startswith(_UTF16)


def _files(source: str) -> Iterator[Member]:
    return _remote(source) if "://" in source else (_local_file(*found) for found in _local(source))


def _local_file(path: Path, name: str) -> Member:
    state = path.stat()
    size = state.st_size if path.is_file() else None  # nobody knows how much comes out of a pipe
    return Member(name, size, state.st_mtime_ns, partial(path.open, "rb"), path)


def _local(source: str) -> Iterator[tuple[Path, str]]:
    """Files of a path, a folder or a pattern, each with its name below the part that was given."""
    path = Path(source).expanduser()
    if path.is_dir():
        for found in sorted(one for one in path.rglob("*") if one.is_file()):
            if _is_wanted(found.name):
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


def _remote(source: str) -> Iterator[Member]:
    """Objects of whatever fsspec reaches: `s3://…`, `gs://…`, `memory://…`; a folder's, or those of a pattern."""
    try:
        import fsspec
    except ImportError:
        raise UsageError(
            f"{plain(source)}: reading from there needs the extra: pip install 'llm-shipper[import]'."
        ) from None
    try:
        found: tuple[Any, str] = fsspec.url_to_fs(source)
        store, root = found
        fixed = str(PurePosixPath(root).parent)
        if glob.has_magic(root):
            fixed = _glob_root(root)
            paths: list[str] = sorted(one for one in store.glob(root) if not store.isdir(one))
        elif store.isdir(root):
            fixed = root
            paths = sorted(one for one in store.find(root) if _is_wanted(PurePosixPath(one).name))
        else:
            paths = [root]
        for path in paths:
            yield _object(store, path, fixed)
    except ImportError as error:
        raise UsageError(f"{plain(source)}: {str(error).rstrip('.')}.") from None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{plain(source)} can't be read: {str(error).replace(source, plain(source))}."
        ) from None


def _object(store: Any, path: str, fixed: str) -> Member:
    info: dict[str, Any] = store.info(path)
    name = path.removeprefix(fixed.rstrip("/")).lstrip("/")
    try:
        modified_ns = int(store.modified(path).timestamp() * 1e9)
    except (NotImplementedError, OSError, AttributeError, KeyError, TypeError):
        modified_ns = None
    return Member(plain(name), info.get("size"), modified_ns, partial(_opened, store, path))


def _opened(store: Any, path: str) -> BinaryIO:
    try:
        return store.open(path, "rb")
    except OSError as error:
        raise OSError(str(error).replace(path, plain(path))) from None


def plain(address: str) -> str:
    """An address as documents and people may see it: without user and password, a web page's query as its hash. Pure."""
    bare = re.sub(r"://[^/?#]*@", "://", address)
    page, asked, query = bare.partition("?")
    if not asked or not page.startswith(("http://", "https://")):
        return bare
    return f"{page}?{blake2b(query.encode(), digest_size=4).hexdigest()}"


def _glob_root(pattern: str) -> str:
    """The folder in which a pattern begins to be one. Pure."""
    parts = PurePosixPath(pattern).parts
    fixed: list[str] = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return str(PurePosixPath(*fixed))


def _contents(file: Member) -> Iterator[Member]:
    """The file itself, or what is in it."""
    kind = None
    if not _may_be_history(file.name) and (file.path is None or file.path.is_file()):  # no pipe
        try:
            kind = kind_of(file.open, file.name)
        except OSError as error:
            raise UsageError(f"{file.name} can't be read: {error.strerror or error}.") from None
    if kind is None:
        yield Member(without_packing(file.name), file.size, file.modified_ns, file.open, file.path)
        return
    for name, size, opener in entries_of(file.open, file.name, kind):
        if _may_be_history(PurePosixPath(name).name) and not name.startswith("__MACOSX/"):
            yield Member(without_packing(name), size, file.modified_ns, opener)


def _is_wanted(name: str) -> bool:
    return _may_be_history(name) or without_packing(name).lower().endswith(_ARCHIVES)


def _may_be_history(name: str) -> bool:
    ending = PurePosixPath(without_packing(name)).suffix.lower()
    return not name.startswith(".") and ending in _HISTORY
