"""One form: a kind of lines, and their documents, as two texts with gaps."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import orjson

from shipper.record import build
from shipper.record.ids import hash_of, hashed_text
from shipper.record.oneliner import liner
from shipper.record.prices.rates import Usage
from shipper.record.pricing import Charged
from shipper.record.times import format_time
from shipper.route import MAX_ID_BYTES, destination
from shipper.send.gapped import Outline, Template, figures_of, texts_of
from shipper.send.gaps import ANSWER, EVENT_ID, MARKED_NOW, Values, is_marked, time_of
from shipper.sink.base import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipper.record.reading import Json
    from shipper.route import Destination, Partition
    from shipper.send.gaps import Gaps

_MAX_PLACES = 1000


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
        values = gaps.values()
        self._given_id = bool(marked.get("given_id"))
        self._join_keys = gaps.join_keys
        self._outline = build(marked)
        self._cost_status: str = document["llm"]["cost"]["status"]
        self._places: dict[tuple[str, Partition], Destination] = {}

        self._line = Outline(orjson.dumps(marked), marks)
        texts, figures = len(values.texts), len(gaps.figures)
        found = self._line.places
        self._texts = itemgetter(*found[:texts])
        self._figures = itemgetter(*found[texts : texts + figures])
        self._times_at = found[texts + figures :]
        self.figures, self.times = gaps.figures, gaps.times
        """Their names."""

        self._costing = _Costing(self._outline)
        self._liner = liner(self._outline)
        given_message = marked["call"].get("message")
        if (self._outline["llm"]["output"]["text"], document["message"]) != (
            values.texts[ANSWER],
            given_message or self._line_of(values),
        ):
            raise ValueError
        when = format_time(values.began())
        amount, cost = self._costing.of(values.figures, when)
        plain = [*marks[: texts + figures], *values.derived()]
        self._hashed = Template(hashed_text(marked["call"]), plain)
        contents = [*plain, *self._said(values, plain, amount, cost, MARKED_NOW)]
        self._document = Template(orjson.dumps(document), contents)

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
        found = self._line.found(line)
        if found is None:
            return None
        raw: tuple[bytes, ...] = self._texts(found)
        figures: tuple[bytes, ...] = self._figures(found)
        times = [found[position] for position in self._times_at]
        texts, as_ours = texts_of(raw)
        if not as_ours:
            return None
        values = Values(
            texts,
            dict(zip(self.figures, figures_of(figures), strict=True)),
            dict(zip(self.times, _times_of(times), strict=True)),
        )
        if times[0] != b"%d" % values.times["at"]:
            return None  # the time of our own clock, which the general path takes as it is
        return self.document_of(values, raw, figures, now_ns, partition)

    def document_of(
        self,
        values: Values,
        texts: Sequence[bytes],
        figures: Sequence[bytes],
        now_ns: int,
        partition: Partition,
    ) -> Prepared | None:
        """The document of a call of this kind; None when its values are not plain.

        Args:
            values: what stands in the gaps.
            texts: its texts as JSON, without quotes.
            figures: its figures as JSON.
            now_ns: when it is sent.
            partition: time span of an index.

        Raises:
            ValueError, KeyError, TypeError: the same.
        """
        if not values.are_plain(self._join_keys):
            return None
        event_id = values.texts[EVENT_ID]
        if not event_id.isascii() or len(event_id) > MAX_ID_BYTES:
            return None
        when = format_time(values.began())
        amount, cost = self._costing.of(values.figures, when)
        if cost["status"] != self._cost_status:  # on that day the price was not known, say
            return None
        plain = [*texts, *figures, *values.derived()]
        said = self._said(values, plain, amount, cost, now_ns)
        place = self._place(when, partition)
        return Prepared(
            id=event_id,
            index=place.index,
            body=self._document.filled(plain + said),
            given_id=self._given_id,
            content_hash=said[0].decode(),
            dataset="llm.completion",
            aliases=place.aliases,
        )

    def _line_of(self, values: Values) -> str:
        figures = values.figures
        return self._liner.line(figures["prompt_tokens"], figures["completion_tokens"], values.texts[ANSWER])

    def _said(
        self, values: Values, plain: Sequence[bytes], amount: Json | None, cost: Json, now_ns: int
    ) -> list[bytes]:
        """What the document says of a call as a whole: hash, times of sending, cost, one-liner."""
        return [
            hash_of(self._hashed.filled(plain)).encode(),
            format_time(now_ns).encode(),
            b"%d" % (max(0, now_ns - values.times["at"]) // 1_000_000),
            orjson.dumps(amount),
            orjson.dumps(cost),
            orjson.dumps(self._line_of(values)),
        ]

    def _place(self, when: str, partition: Partition) -> Destination:
        """Where it belongs: the same for all of a day, but for the id."""
        day = (when[:10], partition)
        place = self._places.get(day)
        if place is None:
            if len(self._places) >= _MAX_PLACES:
                self._places.clear()
            place = self._places[day] = destination({**self._outline, "@timestamp": when}, partition)
        return place


class _Costing:
    """What calls of one kind cost."""

    def __init__(self, outline: Json) -> None:
        """See what decides it.

        Args:
            outline: the document of one of them, without cost.
        """
        usage = outline["gen_ai"]["usage"]
        self._given: Json | None = usage.get("cost")
        self._before: Json = outline["llm"].get("cost", {})
        self._charged = Charged.of(outline)
        self._always = (
            usage.get("cache_read", {}).get("input_tokens", 0),
            usage.get("cache_write", {}).get("input_tokens", 0),
            usage.get("reasoning", {}).get("output_tokens", 0),
        )

    def of(self, figures: Mapping[str, int], when: str) -> tuple[Json | None, Json]:
        """What stands in `gen_ai.usage.cost` and in `llm.cost`."""
        if self._given is not None:
            return self._given, {**self._before, "status": self._before.get("status", "provided")}
        cached, written, reasoning = self._always
        tokens = Usage(
            figures["prompt_tokens"],
            figures["completion_tokens"],
            figures.get("cached_tokens", cached),
            written,
            figures.get("reasoning_tokens", reasoning),
            self._charged.mixed,
        )
        amount, parts = self._charged.cost(tokens, when)
        return amount, {**self._before, **parts} if self._before else parts


def _times_of(raw: Sequence[bytes]) -> list[int]:
    """The times whose JSON this is, in ns since the epoch.

    Raises:
        ValueError: one is none, or leaves room for doubt.
    """
    return [time_of(value) for value in orjson.loads(b"[%b]" % b",".join(raw))]
