"""An index of Elasticsearch as a source: every document as of one moment, in slices (`shipper.read.scan`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from elasticsearch import ApiError

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row
from shipper.read.scan import Selection, Snapshot, read_slices
from shipper.store.client import addresses, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elasticsearch import Elasticsearch

    from shipper.settings import Settings

SCHEMES = ("elasticsearch:", "elasticsearch+http://", "elasticsearch+https://")
_FORBIDDEN = 403
_EVERYTHING: Selection = Selection({"match_all": {}})


class IndexSource:
    """The documents of an index, an alias or a pattern.

    Their order is not the same twice, so that a resumed import reads them again from the beginning; what was stored is
    there already then. `elasticsearch:NAME` is in the configured store, `elasticsearch+https://host:9200/NAME` in another,
    with the same credentials.
    """

    def __init__(self, source: str, settings: Settings) -> None:
        """Take an address apart.

        Raises:
            UsageError: it names no index.
            SettingsError: the address can't be one.
        """
        rest = source.partition("+" if "+" in source.partition(":")[0] else ":")[2]
        address, slash, name = rest.rpartition("/")
        self._settings = settings.replace(elasticsearch_url=address) if slash else settings
        self._indices = name
        if not name:
            raise UsageError(
                f"{source} names no index: write elasticsearch:NAME, or elasticsearch+https://host:9200/NAME."
            )
        self.name = source
        self.size: int | None = None
        self.modified_ns: int | None = None
        self.header = b""
        self.repeatable = False

    def rows(self, start: Place = START) -> Iterator[Row]:
        """A row for each document, all of them wherever an earlier import stopped.

        Raises:
            UsageError: there is no store, or no such index.
            StoreError: the store does not answer, or refuses.
        """
        del start
        if not addresses(self._settings):
            raise UsageError(f"{self.name}: no store is configured, and no embedded one is running.")
        number = 0
        with open_store(self._settings) as client:
            if not _are_there(client, self._indices):
                raise UsageError(f"{self.name}: there is no such index, and no alias of that name.")
            snapshot = Snapshot.take(client, self._indices)
            try:
                for _, hits, _ in read_slices(snapshot, _EVERYTHING, lambda hits: hits):
                    for index_name, identity, source in hits:
                        number += 1
                        where = f"{orjson.loads(index_name)}/{orjson.loads(identity)}"
                        hit = b'{"_index":%b,"_id":%b,"_source":%b}' % (index_name, identity, source)
                        yield Row(where, 1, number, hit, orjson.loads(hit), last=number)
            finally:
                snapshot.close()

    def progress(self) -> int:
        """Nobody counts its bytes. Never raises."""
        return 0


def _are_there(client: Elasticsearch, indices: str) -> bool:
    """Whether the name or pattern means anything; so is assumed of a key that may read and not look."""
    try:
        return bool(client.indices.exists(index=indices, allow_no_indices=False))
    except ApiError as error:
        if error.status_code == _FORBIDDEN:
            return True
        raise
