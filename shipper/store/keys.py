"""API keys of the store: made for a role and an application, listed, revoked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from elasticsearch import Elasticsearch

MADE_BY = "shipper keys"
_METADATA = "llm_shipper"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret."""

    id: str
    name: str
    application: str
    """Empty: of all applications."""
    role: str
    created_at: datetime
    expires_at: datetime | None
    owner: str


def create_key(
    client: Elasticsearch, role: str, descriptor: Mapping[str, Any], *, application: str, expires: str | None
) -> tuple[ApiKey, str]:
    """Make a key; the second value is its secret as the settings want it, and can't be shown again.

    Args:
        client: connected as a user (not by an API key, whose keys can do nothing), who has what the role allows.
        role: the role's name, for lists.
        descriptor: what the key may do.
        application: the application's name, for lists; empty: all of them.
        expires: the store's form of a time span, such as `90d`. None: never.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    name = f"{role}-{application or 'all'}"
    made = client.security.create_api_key(
        name=name,
        role_descriptors={role: descriptor},
        expiration=expires,
        metadata={_METADATA: {"made_by": MADE_BY, "role": role, "application": application}},
    )
    stored = client.security.get_api_key(id=made["id"], owner=True)["api_keys"]
    return _key(stored[0]), made["encoded"]


def list_keys(
    client: Elasticsearch,
    *,
    application: str | None = None,
    role: str | None = None,
    every_owner: bool = False,
) -> list[ApiKey]:
    """The valid keys that this command made, oldest first.

    Args:
        client: connected as a user.
        application: of this one only; empty: of those for all applications. None: any.
        role: of this one only. None: any.
        every_owner: also those of others; needs the cluster privilege `manage_api_key` or `read_security`.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    stored = client.security.get_api_key(owner=not every_owner, active_only=True)["api_keys"]
    ours = [_key(one) for one in stored if _METADATA in (one.get("metadata") or {})]
    return sorted(
        (one for one in ours if application in (None, one.application) and role in (None, one.role)),
        key=lambda one: (one.created_at, one.id),
    )


def revoke_keys(client: Elasticsearch, ids: Sequence[str], *, every_owner: bool = False) -> list[str]:
    """Make keys void at once, for good; the ids of those that were valid until now.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    answer = client.security.invalidate_api_key(ids=list(ids), owner=not every_owner)
    return list(answer["invalidated_api_keys"])


def _key(stored: Mapping[str, Any]) -> ApiKey:
    ours: dict[str, Any] = stored["metadata"][_METADATA]
    expires = stored.get("expiration")
    return ApiKey(
        id=stored["id"],
        name=stored["name"],
        application=ours["application"],
        role=ours["role"],
        created_at=_time(stored["creation"]),
        expires_at=None if expires is None else _time(expires),
        owner=stored.get("username", ""),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
