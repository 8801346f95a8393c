"""What a rule is, and how a file of rules is read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from shipper.errors import SettingsError, UsageError
from shipper.panels.catalogue import DASHBOARDS
from shipper.read.when import parse_when
from shipper.store.assets import asset

if TYPE_CHECKING:
    from pathlib import Path

MeasureName = Literal[
    "error_share",
    "latency_p95_ms",
    "cost_usd",
    "cost_ratio",
    "silent_minutes",
    "dead_letters",
    "orphan_share",
    "positive_fall",
    "unaccounted",
]
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_CHECKS = 10
_REPORTS = tuple(one.id.removeprefix("llm-") for one in DASHBOARDS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to be told of."""

    id: str
    title: str
    measure: MeasureName
    threshold: float
    window: timedelta
    every: timedelta
    checks: int
    min_count: int
    min_age: timedelta
    report: str
    application: str | None = None
    """Of this application only; None: of each by itself."""


def shipped() -> list[Rule]:
    """The rules that come with the package.

    Raises:
        SettingsError: never, or the package is broken.
    """
    return parse_rules((asset("kibana") / "alerts.toml").read_text("utf-8"), "alerts.toml")


def rules_of(path: Path) -> list[Rule]:
    """The rules of a file.

    Raises:
        SettingsError: it can't be read, or something in it can't be meant; names the rule.
    """
    try:
        return parse_rules(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}.") from None


def parse_rules(text: str, name: str) -> list[Rule]:
    """The rules in a text. Pure.

    Raises:
        SettingsError: as `rules_of`.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name} is not TOML: {error}.") from None
    rows = found.get("rule")
    if set(found) != {"rule"} or not isinstance(rows, list) or not rows:
        raise SettingsError(f"{name} has to hold [[rule]] tables and nothing else.")
    rules = [_rule(row, f"{name}, rule {number}") for number, row in enumerate(rows, 1)]
    ids = [rule.id for rule in rules]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise SettingsError(f"{name} has two rules with the id {twice}.")
    return rules


def _rule(row: Any, where: str) -> Rule:
    if not isinstance(row, dict):
        raise SettingsError(f"{where} is not a table.")
    wanted = set(Rule.__dataclass_fields__)
    missing, unknown = wanted - {"application"} - set(row), set(row) - wanted
    if missing or unknown:
        said = ", ".join(
            [
                *(f"{one} is missing" for one in sorted(missing)),
                *(f"{one} is unknown" for one in sorted(unknown)),
            ]
        )
        raise SettingsError(f"{where} ({row.get('id', 'without an id')}): {said}.")
    where = f"{where} ({row['id']})"
    for one in ("id", "title", "report"):
        _check(isinstance(row[one], str) and bool(row[one].strip()), where, one, row[one], "a text")
    _check(
        row["measure"] in get_args(MeasureName),
        where,
        "measure",
        row["measure"],
        f"one of {', '.join(get_args(MeasureName))}",
    )
    _check(
        _is_number(row["threshold"]) and row["threshold"] > 0,
        where,
        "threshold",
        row["threshold"],
        "a number above zero",
    )
    for one, most in (("checks", _MOST_CHECKS), ("min_count", 10**9)):
        value = row[one]
        _check(type(value) is int and 1 <= value <= most, where, one, value, f"a whole number of 1 to {most}")
    _check(row["report"] in _REPORTS, where, "report", row["report"], f"one of {', '.join(_REPORTS)}")
    spans = {one: _span(row[one], where, one) for one in ("window", "every", "min_age")}
    application = row.get("application")
    _check(application is None or isinstance(application, str), where, "application", application, "a text")
    return Rule(
        id=row["id"],
        title=row["title"],
        measure=row["measure"],
        threshold=float(row["threshold"]),
        checks=row["checks"],
        min_count=row["min_count"],
        report=row["report"],
        application=application,
        **spans,
    )


def _span(value: Any, where: str, name: str) -> timedelta:
    try:
        found = _ANY_TIME - parse_when(str(value), _ANY_TIME)
    except UsageError:
        found = timedelta(days=-1)
    least = timedelta(0) if name == "min_age" else timedelta(seconds=1)
    _check(
        isinstance(value, str) and least <= found <= timedelta(days=366),
        where,
        name,
        value,
        "a span such as 15m, 24h or 7d",
    )
    return found


def _check(is_right: bool, where: str, name: str, value: Any, wanted: str) -> None:
    if not is_right:
        raise SettingsError(f"{where}: {name} is {value!r}; it has to be {wanted}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
