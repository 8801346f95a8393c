"""What a panel looks like in both of Kibana's forms: words, formats of numbers, colours, controls, navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shipper.panels.catalogue import DASHBOARDS
from shipper.panels.sources import COMPLETIONS

if TYPE_CHECKING:
    from shipper.panels.model import Dashboard, Panel, Threshold, Unit

GOOD, WARN, BAD = "#16c5c0", "#fcd883", "#f6726a"
"""Kibana's own colours for what is well, what needs a look, and what is wrong."""

TAG: Final = "llm-shipper"
FROM, TO = "now-7d", "now"
MONTH: Final = {"from": "now/M", "to": "now"}
DRILLDOWN: Final = "Show these documents"

_TITLES: Final = {
    "application": "Application",
    "version": "Version",
    "environment": "Environment",
    "model": "Model",
    "prompt": "Prompt",
}
_NUMBERS: Final[dict[str, tuple[int, str]]] = {
    "ms": (0, " ms"),
    "s": (2, " s"),
    "score": (2, ""),
    "calls per conversation": (1, ""),
}
_DOLLARS: Final = "$0,0.00[0000]"


def description(panel: Panel) -> str:
    """The question, what has to be known to read the answer, and what it means if there is none."""
    return " ".join(part for part in (panel.question, panel.note, f"Empty: {panel.empty}") if part)


def about(dashboard: Dashboard) -> str:
    """What the dashboard shows, and what can be done with it."""
    return f"{dashboard.description} {dashboard.hint}".strip()


def api_format(unit: Unit) -> dict[str, Any] | None:
    """How a number is written, for the dashboards API; None for a time, which Kibana knows itself."""
    if unit == "time":
        return None
    if unit == "share":
        return {"type": "percent", "decimals": 1}
    if unit == "USD":
        return {"type": "custom", "pattern": _DOLLARS}
    decimals, suffix = _NUMBERS.get(unit, (0, ""))
    found: dict[str, Any] = {"type": "number", "decimals": decimals}
    if suffix:
        found["suffix"] = suffix
    if unit == "tokens":
        found |= {"decimals": 1, "compact": True}
    return found


def lens_format(unit: Unit) -> dict[str, Any] | None:
    """The same for a Lens column."""
    said = api_format(unit)
    if said is None:
        return None
    params = {name: value for name, value in said.items() if name != "type"}
    return {"id": said["type"], "params": {"decimals": 0, **params}}


def controls(dashboard: Dashboard) -> list[tuple[str, str, str]]:
    """Id, title and field of each control; all of them look at the calls."""
    found = [
        (control, _TITLES[control], COMPLETIONS.controls[control][0]) for control in COMPLETIONS.controls
    ]
    if dashboard.by_conversation:
        found.append(("conversation", "Conversation", "gen_ai.conversation.id"))
    return found


def navigation(here: Dashboard) -> str:
    """Links to all dashboards, as Markdown."""
    links = [
        f"**{one.title}**" if one.id == here.id else f"[{one.title}](#/view/{one.id})" for one in DASHBOARDS
    ]
    return " · ".join(links)


def steps(panel: Panel, metric: str) -> list[tuple[float | None, float | None, str]]:
    """Bounds and colour of each span of a metric's values, from the lowest; empty without thresholds."""
    marks = sorted((one for one in panel.thresholds if one.metric == metric), key=lambda one: one.value)
    if not marks:
        return []
    bounds: list[float | None] = [None, *(mark.value for mark in marks), None]
    below = marks[0].side == "below"
    colours = (
        [*(_colour(mark) for mark in marks), GOOD] if below else [GOOD, *(_colour(mark) for mark in marks)]
    )
    return [(bounds[number], bounds[number + 1], colour) for number, colour in enumerate(colours)]


def _colour(mark: Threshold) -> str:
    return BAD if mark.level == "bad" else WARN
