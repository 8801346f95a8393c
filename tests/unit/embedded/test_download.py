"""The download, against a real HTTP server that plays a Maven mirror (named in jgo's own configuration)."""

from __future__ import annotations

import hashlib
import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from shipper.embedded.artifacts import Artifact, jar_path, missing_from
from shipper.embedded.download import ensure_artifacts
from shipper.embedded.state import FileLock
from shipper.errors import EmbeddedNodeError
from tests.loopback import Answer, Loopback, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("jgo", reason="the download is part of the extra [embedded]")

BODIES = {f"thing-{number}": random.Random(number).randbytes(300_000 + number) for number in range(6)}
JARS = [
    Artifact(f"org.example:{name}:1.0", "lib", len(body), hashlib.sha256(body).hexdigest())
    for name, body in BODIES.items()
]


def jar_answer(request: Request) -> Answer:
    """What a Maven repository says: the jar at its path, 404 for anything else."""
    found = re.fullmatch(r"/maven/org/example/(thing-\d)/1\.0/\1-1\.0\.jar", request.path)
    return Answer(200, BODIES[found[1]]) if found else Answer(404)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Starts a mirror with a behaviour, and names it in jgo's settings."""

    @contextmanager
    def started(behaviour: Callable[[Request], Answer]) -> Iterator[Loopback]:
        with Loopback(behaviour) as server:
            settings = tmp_path / "jgo.conf"
            settings.write_text(f"[repositories]\ncentral = {server.url}/maven/\n")
            monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
            yield server

    return started


def first_time(bad: Callable[[Request], Answer], fetched: set[str]) -> Callable[[Request], Answer]:
    """A behaviour that is bad for each jar's first request and good afterwards."""

    def answer(request: Request) -> Answer:
        if request.path.endswith(".jar") and request.path not in fetched:
            fetched.add(request.path)
            return bad(request)
        return jar_answer(request)

    return answer


def test_all_jars_arrive_from_the_configured_mirror_with_progress(mirror, tmp_path: Path) -> None:
    """Every jar is fetched once from the mirror of jgo's settings; progress counts up to the whole size."""
    seen: list[tuple[str, int, int]] = []
    with mirror(jar_answer) as server:
        ensure_artifacts(JARS, tmp_path, lambda *now: seen.append(now))
        assert sorted(one.path for one in server.requests if one.path.endswith(".jar")) == [
            f"/maven/org/example/{name}/1.0/{name}-1.0.jar" for name in BODIES
        ]
    assert missing_from(tmp_path, JARS) == []
    total = sum(jar.size for jar in JARS)
    assert seen[-1] == ("download", total, total)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert not (tmp_path / "jars" / "partial").exists()


def test_a_second_time_needs_no_network(mirror, tmp_path: Path) -> None:
    """With every jar in the cache nothing is asked for."""
    with mirror(jar_answer):
        ensure_artifacts(JARS, tmp_path)
    with mirror(jar_answer) as server:
        ensure_artifacts(JARS, tmp_path)
        assert server.requests == []


def test_only_the_damaged_jar_is_fetched_again(mirror, tmp_path: Path) -> None:
    """A jar that was cut or changed in the cache is replaced, the others stay."""
    with mirror(jar_answer):
        ensure_artifacts(JARS, tmp_path)
    jar_path(tmp_path, JARS[2]).write_bytes(BODIES["thing-2"][:1000])
    with mirror(jar_answer) as server:
        ensure_artifacts(JARS, tmp_path)
        assert {one.path.split("/")[4] for one in server.requests} == {"thing-2"}
    assert jar_path(tmp_path, JARS[2]).read_bytes() == BODIES["thing-2"]


@pytest.mark.parametrize(
    "bad",
    [
        lambda request: Answer(200, jar_answer(request).body, cut="during"),
        lambda request: Answer(200, jar_answer(request).body, cut="before"),
        lambda request: Answer(200, jar_answer(request).body[:-1]),
        lambda _: Answer(200, "<html>Please log in to this network</html>"),
        lambda _: Answer(503),
    ],
    ids=["cut inside", "cut before", "a byte short", "a captive portal", "unavailable"],
)
def test_a_download_that_fails_once_is_tried_again(mirror, tmp_path: Path, bad) -> None:
    """A cut, short, wrong or refused answer costs a second try, and the right jars end up in the cache."""
    with mirror(first_time(bad, set())):
        ensure_artifacts(JARS, tmp_path, retry_pause_s=0)
    assert [jar_path(tmp_path, jar).read_bytes() for jar in JARS] == list(BODIES.values())


def test_a_tampered_jar_is_refused_and_not_kept(mirror, tmp_path: Path) -> None:
    """A jar of the right size with other content never reaches the cache; the error names jar and hashes."""
    tampered = bytes([BODIES["thing-3"][0] ^ 1]) + BODIES["thing-3"][1:]

    def behaviour(request: Request) -> Answer:
        return Answer(200, tampered) if request.path.endswith("thing-3-1.0.jar") else jar_answer(request)

    with mirror(behaviour), pytest.raises(EmbeddedNodeError) as caught:
        ensure_artifacts(JARS, tmp_path, retry_pause_s=0)
    message = str(caught.value)
    assert "org.example:thing-3:1.0" in message
    assert JARS[3].sha256 in message
    assert hashlib.sha256(tampered).hexdigest() in message
    assert not jar_path(tmp_path, JARS[3]).exists()


def test_after_a_failure_the_next_run_fetches_the_rest(mirror, tmp_path: Path) -> None:
    """What arrived before a failure is kept: the second run asks only for what is missing."""

    def behaviour(request: Request) -> Answer:
        return Answer(404) if "thing-0" in request.path else jar_answer(request)

    with mirror(behaviour), pytest.raises(EmbeddedNodeError, match="run the same command again"):
        ensure_artifacts(JARS, tmp_path, retry_pause_s=0)
    still_missing = {jar.name for jar in missing_from(tmp_path, JARS)}
    assert "thing-0" in still_missing
    with mirror(jar_answer) as server:
        ensure_artifacts(JARS, tmp_path)
        assert {one.path.split("/")[4] for one in server.requests} == still_missing
    assert missing_from(tmp_path, JARS) == []


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A cache folder below a file is refused with the setting that moves it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedNodeError, match="SHIPPER_CACHE"):
        ensure_artifacts(JARS, tmp_path / "file")


def test_nobody_else_downloads_meanwhile(mirror, tmp_path: Path) -> None:
    """While one process downloads, the cache is locked for others."""
    free: list[bool] = []

    def behaviour(request: Request) -> Answer:
        other = FileLock(tmp_path / "jars" / "download.lock")
        free.append(other.acquire())
        other.release()
        return jar_answer(request)

    with mirror(behaviour):
        ensure_artifacts(JARS, tmp_path)
    assert set(free) == {False}
