"""The index templates that come with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_FOLDER = "index-templates"


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
    folder = _templates_folder()
    return TemplateSet(*(_bodies(folder / kind) for kind in ("component", "index", "lifecycle")))


def _templates_folder() -> Traversable:
    installed = files("shipper") / "_assets" / _FOLDER
    if installed.is_dir():
        return installed
    return Path(__file__).resolve().parents[2] / _FOLDER


def _bodies(folder: Traversable) -> dict[str, dict[str, Any]]:
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}
