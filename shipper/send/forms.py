"""Documents by form: most calls of an application differ in ids, times, texts and figures, and in nothing else.

Building a document field by field is most of what sending costs. So when chat completions of one kind come again, the
document of one of them is kept as a form, JSON text with gaps, and the next are made by filling in the gaps.

A form knows no fields: an entry of the kind is filled with marks, the general path makes its document of that, and
where the marks are found again, there are the gaps. What is derived from them (cost, one-liner, times) is told by the
same functions as on the general path. Everything else in an entry is its form's key, to the last byte. And a form is
only kept if it makes of a real entry what the general path makes of it, to the last byte. Entries whose values could
change more than their gaps (an empty text, more cached tokens than tokens) are left to the general path.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import orjson

from shipper.record import build
from shipper.record.ids import content_hash
from shipper.record.oneliner import one_liner
from shipper.record.pricing import apply_cost
from shipper.record.times import format_time
from shipper.send.gaps import MARKED_NOW, Gaps, is_marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipper.record.reading import Json

_MAX_FORMS = 100
_MAX_SEEN = 10_000
_MAX_REST = 16 * 1024  # bytes; forms of long lists of tools would take more memory than they are worth


class Filled(NamedTuple):
    """A document by form."""

    outline: Json
    """The document, true in all that its place and its cost depend on; other gaps hold marks."""
    text: bytes
    """The document as JSON."""


class _Form(NamedTuple):
    text: bytes
    """To be completed by `%`."""
    order: Callable[[list[bytes]], tuple[bytes, ...]]
    """From the gaps' contents to what stands in the text, from left to right."""
    outline: Json
    """The document of marks, without its cost."""
    cost_status: str


class Forms:
    """The forms known to this process. Thread-safe: at worst a form is made twice."""

    def __init__(self, general: Callable[[Json, int], Json]) -> None:
        """Know none yet.

        Args:
            general: makes the document of an entry, sent at a time in ns, field by field.
        """
        self._general = general
        self._forms: dict[bytes, _Form | None] = {}  # None: tried, and it doesn't work for this kind
        self._seen: set[int] = (
            set()
        )  # hashes of kinds that came once; a form is worth its making for the second

    def fill(self, entry: Json, now_ns: int) -> Filled | None:
        """The document of an entry; None when it has to take the general path. The entry stays as it is.

        Never raises.
        """
        try:
            return self._fill(entry, now_ns)
        except (
            Exception
        ):  # mostly: no chat completion of texts. A short cut's failure is no fault of the event.
            return None

    def _fill(self, entry: Json, now_ns: int) -> Filled | None:
        gaps = Gaps(entry)
        key = gaps.rest_of(entry)
        form = self._forms.get(key)
        if form is not None:
            return _filled(form, gaps, entry, now_ns)
        if key in self._forms or len(key) > _MAX_REST:
            return None
        if len(self._forms) >= _MAX_FORMS or len(self._seen) >= _MAX_SEEN:
            self._forms.clear()
            self._seen.clear()
        if hash(key) in self._seen:
            self._forms[key] = None  # tried once only
            self._forms[key] = self._made(entry, now_ns)
        else:
            self._seen.add(hash(key))
        return None

    def _made(self, entry: Json, now_ns: int) -> _Form | None:
        """A form for the kind of an entry; None when it fails on this one."""
        marked: Json = orjson.loads(orjson.dumps(entry))
        Gaps(marked).mark()
        gaps = Gaps(marked)
        outline = build(marked)
        document = self._general(marked, MARKED_NOW)
        contents, completed = _contents(gaps, outline, marked, MARKED_NOW)
        message = marked["call"].get("message") or one_liner(completed)
        if (outline["llm"]["output"]["text"], document["message"]) != (gaps.answer, message):
            return None
        form = _form_of(orjson.dumps(document), contents, outline, document["llm"]["cost"]["status"])
        filled = _filled(form, Gaps(entry), entry, now_ns)
        works = filled is not None and filled.text == orjson.dumps(self._general(entry, now_ns))
        return form if works and not is_marked(form.text) else None


def _form_of(document: bytes, contents: list[bytes], outline: Json, cost_status: str) -> _Form:
    """Cut the gaps out of a document of marks, the longest first: the one-liner has a text in it."""
    pieces: list[bytes | int] = [document]
    for number in sorted(range(len(contents)), key=lambda number: len(contents[number]), reverse=True):
        content = contents[number]
        cut: list[bytes | int] = []
        for piece in pieces:
            if isinstance(piece, int) or content not in piece:
                cut.append(piece)
                continue
            for part in piece.split(content):
                cut += (part, number)
            cut.pop()
        pieces = cut
    text = b"".join([b"%b" if isinstance(piece, int) else piece.replace(b"%", b"%%") for piece in pieces])
    return _Form(
        text, itemgetter(*[piece for piece in pieces if isinstance(piece, int)]), outline, cost_status
    )


def _filled(form: _Form, gaps: Gaps, entry: Json, now_ns: int) -> Filled | None:
    contents, outline = _contents(gaps, form.outline, entry, now_ns)
    if outline["llm"]["cost"]["status"] != form.cost_status:  # on that day the price was not known, say
        return None
    return Filled(outline, form.text % form.order(contents))


def _contents(gaps: Gaps, outline: Json, entry: Json, now_ns: int) -> tuple[list[bytes], Json]:
    """What stands in the gaps, and the outline completed with it."""
    completed = gaps.written_into(outline)
    apply_cost(completed)
    llm = completed["llm"]
    llm["content_hash"] = content_hash(entry["call"], entry.get("truncated", ()))
    contents = [
        orjson.dumps(one_liner(completed)),
        orjson.dumps(completed["gen_ai"]["usage"].get("cost")),
        orjson.dumps(llm["cost"]),
        llm["content_hash"].encode(),
        format_time(now_ns).encode(),
        b"%d" % (max(0, now_ns - gaps.at) // 1_000_000),
    ]
    return contents + gaps.contents(), completed
