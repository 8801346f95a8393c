"""The catalogue: sound, complete, and checked by checks that notice when it is not."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import shipper.panels
from shipper.panels import common
from shipper.panels.catalogue import DASHBOARDS, PANELS, SEARCHES
from shipper.panels.checks import faults
from shipper.panels.filters import equals
from shipper.panels.measures import RunningSum, average, count, total, unique
from shipper.panels.model import Metric, Panel, Search, Terms, Threshold, Time, Words
from shipper.panels.sources import FEEDBACK

PANEL = PANELS["cost-by-user"]


def test_every_field_exists_and_can_be_aggregated() -> None:
    """By the registry: no panel names a field that is not there, or of a type that its figure can't be made of."""
    assert faults(DASHBOARDS, SEARCHES) == []


def test_every_dashboard_is_there_and_every_panel_once() -> None:
    """Seven dashboards; a panel belongs to one of them."""
    assert [one.id for one in DASHBOARDS] == [
        "llm-overview",
        "llm-versions",
        "llm-cost",
        "llm-quality",
        "llm-trouble",
        "llm-conversations",
        "llm-delivery",
    ]
    assert len(PANELS) == sum(len(one.panels) for one in DASHBOARDS)
    assert {one for dashboard in DASHBOARDS for one in dashboard.searches} <= set(SEARCHES)


def test_everything_says_what_it_answers() -> None:
    """A panel's question ends with a question mark, and what an empty one means is a sentence."""
    for one in (*PANELS.values(), *SEARCHES):
        assert one.question.endswith("?"), one.id
        assert one.empty.endswith("."), one.id
        assert one.title, one.id
    for dashboard in DASHBOARDS:
        assert dashboard.description.endswith(".")


def with_metric(measure: Any, **changes: Any) -> Panel:
    return replace(PANEL, metrics=(Metric("cost", "Cost", "USD", measure),), **changes)


@pytest.mark.parametrize(
    ("panel", "said"),
    [
        (replace(PANEL, id="cost-total"), "cost-total is the id of two things"),
        (replace(PANEL, id="llm-cost"), "llm-cost is the id of two things"),
        (replace(PANEL, where=equals("user.name", "x")), "user.name is no field"),
        (
            replace(PANEL, where=equals("llm.join.status", "joined")),
            "llm.join.status is no field of llm-completions",
        ),
        (with_metric(total("user.id")), "sum of user.id, which is keyword"),
        (with_metric(average("llm.input.text")), "average of llm.input.text, which is text"),
        (with_metric(unique("@timestamp")), "unique of @timestamp, which is date"),
        (with_metric(count(equals("nothing", 1))), "nothing is no field"),
        (with_metric(total("labels")), "sum of labels, which is flattened"),
        (with_metric(RunningSum(total("llm.cost.input"))), "runs on, but not over time"),
        (replace(PANEL, metrics=(common.SPENT, common.SPENT)), "two metrics have the same id"),
        (replace(PANEL, thresholds=(Threshold("calls?", 1, "bad"),)), "there is no metric calls?"),
        (replace(PANEL, breakdowns=(Terms("llm.choices", "x"),)), "terms of llm.choices, which is nested"),
        (replace(PANEL, breakdowns=(Terms("@timestamp", "x"),)), "terms of @timestamp, which is date"),
        (replace(PANEL, breakdowns=(Terms("user.id", "x", 5, "cost_per_1000"),)), "ordered by cost_per_1000"),
        (replace(PANEL, breakdowns=(Words("llm.output.text", "x"),)), "words of llm.output.text"),
        (replace(PANEL, breakdowns=(Time(), Terms("user.id", "x"))), "time is not the innermost breakdown"),
        (replace(PANEL, chart="line"), "a line is over time"),
        (replace(PANEL, chart="figure"), "a figure has no breakdown"),
        (replace(PANEL, breakdowns=()), "a figure has no breakdown"),
        (replace(PANEL, source=FEEDBACK), "user.id, which is None"),
    ],
    ids=str,
)
def test_a_faulty_panel_is_named(panel: Panel, said: str) -> None:
    """Each fault is told in a sentence that names it."""
    dashboard = replace(DASHBOARDS[2], panels=(PANELS["cost-total"], panel))
    assert any(said in fault for fault in faults([dashboard], SEARCHES)), faults([dashboard], SEARCHES)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (replace(SEARCHES[0], columns=("model",)), "model is no field"),
        (replace(SEARCHES[0], where=equals("model", "x")), "model is no field"),
        (replace(SEARCHES[0], sort=(("llm.input.text", "asc"),)), "sorted by llm.input.text, which is text"),
    ],
    ids=str,
)
def test_a_faulty_search_is_named(search: Search, said: str) -> None:
    """Columns, query and order are looked at."""
    assert any(said in fault for fault in faults(DASHBOARDS, [search]))


def test_the_catalogue_is_pure() -> None:
    """But for the module that runs it, it knows neither a client nor the clock."""
    folder = Path(shipper.panels.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name == "run.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"elasticsearch", "time", "urllib.request"} & set(names), path
            assert not (isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")), path
