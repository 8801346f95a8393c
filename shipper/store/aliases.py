"""The aliases that an index must have, from its name alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elasticsearch import Elasticsearch

COMPLETIONS = "llm-completions-*@*"

_BLOCKS = ("read_only", "read_only_allow_delete", "metadata")
_COMPLETIONS_INDEX = re.compile(r"(llm-completions-[^@]+)(@.+)-(?:\d{4}\.\d{2}(?:\.\d{2})?|undated)")


def aliases_of(index: str) -> tuple[str, ...]:
    """The aliases of an index: all versions of the application, and this version; empty where it has none."""
    found = _COMPLETIONS_INDEX.fullmatch(index)
    return (found[1], found[1] + found[2]) if found else ()


def missing_aliases(client: Elasticsearch) -> list[tuple[str, str]]:
    """Pairs of (index, alias) that ought to be and are not, such as for an index that a restricted key created.

    Read-only indices are left out: the store would refuse the whole change.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    stored = client.indices.get(
        index=COMPLETIONS,
        features=["aliases", "settings"],
        flat_settings=True,
        allow_no_indices=True,
        ignore_unavailable=True,
    )
    return [
        (index, alias)
        for index, has in sorted(stored.items())
        if not is_read_only(has["settings"])
        for alias in aliases_of(index)
        if alias not in has["aliases"]
    ]


def is_read_only(settings: Mapping[str, Any]) -> bool:
    """Whether an index with these flat settings refuses new fields and aliases. Pure; never raises."""
    return any(settings.get(f"index.blocks.{block}") == "true" for block in _BLOCKS)
