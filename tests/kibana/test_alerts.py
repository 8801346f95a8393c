"""Alerts into a scripted Kibana."""

from __future__ import annotations

from shipper.alerts.esql import rule_id
from shipper.alerts.put import put_rules
from shipper.alerts.rules import shipped
from shipper.stack.kibana import Kibana
from tests.kibana.server import ScriptedKibana
from tests.loopback import Answer, Loopback

RULES = shipped()
SAID = [rule for rule in RULES if rule.measure != "positive_fall"]


def test_rules_are_put_once_and_keep_what_people_add() -> None:
    """A second run changes nothing; one that somebody changed is put back, with the actions that it was given."""
    server = ScriptedKibana()
    with Loopback(server) as loopback:
        kibana = Kibana(loopback.url, "Basic x")
        looked = put_rules(kibana, RULES, change=False)
        assert server.rules == {}
        made = put_rules(kibana, RULES)
        writes = len(server.writes)
        again = put_rules(kibana, RULES)
        assert len(server.writes) == writes
        changed = server.rules[rule_id(SAID[0])]
        changed["schedule"], changed["actions"] = {"interval": "9h"}, [{"id": "mine"}]
        mended = put_rules(kibana, RULES)
    assert [step.action for step in looked] == [step.action for step in made] == ["created"] * len(SAID)
    assert {step.action for step in again} == {"unchanged"}
    assert [step.name for step in mended if step.action == "updated"] == [SAID[0].id]
    put = server.rules[rule_id(SAID[0])]
    assert put["schedule"] == {"interval": "5m"}
    assert put["actions"] == [{"id": "mine"}]
    assert put["enabled"]
    assert put["rule_type_id"] == ".es-query"


def test_who_may_not_make_alerts_is_told() -> None:
    """The dashboards stay; the alerts are skipped with the reason."""
    with Loopback(lambda _request: Answer(403, {"message": "no"})) as loopback:
        (step,) = put_rules(Kibana(loopback.url, "Basic x"), RULES)
    assert step.action == "skipped"
    assert "403" in step.reason
