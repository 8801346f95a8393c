"""Measures as Lens formulas: text, and the columns that a saved formula refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from shipper.panels.filters import kql
from shipper.panels.measures import Aggregate, Constant, Operation, RunningSum

if TYPE_CHECKING:
    from shipper.panels.measures import Measure

RECORDS: Final = "___records___"
"""What Lens calls the field of a count of documents."""

OPERATIONS: Final = {
    "count": "count",
    "sum": "sum",
    "average": "average",
    "min": "min",
    "max": "max",
    "percentile": "percentile",
    "unique": "unique_count",
}
_MATH: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def text(measure: Measure, shift: str = "") -> str:
    """The formula.

    Args:
        measure: what is measured.
        shift: `previous` for the period before; empty: this one.
    """
    match measure:
        case Aggregate():
            return _call(measure, shift)
        case Constant(number):
            return f"{number:g}"
        case RunningSum(of):
            return f"cumulative_sum({_call(of, shift)})"
        case Operation(sign, left, right):
            return f"{_grouped(left, shift)} {sign} {_grouped(right, shift)}"


@dataclass(slots=True)
class Columns:
    """The columns behind a formula: each aggregate's, and last the arithmetic's."""

    name: str
    """Of the formula's own column; the others add to it."""
    formula: str
    shift: str
    made: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def build(self, measure: Measure) -> str:
        """Make the columns; the name of the last one, which the formula refers to."""
        tree = self._tree(measure)
        references = list(self.made)
        name = self._next()
        self.made[name] = {
            "label": f"Part of {self.formula}",
            "dataType": "number",
            "operationType": "math",
            "isBucketed": False,
            "scale": "ratio",
            "params": {"tinymathAst": tree},
            "references": references,
            "customLabel": True,
        }
        return name

    def _tree(self, measure: Measure) -> Any:
        match measure:
            case Constant(number):
                return int(number) if number == int(number) else number
            case Operation(sign, left, right):
                args = [self._tree(left), self._tree(right)]
                said = text(measure, self.shift)
                where = {"min": 0, "max": len(said)}
                return {
                    "type": "function",
                    "name": _MATH[sign],
                    "args": args,
                    "location": where,
                    "text": said,
                }
            case Aggregate():
                column: dict[str, Any] = {
                    **aggregate(measure, self.shift),
                    "label": f"Part of {self.formula}",
                    "customLabel": True,
                }
                if "emptyAsNull" in column["params"]:
                    column["params"] = {"emptyAsNull": False}  # as Kibana makes it from the formula's text
                for name, made in self.made.items():
                    if made == column:
                        return name
                name = self._next()
                self.made[name] = column
                return name
            case RunningSum():
                raise TypeError("a running sum is a column of its own")

    def _next(self) -> str:
        return f"{self.name}X{len(self.made)}"


def aggregate(one: Aggregate, shift: str = "") -> dict[str, Any]:
    """An aggregate as a column of a Lens layer, but for its label."""
    column: dict[str, Any] = {
        "dataType": "number",
        "operationType": OPERATIONS[one.function],
        "isBucketed": False,
        "scale": "ratio",
        "sourceField": one.field or RECORDS,
        "params": {},
    }
    if one.function in ("count", "sum", "unique"):
        column["params"]["emptyAsNull"] = one.function == "sum"
    if one.function == "percentile":
        column["params"]["percentile"] = _whole(one.percentile)
    if one.where is not None:
        column["filter"] = {"query": kql(one.where), "language": "kuery"}
    if shift:
        column["timeShift"] = shift
    return column


def _call(one: Aggregate, shift: str) -> str:
    arguments = [one.field] if one.field else []
    if one.function == "percentile":
        arguments.append(f"percentile={one.percentile:g}")
    if one.where is not None:
        quoted = kql(one.where).replace("\\", "\\\\").replace("'", "\\'")
        arguments.append(f"kql='{quoted}'")
    if shift:
        arguments.append(f"shift='{shift}'")
    return f"{OPERATIONS[one.function]}({', '.join(arguments)})"


def _grouped(measure: Measure, shift: str) -> str:
    return f"({text(measure, shift)})" if isinstance(measure, Operation) else text(measure, shift)


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) else number
