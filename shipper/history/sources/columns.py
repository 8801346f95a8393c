"""Parquet: a row for each row, some hundred at a time in memory."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row
from shipper.record.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH = 500


def parquet_rows(stream: BinaryIO, source: str, start: Place = START) -> Iterator[Row]:
    """A row for each row of a Parquet file; `start` and `end` are numbers of rows.

    Raises:
        UsageError: pyarrow is missing, or the file is damaged.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError(f"{source}: Parquet needs the extra: pip install 'llm-shipper[analysis]'.") from None
    with tempfile.TemporaryFile() as copy:  # Parquet is read from its end
        shutil.copyfileobj(stream, copy)
        try:
            file: Any = pq.ParquetFile(copy)
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH):
                if number + batch.num_rows <= start.line:
                    number += batch.num_rows
                    continue
                for values in batch.to_pylist():
                    number += 1
                    if number > start.line:
                        yield _row(source, number, values)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"{source} can't be read as Parquet: {error}.") from None


def _row(source: str, number: int, values: dict[str, Any]) -> Row:
    text, changed = to_json({name: value for name, value in values.items() if value is not None})
    return Row(source, number, number, text, orjson.loads(text), changed=changed)
