"""Everything that shipper raises.

::

    ShipperError
    ├── SettingsError          a setting is unknown or wrong            (raised when settings are made)
    ├── UsageError             a call's arguments don't fit together    (raised before anything is logged)
    ├── StoreError             the store answered, and we don't like it
    │   ├── StoreUnreachable   the store did not answer
    │   ├── StoreUnauthorised  401, 403
    │   ├── StoreTooOld        Elasticsearch below 8.19
    │   ├── NotElasticsearch   something else answered
    │   ├── SnapshotGone       the moment that was being read is not kept any more
    │   └── TemplatesMissing   the index templates were never put
    └── EmbeddedNodeError      the embedded node could not be downloaded or started

Messages say what happened, what it means and what to do. Each class carries the exit code that the command
line uses (sysexits.h numbers, so that scripts can tell them apart).

Logging calls don't raise these: what goes wrong after a call was accepted is in the ledger (`shipper status`).
"""

from __future__ import annotations


class ShipperError(Exception):
    """Root of everything that shipper raises on purpose."""

    exit_code: int = 1


class SettingsError(ShipperError, ValueError):
    """A setting is unknown or has a value that can't be used."""

    exit_code = 78  # EX_CONFIG


class UsageError(ShipperError, ValueError):
    """Arguments of a call contradict each other; nothing was logged."""

    exit_code = 64  # EX_USAGE


class StoreError(ShipperError):
    """The store refused what it was asked."""

    exit_code = 76  # EX_PROTOCOL


class StoreUnreachable(StoreError):
    """No answer from the store: wrong address, not running, network, or TLS."""

    exit_code = 69  # EX_UNAVAILABLE


class StoreUnauthorised(StoreError):
    """The store knows us and says no (401 or 403)."""

    exit_code = 77  # EX_NOPERM


class StoreTooOld(StoreError):
    """Elasticsearch is older than 8.19."""


class NotElasticsearch(StoreError):
    """Something answered at the address, but it is not Elasticsearch."""


class SnapshotGone(StoreError):
    """The store does not keep the snapshot any more that was being read."""


class TemplatesMissing(StoreError):
    """The index templates are not in the store, so that a write would guess an index's mapping."""

    exit_code = 78


class EmbeddedNodeError(ShipperError):
    """The embedded node could not be downloaded, started or stopped."""

    exit_code = 69
