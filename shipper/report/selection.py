"""Which span of time and which calls a report is about, and what its panels found there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.panels.run import run_panels

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

    from shipper.panels.model import Dashboard, Window
    from shipper.panels.run import Result
    from shipper.panels.sources import Filters


@dataclass(frozen=True, slots=True)
class Selection:
    """A span of time, and what the calls in it have to be."""

    window: Window
    filters: Filters

    @property
    def title(self) -> str:
        """In words: `2026-10-22 11:00 to 2026-11-21 11:00 · application demo · version 2.0.0`."""
        begin, end = (moment.astimezone() for moment in (self.window.start, self.window.end))
        parts = [f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"]
        parts += [
            f"{name} {value}"
            for name in ("application", "version", "environment", "model", "prompt")
            if (value := getattr(self.filters, name)) is not None
        ]
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Section:
    """A dashboard with what its panels found."""

    dashboard: Dashboard
    results: list[Result]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return all(one.is_empty for one in self.results)


def sections(client: Elasticsearch, dashboards: tuple[Dashboard, ...], selection: Selection) -> list[Section]:
    """The dashboards with what they show, in one request.

    Raises:
        StoreError: the store refused a question.
        ApiError, TransportError: the store did not answer.
    """
    panels = [panel for one in dashboards for panel in one.panels]
    found = run_panels(client, panels, selection.window, selection.filters)
    return [Section(one, [found[panel.id] for panel in one.panels]) for one in dashboards]
