"""Compose files as `docker compose config` would resolve them: YAML with merges, and variables put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[3]
FILES = ("docker-compose.yml", "docker-compose.scale.yml")

VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Z0-9_]+)(?:(?P<kind>:-|:\?)(?P<other>[^}]*))?\})")


class MissingVariableError(Exception):
    """Compose would refuse to start."""


def load(name: str) -> dict[str, Any]:
    """The file with its merges done, and variables as they stand."""
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / name).read_text("utf-8"))
    return loaded


def resolve(value: Any, environment: Mapping[str, str]) -> Any:
    """The value with variables replaced by Compose's rules.

    Raises:
        MissingVariableError: a required one has no value.
    """
    if isinstance(value, dict):
        return {key: resolve(one, environment) for key, one in value.items()}
    if isinstance(value, list):
        return [resolve(one, environment) for one in value]
    return _text(value, environment) if isinstance(value, str) else value


def _text(text: str, environment: Mapping[str, str]) -> str:
    def put_in(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        value = environment.get(found["name"], "")
        if value or found["kind"] is None:
            return value
        if found["kind"] == ":?":
            raise MissingVariableError(f"{found['name']}: {found['other']}")
        return found["other"]

    return VARIABLE.sub(put_in, text)
