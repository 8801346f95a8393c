"""Completions as tables for pandas, Arrow, polars and DuckDB. Needs the extra `analysis`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from shipper.errors import UsageError
from shipper.read.columns import Column, Table, chosen
from shipper.read.hits import Hits, documents_of
from shipper.read.query import INDICES, Query, query_of
from shipper.read.scan import Selection, Snapshot, read_slices, slices_for
from shipper.read.when import parse_when
from shipper.settings import Settings
from shipper.store.client import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Unpack

    import pandas as pd
    import pyarrow as pa

DATASET = "llm.completion"


class Filters(TypedDict, total=False):
    """What restricts the completions; as the options of `shipper search`."""

    app: str | None
    version: str | None
    model: str | None
    user: str | None
    session: str | None
    outcome: str | None
    tags: Sequence[str]
    since: datetime | str | None
    """A time, or one as the command line takes it: `7d`, `2026-11-01`."""
    until: datetime | str | None
    limit: int | None
    """Only so many, the newest."""


def completions(
    words: str = "",
    *,
    fields: Sequence[str] = (),
    settings: Settings | None = None,
    **filters: Unpack[Filters],
) -> pd.DataFrame:
    """Completions as a DataFrame: a row for each call, a column for each field, in no order.

    Times are UTC to the microsecond, whole numbers and truth values are nullable, names that repeat are categories,
    what has several values is a list, and what is an object is its JSON as text.

    Args:
        words: as for `shipper search`; empty takes all calls.
        fields: names of fields, `*` for any part (`gen_ai.usage.*`); none are all but payloads and messages.
        settings: the store's; None loads them as everywhere.
        filters: see `Filters`.

    Raises:
        UsageError: pandas is not installed, no field is called so, a time can't be read, or too many words.
        StoreError: the store refused or did not answer.
    """
    pandas, arrow = _needed("pandas"), _needed("pyarrow")
    table = completions_arrow(words, fields=fields, settings=settings, **filters)
    nullable = {
        arrow.int64(): pandas.Int64Dtype(),
        arrow.int16(): pandas.Int16Dtype(),
        arrow.bool_(): pandas.BooleanDtype(),
    }
    return table.unify_dictionaries().to_pandas(types_mapper=nullable.get)


def completions_arrow(
    words: str = "",
    *,
    fields: Sequence[str] = (),
    settings: Settings | None = None,
    **filters: Unpack[Filters],
) -> pa.Table:
    """The same as an Arrow table, which polars (`from_arrow`) and DuckDB (by its name in SQL) take as it is.

    Raises:
        UsageError, StoreError: as `completions`.
    """
    schema = schema_of(chosen(DATASET, fields))
    batches = completions_batches(words, fields=fields, settings=settings, **filters)
    return _needed("pyarrow").Table.from_batches(batches, schema)


def completions_batches(
    words: str = "",
    *,
    fields: Sequence[str] = (),
    settings: Settings | None = None,
    **filters: Unpack[Filters],
) -> Iterator[pa.RecordBatch]:
    """The same, a piece at a time: at most 10,000 rows or some megabytes, however many there are in all.

    Raises:
        UsageError, StoreError: as `completions`.
    """
    _needed("pyarrow")
    columns = chosen(DATASET, fields)
    selection = _selection(words, columns, filters)
    batch = batcher(columns)
    with open_store(settings or Settings.load()) as client:
        snapshot = Snapshot.take(client, INDICES)
        try:
            for _, made, _ in read_slices(snapshot, selection, batch, slices_for(selection)):
                yield made
        finally:
            snapshot.close()


def schema_of(columns: Sequence[Column], *, categories: bool = True) -> pa.Schema:
    """The Arrow schema of columns.

    Args:
        columns: in their order.
        categories: names that repeat are dictionaries; else plain strings, which every reader of files knows.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow = _needed("pyarrow")
    types: dict[str, Any] = {
        "text": arrow.string(),
        "name": arrow.dictionary(arrow.int32(), arrow.string()) if categories else arrow.string(),
        "names": arrow.list_(arrow.string()),
        "integer": arrow.int64(),
        "integers": arrow.list_(arrow.int64()),
        "small": arrow.int16(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
        "time": arrow.timestamp("us", "UTC"),
        "json": arrow.string(),
    }
    return arrow.schema([arrow.field(column.name, types[column.kind]) for column in columns])


def batcher(columns: Sequence[Column], *, categories: bool = True) -> Callable[[Hits], pa.RecordBatch]:
    """A function that makes a batch of hits.

    Raises:
        UsageError: pyarrow is not installed.
    """
    schema = schema_of(columns, categories=categories)
    table = Table(columns)

    def batch(hits: Hits) -> pa.RecordBatch:
        return batch_of(table.of(documents_of(hits), len(hits)), schema)

    return batch


def batch_of(values: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """The values of columns as one batch."""
    arrow = _needed("pyarrow")
    arrays = [
        arrow.array(column, field.type.value_type).dictionary_encode()
        if arrow.types.is_dictionary(field.type)
        else arrow.array(column, field.type)
        for column, field in zip(values, schema, strict=True)
    ]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


def _selection(words: str, columns: Sequence[Column], filters: Filters) -> Selection:
    now = datetime.now(UTC)
    names: Mapping[str, Any] = filters
    unknown = set(names) - Filters.__annotations__.keys()
    if unknown:
        raise UsageError(
            f"{', '.join(sorted(unknown))}: no such filter. There are {', '.join(Filters.__annotations__)}."
        )
    tags = names.get("tags") or ()
    exact: dict[str, Any] = {
        name: value
        for name, value in names.items()
        if name in ("app", "version", "model", "user", "session", "outcome")
    }
    query = Query(
        text=words,
        tags=(tags,) if isinstance(tags, str) else tuple(tags),
        since=_moment(names.get("since"), now, end=False),
        until=_moment(names.get("until"), now, end=True),
        **exact,
    )
    return Selection(
        query_of(query), includes=tuple(column.name for column in columns), limit=names.get("limit")
    )


def _moment(value: datetime | str | None, now: datetime, *, end: bool) -> datetime | None:
    return parse_when(value, now, end=end) if isinstance(value, str) else value


def _needed(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"{name} is not installed. Tables need it: pip install 'llm-shipper[analysis]'."
        ) from error
