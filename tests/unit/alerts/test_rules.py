"""Files of rules: the shipped one, and what is wrong with others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from shipper.alerts.esql import esql, rule_body, rule_id
from shipper.alerts.measures import MEASURES
from shipper.alerts.rules import MeasureName, parse_rules, shipped
from shipper.errors import SettingsError
from shipper.record.fields import Completion, Delivery, Feedback

RULE = """
[[rule]]
id = "one"
title = "One"
measure = "error_share"
threshold = 0.1
window = "15m"
every = "5m"
checks = 2
min_count = 10
min_age = "1h"
report = "trouble"
"""


def test_the_shipped_rules_cover_every_measure() -> None:
    """Each measure once, all readable, each with an id of its own."""
    rules = shipped()
    assert sorted(rule.measure for rule in rules) == sorted(get_args(MeasureName)) == sorted(MEASURES)
    assert len({rule.id for rule in rules}) == len(rules)


def test_spans() -> None:
    """Minutes, hours and days, and none at all for the age."""
    (rule,) = parse_rules(RULE.replace('"1h"', '"0s"'), "x.toml")
    assert (rule.window, rule.every, rule.min_age) == (
        timedelta(minutes=15),
        timedelta(minutes=5),
        timedelta(0),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[rule]]", "[rule", "not TOML"),
        ("[[rule]]", "[[rules]]", "[[rule]] tables"),
        ('"error_share"', '"errors"', "measure is 'errors'"),
        ("0.1", '"high"', "threshold is 'high'"),
        ("0.1", "-1", "threshold is -1"),
        ('"15m"', '"soon"', "window is 'soon'"),
        ('"15m"', '"900d"', "window is '900d'"),
        ("checks = 2", "checks = 0", "checks is 0"),
        ("checks = 2", "checks = true", "checks is True"),
        ("min_count = 10", "", "min_count is missing"),
        ("min_count = 10", "min_count = 10\nat_least = 3", "at_least is unknown"),
        ('"trouble"', '"troubles"', "report is 'troubles'"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, said: str) -> None:
    """The file, the rule and the value are in the message."""
    with pytest.raises(SettingsError, match=r"x\.toml") as raised:
        parse_rules(RULE.replace(old, new, 1), "x.toml")
    assert said in str(raised.value)


def test_two_rules_of_one_id() -> None:
    """They could not be told apart by who is told."""
    with pytest.raises(SettingsError, match="two rules with the id one"):
        parse_rules(RULE + RULE, "x.toml")


def test_kibana_gets_every_rule_that_it_can_say() -> None:
    """All but the comparison of versions; ids are UUIDs of version 4, and stay."""
    for rule in shipped():
        body = rule_body(rule)
        assert (body is None) == (rule.measure == "positive_fall"), rule.id
        assert rule_id(rule)[14] == "4"
        assert rule_id(rule) == rule_id(replace(rule, title="another"))
        if body is not None:
            assert body["alert_delay"] == {"active": rule.checks}
            assert body["params"]["timeWindowUnit"] in "smhd"
            assert body["params"]["termField"] in ("llm.application.name", "llm.shipper.instance")


def test_fields_in_esql_exist() -> None:
    """The embedded node can't run ES|QL, so every dotted name in it is looked up in the registry."""
    known = {field.name for model in (Completion, Feedback, Delivery) for field in model.fields()}
    for rule in shipped():
        for word in (esql(rule) or "").replace("(", " ").replace(")", " ").replace(",", " ").split():
            if word.startswith(("llm.", "gen_ai.", "event.")):
                assert word in known, (rule.id, word)


def test_an_application_is_quoted() -> None:
    """A name with quotes stays one text in ES|QL."""
    (rule,) = parse_rules(RULE + "application = 'a \"b\" | LIMIT 1'\n", "x.toml")
    assert 'WHERE llm.application.name == "a \\"b\\" | LIMIT 1"' in str(esql(rule))
