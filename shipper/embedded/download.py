"""Fetch the jars that are missing, through jgo's Maven layer, and keep only what has the pinned hash.

jgo writes straight to the final path and takes a cut file for a whole one, so it downloads into a folder of
partial files here; a jar moves into the cache, by one rename, after its SHA-256 was compared.
"""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.embedded.artifacts import Artifact, is_intact, jar_path, missing_from, sha256_of
from shipper.embedded.state import FileLock
from shipper.errors import EmbeddedNodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    Progress = Callable[[str, int, int], None]
    Fetch = Callable[[Artifact, Path], Path]

_THREADS = 4
_ATTEMPTS = 3
_TIMEOUT_S = 30
_REPORT_BYTES = 256 * 1024


def ensure_artifacts(
    artifacts: Sequence[Artifact],
    cache_dir: Path,
    progress: Progress | None = None,
    *,
    retry_pause_s: float = 1.0,
) -> None:
    """Make every jar present and intact in the cache; asks the network only for what is not.

    Args:
        artifacts: the pinned jars.
        cache_dir: shared cache folder; two processes that fetch at once take turns.
        progress: called with ("download", bytes done, bytes in all), from several threads, one at a time.
        retry_pause_s: seconds before a jar's second try, twice that before its third.

    Raises:
        EmbeddedNodeError: a jar can't be fetched, or is not the pinned one; what was fetched is kept.
    """
    if not missing_from(cache_dir, artifacts):
        return
    folder = cache_dir / "jars"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "download.lock")
        lock.acquire(timeout_s=None)
    except OSError as error:
        raise EmbeddedNodeError(
            f"The cache folder {cache_dir} can't be written ({error.strerror}). Set SHIPPER_CACHE to one that can."
        ) from error
    try:
        partial = folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)  # of a download that was killed
        missing = missing_from(cache_dir, artifacts)
        tally = _Tally(sum(jar.size for jar in missing), progress)
        _fetch_all(missing, _Sources(_maven_fetches(tally), cache_dir, partial, retry_pause_s), tally)
        shutil.rmtree(partial, ignore_errors=True)
    finally:
        lock.release()


def _fetch_all(missing: list[Artifact], sources: _Sources, tally: _Tally) -> None:
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="shipper-download")
    try:
        largest_first = sorted(missing, key=lambda jar: -jar.size)
        pending = [pool.submit(sources.bring, jar) for jar in largest_first]
        for future in as_completed(pending):
            future.result()
    finally:
        tally.stop()  # after an error, or Ctrl-C, the other threads end at their next block
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where jars come from and where they go."""

    fetches: list[Fetch]
    """Each downloads a jar into the given folder and returns the file."""
    cache_dir: Path
    partial: Path
    """Folder of unfinished downloads, on the cache's file system."""
    retry_pause_s: float

    def bring(self, artifact: Artifact) -> None:
        """Bring one jar into the cache; a cut or unreachable one is tried again, at each source in turn.

        Raises:
            EmbeddedNodeError: no source gave the jar with the pinned hash.
        """
        faults: dict[str, None] = {}
        for attempt in range(_ATTEMPTS):
            time.sleep(self.retry_pause_s * attempt)
            for number, fetch in enumerate(self.fetches):
                fault = self._try(
                    fetch, artifact, self.partial / f"{artifact.sha256[:12]}-{attempt}-{number}"
                )
                if fault is None:
                    return
                faults[fault] = None
        raise EmbeddedNodeError(
            f"{artifact.coordinate}, a part of Elasticsearch, could not be downloaded: {'; '.join(faults)}. "
            "What has arrived is kept: run the same command again when the network is back. "
            "A mirror is used if jgo is configured with one (section [repositories] of jgo.conf)."
        )

    def _try(self, fetch: Fetch, artifact: Artifact, folder: Path) -> str | None:
        """Fetch once; None if the jar is in the cache now, else what went wrong."""
        try:
            downloaded = fetch(artifact, folder)
        except (OSError, RuntimeError) as error:  # those of requests are OSErrors; jgo raises RuntimeError
            return str(error)
        if not is_intact(downloaded, artifact):
            return _difference(downloaded, artifact)
        final = jar_path(self.cache_dir, artifact)
        final.parent.mkdir(parents=True, exist_ok=True)
        downloaded.replace(final)
        return None


def _difference(path: Path, artifact: Artifact) -> str:
    size = path.stat().st_size
    if size < artifact.size:
        return f"the download was cut at {size} of {artifact.size} bytes"
    return (
        f"the file that arrived is not the pinned one (SHA-256 {sha256_of(path)}, expected {artifact.sha256}); "
        "it was thrown away"
    )


class _StoppedError(Exception):
    """Ends a download whose result nobody waits for any more."""


class _Tally:
    """Bytes done over all threads; also how they are told to stop."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._reported = 0
        self._stopped = False

    def stop(self) -> None:
        """Make every download end at its next block."""
        self._stopped = True

    @contextmanager
    def file(self, name: str, _size: int) -> Generator[Callable[[int], None]]:
        """Count one file's bytes; a file that is begun again starts at nothing (jgo's callback protocol)."""
        self._done[name] = 0

        def add(count: int) -> None:
            if self._stopped:
                raise _StoppedError
            with self._lock:
                self._done[name] += count
                done = min(sum(self._done.values()), self._total)
                if self._progress and (done - self._reported >= _REPORT_BYTES or done == self._total):
                    self._reported = done
                    self._progress("download", done, self._total)

        yield add


def _maven_fetches(tally: _Tally) -> list[Fetch]:
    """One fetch per Maven repository: those that the user configured for jgo first, then jgo's default."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    repositories: dict[str, str] = {**GlobalSettings.load().repositories}
    repositories.setdefault("central", MAVEN_CENTRAL_URL)
    resolver: Any = PythonResolver(progress_callback=tally.file)

    def fetch_from(name: str, url: str) -> Fetch:
        def fetch(artifact: Artifact, folder: Path) -> Path:
            context = MavenContext(
                resolver=resolver, repo_cache=folder, remote_repos={name: url}, timeout=_TIMEOUT_S
            )
            group, project, version = artifact.coordinate.split(":")
            return resolver.download(context.project(group, project).at_version(version).artifact())

        return fetch

    return [fetch_from(name, url.rstrip("/")) for name, url in repositories.items()]
