"""Rows that other rows refer to are kept before the first of these is read: the requests of a batch's answers, say."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from shipper.errors import UsageError
from shipper.history.event import source_of
from shipper.history.formats.registry import format_named
from shipper.history.inputs import identified
from shipper.history.rejects import read_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipper.history.event import Format, Row
    from shipper.history.inputs import Input
    from shipper.history.plan import Plan
    from shipper.history.side import SideTable


def keep_referred(plan: Plan, side: SideTable) -> None:
    """Keep those of a plan.

    Rejects refer to each other, and to what is named beside them.

    Raises:
        OSError: a source can't be read on, or the disk is full.
    """
    sources = [*plan.beside, *plan.inputs] if plan.are_rejects else plan.inputs
    for one in sources:
        if one.repeatable:
            for row, form in _rows(one, plan, are_rejects=plan.are_rejects and one in plan.inputs):
                if not row.fault and form.keep is not None:
                    for place in form.keep(source_of(row.value)):
                        side.put(place, row.value, row.source)


def _rows(one: Input, plan: Plan, *, are_rejects: bool) -> Iterable[tuple[Row, Format]]:
    if are_rejects:
        return _rejects(one, plan)
    form: Format | None = None
    rows: Iterator[Row] = iter(())
    with suppress(UsageError):  # told when its turn comes
        form, rows = identified(one.rows(), one.name, plan.form, plan.also)
    return () if form is None or form.keep is None else ((row, form) for row in rows)


def _rejects(one: Input, plan: Plan) -> Iterator[tuple[Row, Format]]:
    for line in one.rows():
        row, name = read_again(line)
        with suppress(UsageError):
            if name or plan.form is not None:
                yield row, plan.form or format_named(name)
