"""One form: a kind of lines, and their documents, as two texts with gaps."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from shipper.record import build
from shipper.record.ids import hash_of, hashed_text
from shipper.record.oneliner import one_liner
from shipper.record.pricing import apply_cost
from shipper.record.times import format_time
from shipper.route import MAX_ID_BYTES, destination
from shipper.send.gaps import ANSWER, EVENT_ID, MARKED_NOW, Values, is_marked, time_of
from shipper.sink.base import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipper.record.reading import Json
    from shipper.route import Destination, Partition
    from shipper.send.gaps import Gaps

_MAX_PLACES = 1000


class _Template(NamedTuple):
    """A text with gaps."""

    text: bytes
    """To be completed by `%`."""
    order: Callable[[Sequence[bytes]], Any]
    """From the gaps' contents to what stands in the text, from left to right."""

    def filled(self, contents: Sequence[bytes]) -> bytes:
        return self.text % self.order(contents)


class Form:
    """One kind of lines, and the documents of them."""

    def __init__(self, marked: Json, gaps: Gaps, marks: Sequence[bytes], document: Json) -> None:
        """Cut the gaps out of a line and its document.

        Args:
            marked: an entry of the kind, with marks in its gaps.
            gaps: its gaps.
            marks: the marks, as JSON.
            document: its document, sent at `MARKED_NOW`.

        Raises:
            ValueError: a mark is not in the line once, or something in the document isn't derived as it should be.
        """
        values = gaps.marked()
        self._given_id = bool(marked.get("given_id"))
        self._join_keys = gaps.join_keys
        self._outline = build(marked)
        self._cost_status: str = document["llm"]["cost"]["status"]
        self._places: dict[tuple[str, Partition], Destination] = {}

        pieces = _cut(orjson.dumps(marked), marks)
        numbers = [piece for piece in pieces if isinstance(piece, int)]
        if sorted(numbers) != list(range(len(marks))):
            raise ValueError
        literals = [piece for piece in pieces if isinstance(piece, bytes)]
        self._first, self._between, self._last = literals[0], literals[1:-1], literals[-1]
        texts, figures = len(values.texts), len(gaps.figures)
        found = [numbers.index(mark) for mark in range(len(marks))]
        self._texts = itemgetter(*found[:texts])
        self._figures = itemgetter(*found[texts : texts + figures])
        self._figure_names = gaps.figures
        self._times = found[texts + figures :]
        self._time_names = gaps.times

        completed = self._completed(values)
        given_message = marked["call"].get("message")
        if (self._outline["llm"]["output"]["text"], document["message"]) != (
            values.texts[ANSWER],
            given_message or one_liner(completed),
        ):
            raise ValueError
        plain = [*marks[: texts + figures], *values.derived()]
        self._hashed = _template(hashed_text(marked["call"]), plain)
        contents = [*plain, *self._said(completed, values, plain, MARKED_NOW)]
        self._document = _template(orjson.dumps(document), contents)

    @property
    def size(self) -> int:
        """Bytes of a document without what is filled in."""
        return len(self._document.text)

    def is_marked(self) -> bool:
        """Whether a mark is left in what is not filled in."""
        return is_marked(self._document.text) or is_marked(self._hashed.text)

    def fill(self, line: bytes, now_ns: int, partition: Partition) -> Prepared | None:
        """The document of a line, sent now; None when the line isn't of this kind, or its values are not plain.

        Raises:
            ValueError, KeyError, TypeError: the same.
        """
        found = self._found(line)
        if found is None:
            return None
        raw: tuple[bytes, ...] = self._texts(found)
        figures: tuple[bytes, ...] = self._figures(found)
        times = [found[position] for position in self._times]
        values = Values(
            _texts_of(raw),
            dict(zip(self._figure_names, _figures_of(figures), strict=True)),
            dict(zip(self._time_names, _times_of(times), strict=True)),
        )
        if not values.are_plain(self._join_keys) or times[0] != b"%d" % values.times["at"]:
            return None  # the time of our own clock, which the general path takes as it is
        event_id = values.texts[EVENT_ID]
        if not event_id.isascii() or len(event_id) > MAX_ID_BYTES:
            return None
        completed = self._completed(values)
        if (
            completed["llm"]["cost"]["status"] != self._cost_status
        ):  # on that day the price was not known, say
            return None
        plain = [*raw, *figures, *values.derived()]
        said = self._said(completed, values, plain, now_ns)
        place = self._place(completed, partition)
        return Prepared(
            id=event_id,
            index=place.index,
            body=self._document.filled(plain + said),
            given_id=self._given_id,
            content_hash=said[0].decode(),
            dataset="llm.completion",
            aliases=place.aliases,
        )

    def _found(self, line: bytes) -> list[bytes] | None:
        """What stands in the gaps of the line, from left to right; None when it isn't of this kind.

        A text that ended in a backslash could have hidden its end; `_texts_of` refuses it.
        """
        if not (line.startswith(self._first) and line.endswith(self._last)):
            return None
        found: list[bytes] = []
        start, find = len(self._first), line.find
        for literal in self._between:
            end = find(literal, start)
            if end < 0:
                return None
            found.append(line[start:end])
            start = end + len(literal)
        found.append(line[start : len(line) - len(self._last)])
        return found

    def _completed(self, values: Values) -> Json:
        """The document, true in all that its place, its cost and its one-liner depend on."""
        outline, figures = self._outline, values.figures
        gen_ai, llm = outline["gen_ai"], outline["llm"]
        usage = {
            **gen_ai["usage"],
            "input_tokens": figures["prompt_tokens"],
            "output_tokens": figures["completion_tokens"],
        }
        if "cached_tokens" in figures:
            usage["cache_read"] = {"input_tokens": figures["cached_tokens"]}
        if "reasoning_tokens" in figures:
            usage["reasoning"] = {"output_tokens": figures["reasoning_tokens"]}
        completed = {
            **outline,
            "@timestamp": format_time(values.began()),
            "gen_ai": {**gen_ai, "usage": usage},
            "llm": {**llm, "output": {"text": values.texts[ANSWER]}, "cost": dict(llm.get("cost", ()))},
        }
        apply_cost(completed)
        return completed

    def _said(self, completed: Json, values: Values, plain: Sequence[bytes], now_ns: int) -> list[bytes]:
        """What the document says of a call as a whole: hash, times of sending, cost, one-liner."""
        return [
            hash_of(self._hashed.filled(plain)).encode(),
            format_time(now_ns).encode(),
            b"%d" % (max(0, now_ns - values.times["at"]) // 1_000_000),
            orjson.dumps(completed["gen_ai"]["usage"].get("cost")),
            orjson.dumps(completed["llm"]["cost"]),
            orjson.dumps(one_liner(completed)),
        ]

    def _place(self, completed: Json, partition: Partition) -> Destination:
        """Where it belongs: the same for all of a day, but for the id."""
        day = (completed["@timestamp"][:10], partition)
        place = self._places.get(day)
        if place is None:
            if len(self._places) >= _MAX_PLACES:
                self._places.clear()
            place = self._places[day] = destination(completed, partition)
        return place


def _template(text: bytes, contents: Sequence[bytes]) -> _Template:
    pieces = _cut(text, contents)
    return _Template(
        b"".join([b"%b" if isinstance(piece, int) else piece.replace(b"%", b"%%") for piece in pieces]),
        itemgetter(*[piece for piece in pieces if isinstance(piece, int)]),
    )


def _cut(text: bytes, contents: Sequence[bytes]) -> list[bytes | int]:
    """A text cut at contents, whose numbers stand between the parts; the longest first, since one has a text in it."""
    pieces: list[bytes | int] = [text]
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
    return pieces


def _texts_of(raw: Sequence[bytes]) -> list[str]:
    """The texts whose JSON, without quotes, this is.

    Raises:
        ValueError: one isn't the JSON of a text as we write it.
    """
    joined = b'["%b"]' % b'","'.join(raw)
    texts: list[str] = orjson.loads(joined)
    if len(texts) != len(raw) or orjson.dumps(texts) != joined:
        raise ValueError
    for text in raw:
        if text.endswith(b"\\"):
            raise ValueError
    return texts


def _figures_of(raw: Sequence[bytes]) -> list[int]:
    """The integers from 0 whose JSON this is.

    Raises:
        ValueError: one isn't.
    """
    if not b"".join(raw).isdigit():
        raise ValueError
    return orjson.loads(b"[%b]" % b",".join(raw))


def _times_of(raw: Sequence[bytes]) -> list[int]:
    """The times whose JSON this is, in ns since the epoch.

    Raises:
        ValueError: one is none, or leaves room for doubt.
    """
    return [time_of(value) for value in orjson.loads(b"[%b]" % b",".join(raw))]
