"""From what a row holds to documents with their places: the road of a logged call, with the row's own time and id."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from shipper._version import __version__
from shipper.capture.content import ContentPolicy
from shipper.history.event import (
    COMPLETION,
    FEEDBACK,
    Document,
    Event,
    Json,
    Lookup,
    Rejected,
    Row,
    source_of,
)
from shipper.history.moment import time_of
from shipper.history.row_form import Road
from shipper.history.rows import RowForms
from shipper.history.stored import Names, complete
from shipper.record.entry import Call
from shipper.record.times import parse_time
from shipper.record.truncate import fit
from shipper.send.forms import Forms
from shipper.send.prepare import document_of, prepared, timestamp

if TYPE_CHECKING:
    from shipper.history.event import Format
    from shipper.settings import Settings
    from shipper.sink.base import Prepared

_ENVELOPE_BYTES = 2048
_FIRST_NS, _END_NS = 0, 2**63


class Builder:
    """Builds the documents of one import. Not thread-safe."""

    def __init__(
        self,
        settings: Settings,
        *,
        app: str | None,
        version: str | None,
        batch_id: str,
        now_ns: int,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> None:
        """Prepare for one import.

        Args:
            settings: partition, privacy, and names where neither the source nor the caller gives them.
            app: the application; None takes what the source says.
            version: its version; None takes what the source says.
            batch_id: names this import in what it stores.
            now_ns: when it runs, ns since the epoch.
            since_ns: earlier events are passed over.
            until_ns: these and later ones are passed over.
        """
        self._longest = settings.max_event_bytes - _ENVELOPE_BYTES
        self._names = Names(settings, app, version, batch_id, now_ns)
        self._ingested = timestamp(now_ns)
        self._since = _FIRST_NS if since_ns is None else since_ns
        self._until = _END_NS if until_ns is None else until_ns
        self._policy = ContentPolicy(settings)
        self._takes_all_times = since_ns is None and until_ns is None
        self._origin: Json = {}
        self._forms = Forms(self._formed)
        self._rows: RowForms | None = None

    def build(self, row: Row, form: Format, lookup: Lookup, modified_ns: int | None) -> list[Prepared]:
        """The documents of a row, within the span of time that is wanted.

        Args:
            row: as it was read.
            form: what it means.
            lookup: rows that it may refer to.
            modified_ns: the file's own time, for rows that have none.

        Raises:
            Rejected: it can't be imported, and why.
        """
        self._begin(row, form)
        if self._rows is not None and len(row.original) <= self._longest:
            filled = self._rows.fill(row)
            if filled is not None:
                return [filled]
        if row.fault:
            raise Rejected(row.fault, row.message)
        ready: list[Prepared] = []
        about: _About | None = None
        value = row.value if form.takes_hits else source_of(row.value)
        try:
            for number, found in enumerate(form.events(value, lookup)):
                if isinstance(found, Document):
                    document = self._document(found, row, form)
                else:
                    if found.dataset == FEEDBACK and about is not None:
                        about.complete(found)
                    document, about = self._event(found, row, form, number, modified_ns, about)
                if document is not None:
                    ready.append(document)
        except Rejected:
            raise
        except Exception as error:  # whatever is in a file, the import goes on behind it
            raise Rejected("unreadable", f"{type(error).__name__}: {error}") from error
        return ready

    def _begin(self, row: Row, form: Format) -> None:
        """What is known of a file's rows belongs to it."""
        if (row.source, form.name) == (self._origin.get("file"), self._origin.get("source")):
            return
        self._origin = {"source": form.name, "file": row.source, "batch_id": self._names.batch_id}
        self._forms = Forms(self._formed)
        self._rows = None
        if form.alike is not None and self._takes_all_times and self._policy.keeps_all:
            road = self._road(form, self._names.app or self._names.settings.application)
            self._rows = RowForms(form.alike, road, self._names.settings.partition, self._names.now_ns)

    def _road(self, form: Format, app: str) -> Road:
        """The general path of a format's rows."""

        def entry_of(row: Row) -> Json:
            return self._entry_of(row, form)

        def at_of(call: Json) -> int:
            return time_of(call, None)[0]

        def id_of(row: Row) -> str:
            return self._row_id(row, form, app, 0)

        return Road(entry_of, at_of, id_of, self._formed)

    def _entry_of(self, row: Row, form: Format) -> Json:
        """The entry of a row with a single call, which has a time, but no cost or application of its own.

        Raises:
            Rejected, ValueError: it is something else.
        """
        (event,) = form.events(row.value, Lookup())
        if not isinstance(event, Event) or event.dataset != COMPLETION:
            raise ValueError
        if event.stated_cost is not None or (event.app is not None and self._names.app is None):
            raise ValueError
        at_ns, _ = time_of(event.call, None)
        app = self._names.app or self._names.settings.application
        event_id = event.id or self._row_id(row, form, app, 0)
        return self._entry(event, event_id, row, app, at_ns, [])

    def _event(
        self, event: Event, row: Row, form: Format, number: int, modified_ns: int | None, about: _About | None
    ) -> tuple[Prepared | None, _About | None]:
        call = event.call
        at_ns, has_time = time_of(call, modified_ns)
        app = self._names.app or event.app or self._names.settings.application
        event_id = event.id or self._row_id(row, form, app, number)
        if event.dataset == COMPLETION:
            about = _About(event_id, at_ns)
        if not self._since <= at_ns < self._until:
            return None, about
        changed = [*row.changed] if self._policy.keeps_all else []  # paths are made of the row's keys
        if not has_time:
            changed.append("created_at: none in the source, the file's own time")
        entry = self._entry(event, event_id, row, app, at_ns, changed)
        return self._ready(entry, row, event.stated_cost), about

    def _entry(self, event: Event, event_id: str, row: Row, app: str, at_ns: int, changed: list[str]) -> Json:
        kept, more = self._policy.apply(Call(event.dataset, event_id, True, at_ns, event.call), save=True)
        entry: Json = {
            "seq": row.line,
            "v": 1,
            "dataset": event.dataset,
            "id": event_id,
            "at": at_ns,
            "app": self._application(event, app),
            "call": kept.body,
        }
        if changed or more:
            entry["changed"] = [*changed, *more]
        if len(row.original) > self._longest:
            self._cut(entry)
        if event.id is not None:
            entry["given_id"] = True
        return entry

    def _ready(self, entry: Json, row: Row, stated: float | Json | None) -> Prepared:
        """An entry as a document with its place; by form, where others of the kind came before it."""
        partition = self._names.settings.partition
        if stated is None and entry["dataset"] == COMPLETION:
            line = orjson.dumps(entry)
            if (ready := self._forms.fill(line, self._names.now_ns, partition)) is not None:
                if self._rows is not None and not row.changed:
                    self._rows.learn(row, ready)
                return ready
            self._forms.learn(line, entry, self._names.now_ns)
        document = self._imported(entry, stated)
        return prepared(document, partition, given_id="given_id" in entry)

    def _formed(self, entry: Json, now_ns: int) -> Json:
        """What a form is made of; with a time that is a mark."""
        document = self._imported(entry, None)
        document["event"]["ingested"] = timestamp(now_ns)
        return document

    def _imported(self, entry: Json, stated: float | Json | None) -> Json:
        """The document of an entry, whose sequence number is the row's line."""
        line = entry["seq"]
        call = {**entry["call"], "import": {**self._origin, "line": line}}
        document = _priced({**entry, "seq": None, "call": call}, stated)
        document["event"]["ingested"] = self._ingested
        return document

    def _application(self, event: Event, app: str) -> Json:
        version = self._names.version or event.version or self._names.settings.version
        out = {"name": app, "version": version, "shipper": __version__}
        if environment := event.environment or self._names.settings.environment:
            out["environment"] = environment
        return out

    def _cut(self, entry: Json) -> None:
        limit = self._longest
        if len(orjson.dumps(entry["call"])) > limit:
            text, cuts = fit({"call": entry["call"]}, limit)
            entry["call"], entry["truncated"] = orjson.loads(text)["call"], cuts

    def _row_id(self, row: Row, form: Format, app: str, number: int) -> str:
        """The same for the same row of the same file; two equal rows are two."""
        seed = f"{form.name}\n{app}\n{row.source}\n{row.line}\n{number}\n".encode("utf-8", "surrogatepass")
        return f"row-{blake2b(seed + row.original, digest_size=16).hexdigest()}"

    def _document(self, found: Document, row: Row, form: Format) -> Prepared | None:
        document = found.document
        if not found.complete:
            complete(document, row, form, self._names)
        if not self._takes_all_times:
            moment = parse_time(document.get("@timestamp"), "", [])
            if moment is None or not self._since <= moment < self._until:
                return None
        carried = found.complete and document is row.value and not row.changed and b"\n" not in row.original
        body = row.original if carried else None  # numbers beyond 64 bits too
        return prepared(document, self._names.settings.partition, given_id=True, body=body)


@dataclass(frozen=True, slots=True)
class _About:
    """The call that the feedback behind it, in the same row, is about."""

    id: str
    at_ns: int
    names: Counter[str] = field(default_factory=Counter[str])

    def complete(self, feedback: Event) -> None:
        """Give feedback what it does not say itself: key, time and id."""
        call = feedback.call
        if not call.get("join_keys"):
            call["join_keys"] = [self.id]
        call.setdefault("created_at", self.at_ns)
        call.setdefault("target_at", self.at_ns)
        if feedback.id is None:
            name = str(call.get("name", "rating"))
            number = self.names[name]
            feedback.id = f"{self.id}.{name}" + (f".{number}" if number else "")
            self.names[name] += 1


def _priced(entry: Json, stated: float | Json | None) -> Json:
    """The document, its cost by the price of its day; where there is none, what the source says it cost."""
    call = entry["call"]
    if stated is not None and entry["dataset"] == COMPLETION:
        call["response_attributes"] = {**(call.get("response_attributes") or {}), "stated_cost": stated}
    document = document_of(entry)
    if stated is None or document["llm"].get("cost", {}).get("status") in ("priced", "provided"):
        return document
    hashed = document["llm"]["content_hash"]
    document = document_of({**entry, "call": {**call, "cost": stated}})
    document["llm"]["content_hash"] = hashed
    return document
