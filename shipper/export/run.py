"""An export from the store to a file or a stream."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from shipper.errors import SnapshotGone
from shipper.export.packing import packer_for
from shipper.export.parts import Parts
from shipper.read.scan import Selection, Snapshot, read_slices, slices_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elasticsearch import Elasticsearch

    from shipper.export.formats import Encoded, Format
    from shipper.export.packing import Pack
    from shipper.export.plan import Plan
    from shipper.read.hits import Hits

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What an export did."""

    documents: int
    """Written."""
    skipped: dict[str, int]
    """Not written, by the reason: a format can't hold every document."""
    bytes: int
    seconds: float
    """Of this process; a resumed export took longer."""
    resumed: bool


def export(
    client: Elasticsearch,
    plan: Plan,
    output: Path,
    *,
    asked: Mapping[str, Any] | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Write what is planned into a file, as the store is now; the file appears when it is whole.

    An export that was interrupted, however, goes on when it is called again within an hour, in the same snapshot.
    Compressed as the file's name says (`.gz`, `.zst`).

    Args:
        client: of `shipper.store.client`.
        plan: what, and in which format.
        output: the file; replaced if there is one.
        asked: what makes this export the same as an interrupted one, as JSON; None: what the plan asks the store.
        restart: drop what an interrupted export has left.
        progress: called in this thread with documents read and, of how many; after each page.

    Raises:
        UsageError: the plan's parts don't fit together, or see `Parts.open`.
        SnapshotGone: an interrupted export can't go on.
        ApiError, TransportError, StoreError: the store refused or did not answer; call again to go on.
        OSError: the file can't be written.
    """
    began = time.monotonic()
    plan.check()
    form, selection, pack = plan.format(), plan.selection(), packer_for(output.name)

    def begin() -> dict[str, Any]:
        snapshot = Snapshot.take(client, plan.indices())
        return {
            "snapshot": snapshot.id,
            "selection": asdict(selection),
            "slices": slices_for(selection),
            "total": snapshot.count(selection),
        }

    same = {**plan.described(), "asked": asdict(selection) if asked is None else dict(asked)}
    parts = Parts.open(output, same, begin, restart=restart)
    try:
        job = parts.job
        before = sum(position.taken for position in parts.counted.positions)
        snapshot = Snapshot(client, job["snapshot"])
        selection = Selection(**job["selection"])  # times that were relative are those of the beginning
        starts = dict(enumerate(parts.counted.positions))
        read = before
        encode = _encoder(form, pack)
        parts.begin_with(form.header if pack is None or not form.header else pack(form.header))
        for number, encoded, page in read_slices(snapshot, selection, encode, starts):
            parts.add(number, encoded, page.position)
            parts.remember(snapshot.id)
            read += len(page.hits)
            if progress is not None:
                progress(read, job["total"])
        size = parts.finish(output, form.assemble)
    except SnapshotGone as error:
        raise SnapshotGone(f"{error} (--restart)") from error
    finally:
        parts.close()
    snapshot.close()
    counted = parts.counted
    return Summary(counted.written, dict(counted.skipped), size, time.monotonic() - began, before > 0)


def export_to_stream(
    client: Elasticsearch, plan: Plan, out: BinaryIO, *, progress: Progress | None = None
) -> Summary:
    """Write what is planned into a stream as it comes, in no order; nothing is left to go on with.

    Raises:
        UsageError, ApiError, TransportError, StoreError, OSError: as `export`.
    """
    began = time.monotonic()
    plan.check()
    if plan.form == "parquet":  # is no stream: its index is at the end and tells about all before
        with tempfile.TemporaryDirectory(prefix="shipper-export-") as folder:
            whole = Path(folder) / "export.parquet"
            summary = export(client, plan, whole, progress=progress)
            with whole.open("rb") as file:
                while piece := file.read(1 << 20):
                    out.write(piece)
        return summary
    form, selection = plan.format(), plan.selection()
    snapshot = Snapshot.take(client, plan.indices())
    documents, size, read = 0, len(form.header), 0
    skipped = Counter[str]()
    try:
        total = snapshot.count(selection)
        out.write(form.header)
        for _, encoded, page in read_slices(snapshot, selection, form.encode, slices_for(selection)):
            out.write(encoded.data)
            documents, size, read = (
                documents + encoded.written,
                size + len(encoded.data),
                read + len(page.hits),
            )
            skipped.update(encoded.skipped)
            if progress is not None:
                progress(read, total)
        out.flush()
    finally:
        snapshot.close()
    return Summary(documents, dict(skipped), size, time.monotonic() - began, resumed=False)


def _encoder(form: Format, pack: Pack | None) -> Callable[[Hits], Encoded]:
    if pack is None:
        return form.encode

    def encode(hits: Hits) -> Encoded:
        encoded = form.encode(hits)
        return encoded._replace(data=pack(encoded.data)) if encoded.data else encoded

    return encode
