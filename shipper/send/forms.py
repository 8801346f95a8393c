"""Documents by form: most calls of an application differ in ids, times, texts and figures, and in nothing else.

Building a document field by field is most of what sending costs. So when chat completions of one kind come again, a
form is made of them: the line as it lies in the spool with gaps, and the document with the same gaps. Of a line that
fits, the values are cut out and put into the document, and only they are read.

A form knows no fields: an entry of the kind is filled with marks, the general path makes its document of that, and
where the marks are found again, there are the gaps. What is derived from them (cost, one-liner, hash, times) is told
by the same functions as on the general path. Everything else in a line is its form's, to the last byte. And a form is
only kept if it makes of a real line what the general path makes of it, to the last byte. Lines whose values could
change more than their gaps (an empty text, more cached tokens than tokens) are left to the general path.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import orjson

from shipper.send.form import Form
from shipper.send.gaps import MARKED_NOW, Gaps

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.record.reading import Json
    from shipper.route import Partition
    from shipper.sink.base import Prepared

_MAX_HEADS = 64
_MAX_FORMS = 50  # of a head
_MAX_SEEN = 2_000  # kinds of a head
_MAX_SIZE = 16 * 1024  # bytes; forms of long lists of tools would take more memory than they are worth
_A_MESSAGE = b'{"role":"'  # in a text its quotes would be escaped


class _Known:
    """What is known of the lines of one process."""

    def __init__(self) -> None:
        self.forms: dict[int, tuple[Form, ...]] = {}  # by a cheap sign of their kind: the number of messages
        # Hashes of kinds. A form is worth its making for the second of a kind, and is tried once.
        self.seen: set[int] = set()
        self.tried: set[int] = set()


class Forms:
    """The forms known to this process. Thread-safe."""

    def __init__(self, general: Callable[[Json, int], Json]) -> None:
        """Know none yet.

        Args:
            general: makes the document of an entry, sent at a time in ns, field by field.
        """
        self._general = general
        self._lock = threading.Lock()
        self._known: dict[bytes, _Known] = {}  # by what all lines of one process begin with

    def fill(self, line: bytes, now_ns: int, partition: Partition) -> Prepared | None:
        """The document of a line, with its place; None when it has to take the general path.

        Never raises.
        """
        known = self._known.get(_head(line))
        if known is None:
            return None
        for form in known.forms.get(line.count(_A_MESSAGE), ()):
            try:
                filled = form.fill(line, now_ns, partition)
            except Exception:  # a short cut's failure is no fault of the event
                filled = None
            if filled is not None:
                return filled
        return None

    def learn(self, line: bytes, entry: Json, now_ns: int) -> None:
        """Make a form of a kind that comes again. The entry stays as it is.

        Args:
            line: as it lies in the spool.
            entry: the same, read.
            now_ns: any time.

        Never raises.
        """
        try:
            self._learn(line, entry, now_ns)
        except Exception:  # mostly: no chat completion of texts
            return

    def _learn(self, line: bytes, entry: Json, now_ns: int) -> None:
        kind = hash(Gaps(entry).rest_of(entry))
        head = _head(line)
        with self._lock:
            known = self._known.get(head)
            if (
                known is None or len(known.seen) >= _MAX_SEEN
            ):  # a new process, or one that does other things by now
                known = self._known[head] = _Known()
                if len(self._known) > _MAX_HEADS:
                    del self._known[next(iter(self._known))]
            if kind not in known.seen:
                known.seen.add(kind)
                return
            if kind in known.tried or len(known.tried) >= _MAX_FORMS:
                return
            known.tried.add(kind)
        form = form_of(line, entry, now_ns, self._general)
        if form is not None:
            messages = line.count(_A_MESSAGE)
            with self._lock:
                known.forms[messages] = (*known.forms.get(messages, ()), form)


def form_of(line: bytes, entry: Json, now_ns: int, general: Callable[[Json, int], Json]) -> Form | None:
    """A form for the kind of an entry; None when it fails on this one.

    Args:
        line: the entry as JSON.
        entry: it stays as it is.
        now_ns: any time.
        general: makes the document of an entry, sent at a time in ns, field by field.

    Raises:
        Exception: the entry is no chat completion of texts.
    """
    marked: Json = orjson.loads(line)
    gaps = Gaps(marked)
    marks = gaps.mark()
    form = Form(marked, gaps, marks, general(marked, MARKED_NOW))
    filled = form.fill(line, now_ns, "day")
    works = filled is not None and filled.body == orjson.dumps(general(entry, now_ns))
    return form if works and form.size <= _MAX_SIZE and not form.is_marked() else None


def _head(line: bytes) -> bytes:
    """What tells one process's lines from another's: all between the line's number and its id."""
    start = line.find(b",")
    return line[start : line.find(b'"id":', start)]
