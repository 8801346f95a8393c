"""What comes with the package besides its code; among it the index templates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """Bodies of requests by the name that each is put under.

    `component["llm@lifecycle"]` and `lifecycle` are for full clusters only: the embedded node has neither ILM nor
    the codec, and takes the index templates without them.
    """

    component: dict[str, dict[str, Any]]
    index: dict[str, dict[str, Any]]
    lifecycle: dict[str, dict[str, Any]]


def load_templates() -> TemplateSet:
    """Read the templates from the installed package, else from the repository that it runs in.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    folder = asset("index-templates")
    return TemplateSet(*(_bodies(folder / kind) for kind in ("component", "index", "lifecycle")))


def asset(name: str) -> Traversable:
    """A file or folder of the repository's top, as the installed package has it, else in the repository. Never raises."""
    installed = files("shipper") / "_assets" / name
    if installed.is_dir() or installed.is_file():
        return installed
    return Path(__file__).resolve().parents[2] / name


def _bodies(folder: Traversable) -> dict[str, dict[str, Any]]:
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}
