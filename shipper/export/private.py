"""Documents that leave the house: without their content, or without the secrets and personal data in it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.record.amendment import PARTS
from shipper.record.fields import DATASETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shipper.record.fields import FieldInfo
    from shipper.redact import Redactor
    from shipper.redact.tree import Spared

Json = dict[str, Any]

_PATHS: Final = frozenset({"llm.sanitised", "llm.truncated.field"})
"""Fields that may name keys of the caller's."""


def figures(datasets: Iterable[str]) -> tuple[str, ...]:
    """Names of the fields that hold figures, ids and names: all that is left without content.

    What is in none of our fields may be anything, so it is not left either.
    """
    found: dict[str, None] = {}
    for dataset in datasets:
        for info in DATASETS[dataset].fields():
            found.update(dict.fromkeys(_figures(info)))
    return tuple(found)


def without_content(document: Json) -> Json:
    """Say in a document that was read without its content that it has none. Changes it; never raises for JSON."""
    llm = document.setdefault("llm", {})
    if isinstance(llm, dict):
        privacy = llm.get("privacy")
        llm["privacy"] = {**(privacy if isinstance(privacy, dict) else {}), "content_stored": False}
    return document


def redacting(redactor: Redactor) -> Callable[[Json], Json]:
    """A function that puts placeholders into all that is not a figure, an id or a name of ours. It changes its argument.

    Raises:
        Exception: (the function) whatever the redactor's own function raises; nothing may be written then.
    """

    def redact(document: Json) -> Json:
        kept, rest = _split(document, _KEPT)
        found = redactor.redact(rest, _SPARED)
        whole = _joined(kept, found.value)
        privacy = whole.setdefault("llm", {}).setdefault("privacy", {})
        known = privacy.get("entities")
        entities = sorted({*(known if isinstance(known, list) else ()), *found.entities})
        privacy.update(engine=redactor.engine, redacted=bool(entities) or privacy.get("redacted") is True)
        if entities:
            privacy["entities"] = entities
        return whole

    return redact


def _figures(info: FieldInfo) -> Iterable[str]:
    if info.content or info.name in _PATHS:
        return ()
    if info.name == "llm.amended":  # its other parts are named after the caller's attributes
        return tuple(f"{info.name}.{part}" for part in PARTS)
    if not info.children:
        return (info.name,)
    return tuple(f"{info.name}.{child.name}" for child in info.children if not child.content)


def _kept_paths() -> Json:
    tree: Json = {}
    for name in figures(DATASETS):
        branch = tree
        *path, last = name.split(".")
        for key in path:
            branch = branch.setdefault(key, {})
        branch[last] = None
    return tree


_KEPT: Final = _kept_paths()
_MESSAGES: Final = {"*": {"role": None, "parts": {"*": dict.fromkeys(("type", "id", "item_id"))}}}
_SPARED: Final[Spared] = {"gen_ai": {"input": {"messages": _MESSAGES}, "output": {"messages": _MESSAGES}}}


def _split(document: Json, kept: Json) -> tuple[Json, Json]:
    """What stays as it is, and what is searched."""
    stays: Json = {}
    searched: Json = {}
    for key, value in document.items():
        below = kept.get(key, _NOTHING)
        if below is None:
            stays[key] = value
        elif below and isinstance(value, dict):
            stays[key], searched[key] = _split(value, below)
        else:
            searched[key] = value
    return stays, searched


_NOTHING: Final[Json] = {}


def _joined(stays: Json, searched: Json) -> Json:
    for key, value in searched.items():
        mine = stays.get(key)
        stays[key] = _joined(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return stays
