"""The aliases that an index must have, from its name alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

COMPLETIONS = "llm-completions-*@*"

_COMPLETIONS_INDEX = re.compile(r"(llm-completions-[^@]+)(@.+)-(?:\d{4}\.\d{2}(?:\.\d{2})?|undated)")


def aliases_of(index: str) -> tuple[str, ...]:
    """The aliases of an index: all versions of the application, and this version; empty where it has none."""
    found = _COMPLETIONS_INDEX.fullmatch(index)
    return (found[1], found[1] + found[2]) if found else ()


def missing_aliases(client: Elasticsearch) -> list[tuple[str, str]]:
    """Pairs of (index, alias) that ought to be and are not, such as for an index that a restricted key created.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    stored = client.indices.get_alias(index=COMPLETIONS, allow_no_indices=True, ignore_unavailable=True)
    return [
        (index, alias)
        for index, has in sorted(stored.items())
        for alias in aliases_of(index)
        if alias not in has["aliases"]
    ]
