"""Names of applications and versions as parts of index names.

The rule, exactly (docs/decisions/0004-index-names.md; Logstash computes the same):

1. A name stays as it is when it matches `[a-z0-9][a-z0-9._-]{0,79}`, doesn't end like a partition
   (`-2026.11`, `-2026.11.21`, `-undated`) and doesn't end like a changed name (`-` and ten hex digits).
2. Any other name is changed: ASCII capitals become small; each run of other characters becomes one `-`; what
   precedes the first letter or digit is cut; the first 69 characters are kept, or `x` when nothing is left;
   `-` and the first ten hex digits of the SHA-256 of the original name in UTF-8 are added.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

MAX_LENGTH = 80
"""Longest slug; ASCII, so characters and bytes are the same."""

_HASH_DIGITS = 10
_KEPT = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_RESERVED = re.compile(r"-(\d{4}\.\d{2}(\.\d{2})?|undated|[0-9a-f]{10})\Z", re.ASCII)
_OTHER = re.compile(r"[^a-z0-9._-]+")
_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


@lru_cache(maxsize=4096)
def slug(name: str) -> str:
    """The name as part of an index name; distinct names get distinct slugs. Never raises."""
    if _KEPT.fullmatch(name) and not _RESERVED.search(name):
        return name
    base = _OTHER.sub("-", name.translate(_LOWER)).lstrip("._-")[: MAX_LENGTH - _HASH_DIGITS - 1] or "x"
    return f"{base}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:_HASH_DIGITS]}"
