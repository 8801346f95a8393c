"""The pinned jars: is what lies in the cache what it should be?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Artifact:
    """One jar, named by its Maven coordinate and pinned by its SHA-256."""

    coordinate: str
    """`group:name:version`."""
    folder: str
    """Place in Elasticsearch's home: `lib` (the class path) or a module's folder."""
    size: int
    """Bytes."""
    sha256: str

    @property
    def name(self) -> str:
        """The coordinate's middle part."""
        return self.coordinate.split(":")[1]

    @property
    def file_name(self) -> str:
        """Name of the jar, `name-version.jar`."""
        _, name, version = self.coordinate.split(":")
        return f"{name}-{version}.jar"


@cache
def elasticsearch_version() -> str:
    """Version of the pinned Elasticsearch. Never raises."""
    return str(_pinned()["elasticsearch"])


@cache
def pinned_artifacts() -> tuple[Artifact, ...]:
    """Every jar that the node needs. Never raises."""
    return tuple(
        Artifact(row["coordinate"], row["folder"], row["bytes"], row["sha256"])
        for row in _pinned()["artifacts"]
    )


@cache
def _pinned() -> dict[str, Any]:
    return json.loads(files("shipper.embedded").joinpath("artifacts.json").read_text("utf-8"))


def jar_path(cache_dir: Path, artifact: Artifact) -> Path:
    """Where the jar lies in the cache. Its hash is in the folder's name, so versions can't mix. Never raises."""
    return cache_dir / "jars" / artifact.sha256[:12] / artifact.file_name


def is_intact(path: Path, artifact: Artifact) -> bool:
    """Whether the file is there, complete and unchanged. Never raises for a file that can't be read: False."""
    try:
        if path.stat().st_size != artifact.size:
            return False
        return sha256_of(path) == artifact.sha256
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing_from(cache_dir: Path, artifacts: Iterable[Artifact]) -> list[Artifact]:
    """Those that are absent, cut or changed; hashes all of them. Never raises."""
    return [wanted for wanted in artifacts if not is_intact(jar_path(cache_dir, wanted), wanted)]
