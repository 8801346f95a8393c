"""Roles of least privilege, one file each in `roles/`: what setup puts, and what API keys are cut from.

A file is a body of Elasticsearch's `PUT /_security/role/<name>`, so that an administrator can also put it by hand.
Its patterns name each dataset's whole beginning: `llm-*-support@*` would also match `llm-completions-my-support@*`.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from shipper.route import slug

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_APPLICATION = (
    "shipper_writer",
    "shipper_joiner",
    "shipper_reader",
    "shipper_reader_figures",
    "shipper_figures",
    "logstash_internal",
)
"""The roles that can be narrowed to one application, and so be a key's."""

_NOT_IN_A_KEY = ("description", "metadata")


def load_roles() -> dict[str, dict[str, Any]]:
    """All roles by name.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    folder = files("shipper.stack") / "roles"
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}


def for_application(role: Mapping[str, Any], application: str) -> dict[str, Any]:
    """The role for one application's indices and aliases only. Pure; never raises.

    Args:
        role: a role whose index patterns have `-*` where the application's name stands.
        application: the name as the application logs it; it goes through the same slug as its indices' names.
    """
    name = slug(application)
    return {
        **role,
        "indices": [
            {**grant, "names": [pattern.replace("-*", f"-{name}", 1) for pattern in grant["names"]]}
            for grant in role["indices"]
        ],
    }


def key_descriptor(role: Mapping[str, Any]) -> dict[str, Any]:
    """The role as an API key takes it: without what only a stored role may have. Pure; never raises."""
    return {name: value for name, value in role.items() if name not in _NOT_IN_A_KEY}
