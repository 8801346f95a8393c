"""From measures to the aggregations of a request, and from a bucket of the answer to their values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shipper.panels.filters import query
from shipper.panels.measures import Aggregate, Constant, Operation, RunningSum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shipper.panels.filters import Filter
    from shipper.panels.measures import Measure

_PRECISION: Final = 3000
"""Different values up to which they are counted (nearly) exactly; it is Elasticsearch's own default, and Kibana's."""


class _Place(NamedTuple):
    """What one aggregation answers; percentiles of a field together."""

    function: str
    where: Filter | None
    field: str


@dataclass(slots=True)
class Slots:
    """The aggregations that a panel's measures need; each is asked for once, all percentiles of a field together."""

    _places: list[_Place] = field(default_factory=list["_Place"])
    _percents: dict[int, list[float]] = field(default_factory=dict[int, list[float]])

    @classmethod
    def of(cls, aggregates: Iterable[Aggregate]) -> Slots:
        """The slots of these aggregates, in their order."""
        slots = cls()
        for one in aggregates:
            place = _place(one)
            if place not in slots._places:
                slots._places.append(place)
            if one.function == "percentile":
                percents = slots._percents.setdefault(slots._places.index(place), [])
                if one.percentile not in percents:
                    percents.append(one.percentile)
        return slots

    def requests(self) -> dict[str, Any]:
        """The aggregations by name; none for the number of all documents, which each bucket tells anyway."""
        found: dict[str, Any] = {}
        for number, (_, where, _) in enumerate(self._places):
            made = self._at(number)
            if where is not None and (known := found.get(self._filter(where))):
                made = {
                    self._filter(where): {**known, "aggs": known["aggs"] | made[self._filter(where)]["aggs"]}
                }
            found.update(made)
        return found

    def request(self, one: Aggregate) -> dict[str, Any]:
        """The aggregation of one of them, by its name."""
        return self._at(self._places.index(_place(one)))

    def path(self, one: Aggregate) -> str:
        """How an order of terms names the aggregate."""
        function, where, _ = place = _place(one)
        outer = "" if where is None else self._filter(where)
        if function == "count":
            return f"{outer}>_count" if outer else "_count"
        name = f"{outer}>{self._name(place)}" if outer else self._name(place)
        return {"percentile": f"{name}[{one.percentile:g}]", "sum": f"{name}.sum"}.get(function, name)

    def read(self, one: Aggregate, bucket: Mapping[str, Any]) -> float | None:
        """The aggregate's value in a bucket of the answer."""
        function, where, _ = place = _place(one)
        within = bucket if where is None else bucket[self._filter(where)]
        if function == "count":
            return within["doc_count"]
        found = within[self._name(place)]
        if function == "sum":
            return found["sum"] if found["count"] else None
        if function == "percentile":
            return next(item["value"] for item in found["values"] if item["key"] == one.percentile)
        return found["value"]

    def _at(self, number: int) -> dict[str, Any]:
        function, where, name = place = self._places[number]
        inner = {} if function == "count" else {self._name(place): self._request(number, function, name)}
        return inner if where is None else {self._filter(where): {"filter": query(where), "aggs": inner}}

    def _name(self, place: _Place) -> str:
        return f"a{self._places.index(place)}"

    def _filter(self, where: Filter) -> str:
        """What lets the same documents through is asked once, whatever is measured of them."""
        return f"f{next(number for number, place in enumerate(self._places) if place[1] == where)}"

    def _request(self, number: int, function: str, name: str) -> dict[str, Any]:
        match function:
            case "percentile":
                return {"percentiles": {"field": name, "percents": self._percents[number], "keyed": False}}
            case "unique":
                return {"cardinality": {"field": name, "precision_threshold": _PRECISION}}
            case "sum":  # with the number of values: a sum of none is unknown, not zero
                return {"stats": {"field": name}}
            case "average":
                return {"avg": {"field": name}}
            case _:
                return {function: {"field": name}}


def value_of(
    measure: Measure, bucket: Mapping[str, Any], slots: Slots, running: dict[str, float], name: str
) -> float | None:
    """A measure's value in a bucket, or None where it has none.

    Args:
        measure: what is measured.
        bucket: of the answer.
        slots: of the request.
        running: sums so far by the metric's name; changed.
        name: the metric's.
    """
    match measure:
        case Aggregate():
            return slots.read(measure, bucket)
        case Constant(number):
            return number
        case RunningSum(of):
            running[name] = running.get(name, 0.0) + (slots.read(of, bucket) or 0.0)
            return running[name]
        case Operation(sign, left, right):
            first = value_of(left, bucket, slots, running, name)
            second = value_of(right, bucket, slots, running, name)
            return None if first is None or second is None else _computed(sign, first, second)


def _computed(sign: str, left: float, right: float) -> float | None:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right if right else None


def _place(one: Aggregate) -> _Place:
    return _Place(one.function, one.where, one.field)
