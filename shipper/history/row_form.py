"""One kind of rows: what they have in common, what varies in them, and the documents of them.

A row form knows no fields: the values that the gaps of a row's entry have are looked for in the row, marks are put in
their places, and the row with marks takes the general path. Where its entry has the marks in its gaps, and is the same
otherwise, each gap of the row is one of the entry. What varies otherwise (the id that follows from the row, its line,
its times) is told by the functions of the general path.
"""

from __future__ import annotations

import json
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from shipper.history.event import Row
from shipper.record.times import is_exact, parse_time
from shipper.send.forms import form_of
from shipper.send.gapped import Outline, figures_of, texts_of
from shipper.send.gaps import ANSWER, EVENT_ID, RESPONSE_ID, Gaps, Place, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipper.history.event import Alike, Json
    from shipper.route import Partition
    from shipper.sink.base import Prepared

_WRITERS: Final[tuple[Callable[[Any], bytes], ...]] = (
    orjson.dumps,
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, ensure_ascii=False).encode(),
    lambda value: json.dumps(value, separators=(",", ":")).encode(),
)
"""How rows are written; one that was written otherwise has no form."""
_SCALARS: Final = frozenset({int, float, str})
_MAX_SIZE: Final = 16 * 1024  # bytes; as for the forms of entries
_TIME_MARK: Final = 86_400_123  # as seconds a day of 1972, as a span a day, or less than three years


class Road(NamedTuple):
    """The general path, as a row form needs it."""

    entry_of: Callable[[Row], Json]
    """The entry of a row of a single call. Raises Exception: it isn't one."""
    at_of: Callable[[Json], int]
    """When a call was, of its times."""
    id_of: Callable[[Row], str]
    """The id of a row that brings none."""
    document_of: Callable[[Json, int], Json]
    """The document of an entry, sent at a time in ns."""


class _Found(NamedTuple):
    """What stands in the gaps of a row's entry."""

    values: Values
    texts: Sequence[bytes]
    """Its texts as JSON, without quotes."""
    figures: Sequence[bytes]


class RowForm:
    """One kind of rows, and the documents of them."""

    def __init__(self, text: bytes, alike: Alike, road: Road, now_ns: int) -> None:
        """Find the gaps of a row.

        Args:
            text: the row.
            alike: what its format says.
            road: the general path.
            now_ns: any time.

        Raises:
            Exception: it is no call of texts, or not one that can be told from its bytes.
        """
        value: Json = orjson.loads(text)
        write = next(write for write in _WRITERS if write(value) == text)
        entry = road.entry_of(_row(text, value))
        form = form_of(orjson.dumps(entry), entry, now_ns, road.document_of)
        gaps = Gaps(entry)
        rest, texts = gaps.rest_of(entry), gaps.values().texts
        places = _places_in(value, gaps)
        if form is None or places[RESPONSE_ID] is None or places[ANSWER] is None:
            raise ValueError
        self._form, self._alike, self._road = form, alike, road
        self._has_id = places[EVENT_ID] is not None
        self._constants = [
            text
            for number, (text, place) in enumerate(zip(texts, places, strict=True))
            if place is None and number != EVENT_ID
        ]
        self._raw_constants = [orjson.dumps(text)[1:-1] for text in self._constants]
        self._order = itemgetter(*_order(places))
        self._times = _Times(value, alike)
        marks = [*_marked(places, gaps), *self._times.mark(value)]
        marked = write(value)
        self._outline = Outline(marked, marks)
        if self._outline.size > _MAX_SIZE:
            raise ValueError
        texts_end = sum(place is not None for place in places)
        figures_end = texts_end + len(gaps.figures) - 1
        at = self._outline.places
        self._texts, self._figures = itemgetter(*at[:texts_end]), itemgetter(*at[texts_end:figures_end])
        self._times_at = at[figures_end:]
        self._check(_row(marked, value), rest)

    def fill(self, row: Row, now_ns: int, partition: Partition) -> Prepared | None:
        """The document of a row; None when it isn't of this kind, or its values are not plain.

        Raises:
            ValueError, KeyError, TypeError: the same.
        """
        found = self._found(row)
        return None if found is None else self._form.document_of(*found, now_ns, partition)

    def _found(self, row: Row) -> _Found | None:
        """What stands in the gaps; None when it isn't of this kind, or says another thing than others of it do."""
        found = self._outline.found(row.original)
        if found is None:
            return None
        raw: Sequence[bytes] = self._texts(found)
        texts, as_ours = texts_of(raw)
        if not as_ours:
            raw = [orjson.dumps(text)[1:-1] for text in texts]
        if not self._has_id:
            event_id = self._road.id_of(row)
        elif len(event_id := texts[0]) < self._alike.least_id:
            return None
        texts = [*texts, *self._constants, event_id]
        raw = [*raw, *self._raw_constants, event_id.encode()]

        call = self._alike.span(self._times.read([found[position] for position in self._times_at]))
        times = {"at": self._road.at_of(call), **call}
        if [*times] != self._form.times or not all(map(is_exact, times.values())):
            return None
        figures: Sequence[bytes] = self._figures(found)
        counted = zip(self._form.figures, (row.line, *figures_of(figures)), strict=True)
        values = Values([*self._order(texts)], dict(counted), times)
        return _Found(values, self._order(raw), (b"%d" % row.line, *figures))

    def _check(self, marked: Row, rest: bytes) -> None:
        """Whether the general path finds in a row of marks what is found here, and nothing else in it than before.

        Raises:
            Exception: it doesn't.
        """
        marked.value = orjson.loads(marked.original)
        entry = self._road.entry_of(marked)
        gaps, found = Gaps(entry), self._found(marked)
        if found is None or found.values != gaps.values() or gaps.rest_of(entry) != rest:
            raise ValueError


class _Times:
    """The times of rows of a kind, and what is left of a row when nothing else is."""

    def __init__(self, value: Json, alike: Alike) -> None:
        """Find them.

        Args:
            value: a row.
            alike: which of its keys they are.
        """
        self._names = [
            name for name in value if name in alike.times and type(value[name]) in (int, float, str)
        ]
        self._are_texts = [type(value[name]) is str for name in self._names]
        pairs = [
            orjson.dumps(name).replace(b"%", b"%%") + (b':"%b"' if is_text else b":%b")
            for name, is_text in zip(self._names, self._are_texts, strict=True)
        ]
        self._rest = b"{%b}" % b",".join(pairs)

    def mark(self, value: Json) -> list[bytes]:
        """Put marks in their places, in their order in time; as JSON without quotes, from left to right."""
        ranks = sorted(self._names, key=lambda name: parse_time(value[name], name, []) or 0)
        for name in self._names:
            rank = ranks.index(name)
            is_text = type(value[name]) is str
            value[name] = f"2199-03-04T01:02:{rank:02}.456789Z" if is_text else _TIME_MARK + 1000 * rank
        return [str(value[name]).encode() for name in self._names]

    def read(self, raw: Sequence[bytes]) -> Json:
        """What is left of a row.

        Args:
            raw: its times, as JSON without quotes.

        Raises:
            ValueError: one of them is something else.
        """
        rest: Json = orjson.loads(self._rest % (*raw,))
        kinds = list(map(type, rest.values()))
        if (
            len(kinds) != len(raw)
            or [kind is str for kind in kinds] != self._are_texts
            or not _SCALARS.issuperset(kinds)
        ):
            raise ValueError
        return rest


def _row(text: bytes, value: Json) -> Row:
    return Row("", 1, len(text), text, value)


def _places_in(value: Json, gaps: Gaps) -> list[Place | None]:
    """Where in the row the texts of its entry stand; None for one that is not in it as it is.

    The entry shares parts with the row; other texts are looked for in the row itself.

    Raises:
        ValueError: a figure isn't in the row.
    """
    parts = set(map(id, _objects(value)))
    if not all(id(place) in parts for place, _ in gaps.figure_places[1:]):  # the first is the line's number
        raise ValueError
    found: list[Place | None] = []
    for place, key in gaps.text_places:
        if id(place) in parts:
            found.append((place, key))
        else:
            said = place[key]
            found.append(next(((value, name) for name, one in value.items() if one is said), None))
    return found


def _order(places: Sequence[Place | None]) -> list[int]:
    """The place of each text of an entry among those of its row, then those that are always the same, then its id."""
    own = sum(place is not None for place in places)
    before, behind = count(), count(own)
    return [
        next(before if place is not None else behind) if number != EVENT_ID or place is not None else -1
        for number, place in enumerate(places)
    ]


def _objects(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one)


def _marked(places: Sequence[Place | None], gaps: Gaps) -> list[bytes]:
    """Put marks into the gaps of the entry, and the same into the row; those of the row, as JSON without quotes."""
    marks = gaps.mark()
    out: list[bytes] = []
    for mark, own, (place, key) in zip(marks, places, gaps.text_places, strict=False):
        if own is not None:
            own[0][own[1]] = place[key]
            out.append(mark)
    first = len(places) + 1
    return [*out, *marks[first : first + len(gaps.figures) - 1]]
