"""What Elasticsearch's named privileges allow, as action patterns, and the question 'may this role do that?'.

From Elasticsearch's reference of security privileges; the embedded node has no security to ask. Only the privileges
that our roles use are known: another one makes a test fail, so that it is looked up first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INDEX = {
    "read": ["indices:data/read/*"],
    "create_doc": [
        "indices:data/write/index",
        "indices:data/write/index[*",
        "indices:data/write/index:op_type/create",
        "indices:data/write/bulk*",
    ],
    "index": ["indices:data/write/index*", "indices:data/write/bulk*", "indices:data/write/update*"],
    "write": ["indices:data/write/*", "indices:admin/mapping/auto_put"],
    "create_index": [
        "indices:admin/create",
        "indices:admin/auto_create",
        "indices:admin/data_stream/create",
    ],
    "view_index_metadata": [
        "indices:admin/aliases/get",
        "indices:admin/get",
        "indices:admin/mappings/get",
        "indices:admin/mappings/fields/get*",
        "indices:admin/shards/search_shards",
        "indices:admin/validate/query*",
        "indices:monitor/settings/get",
        "indices:admin/ilm/explain",
        "indices:admin/data_stream/get",
        "indices:admin/resolve/index",
        "indices:data/read/field_caps*",
    ],
    "manage": ["indices:monitor/*", "indices:admin/*", "indices:data/read/field_caps*"],
}
CLUSTER = {
    "monitor": [
        "cluster:monitor/*",
        "indices:admin/index_template/get",
        "cluster:admin/component_template/get",
    ],
    "manage_index_templates": [
        "indices:admin/template/*",
        "indices:admin/index_template/*",
        "cluster:admin/component_template/*",
    ],
    "manage_ilm": ["cluster:admin/ilm/*"],
    # Of one's own keys only, which the requests' owner decides.
    "manage_own_api_key": [
        "cluster:admin/xpack/security/api_key/create",
        "cluster:admin/xpack/security/api_key/get",
        "cluster:admin/xpack/security/api_key/invalidate",
    ],
}


def may_index(role: Mapping[str, Any], action: str, index: str) -> bool:
    """Whether the role allows an action on an index or an alias."""
    return any(
        _any_matches(grant["names"], index) and _any_matches(_actions(grant["privileges"], INDEX), action)
        for grant in role["indices"]
    )


def may_cluster(role: Mapping[str, Any], action: str) -> bool:
    """Whether the role allows an action that is about no index."""
    return _any_matches(_actions(role["cluster"], CLUSTER), action)


def sees(role: Mapping[str, Any], index: str, field: str) -> bool:
    """Whether the role may read a field of an index."""
    return any(
        _any_matches(grant["names"], index)
        and "read" in grant["privileges"]
        and _any_matches(grant.get("field_security", {}).get("grant", ["*"]), field)
        for grant in role["indices"]
    )


def _actions(privileges: Iterable[str], table: Mapping[str, list[str]]) -> list[str]:
    return [
        action for one in privileges for action in ([one] if ":" in one else table[one])
    ]  # KeyError: look it up


def _any_matches(patterns: Iterable[str], text: str) -> bool:
    return any(_expression(pattern).fullmatch(text) for pattern in patterns)


def _expression(pattern: str) -> re.Pattern[str]:
    """Lucene's wildcards: `*` any characters, `?` one; `@` and `[` are themselves."""
    return re.compile("".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern))
