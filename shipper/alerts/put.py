"""The rules into Kibana. Repeatable: what is as it should be stays untouched, and so do the actions that people add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipper.alerts.esql import rule_body, rule_id
from shipper.errors import StoreError, StoreUnauthorised
from shipper.stack.furnish import differs
from shipper.stack.kibana import shown
from shipper.stack.security import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipper.alerts.rules import Rule
    from shipper.stack.kibana import Kibana

_PATH = "/api/alerting/rule"
_KEPT = ("actions", "throttle", "notify_when")  # an update without them would take them away
_OK, _MISSING = 200, 404


def put_rules(kibana: Kibana, rules: Iterable[Rule], *, change: bool = True) -> list[Step]:
    """Put each rule that Kibana can say; where the user may not, say so and leave it.

    Args:
        kibana: where to.
        rules: all rules.
        change: False only looks, and tells what would be done.

    Raises:
        StoreError: Kibana did not answer, or refused one; those before it are there.
    """
    steps: list[Step] = []
    for rule in rules:
        body = rule_body(rule)
        if body is None:
            continue
        try:
            steps.append(_put(kibana, rule, body, change=change))
        except StoreUnauthorised as error:
            return [*steps, Step("alert", "all others", "skipped", str(error))]
    return steps


def _put(kibana: Kibana, rule: Rule, body: dict[str, Any], *, change: bool) -> Step:
    path = f"{_PATH}/{rule_id(rule)}"
    status, stored = kibana.ask("GET", path)
    if status == _OK and isinstance(stored, dict):
        if not differs(body, stored):
            return Step("alert", rule.id, "unchanged")
        if change:
            _send(kibana, "PUT", path, {**body, **_actions(stored)}, rule)
        return Step("alert", rule.id, "updated")
    if status != _MISSING:
        raise StoreError(f"Kibana does not tell alert {rule.id} ({status}): {shown(stored)}")
    if change:
        new = {**body, "rule_type_id": ".es-query", "consumer": "stackAlerts", "enabled": True, "actions": []}
        _send(kibana, "POST", path, new, rule)
    return Step("alert", rule.id, "created")


def _actions(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in _KEPT if stored.get(name)}


def _send(kibana: Kibana, method: str, path: str, body: dict[str, Any], rule: Rule) -> None:
    status, said = kibana.ask(method, path, body)
    if status != _OK:
        raise StoreError(f"Kibana refuses alert {rule.id} ({status}): {shown(said)}")
