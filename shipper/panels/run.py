"""Panels against a store: several in one request, and what can be asked once is asked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shipper.errors import StoreError
from shipper.panels.request import aggregation, rows, search_body
from shipper.panels.sources import Filters
from shipper.panels.together import questions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from elasticsearch import Elasticsearch

    from shipper.panels.model import Panel, Search, Window
    from shipper.panels.request import Row
    from shipper.panels.sources import Source

_EVERYTHING: Final = Filters()
_REASON_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What a panel shows."""

    panel: Panel
    window: Window
    """The span that was looked at: the panel's own, if it has one."""
    rows: list[Row]
    previous: list[Row]
    """Of the span of the same length before, for a `figure`; empty for every other chart."""

    @property
    def is_empty(self) -> bool:
        """Whether no document is in it: `panel.empty` says what that means."""
        return not any(row.documents for row in self.rows)


@dataclass(frozen=True, slots=True)
class Found:
    """The documents of a saved search, and how many there are in all."""

    documents: list[dict[str, Any]]
    total: int


def run(client: Elasticsearch, panel: Panel, window: Window, filters: Filters = _EVERYTHING) -> Result:
    """One panel; see `run_panels`."""
    return run_panels(client, [panel], window, filters)[panel.id]


def run_panels(
    client: Elasticsearch, panels: Iterable[Panel], window: Window, filters: Filters = _EVERYTHING
) -> dict[str, Result]:
    """Panels by their ids.

    Args:
        client: the store.
        panels: what to look at; the order is kept.
        window: the span of time.
        filters: the controls. One that a panel's source doesn't know does not narrow it.

    Raises:
        StoreError: the store refused one of the questions.
        ApiError, TransportError: the store refused all of them or did not answer.
    """
    panels = list(panels)
    asked = [
        (question, span)
        for question in questions(panels)
        for span in ((window, window.before()) if question.panel.chart == "figure" else (window,))
    ]
    if not asked:
        return {}
    searches: list[Mapping[str, Any]] = []
    for question, span in asked:
        searches += [header(question.panel.source), aggregation(question.panel, span, filters)]
    answers = client.msearch(searches=searches)["responses"]
    found: dict[str, Result] = {}
    for (question, span), answer in zip(asked, answers, strict=True):
        if "error" in answer:
            others = f" and {len(question.panels) - 1} more" if len(question.panels) > 1 else ""
            raise StoreError(
                f"The store can't answer panel {question.panel.id}{others}: {str(answer['error'])[:_REASON_MAX]}. "
                "If the templates are older than this version, `shipper setup` helps."
            )
        answered = rows(question.panel, answer)
        for panel in question.panels:
            its = question.rows_of(panel, answered)
            if span is window:
                shown = span.month() if panel.of_month else span
                found[panel.id] = Result(panel, shown, its, [])
            else:
                found[panel.id].previous.extend(its)
    return {panel.id: found[panel.id] for panel in panels}


def documents(
    client: Elasticsearch, search: Search, window: Window, filters: Filters = _EVERYTHING, *, size: int = 20
) -> Found:
    """The first documents of a saved search.

    Raises:
        ApiError, TransportError: the store refused or did not answer.
    """
    answer = client.search(
        index=search.source.pattern,
        ignore_unavailable=True,
        allow_no_indices=True,
        **search_body(search, window, filters, size),
    )
    return Found([hit["_source"] for hit in answer["hits"]["hits"]], answer["hits"]["total"]["value"])


def header(source: Source) -> dict[str, Any]:
    """The line of an `_msearch` that says where to look; before the first event there is no index, and no fault."""
    return {"index": source.pattern, "ignore_unavailable": True, "allow_no_indices": True}
