"""The pinned jars, and what is recognised as one of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from shipper.embedded.artifacts import (
    Artifact,
    elasticsearch_version,
    is_intact,
    jar_path,
    missing_from,
    pinned_artifacts,
)

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"PK" + bytes(range(256)) * 40
JAR = Artifact("org.example:thing:1.0", "lib", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_the_pins_are_the_jars_of_one_elasticsearch() -> None:
    """All 53 jars (45.7 MB) are pinned by hash, each once, and Elasticsearch's own have its version."""
    jars = pinned_artifacts()
    assert len(jars) == 53
    assert sum(jar.size for jar in jars) == 45_719_408
    assert len({jar.sha256 for jar in jars}) == len({jar.file_name for jar in jars}) == 53
    assert {len(bytes.fromhex(jar.sha256)) for jar in jars} == {32}
    own = [jar for jar in jars if jar.coordinate.startswith("org.elasticsearch")]
    assert {jar.coordinate.split(":")[2] for jar in own} == {elasticsearch_version()} == {"9.5.3"}


def test_the_module_has_its_own_netty_and_ssl_jars() -> None:
    """What the HTTP layer needs lies in its module's folder; everything else is on the class path."""
    module = {jar.name for jar in pinned_artifacts() if jar.folder == "modules/transport-netty4"}
    assert {"transport-netty4", "netty-handler", "elasticsearch-ssl-config"} <= module
    assert {jar.folder for jar in pinned_artifacts()} == {"modules/transport-netty4", "lib"}


@pytest.mark.parametrize(
    ("stored", "intact"),
    [
        (CONTENT, True),
        (CONTENT[:-1], False),
        (b"", False),
        (CONTENT + b"\0", False),
        (CONTENT[:50] + bytes([CONTENT[50] ^ 1]) + CONTENT[51:], False),
        (None, False),
    ],
    ids=["whole", "cut", "empty", "longer", "one bit changed", "absent"],
)
def test_only_the_whole_unchanged_jar_is_intact(tmp_path: Path, stored: bytes | None, intact: bool) -> None:
    """A jar that is cut, empty, longer, changed in one bit or absent is missing, and the whole one is not."""
    path = jar_path(tmp_path, JAR)
    path.parent.mkdir(parents=True)
    if stored is not None:
        path.write_bytes(stored)
    assert is_intact(path, JAR) is intact
    assert missing_from(tmp_path, [JAR]) == ([] if intact else [JAR])
