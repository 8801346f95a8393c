"""The hits of a search's answer, cut out of its bytes: what the store keeps is passed on as it is, and not decoded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from shipper.errors import StoreError
from shipper.record.serialize import to_json
from shipper.store.explain import error_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HITS: Final = b'"hits":['
_HEAD: Final = re.compile(
    rb'[^{]*\{"_index":("[^"]*"),"_id":("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL
)  # of a hit, from the comma behind the one before
_BEGIN: Final = b'{"_index":"'
_SCORE: Final = b',"_score":'  # behind the id; null, since hits are sorted
_SOURCE: Final = b'"_source":'  # in no text: its quotes would be escaped
_SORT: Final = b',"sort":'


class RawHit(NamedTuple):
    """A stored document and where it is, each as JSON on one line: its own line breaks are spaces."""

    index_name: bytes
    id: bytes
    source: bytes


class Hits:
    """The hits of one answer. They are cut out when they are asked for, one at a time, and each time anew.

    Kept one by one they would be thousands of small objects, which takes longer than everything else that is done
    with them.
    """

    def __init__(self, answer: bytes, word: str) -> None:
        """Find them.

        Args:
            answer: a search's, with the sort value of each hit.
            word: the name of the query by which each hit ends: unforeseeable, so that no stored text has it.

        Raises:
            StoreError: this is no such answer.
        """
        self._answer = answer
        self._mark = f',"matched_queries":["{word}"]}}'.encode()
        self._count = answer.count(self._mark)
        self.begin = answer.find(_HITS, answer.find(b'"hits":{'))
        """Where they begin in the answer."""
        stop = answer.rfind(self._mark)
        rest = stop + len(self._mark) if stop >= 0 else self.begin + len(_HITS)
        if self.begin < 0 or answer.find(b"{", rest) >= 0:
            raise self._unreadable()
        sort = answer.rfind(_SORT, 0, stop) if stop >= 0 else -1
        self.last_sort: list[Any] | None = None
        """The sort value of the last; None when there are none."""
        if sort >= 0:
            self.last_sort = orjson.loads(answer[sort + len(_SORT) : stop])

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def __iter__(self) -> Iterator[RawHit]:
        """Each of them.

        Raises:
            StoreError: one can't be read.
        """
        answer, mark = self._answer, self._mark
        find, head_at = answer.find, _HEAD.match
        on_one_line = b"\n" not in answer and b"\r" not in answer
        at = self.begin + len(_HITS)
        while (stop := find(mark, at)) >= 0:
            head = head_at(answer, at, stop)
            begin = -1 if head is None else find(_SOURCE, head.end(), stop)
            end = answer.rfind(_SORT, begin, stop)
            if head is None or begin < 0 or end < 0:
                raise self._unreadable()
            source = answer[begin + len(_SOURCE) : end]
            if not on_one_line:
                source = source.replace(b"\n", b" ").replace(b"\r", b" ")
            index_name, document_id = head.groups()
            yield RawHit(index_name, document_id, source)
            at = stop + len(mark)

    def lines(self) -> bytes:
        """Each of them as a line of JSON that has its index, its id and its document, and nothing else.

        Raises:
            StoreError: one can't be read.
        """
        quick = self._cut_lines()
        if quick is not None:
            return quick
        return b"".join(
            [b'{"_index":%b,"_id":%b,"_source":%b}\n' % (index, key, source) for index, key, source in self]
        )

    def _cut_lines(self) -> bytes | None:
        """The same of hits that are written as usual; None where one isn't."""
        answer, mark = self._answer, self._mark
        if b"\n" in answer or b"\r" in answer:
            return None
        find, rfind, begins = answer.find, answer.rfind, answer.startswith
        cut: list[bytes] = []
        at = self.begin + len(_HITS)
        while (stop := find(mark, at)) >= 0:
            head = find(_SCORE, at, stop)
            source = find(_SOURCE, head, stop)
            end = rfind(_SORT, source, stop)
            if head < 0 or source < 0 or end < 0 or not begins(_BEGIN, at):
                return None
            cut += (answer[at:head], b",", answer[source:end], b"}\n")
            at = stop + len(mark) + 1  # behind the comma
        return b"".join(cut)

    def _unreadable(self) -> StoreError:
        kind, reason = error_of({"error": self._answer[:200].decode("utf-8", "replace")})
        return StoreError(f"The store's answer to a search can't be read: {kind}{reason}")


def documents_of(hits: Iterable[RawHit]) -> Iterator[dict[str, Any]]:
    """The hits decoded, one at a time: a page of objects is many times as large as its bytes.

    Raises:
        StoreError: a hit can't be read; nothing else for what the store keeps.
    """
    return (decoded(hit.source) for hit in hits)


def decoded(source: bytes) -> dict[str, Any]:
    """A stored document. Never raises for what the store keeps."""
    try:
        return orjson.loads(source)
    except orjson.JSONDecodeError:  # half a surrogate pair, which others than we may have stored
        return orjson.loads(to_json(json.loads(source.decode("utf-8", "replace")))[0])
