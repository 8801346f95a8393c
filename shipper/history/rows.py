"""Documents of rows that are not read: most of a file's rows are of one kind, and differ in texts, figures and times.

`shipper.send.forms` knows the documents of entries of one kind by what stands in their gaps. A row form finds the same in
the bytes of the row itself. So neither is the row decoded nor an entry built of it; only what stands in the gaps is read.
A row form is kept if it makes of a real row what the general path makes of it, to the last byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shipper.history.row_form import RowForm

if TYPE_CHECKING:
    from shipper.history.event import Alike, Row
    from shipper.history.row_form import Road
    from shipper.route import Partition
    from shipper.sink.base import Prepared

_MAX_FORMS: Final = 64
_MAX_FAILURES: Final = 50
_A_ROLE: Final = b'"role"'  # in a text its quotes would be escaped


class RowForms:
    """The row forms of one file. Not thread-safe."""

    def __init__(self, alike: Alike, road: Road, partition: Partition, now_ns: int) -> None:
        """Know none yet.

        Args:
            alike: what the file's format says of its rows.
            road: the general path.
            partition: time span of an index.
            now_ns: when the import runs, ns since the epoch.
        """
        self._alike, self._road = alike, road
        self._partition: Partition = partition
        self._now_ns = now_ns
        self._forms: dict[int, tuple[RowForm, ...]] = {}  # by a cheap sign of their kind: the number of roles
        self._last: RowForm | None = None
        self._made = self._failed = 0

    def fill(self, row: Row) -> Prepared | None:
        """The document of a row; None when it has to be read. Never raises."""
        if self._last is not None and (filled := self._filled(self._last, row)) is not None:
            return filled
        for form in self._forms.get(row.original.count(_A_ROLE), ()):
            if form is not self._last and (filled := self._filled(form, row)) is not None:
                self._last = form
                return filled
        return None

    def _filled(self, form: RowForm, row: Row) -> Prepared | None:
        try:
            return form.fill(row, self._now_ns, self._partition)
        except Exception:  # a short cut's failure is no fault of the row
            return None

    def learn(self, row: Row, ready: Prepared) -> None:
        """Make a form of a row that had none. Never raises.

        Args:
            row: what was read.
            ready: what the general path has made of it.
        """
        if self._made >= _MAX_FORMS or self._failed >= _MAX_FAILURES:
            return
        try:
            form = RowForm(row.original, self._alike, self._road, self._now_ns)
            works = form.fill(row, self._now_ns, self._partition) == ready
        except Exception:  # mostly: no chat completion of texts
            works, form = False, None
        if not works or form is None:
            self._failed += 1
            return
        self._made += 1
        sign = row.original.count(_A_ROLE)
        self._forms[sign] = (*self._forms.get(sign, ()), form)
