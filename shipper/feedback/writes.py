"""A change of a document, and what the store answers to it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from shipper.store.explain import error_of

if TYPE_CHECKING:
    from shipper.feedback.documents import Place, Stored

_INEXACT = re.compile(rb"[:,\[]-?\d(?:\.\d+)?e\+?\d")  # how integers of more than 64 bits are written here


@dataclass(frozen=True, slots=True)
class Write:
    """A change of one document.

    `partial` values are merged into the document by the store; else `body` replaces it, which is half the store's
    work. `expected` is the version that must still be there; None writes to any. `change` is what of a body is new:
    it is written alone if the body has numbers that are more exact in the store than here.
    """

    place: Place
    body: dict[str, Any]
    expected: Stored | None
    partial: bool = True
    change: dict[str, Any] | None = None

    def action(self) -> bytes:
        """The two lines of `_bulk`."""
        about: dict[str, Any] = {"_index": self.place.index, "_id": self.place.id}
        if self.expected is not None:
            about |= {"if_seq_no": self.expected.seq_no, "if_primary_term": self.expected.primary_term}
        elif self.partial:
            about["retry_on_conflict"] = 3
        body = orjson.dumps(self.body)
        if not self.partial and (self.change is None or not _INEXACT.search(body)):
            return orjson.dumps({"index": about}) + b"\n" + body + b"\n"
        part = self.body if self.partial else self.change
        return orjson.dumps({"update": about}) + b"\n" + orjson.dumps({"doc": part}) + b"\n"


class Written(NamedTuple):
    """What the store answered to a write."""

    status: int
    reason: str

    @property
    def done(self) -> bool:
        """Whether the document is as it was to be."""
        return self.status in (200, 201)

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else wrote to the document since it was read."""
        return self.status == 409

    @property
    def is_gone(self) -> bool:
        """Whether the document isn't there any more."""
        return self.status == 404

    @property
    def refusal(self) -> str:
        """Why the store did not take it, where trying again with another version would not help; else empty."""
        if self.done or self.is_conflict or self.is_gone:
            return ""
        return self.reason or f"status {self.status}"


def written_of(item: dict[str, Any]) -> Written:
    """An item of an answer of `_bulk`."""
    return Written(item["status"], ": ".join(filter(None, error_of(item))))
