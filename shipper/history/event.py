"""What an import is made of: rows of a source, what they say, and why one says nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Json = dict[str, Any]

COMPLETION = "llm.completion"
FEEDBACK = "llm.feedback"


class Rejected(Exception):
    """A row that can't be imported: a word to count by, and a sentence for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Place(NamedTuple):
    """Where to begin: after so many lines, at a byte of the unpacked file; or after so many rows."""

    line: int = 0
    offset: int = 0


START = Place()


class Row:
    """One row of a source.

    `line` is its line (its first, when it has several up to `last`), or its number in a source without lines, from 1.
    `end` is where the next one begins: bytes of the unpacked file, or again a number. `value` is what it says, when it
    could be read; `fault` and `message` say why it could not. JSON is read when somebody asks for one of these.
    """

    __slots__ = (
        "_fault",
        "_message",
        "_read",
        "_value",
        "changed",
        "end",
        "last",
        "line",
        "original",
        "source",
    )

    def __init__(
        self,
        source: str,
        line: int,
        end: int,
        original: bytes,
        value: Any = None,
        fault: str = "",
        message: str = "",
        changed: Sequence[str] = (),
        last: int = 0,
        read: Callable[[Row], None] | None = None,
    ) -> None:
        """Take what is known.

        Args:
            source: what it is a row of.
            line: see above.
            end: likewise.
            original: its bytes.
            value: what it says.
            fault: why it can't be read, in a word.
            message: the same for people.
            changed: what had to be made safe in it.
            last: see above.
            read: sets value or fault once they are asked for.
        """
        self.source, self.line, self.end, self.original = source, line, end, original
        self.changed, self.last = changed, last
        self._value, self._fault, self._message = value, fault, message
        self._read = read

    @property
    def value(self) -> Any:
        """What it says."""
        if self._read is not None:
            self._ask(self._read)
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value

    @property
    def fault(self) -> str:
        """Why it can't be read, in a word; empty when it can."""
        if self._read is not None:
            self._ask(self._read)
        return self._fault

    @property
    def message(self) -> str:
        """Why it can't be read, for people."""
        if self._read is not None:
            self._ask(self._read)
        return self._message

    def fail(self, fault: str, message: str) -> None:
        """Say why it can't be read."""
        self._fault, self._message = fault, message

    def forget(self) -> None:
        """Let go of what it says, when it is in documents."""
        self._read = self._value = None

    @property
    def next(self) -> Place:
        """Where the row after it begins."""
        return Place(self.last or self.line, self.end)

    def _ask(self, read: Callable[[Row], None]) -> None:
        self._read = None
        read(self)


@dataclass(slots=True)
class Event:
    """One event that a row holds, as a call that was logged (see `shipper.record.entry`).

    `id` is the source's own; without one it follows from the row. `stated_cost` is what the source says that the call
    cost: it counts where the price list has no answer, and is kept beside the computed cost otherwise.
    """

    call: Json
    dataset: str = COMPLETION
    id: str | None = None
    app: str | None = None
    version: str | None = None
    environment: str | None = None
    stated_cost: float | Json | None = None


@dataclass(slots=True)
class Document:
    """One document that a row holds. `complete`: it is stored as it is."""

    document: Json
    complete: bool = False


class Lookup:
    """Rows of the same import that other rows refer to. This one knows none."""

    def find(self, table: str, key: str) -> Any:
        """The row that was kept under a key; None when there is none."""
        del table, key


class Kept(NamedTuple):
    """Where a row is kept for others that refer to it."""

    table: str
    key: str
    value: Any = None
    """What is kept of it, when not all."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What a format says of rows of one call that differ in nothing but texts, figures and times.

    Where such a text or figure stands in the row's call as it is, the format makes nothing else of it, and nothing else
    depends on it. The format asks for no other rows.
    """

    times: frozenset[str]
    """Keys of a row whose values are times or spans."""
    span: Callable[[Json], Json]
    """The times of the call, of a row with nothing else in it."""
    least_id: int = 0
    """A shorter id of a row may not be taken for the event's."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of history is read. All of its functions are pure.

    `recognise` takes the values of the first rows and says how sure it is that they are of this format, 0 to 1.
    `events` takes a row's value and says what is in it; nothing, for a row that belongs to the format and says nothing.
    `keep` says under which keys others ask for a row; all rows are looked at so before the first is imported.
    """

    name: str
    recognise: Callable[[Sequence[Any]], float]
    events: Callable[[Any, Lookup], Iterable[Event | Document]]
    keep: Callable[[Any], Iterable[Kept]] | None = field(default=None)
    takes_hits: bool = False
    """Whether it reads hits of Elasticsearch itself; the others are given what is in them."""
    alike: Alike | None = None
    """So that rows need not be read one by one; None: they must."""


def source_of(value: Any) -> Any:
    """What is in a hit of Elasticsearch, as its search and elasticdump write it; anything else as it is. Never raises."""
    if isinstance(value, dict) and "_index" in value and isinstance(value.get("_source"), dict):
        return value["_source"]
    return value


def share(sample: Sequence[Any], test: Callable[[Json], bool]) -> float:
    """The part of a sample's objects that pass a test; 0 for an empty sample."""
    return sum(isinstance(one, dict) and test(one) for one in sample) / len(sample) if sample else 0.0
