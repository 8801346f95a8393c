"""The compose files and Logstash's folder, written beside `.env` where there is no checkout of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shipper._version import __version__
from shipper.stack.environment import EnvironmentFileError
from shipper.store.assets import asset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

FILES = ("docker-compose.yml", "docker-compose.scale.yml")
_FOLDER = "logstash"
_SOURCE = re.compile(r"^ +COPY .*\n", re.MULTILINE)


def write_compose(folder: Path) -> list[str]:
    """Write what `docker compose up` needs into a folder that has no compose file yet.

    The image of the one-shot services is then built from the published package, of this version.

    Returns:
        Names of the files; empty where there is a compose file, which is left alone with all else.

    Raises:
        EnvironmentFileError: the folder can't be written.
    """
    if any((folder / name).exists() for name in FILES):
        return []
    contents = {name: published(asset(name).read_text("utf-8")) for name in FILES}
    contents |= {path.as_posix(): text for path, text in _files(asset(_FOLDER), Path(_FOLDER))}
    try:
        for name, text in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise EnvironmentFileError(f"{folder} can't be written: {error}. Choose another --folder.") from None
    return list(contents)


def published(text: str) -> str:
    """A compose file that builds from the published package instead of the repository. Pure; never raises."""
    return _SOURCE.sub("", text).replace("'/src[stack]'", f"'llm-shipper[stack]=={__version__}'")


def _files(source: Traversable, name: Path) -> Iterator[tuple[Path, str]]:
    if source.is_file():
        yield name, source.read_text("utf-8")
        return
    for one in sorted(source.iterdir(), key=lambda one: one.name):
        yield from _files(one, name / one.name)
