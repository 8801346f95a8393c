"""A chart read back from Kibana's files, as what it asks Elasticsearch and the rows that the answer means."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.kibana import kql
from tests.kibana.formulas import Cumulative, Leaf, Math, Tree, from_ast, leaves, parse

Json = dict[str, Any]


class ChartError(ValueError):
    """The chart contradicts itself."""


@dataclass
class Bucket:
    """A breakdown."""

    field: str
    is_time: bool = False
    size: int = 0
    order: Any = "count"
    """`count`, `value`, or the aggregate that orders the terms."""
    empty_rows: bool = False


@dataclass
class Chart:
    """A chart of one data view: breakdowns from the outermost, and named metrics in the order of display."""

    name: str
    kind: str
    view: str
    kql: str
    buckets: list[Bucket]
    metrics: list[tuple[str, Tree]]
    lines: list[float] = field(default_factory=list)
    time_range: Any = None
    is_date: set[str] = field(default_factory=set)

    def fields(self) -> dict[str, set[str]]:
        """The fields by what is done with them."""
        used: dict[str, set[str]] = {"filter": kql.fields(self.kql)}
        for bucket in self.buckets:
            used.setdefault("time" if bucket.is_time else "terms", set()).add(bucket.field)
        for _, tree in self.metrics:
            for leaf in leaves(tree):
                used["filter"] |= kql.fields(leaf.kql)
                if leaf.field:
                    used.setdefault(leaf.operation, set()).add(leaf.field)
        return used

    def body(self, start: datetime, end: datetime, interval: Json) -> Json:
        """The search of this chart for a span of time."""
        found: Json = {}
        for number, leaf in enumerate(self.leaves()):
            found.update(_aggregation(f"l{number}", leaf))
        for bucket in reversed(self.buckets):
            if bucket.is_time:
                histogram: Json = {
                    "field": bucket.field,
                    **interval,
                    "min_doc_count": 0 if bucket.empty_rows else 1,
                }
                if bucket.empty_rows:
                    last = end - timedelta(milliseconds=1)
                    histogram["extended_bounds"] = {"min": start.isoformat(), "max": last.isoformat()}
                found = {"by": {"date_histogram": histogram, **({"aggs": found} if found else {})}}
                continue
            order: Any = (
                [{"_key": "asc"}] if bucket.order == "value" else [{"_count": "desc"}, {"_key": "asc"}]
            )
            if isinstance(bucket.order, Leaf) and (bucket.order.operation, bucket.order.kql) != ("count", ""):
                found = {**found, **_aggregation("order", bucket.order)}
                path = "order" + (">v" if bucket.order.kql and bucket.order.operation != "count" else "")
                order = [{path: "desc"}, {"_key": "asc"}]
            terms = {"field": bucket.field, "size": bucket.size, "shard_size": 1000, "order": order}
            found = {"by": {"terms": terms, **({"aggs": found} if found else {})}}
        span = {"range": {"@timestamp": {"gte": start.isoformat(), "lt": end.isoformat()}}}
        query = {"bool": {"filter": [span, kql.to_query(self.kql)]}}
        return {"size": 0, "track_total_hits": True, "query": query, **({"aggs": found} if found else {})}

    def rows(self, answer: Json) -> list[tuple[tuple[Any, ...], list[float | None]]]:
        """Keys (times as epoch ms) and values of each bucket, in the order of the answer."""
        top = {**answer.get("aggregations", {}), "doc_count": answer["hits"]["total"]["value"]}
        found = []
        running: dict[str, float] = {}
        outer: Any = None
        for keys, bucket in _walk(top, len(self.buckets)):
            if keys[:-1] != outer:
                outer, running = keys[:-1], {}
            found.append((keys, [self._value(name, tree, bucket, running) for name, tree in self.metrics]))
        return found

    def leaves(self) -> list[Leaf]:
        """Every aggregate that is shown."""
        return [leaf for _, tree in self.metrics for leaf in leaves(tree)]

    def of(self, shift: str) -> Chart:
        """The same chart with the metrics of one shift only, which are then asked of another span."""
        kept = [
            (name, tree) for name, tree in self.metrics if {leaf.shift for leaf in leaves(tree)} == {shift}
        ]
        return Chart(
            self.name, self.kind, self.view, self.kql, self.buckets, kept, self.lines, self.time_range
        )

    def _value(self, name: str, tree: Tree, bucket: Json, running: dict[str, float]) -> float | None:
        if isinstance(tree, int | float):
            return tree
        if isinstance(tree, Leaf):
            return _read(f"l{self.leaves().index(tree)}", tree, bucket)
        if isinstance(tree, Cumulative):
            running[name] = running.get(name, 0.0) + (self._value(name, tree.of, bucket, running) or 0.0)
            return running[name]
        left = self._value(name, tree.left, bucket, running)
        right = self._value(name, tree.right, bucket, running)
        if left is None or right is None or (tree.sign == "/" and right == 0):
            return None
        return {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1)}[tree.sign]


def _aggregation(name: str, leaf: Leaf) -> Json:
    kinds = {"average": "avg", "unique_count": "cardinality"}
    inner: Json = {}
    if leaf.operation == "percentile":
        inner = {"percentiles": {"field": leaf.field, "percents": [leaf.percentile], "keyed": False}}
    elif leaf.operation != "count":
        inner = {kinds.get(leaf.operation, leaf.operation): {"field": leaf.field}}
    if not leaf.kql:
        return {name: inner} if inner else {}
    filtered = {"filter": kql.to_query(leaf.kql)}
    return {name: {**filtered, "aggs": {"v": inner}} if inner else filtered}


def _read(name: str, leaf: Leaf, bucket: Json) -> float | None:
    if leaf.operation == "count":
        return bucket[name]["doc_count"] if leaf.kql else bucket["doc_count"]
    found = bucket[name]["v"] if leaf.kql else bucket[name]
    value = found["values"][0]["value"] if leaf.operation == "percentile" else found["value"]
    return None if leaf.empty_as_null and value == 0 else value


def _walk(bucket: Json, depth: int, keys: tuple[Any, ...] = ()) -> Any:
    if not depth:
        yield keys, bucket
        return
    for one in bucket.get("by", {}).get("buckets", []):
        key = one["key"] if isinstance(one["key"], str) else one.get("key_as_string", one["key"])
        if isinstance(key, str) and key[-1:] == "Z" and isinstance(one["key"], int):
            key = one["key"]
        yield from _walk(one, depth - 1, (*keys, key))


def from_lens(name: str, attributes: Json, time_range: Any = None) -> Chart:
    """A Lens chart by value."""
    state = attributes["state"]
    shown = state["visualization"]
    layers = state["datasourceStates"]["formBased"]["layers"]
    views = {one["name"]: one["id"] for one in attributes["references"]}
    kind = attributes["visualizationType"]
    lines: list[float] = []
    if kind == "lnsXY":
        [data] = [one for one in shown["layers"] if one["layerType"] == "data"]
        for one in shown["layers"]:
            if one["layerType"] == "referenceLine":
                made = layers[one["layerId"]]["columns"]
                lines = [float(made[accessor]["params"]["value"]) for accessor in one["accessors"]]
        split = [data["splitAccessor"]] if "splitAccessor" in data else []
        buckets, metrics, layer_id = [*split, data["xAccessor"]], data["accessors"], data["layerId"]
        kind = data["seriesType"]
    else:
        layer_id = shown["layerId"]
        columns = layers[layer_id]["columns"]
        if kind == "lnsMetric":
            metrics = [shown["metricAccessor"]]
            metrics += [shown["secondaryMetricAccessor"]] if "secondaryMetricAccessor" in shown else []
            buckets = []
        else:
            ids = [one["columnId"] for one in shown["columns"]]
            buckets = [one for one in ids if columns[one]["isBucketed"]]
            metrics = [one for one in ids if not columns[one]["isBucketed"]]
    layer = layers[layer_id]
    columns = layer["columns"]
    nested = [one for one in layer["columnOrder"] if columns[one]["isBucketed"]]
    if nested != buckets:
        raise ChartError(f"{name}: shown are {buckets}, asked for are {nested}")
    return Chart(
        name,
        kind,
        views[f"indexpattern-datasource-layer-{layer_id}"],
        state["query"]["query"],
        [_lens_bucket(columns[one], columns) for one in buckets],
        [(columns[one]["label"], _lens_tree(one, columns)) for one in metrics],
        lines,
        time_range,
        {columns[one]["label"] for one in metrics if columns[one]["dataType"] == "date"},
    )


def _lens_bucket(column: Json, columns: Json) -> Bucket:
    if column["operationType"] == "date_histogram":
        return Bucket(column["sourceField"], is_time=True, empty_rows=column["params"]["includeEmptyRows"])
    params = column["params"]
    by, direction = params["orderBy"], params["orderDirection"]
    if params["otherBucket"] or params["missingBucket"]:
        raise ChartError("buckets of other and of missing values are not read")
    order: Any = {"alphabetical": "value"}.get(by["type"])
    if by["type"] == "column":
        order = _lens_leaf(columns[by["columnId"]])
    elif by["type"] == "custom":
        order = _lens_leaf(params["orderAgg"])
    if order is None or direction != ("asc" if order == "value" else "desc"):
        raise ChartError(f"the order {by} {direction} is not read")
    return Bucket(column["sourceField"], size=params["size"], order=order)


def _lens_tree(name: str, columns: Json) -> Tree:
    column = columns[name]
    if column["operationType"] == "cumulative_sum":
        [of] = column["references"]
        return Cumulative(_lens_leaf(columns[of]))
    if column["operationType"] != "formula":
        return _lens_leaf(column)
    [last] = column["references"]
    parts = {one: _lens_leaf(columns[one]) for one in columns[last]["references"]}
    tree, said = from_ast(columns[last]["params"]["tinymathAst"], parts), parse(column["params"]["formula"])
    if tree != said:
        raise ChartError(f"{name}: the columns say {tree}, the formula {said}")
    return tree


def _lens_leaf(column: Json) -> Leaf:
    operation = column["operationType"]
    source = "" if column["sourceField"] == "___records___" else column["sourceField"]
    if (operation == "count") != (source == ""):
        raise ChartError(f"{operation} of {column['sourceField']}")
    params = column.get("params", {})
    return Leaf(
        operation,
        source,
        float(params.get("percentile", 0)),
        column.get("filter", {}).get("query", ""),
        column.get("timeShift", ""),
        params.get("emptyAsNull", False),
    )


def from_api(name: str, config: Json) -> Chart:
    """A chart of the dashboards API."""
    kind, lines = config["type"], []
    if kind == "xy":
        layer, *rest = config["layers"]
        lines = [one["value"] for other in rest for one in other["thresholds"]]
        kind = layer["type"]
        metrics = layer["y"]
        raw = [*([layer["breakdown_by"]] if "breakdown_by" in layer else []), layer["x"]]
        source = layer["data_source"]
    else:
        metrics, raw, source = config["metrics"], config.get("rows", []), config["data_source"]
    trees = [_api_tree(one) for one in metrics]
    return Chart(
        name,
        kind,
        source["ref_id"],
        config.get("query", {}).get("expression", ""),
        [_api_bucket(one, trees) for one in raw],
        [(one["label"], tree) for one, tree in zip(metrics, trees, strict=True)],
        lines,
        config.get("time_range"),
    )


def _api_bucket(raw: Json, trees: list[Tree]) -> Bucket:
    if raw["operation"] == "date_histogram":
        return Bucket(raw["field"], is_time=True, empty_rows=raw["include_empty_rows"])
    [name] = raw["fields"]
    rank = raw["rank_by"]
    order: Any = {"alphabetical": "value", "custom": "count"}.get(rank["type"])
    if rank["type"] == "metric":
        order = trees[rank["metric_index"]]
    if order is None or rank["direction"] != ("asc" if order == "value" else "desc"):
        raise ChartError(f"the order {rank} is not read")
    if isinstance(order, Math | Cumulative):
        raise ChartError("terms can't be in the order of a formula")
    return Bucket(name, size=raw["limit"], order=order)


def _api_tree(raw: Json) -> Tree:
    if raw["operation"] == "formula":
        return parse(raw["formula"])
    return Leaf(
        raw["operation"],
        raw.get("field", ""),
        float(raw.get("percentile", 0)),
        raw.get("filter", {}).get("expression", ""),
        raw.get("time_shift", ""),
        raw.get("empty_as_null", False),
    )
